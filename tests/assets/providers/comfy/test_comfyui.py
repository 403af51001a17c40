"""The provider that asks a ComfyUI server: what it shows, what it takes up, what it stops, and what it makes of failures."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from assets.providers.opening import open_provider
from assets.providers.request import Guides
from pipeline.errors import ProviderError, ProviderNonsense, ProviderRefused, ProviderUnsure
from tests.assets.providers.comfy.comfyasking import SHIPPED, SIZE, answer, asked, opened, sent, workflow
from tests.assets.providers.comfy.comfyserver import running


@pytest.fixture
def service(tmp_path):
    with running(tmp_path / "comfy", SHIPPED) as service:
        yield service


@pytest.fixture
def serve(tmp_path):
    """Start a server with a workflow of one's own: serve(workflow, old=...)."""
    left = []

    def start(graph, **kind):
        left.append(running(tmp_path / f"comfy{len(left)}", graph, **kind))
        return left[-1].__enter__()

    yield start
    for context in left:
        context.__exit__(None, None, None)


# ---------------------------------------------------------------- what is shown and painted


def test_the_picture_follows_each_guide_the_words_and_the_seed(service):
    provider = opened(service)
    request = asked(provider)
    first = answer(provider, request).takes
    guides = request.guides.given()
    others = {
        "depth": replace(request, guides=Guides(**{**guides, "depth": guides["depth"] * -1})),
        "pose": replace(request, guides=Guides(**{**guides, "pose": guides["pose"] * 0.5})),
        "prompt": replace(request, prompt="a walker in a blue tunic"),
        "negative": replace(request, negative="fog"),
        "seed": replace(request, seed=2),
    }

    for name, other in others.items():
        assert not np.array_equal(answer(provider, other).takes, first), name
    assert np.array_equal(answer(provider, request).takes, first)


def test_alpha_is_the_coverage_and_colours_are_linear(service):
    provider = opened(service)
    request = asked(provider)

    takes = answer(provider, request).takes

    coverage = request.guides.coverage[0]
    assert np.array_equal(takes[0, 0, ..., 3], coverage)
    assert not takes[0, 0, coverage == 0].any()
    assert takes[..., :3].max() > 0.1


def test_words_of_any_script_reach_the_graph(service):
    provider = opened(service)

    answer(provider, asked(provider, prompt='兵馬俑, ein Söldner «im» Nebel\n🛡️ "quoted" \\ back'))

    (job,) = service.history.values()
    assert job["prompt"][2]["2"]["inputs"]["text"] == '兵馬俑, ein Söldner «im» Nebel\n🛡️ "quoted" \\ back'


def test_takes_are_the_pictures_of_their_own_seeds(service):
    provider = opened(service)

    takes = answer(provider, asked(provider, seed=5, count=3)).takes

    assert service.done == ["5", "6", "7"]
    assert np.array_equal(takes[2], answer(provider, asked(provider, seed=7)).takes[0])


def test_a_workflow_with_a_slot_for_takes_makes_them_in_one_job(serve):
    service = serve(workflow(n10="width, height, takes"))
    provider = opened(service)

    result = answer(provider, asked(provider, seed=5, count=3))

    assert service.done == ["5"]
    assert result.takes.shape[:2] == (3, 1)
    assert len({take.tobytes() for take in result.takes}) == 3
    assert result.metadata["seeds"] == "one for all takes"


def test_frames_of_a_video_follow_their_own_guides(serve):
    service = serve(workflow(n10="width, height, frames"))
    provider = opened(service)
    one, three = asked(provider), asked(provider, frames=3)
    moved = Guides(**{name: guide.copy() for name, guide in three.guides.given().items()})
    moved.depth[1] *= -1
    moved.pose[1] *= 0.25

    still = answer(provider, three).takes[0]
    takes = answer(provider, replace(three, guides=moved)).takes[0]

    assert provider.capabilities.video
    assert takes.shape[0] == 3
    assert np.array_equal(takes[0], still[0])
    assert np.array_equal(takes[2], still[2])
    assert not np.array_equal(takes[1], still[1])
    assert np.array_equal(takes[0], answer(provider, one).takes[0, 0])


def test_another_number_of_pictures_than_asked_is_nonsense(serve):
    service = serve(workflow(n11="seed, takes"))
    provider = opened(service, slots={"count": "11.steps"})

    with pytest.raises(ProviderNonsense, match="1 pictures came, 3 were asked"):
        answer(provider, asked(provider, count=3))


def test_small_pictures_are_painted_at_the_models_size_and_averaged_down(service):
    provider = opened(service, native_px=256, multiple_px=16)

    takes = answer(provider, asked(provider)).takes

    (job,) = service.history.values()
    latent = job["prompt"][2]["10"]["inputs"]
    assert latent["width"] % 16 == latent["height"] % 16 == 0
    assert latent["width"] * latent["height"] == pytest.approx(256**2, rel=0.15)
    uploaded = [Image.open(file).size for file in (service.folder / "input/battleplate").iterdir()]
    assert set(uploaded) == {(latent["width"], latent["height"])}
    assert takes.shape == (1, 1, SIZE[1], SIZE[0], 4)


def test_a_workflow_that_paints_another_size_is_nonsense(serve):
    graph = workflow(n10="latent")
    graph["10"]["inputs"] |= {"width": 64, "height": 64}
    provider = opened(serve(graph))

    with pytest.raises(ProviderNonsense, match="answered 64 x 64 px, asked were 32 x 48"):
        answer(provider, asked(provider))


def test_what_the_server_says_of_itself_is_kept_and_is_not_the_model(service):
    provider = opened(service)

    result = answer(provider, asked(provider))

    assert result.metadata["comfyui"] == "0.3.75"
    assert result.metadata["workflow"] == "workflow.json"
    assert result.metadata["jobs"] in service.history
    assert result.model_digest == provider.model_digest == opened(service, url="http://127.0.0.1:1").model_digest
    assert result.model_digest != opened(service, native_px=512).model_digest


def test_equal_pictures_are_uploaded_once_under_one_name(service):
    provider = opened(service)

    provider.generate([asked(provider), asked(provider, seed=2)])
    files = sorted((service.folder / "input/battleplate").iterdir())
    answer(provider, asked(provider, seed=3))

    assert len(files) == 2  # depth and pose
    assert sorted((service.folder / "input/battleplate").iterdir()) == files
    assert sent(service, "/upload/image") == 4  # twice two: once in each call


# ---------------------------------------------------------------- what is not asked


def test_capabilities_follow_from_the_slots(serve):
    able = opened(serve(workflow(n8="reference", n3="words", n2="other words"))).capabilities

    assert able.guides == {"coverage", "depth"}
    assert able.needed == {"depth"}
    assert able.reads_references
    assert not able.reads_prompt
    assert not able.video


def test_a_mask_that_is_not_given_paints_all(serve):
    service = serve(workflow(n8="mask"))
    provider = opened(service)

    takes = answer(provider, asked(provider)).takes

    shown = [np.asarray(Image.open(file)) for file in (service.folder / "input/battleplate").iterdir()]
    assert any((picture == 255).all() for picture in shown)
    assert takes.any()


def test_references_are_shown_and_counted(serve):
    service = serve(workflow(n8="reference"))
    provider = opened(service)
    picture = np.full((8, 12, 4), (0.2, 0.1, 0.05, 1), np.float32)

    red = answer(provider, asked(provider, references=(picture,))).takes

    assert not np.array_equal(red, answer(provider, asked(provider, references=(picture * 2,))).takes)
    assert (12, 8) in {Image.open(file).size for file in (service.folder / "input/battleplate").iterdir()}
    with pytest.raises(ProviderError, match="shows 1 reference pictures, 0 are given"):
        answer(provider, asked(provider))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"negative": "fog"}, "no slot negative"),
        ({"guides": Guides.image(depth=np.ones((48, 32)))}, "needs the guides pose"),
    ],
)
def test_what_the_workflow_cannot_take_never_leaves(serve, changes, words):
    service = serve(workflow(n3="words"))
    provider = opened(service)

    with pytest.raises(ProviderError, match=words):
        provider.generate([asked(provider), asked(provider, **changes)])

    assert service.log == []


def test_a_strength_needs_its_slot(serve):
    with_init = workflow(n8="init")
    provider = opened(serve(with_init))
    with pytest.raises(ProviderError, match="no slot strength"):
        answer(provider, asked(provider, strength=0.5))
    with_init["10"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["8", 0], "vae": ["1", 2]}}
    with_init["11"]["_meta"]["title"] = "seed, strength"
    provider = opened(serve(with_init))

    half, whole = (answer(provider, asked(provider, strength=strength)).takes for strength in (0.5, 1.0))

    assert not np.array_equal(half, whole)


def test_an_entry_opens_it_and_a_wrong_url_is_told_at_once(service):
    assert open_provider(service.entry).name == "comfy"
    with pytest.raises(ProviderError, match="password or user"):
        opened(service, url="http://me:word@127.0.0.1:8188")


# ---------------------------------------------------------------- one key, one job


@pytest.mark.parametrize("old", [False, True], ids=["takes our ids", "chooses ids itself"])
def test_two_asks_with_one_key_are_one_job(serve, old):
    service = serve(SHIPPED, old=old)
    provider = opened(service)

    first, second = (answer(provider, asked(provider), "a key") for _ in range(2))

    assert np.array_equal(first.takes, second.takes)
    assert first.metadata["jobs"] == second.metadata["jobs"]
    assert service.done == ["1"]
    assert sent(service, "/prompt") == 1


def test_the_history_is_searched_only_where_ids_are_not_kept(serve):
    new, old = serve(SHIPPED), serve(SHIPPED, old=True)

    for service in (new, old):
        provider = opened(service)
        for seed in (1, 2, 3):
            answer(provider, asked(provider, seed=seed), f"key {seed}")

    assert new.log.count(("GET", "/history")) == 1
    assert old.log.count(("GET", "/history")) == 3


def test_another_key_is_another_job(service):
    provider = opened(service)

    for key in ("a key", "another"):
        answer(provider, asked(provider), key)

    assert service.done == ["1", "1"]


@pytest.mark.parametrize("old", [False, True], ids=["takes our ids", "chooses ids itself"])
def test_a_job_that_still_runs_is_taken_up(serve, old):
    service = serve(SHIPPED, old=old)
    hasty, patient = opened(service, timeout_s=0.5), opened(service)
    service.open_gate.clear()

    with pytest.raises(ProviderUnsure, match="goes on"):
        answer(hasty, asked(hasty), "a key")
    service.open_gate.set()
    answer(patient, asked(patient), "a key")

    assert service.done == ["1"]
    assert sent(service, "/prompt") == 1


def test_a_job_that_failed_is_tried_anew(service):
    provider = opened(service)
    service.plan("refused")
    with pytest.raises(ProviderRefused, match="for its content"):
        answer(provider, asked(provider), "a key")

    answer(provider, asked(provider), "a key")

    assert service.done == ["1"]
    assert sent(service, "/prompt") == 2
