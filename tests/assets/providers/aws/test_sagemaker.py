"""An endpoint of one's own: the documented JSON there and back, and over S3 nothing begun twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.base import Watch
from assets.providers.opening import open_provider
from assets.providers.pictures import recovered, shown, shown_reference
from assets.providers.request import GUIDE_CHANNELS
from pipeline.errors import ProviderDown, ProviderError, ProviderNonsense, ProviderRefused, ProviderUnsure
from pipeline.provider_sections import Conduct, ProviderEntry, SageMakerEndpoint
from tests.assets.providers.aws.awspainting import painted, seen
from tests.assets.providers.aws.awsstate import AwsServer
from tests.assets.providers.contract_service import ask

KEY = "k" * 64
NOTE = ("questions", f"show/{KEY}.job.json")


def endpoint(amazon: AwsServer, asynchronous: bool = False, timeout_s: float = 20.0, **settings: str):
    told = {"region": "us-west-2", "s3_input": "s3://questions/show", "endpoint": amazon.url, "s3_endpoint": amazon.url}
    found = SageMakerEndpoint("painter", asynchronous=asynchronous, **{**told, **settings})
    return open_provider(ProviderEntry("farm", found, Conduct(timeout_s=timeout_s, usd_per_picture=0.01)))


def order(provider, seed: int = 1, frames: int = 1, **changes):
    return ask(provider.capabilities, (12, 16), frames, seed=seed, **changes)


def all_guides(provider, frames: int = 1, **changes):
    """A request that shows everything."""
    request = order(provider, frames=frames, **changes)
    init = np.repeat(request.guides.coverage[..., None], 4, -1) * np.float32(0.2)
    return replace(request, guides=replace(request.guides, init=init, mask=request.guides.coverage))


# ---------------------------------------------------------------- the JSON


def test_the_endpoint_is_told_everything_that_the_document_says(amazon):
    provider = endpoint(amazon)
    reference = np.full((5, 4, 4), 0.3, np.float32)
    request = replace(all_guides(provider, seed=3, steps=7, negative="rain", references=(reference,)), strength=0.4)

    provider.generate([request], Watch(keys=(KEY,)))

    (body,) = amazon.bodies
    guides = body.pop("guides")
    assert np.array_equal(seen(body.pop("references")[0]), shown_reference(reference))
    assert body == {
        "form": 1, "key": KEY, "prompt": "a walker in a red tunic", "negative": "rain", "seed": 3, "steps": 7,
        "strength": 0.4, "width": 12, "height": 16, "count": 1, "frames": 1,
    }  # fmt: skip
    assert set(guides) == set(GUIDE_CHANNELS)
    for name, picture in shown(request).items():
        assert np.array_equal(seen(guides[name][0]), picture), name
    assert np.array_equal(seen(guides["parts"][0]), request.guides.parts[0])
    assert np.array_equal(seen(guides["coverage"][0]), (request.guides.coverage[0] * 255).astype(np.uint8))


def test_takes_and_frames_come_back_in_their_order(amazon):
    provider = endpoint(amazon)
    request = order(provider, seed=4, frames=2, count=2)
    depth = request.guides.depth.copy()
    depth[1] *= 2
    request = replace(request, guides=replace(request.guides, depth=depth))

    (result,) = provider.generate([request])

    assert result.takes.shape == (2, 2, 16, 12, 4)
    assert result.cost_usd == pytest.approx(0.04)
    for take in range(2):
        for frame in range(2):
            truth = recovered(request, frame, painted(shown(request, frame)["depth"], 4 + take))
            assert np.array_equal(result.takes[take, frame], truth)


def test_what_the_endpoint_says_of_its_model_and_licence_is_kept(amazon):
    provider = endpoint(amazon)
    amazon.extra.update(licence="CC0", model="painter 3.1")

    (result,) = provider.generate([order(provider)])

    assert result.licence == "CC0"
    assert result.metadata["model"] == "painter 3.1"
    assert result.metadata["endpoint"] == "painter"


def test_what_the_endpoint_refuses_is_refused(amazon):
    provider = endpoint(amazon)
    amazon.extra.update(refused="a real person")

    with pytest.raises(ProviderRefused, match=r"content rules \(a real person\)"):
        provider.generate([order(provider)])


@pytest.mark.parametrize(("told", "number"), [([], "0"), ("x", "no"), (None, "no"), (["", ""], "2")])
def test_another_number_of_pictures_is_nonsense(amazon, told, number):
    provider = endpoint(amazon)
    amazon.extra.update(pictures=told)

    with pytest.raises(ProviderNonsense, match=f"answered {number} pictures, 1 were asked"):
        provider.generate([order(provider)])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("error 530 InternalDependencyException Oops", ProviderDown),
        ("error 429 ModelNotReadyException Warming", ProviderDown),
        ("error 424 ModelError the container broke", ProviderDown),
        ("error 400 ValidationError Endpoint painter not found", ProviderRefused),
    ],
)
def test_the_endpoint_s_errors_say_what_happened(amazon, said, kind):
    provider = endpoint(amazon)
    amazon.plan(said)

    with pytest.raises(kind) as failed:
        provider.generate([order(provider)])

    assert type(failed.value) is kind
    assert len(amazon.paths) == 1


def test_what_is_too_large_for_one_call_is_told_before_it_leaves(amazon):
    provider = endpoint(amazon)
    noise = np.random.default_rng(1).random((2, 1600, 1600, 3)).astype(np.float32)
    request = order(provider, frames=2)

    with pytest.raises(ProviderError, match="make it asynchronous"):
        provider.generate([replace(request, guides=type(request.guides)(pose=noise))])

    assert amazon.paths == []


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (SageMakerEndpoint("pain/ter", region="us-west-2"), "endpoint_name 'pain/ter'"),
        (SageMakerEndpoint("painter", region="us-west-2", asynchronous=True), "s3_input is ''"),
        (SageMakerEndpoint("painter", region="us-west-2", asynchronous=True, s3_input="s3://b/../c"), "must be a place on S3"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_endpoint_cannot_be_opened(settings, match):
    with pytest.raises(ProviderError, match=match):
        open_provider(ProviderEntry("farm", settings))


# ---------------------------------------------------------------- over S3


def begun(amazon: AwsServer) -> int:
    return sum("async-invocations" in path for path in amazon.paths)


def test_over_s3_equal_asks_begin_one_job(amazon):
    provider = endpoint(amazon, asynchronous=True)
    request = order(provider)

    first, second = (provider.generate([request], Watch(keys=(KEY,)))[0] for _ in range(2))

    assert np.array_equal(first.takes, second.takes)
    assert begun(amazon) == 1
    assert amazon.done == ["1"]


def test_without_a_key_the_request_itself_is_the_key(amazon):
    provider = endpoint(amazon, asynchronous=True)

    for _ in range(2):
        provider.generate([order(provider)])

    assert begun(amazon) == 1


def test_an_answer_whose_asker_died_is_found_in_the_endpoint_s_own_folder(amazon):
    provider = endpoint(amazon, asynchronous=True)
    first = provider.generate([order(provider)], Watch(keys=(KEY,)))[0]
    amazon.objects[NOTE] = b"{}"  # as it lay there before the endpoint answered

    second = provider.generate([order(provider)], Watch(keys=(KEY,)))[0]

    assert np.array_equal(first.takes, second.takes)
    assert begun(amazon) == 1


def test_a_note_whose_job_never_began_is_unsure_and_names_the_note(amazon):
    provider = endpoint(amazon, asynchronous=True, timeout_s=0.3)
    amazon.objects[NOTE] = b"{}"

    with pytest.raises(ProviderUnsure, match=rf"remove s3://questions/show/{KEY}\.job\.json"):
        provider.generate([order(provider)], Watch(keys=(KEY,)))

    assert begun(amazon) == 0


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        ("Received client error (400) from model", ProviderRefused),
        ("Received server error (500) from model: out of memory", ProviderDown),
        ("stopped by the content policy", ProviderRefused),
    ],
)
def test_a_job_that_failed_says_why_and_may_be_begun_again(amazon, why, kind):
    provider = endpoint(amazon, asynchronous=True)
    amazon.failures["1"] = why
    with pytest.raises(kind) as failed:
        provider.generate([order(provider)], Watch(keys=(KEY,)))
    amazon.failures.clear()

    provider.generate([order(provider)], Watch(keys=(KEY,)))

    assert type(failed.value) is kind
    assert amazon.done == ["1"]
    assert begun(amazon) == 2


def test_an_unusable_answer_says_how_it_is_begun_anew(amazon):
    provider = endpoint(amazon, asynchronous=True)
    amazon.extra.update(pictures=[])

    with pytest.raises(ProviderNonsense, match=rf"begun anew, remove s3://questions/show/{KEY}\.job\.json"):
        provider.generate([order(provider)], Watch(keys=(KEY,)))


def test_who_may_not_read_the_note_begins_nothing(amazon):
    provider = endpoint(amazon, asynchronous=True)
    amazon.looks.append("forbidden")

    with pytest.raises(ProviderRefused, match=r"s3://questions/show.*access to the model and the bucket"):
        provider.generate([order(provider)])

    assert begun(amazon) == 0


def test_who_loses_his_rights_while_he_waits_is_unsure(amazon):
    provider = endpoint(amazon, asynchronous=True)
    amazon.looks.extend(["ok", "ok", "ok", "ok", "forbidden"])  # note, request, note, note, then the answer

    with pytest.raises(ProviderUnsure, match="It was begun"):
        provider.generate([order(provider)])
    provider.generate([order(provider)])

    assert amazon.done == ["1"]
    assert begun(amazon) == 1


def test_a_bucket_that_points_elsewhere_is_not_followed(amazon):
    provider = endpoint(amazon, asynchronous=True)
    amazon.looks.append("redirect")

    with pytest.raises(ProviderRefused, match="not followed"):
        provider.generate([order(provider)])

    assert amazon.strayed == []
    assert begun(amazon) == 0


def test_of_two_who_ask_at_once_one_begins_it(amazon):
    request = order(endpoint(amazon, asynchronous=True))
    amazon.meet = threading.Barrier(2)  # both find no note

    def asking(_: int):
        return endpoint(amazon, asynchronous=True).generate([request], Watch(keys=(KEY,)))[0]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(asking, range(2))

    assert np.array_equal(first.takes, second.takes)
    assert begun(amazon) == 1
    assert amazon.done == ["1"]
