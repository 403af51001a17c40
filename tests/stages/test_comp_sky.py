"""A comp with another sky: the plate's bits below it, the new sky with the plate's grain above, edges without the old."""

from types import SimpleNamespace

import numpy as np
import pytest

from calibration.mattes.skycut import SkyCut
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.types import Layer, SkyLayer, SkyMattes
from stages.comp_inputs import Placed, Shot
from stages.comp_sky import Edges, placed_sky
from stages.composite import Params, composite
from tests import layers
from tests.layers import write_clean, write_depth, write_ground, write_mattes
from tests.looks import HAND_LIGHT, match_by_hand, write_hand_look
from tests.scenes import SKY, Scene, write_plate, write_track

SCENE = Scene(width=256, height=144, frames=2, actor=True)
FRAME = 1002
NEW = (0.9, 0.4, 0.2)
SIGMA = 0.01


def share_of_things():
    return np.mean([SCENE._cast(FRAME, rays)[1] != SKY for rays in SCENE._rays(3)], axis=0).astype(np.float32)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    look = write_hand_look(folder / "look", edge_sigma_px=0.7, sigma=SIGMA)
    alpha = share_of_things()
    plate = write_plate(SCENE, folder / "plate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "WALL", (-20.0, *layers.WALL[1:3], 15.0, layers.WALL[4]))  # open sky on both its sides
        raw = layers.write_layers(SCENE, folder / "raw")
    matte = FrameFiles(folder / "cut", "sky_matte.%04d.exr", FrameRange(FRAME, FRAME))
    hills = np.float32([0.12, 0.14, 0.08])
    own = np.where(((alpha > 0) & (alpha < 1))[..., None], alpha[..., None] * hills, 0).astype(np.float32)
    exr.write(matte.path(FRAME), {"A": exr.half(alpha), **{c: exr.half(own[..., k]) for k, c in enumerate("RGB")}})
    sky = FrameFiles(folder / "sky", "sky.%04d.exr", FrameRange(FRAME, FRAME))
    rgba = np.ones((*alpha.shape, 4), np.float32)
    rgba[..., :3] = NEW
    planes = {**exr.rgba_channels(rgba), "Z": np.full(alpha.shape, np.inf, np.float32)}
    exr.write(sky.path(FRAME), planes | {f"motion.{c}": exr.half(0 * alpha + 1.5) for c in "xy"})
    return {
        "plate": plate,
        "mattes": write_mattes(SCENE, folder / "mattes"),
        "clean": write_clean(write_depth(SCENE, folder / "depth"), folder / "clean"),
        "layers": match_by_hand(SCENE, raw, look, folder / "match"),
        "look": look,
        "light_told": HAND_LIGHT,
        "track": write_track(SCENE, folder / "track"),
        "ground": write_ground(SCENE, folder / "ground"),
        "sky": SkyLayer(Layer("sky", sky, folder / "sky.json"), None),
        "sky_matte": SkyMattes(matte),
    }


@pytest.fixture(scope="module")
def finished(shot, tmp_path_factory):
    out = tmp_path_factory.mktemp("comp")
    comp = composite(**shot, params=Params(), frames=FrameRange(FRAME, FRAME), out=out)
    return exr.read(comp.files.path(FRAME)).channels


def test_pixels_without_sky_keep_their_bits(shot, finished):
    alpha = exr.read(shot["sky_matte"].files.path(FRAME)).channels["A"]
    light = exr.read(shot["layers"].shadow.path(FRAME)).channels["Y"]
    alone = (alpha == 1) & (finished["crowd.A"] == 0) & (finished["set.A"] == 0) & (light == 1)
    plate = exr.read(shot["plate"].files.path(FRAME)).channels

    assert alone.mean() > 0.25
    for c in "RGB":
        np.testing.assert_array_equal(finished[c].view(np.uint16)[alone], plate[c].view(np.uint16)[alone])


def test_open_sky_is_the_new_one_with_the_plates_grain(finished):
    alone = (finished["sky.A"] == 1) & (finished["crowd.A"] == 0) & (finished["set.A"] == 0)

    assert alone.sum() > 1000
    for c, wanted in zip("RGB", NEW, strict=True):
        pixels = finished[c][alone].astype(np.float64)
        assert pixels.mean() == pytest.approx(wanted, abs=0.002)
        assert pixels.std() == pytest.approx(SIGMA, rel=0.1)


def test_its_planes_lie_in_the_frame(finished):
    share = 1 - share_of_things()

    np.testing.assert_allclose(finished["sky.A"], share, atol=1e-3)
    np.testing.assert_allclose(finished["holdout.sky"], 1 - share, atol=1e-3)
    sky = (finished["sky.A"] == 1) & (finished["set.A"] < 0.5) & (finished["crowd.A"] < 0.5)
    assert np.isinf(finished["depth.Z"][sky]).all()
    assert (finished["forward.u"][sky] == np.float16(1.5)).all()
    assert "sky.id" not in finished


def test_the_wall_before_the_sky_stands_before_the_new_one(finished):
    """The set's wall rises over the hills: where it covers, nothing of the sky is left."""
    wall = finished["set.A"] == 1
    above = wall & (share_of_things() == 0)

    assert above.sum() > 100
    red_over_blue = finished["R"][above].astype(float) / np.maximum(finished["B"][above].astype(float), 1e-3)
    assert np.median(red_over_blue) < 2  # the sky's is 4.5


def given(alpha, front, sky):
    """One row of pixels: a shot, its cut and its sky."""
    size = alpha.shape
    plate = (alpha[..., None] * front + (1 - alpha[..., None]) * 1.0).astype(np.float32)
    nothing = np.zeros(size, np.float32)
    shot = Shot(plate.astype(np.float16), plate, nothing + 50, nothing + 1, nothing, nothing + np.inf, {})
    soft = ((alpha > 0) & (alpha < 1))[..., None]
    cut = SkyCut(alpha, np.where(soft, alpha[..., None] * front, 0).astype(np.float32))
    planes = {c: np.full(size, sky[k], np.float32) for k, c in enumerate("RGB")}
    planes |= {"A": np.ones(size, np.float32), "motion.x": nothing, "motion.y": nothing}
    return shot, cut, SimpleNamespace(channels=planes)


def layer_of(alpha, colour, visible):
    rgba = (np.concatenate([np.broadcast_to(colour, (*alpha.shape, 3)), np.ones((*alpha.shape, 1))], axis=2)
            * (alpha * visible)[..., None]).astype(np.float32)  # fmt: skip
    flat = np.zeros(alpha.shape, np.uint32)
    far, still = np.full(alpha.shape, 90.0, np.float32), np.zeros((*alpha.shape, 2), np.float32)
    return Placed("far", rgba, alpha, visible, far, flat, flat, still, 0 * visible)


@pytest.mark.parametrize("hides", [0.0, 1.0])
def test_layers_behind_a_soft_edge_are_laid_exactly(hides):
    """Against the closed form: front over (mountain over sky); or mountain over all, where nothing hides it."""
    alpha = np.linspace(0, 1, 21, dtype=np.float32)[None]
    front, sky, stone = np.float32([0.1, 0.2, 0.05]), np.float32([0.9, 0.5, 0.3]), np.float32([0.3, 0.3, 0.4])
    shot, cut, image = given(alpha, front, sky)
    cover = np.full(alpha.shape, 0.7, np.float32)
    visible = (1 - alpha) + alpha * np.float32(1 - hides)

    hindmost, mountain = placed_sky(image, cut), layer_of(cover, stone, visible)
    edges = Edges(cut, hindmost, shot, shot.rgb, 0.0, 0.0, 1.0)
    picture = edges.start(shot.rgb)
    for layer in (hindmost, mountain):
        picture = edges.before(picture, layer) if layer is mountain else picture
        picture = layer.rgba[..., :3] + (1 - layer.rgba[..., 3:]) * picture

    a, c = alpha[..., None], cover[..., None]
    own = front if hides else c * stone + (1 - c) * front
    np.testing.assert_allclose(picture, a * own + (1 - a) * (c * stone + (1 - c) * sky), atol=2e-3)


def test_the_new_sky_wraps_over_soft_edges_and_no_further():
    alpha = np.tile(np.clip(np.linspace(-1, 2, 31), 0, 1).astype(np.float32), (9, 1))
    shot, cut, image = given(alpha, np.float32([0.1, 0.2, 0.05]), np.float32([0.9, 0.5, 0.3]))
    sky = placed_sky(image, cut)

    bare = Edges(cut, sky, shot, shot.rgb, 0.0, 2.0, 1.0).start(shot.rgb)
    wrapped = Edges(cut, sky, shot, shot.rgb, 0.6, 2.0, 1.0).start(shot.rgb)

    soft = cut.soft
    assert (wrapped[soft] >= bare[soft]).all()
    assert (wrapped[soft] - bare[soft]).max() > 0.02
    np.testing.assert_array_equal(wrapped[~soft], shot.rgb[~soft])


def test_the_depth_agrees_with_the_matte():
    """A mountain that the depth took for sky is as far as anything; what is mostly sky is endless."""
    alpha = np.float32([[0.0, 0.2, 0.8, 1.0, 1.0]])
    depth = np.float32([[40.0, np.inf, np.inf, np.inf, 30.0]])

    z = SkyCut(alpha, np.zeros((1, 5, 3), np.float32)).depth(depth)

    np.testing.assert_allclose(z, [[np.inf, np.inf, 39.5, 39.5, 30.0]])


def test_a_far_card_stands_behind_a_mountain_that_the_depth_took_for_sky_and_a_castle_before_it():
    alpha = np.float32([[0.0, 0.25, 1.0, 1.0]])
    depth = np.float32([[np.inf, np.inf, np.inf, 900.0]])
    cut, seen = SkyCut(alpha, np.zeros((1, 4, 3), np.float32)), np.float32([[1.0, 0.1, 1.0, 0.4]])

    sure = np.ones_like(depth)
    card = cut.seen_past(seen, np.full((1, 4), 6000.0, np.float32), depth, sure)
    castle = cut.seen_past(seen, np.full((1, 4), 180.0, np.float32), depth, sure)

    np.testing.assert_allclose(card, [[1.0, 0.75, 0.0, 0.0]])
    np.testing.assert_allclose(castle, [[1.0, 0.75, 1.0, 0.4]])


def test_a_card_stands_before_the_one_peak_that_is_known_to_be_farther():
    depth, sure = np.full((1, 60), 900.0, np.float32), np.ones((1, 60), np.float32)
    depth[0, :2], sure[0, 1] = 8000, 0.5
    cut, seen = SkyCut(np.ones_like(depth), np.zeros((1, 60, 3), np.float32)), np.full_like(depth, 0.4)

    card = cut.seen_past(seen, np.full_like(depth, 6000.0), depth, sure)

    np.testing.assert_allclose(card[0, :3], [0.4, 0.0, 0.0])
