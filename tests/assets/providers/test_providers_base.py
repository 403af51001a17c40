"""Requests, digests, capabilities."""

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.base import Capabilities
from assets.providers.opening import open_provider
from assets.providers.request import Guides, Identity, Light, PartLook, Request
from pipeline.errors import ProviderError
from pipeline.provider_sections import BuiltinModel, ProviderEntry


def request_of(height=16, width=8, frames=1, **changes):
    shape = (frames, height, width)
    coverage = np.zeros(shape, np.float32)
    coverage[:, 4:12, 2:6] = 1
    guides = Guides(
        coverage=coverage,
        depth=coverage * 0.2,
        normals=coverage[..., None] * np.array([0, 0, -1], np.float32),
        parts=(coverage * 4).astype(np.int32),
    )
    settings = {
        "guides": guides,
        "identity": Identity("walker", (PartLook(4, (0.3, 0.2, 0.1)),)),
        "metres_per_px": 0.02,
    }
    return Request(**{**settings, **changes})


def test_equal_requests_have_equal_digests():
    assert request_of().digest() == request_of().digest()


def test_digest_is_the_same_on_every_machine_and_day():
    """Answers that were paid for are found by it."""
    assert request_of().digest() == "3a61d2f855f005b0b67a10ccffe6c896be6f53d66838c0d86afe79a8d1872a4d"


def test_equal_numbers_of_any_kind_are_the_same_request():
    """NumPy's numbers, whole ones for real ones, wider guides: what is asked is the same."""
    plain = request_of(strength=1.0, metres_per_px=1.0, light=Light((0.0, -1.0, 0.0), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5)))
    wide = {name: guide.astype(np.float64) for name, guide in plain.guides.given().items() if name != "parts"}
    odd = request_of(
        guides=Guides(**wide, parts=plain.guides.parts.astype(np.int64)),
        identity=Identity("walker", (PartLook(np.int64(4), [0.3, np.float64(0.2), 0.1], 0, 1),)),
        light=Light(np.array([-0.0, -1, 0]).tolist(), (1, 1, 1), (np.float32(0.5),) * 3),
        metres_per_px=1,
        strength=np.float64(1),
        seed=1.0,
        steps=np.int32(2),
    )

    assert odd.digest() == plain.digest()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 1.5}, "seed is 1.5, must be a whole number"),
        ({"steps": None}, "steps is None, must be a"),
        ({"metres_per_px": "wide"}, "metres_per_px is 'wide', must be a number"),
    ],
)
def test_what_is_no_number_is_refused(change, words):
    with pytest.raises(ProviderError, match=words):
        request_of(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"steps": 3},
        {"count": 2},
        {"prompt": "rain"},
        {"metres_per_px": 0.021},
        {"light": Light(sun_direction=(1.0, 0.0, 0.0))},
        {"identity": Identity("walker", (PartLook(4, (0.3, 0.2, 0.11)),))},
        {"references": (np.zeros((4, 4, 4), np.float32),)},
    ],
)
def test_any_change_changes_the_digest(change):
    assert request_of(**change).digest() != request_of().digest()


def test_one_changed_guide_pixel_changes_the_digest():
    request, other = request_of(), request_of()

    other.guides.depth[0, 5, 3] += 0.001

    assert other.digest() != request.digest()


def test_guides_of_another_shape_are_refused():
    with pytest.raises(ProviderError, match=r"depth is \(1, 4, 4\), must be \(1, 8, 8\)"):
        Guides(coverage=np.ones((1, 8, 8)), depth=np.zeros((1, 4, 4)))


def test_guides_without_frame_axis_are_refused():
    with pytest.raises(ProviderError, match=r"Guides\.image"):
        Guides(coverage=np.ones((8, 8)))


def test_a_pose_map_alone_is_a_request():
    request = request_of(guides=Guides.image(pose=np.zeros((16, 8, 3))))

    assert request.size_px == (8, 16)
    assert request.frames == 1
    assert set(request.guides.given()) == {"pose"}


def test_no_guides_at_all_are_refused():
    with pytest.raises(ProviderError, match="none is given"):
        Guides()


def test_guides_can_be_left_out():
    few = request_of().guides.only(("depth", "pose"))

    assert set(few.given()) == {"depth"}
    assert few.shape == (1, 16, 8)


def test_broken_guides_are_refused():
    depth = np.zeros((1, 8, 8))
    depth[0, 2, 2] = np.inf

    with pytest.raises(ProviderError, match="depth holds NaN or infinity"):
        Guides(coverage=np.ones((1, 8, 8)), depth=depth)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"count": 65}, "count is 65"),
        ({"strength": 1.5}, "strength is 1.5"),
        ({"strength": 0.5}, "needs guides.init"),
        ({"metres_per_px": 0.0}, "metres_per_px is 0.0"),
    ],
)
def test_numbers_out_of_range_are_refused(change, words):
    with pytest.raises(ProviderError, match=words):
        request_of(**change)


ABLE = Capabilities(
    guides=frozenset({"coverage", "depth", "normals", "parts"}), needed=frozenset({"coverage", "depth"})
)


def test_a_request_within_the_capabilities_passes():
    ABLE.check("house", request_of())
    replace(ABLE, needs_one_of=frozenset({"pose", "depth"})).check("house", request_of())


@pytest.mark.parametrize(
    ("able", "change", "words"),
    [
        (replace(ABLE, needed=frozenset({"pose"})), {}, "needs the guides pose"),
        (replace(ABLE, needs_one_of=frozenset({"pose", "init"})), {}, "needs one of the guides init, pose"),
        (replace(ABLE, guides=frozenset({"coverage", "depth"})), {}, "does not read the guides normals, parts"),
        (replace(ABLE, max_side_px=12), {}, "8 x 16 px asked, longest side 12"),
        (replace(ABLE, pads=False, multiple_px=16), {}, "sides must divide by 16"),
        (replace(ABLE, max_steps=1), {}, "2 steps asked, limit 1"),
        (ABLE, {"guides": request_of(frames=3).guides}, "3 frames asked"),
        (ABLE, {"prompt": "rain"}, "does not read words"),
        (ABLE, {"references": (np.zeros((4, 4, 4)),)}, "does not read reference pictures"),
    ],
)
def test_what_a_provider_cannot_do_is_refused_before_it_is_asked(able, change, words):
    with pytest.raises(ProviderError, match=words) as refused:
        able.check("house", request_of(**change))

    assert str(refused.value).startswith("house: ")
    assert "\n" not in str(refused.value)


def test_a_model_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ProviderError, match="no model can be loaded"):
        open_provider(ProviderEntry("ours", BuiltinModel(tmp_path / "nowhere")))


@pytest.mark.parametrize(("light", "same"), [("fixed", True), ("unknown", False), ("asked", False)])
def test_who_is_not_told_the_sun_gets_one_request_wherever_it_stands(light, same):
    """Its kept answers serve under another sun; the colours of the light still count, for they set the exposure."""
    able = replace(ABLE, light=light)
    morning, evening, grey = (
        able.readable(request_of(light=each)).digest()
        for each in (Light((-1.0, 0.0, 0.0)), Light((1.0, 0.0, 0.0)), Light((-1.0, 0.0, 0.0), sun_rgb=(0.1, 0.1, 0.1)))
    )

    assert (morning == evening) == same
    assert morning != grey
