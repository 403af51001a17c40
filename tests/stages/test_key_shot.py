"""A shot before a green screen through both stages: keyed, despilled, a layer laid behind hair and a moving arm."""

import json

import numpy as np
import pytest

from pipeline.errors import CalibrationError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.sections import MatteSource
from pipeline.types import DepthMaps, Layer, Layers, Plate
from stages.composite import Params as CompParams
from stages.composite import composite
from stages.pull_mattes import Params, pull_mattes
from tests.layers import write_clean, write_ground
from tests.looks import HAND_LIGHT, write_hand_look
from tests.matted import Matted, Person
from tests.scenes import Scene, write_track

FRAMES = FrameRange(1001, 1003)
FRAME = 1002
WALL = (0.7, 0.62, 0.5)
PERSON = Person("green", width=240, height=180, strands=120)
SCENE = Scene(width=240, height=180, frames=3)


def truth(frame: int = FRAME) -> Matted:
    return PERSON.render(frame - 1000)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keyed")
    files = FrameFiles(folder / "plate", "plate.%04d.exr", FRAMES)
    depth = DepthMaps(FrameFiles(folder / "depth", "depth.%04d.exr", FRAMES))
    size = (PERSON.height, PERSON.width)
    for frame in FRAMES:
        exr.write_rgb(files.path(frame), truth(frame).picture)
        exr.write(depth.files.path(frame), {"Z": np.full(size, 6, np.float32), "C": np.ones(size, np.float32)})
    plate = Plate(files, PERSON.width, PERSON.height, 1.0, FrameRate(24), "", "ACEScg")
    return folder, plate, write_track(SCENE, folder / "track"), depth


def pull(shot, out, **source):
    _, plate, track, depth = shot
    frames = FrameRange(FRAME, FRAME)
    return pull_mattes(
        plate=plate, track=track, depth=depth, source=MatteSource(**source), params=Params(), frames=frames, out=out
    )


@pytest.fixture(scope="module")
def comped(shot):
    """Mattes, and the comp of a wall far behind the screen."""
    folder, plate, track, depth = shot
    mattes = pull(shot, folder / "mattes", kind="key")
    wall, shadow = (FrameFiles(folder / "layers", f"{n}.%04d.exr", FRAMES) for n in ("wall", "shadow"))
    flat = np.ones((PERSON.height, PERSON.width), np.float32)
    planes = {c: exr.half(flat * level) for c, level in zip("RGBA", (*WALL, 1.0), strict=True)}
    planes |= {"Z": 40 * flat, "id": np.ones(flat.shape, np.uint32)}
    exr.write(wall.path(FRAME), planes | {"motion.x": exr.half(0 * flat), "motion.y": exr.half(0 * flat)})
    exr.write(shadow.path(FRAME), {"Y": exr.half(flat), "sun": exr.half(flat)})
    (folder / "manifest.json").write_text('{"1": "wall"}')
    comp = composite(
        plate=plate,
        mattes=mattes,
        clean=write_clean(depth, folder / "clean"),
        layers=Layers((Layer("wall", wall, folder / "manifest.json"),), shadow, folder / "manifest.json"),
        look=write_hand_look(folder / "look", edge_sigma_px=0.5, sigma=0.001),
        light_told=HAND_LIGHT,
        track=track,
        ground=write_ground(SCENE, folder / "ground"),
        params=CompParams(light_wrap=0, grain=0),
        frames=FrameRange(FRAME, FRAME),
        out=folder / "comp",
    )
    channels = exr.read(comp.files.path(FRAME)).channels
    picture = np.stack([channels[c] for c in "RGB"], axis=2).astype(np.float32)
    return mattes, picture, json.loads(comp.figures.path(FRAME).read_text())


def test_the_screen_is_found_and_named(comped):
    assert comped[0].source == "key, green screen"


def test_the_file_holds_colour_screen_and_distance(comped):
    channels = exr.read(comped[0].files.path(FRAME)).channels

    assert {"A", "Z", "R", "G", "B", "screen.A", "behind.G", "returned.Y"} <= set(channels)
    assert channels["screen.A"][truth().alpha == 0].mean() > 0.97
    assert np.isfinite(channels["Z"][truth().alpha == 1]).all()


def test_the_wall_stands_behind_the_person_although_the_screen_is_nearer(comped):
    _, picture, figures = comped
    empty = truth().alpha == 0

    np.testing.assert_allclose(picture[empty].mean(axis=0), WALL, rtol=0.02)
    assert figures["outside_bit_identical"]


def test_hair_and_the_moving_arm_neither_glow_nor_darken(comped):
    """Against the truth over the wall, on average over soft edges; laid over as shot, they would glow green."""
    _, picture, _ = comped
    t = truth()
    edge = (t.alpha > 0.02) & (t.alpha < 0.98)
    share = t.alpha[..., None]
    naive = share * t.picture + (1 - share) * np.float32(WALL)

    bias, glow = (np.abs((p - t.over(WALL))[edge].mean(axis=0)).max() for p in (picture, naive))

    assert bias < 0.035
    assert bias < 0.6 * glow


def test_a_screen_that_nobody_keys_is_named_and_not_keyed(shot, tmp_path):
    _, plate, track, depth = shot
    mattes = pull_mattes(
        plate=plate,
        track=track,
        depth=depth,
        source=MatteSource(),
        params=Params(),
        frames=FrameRange(FRAME, FRAME),
        out=tmp_path,
    )

    assert mattes.source.startswith("automatic; ")
    assert 'look like a green screen: [mattes] kind = "key" would key it' in mattes.source
    assert "screen.A" not in exr.read(mattes.files.path(FRAME)).channels


def test_a_screen_that_is_not_there_is_refused(shot, tmp_path):
    with pytest.raises(CalibrationError, match=r"no screen of colour 0\.5, 0\.02, 0\.02 found"):
        pull(shot, tmp_path, kind="key", screen=(0.5, 0.02, 0.02))
