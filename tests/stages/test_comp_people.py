"""People of the plate stand in a set piece's shadow: darker where rays to the sun are stopped, the plate's bits elsewhere."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import ndimage

from assets.sunlight.kept import write_sun
from assets.sunlight.maps import SunMaps
from assets.sunlight.share import Sunlight
from calibration.look.haze import Haze
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.kernels.color import LUMINANCE
from pipeline.types import SetLayout
from stages.composite import Params, composite
from stages.seen import view_of
from tests.boxes import box, hit, sun
from tests.layers import write_clean, write_depth, write_ground, write_layers, write_mattes
from tests.looks import HAND_LIGHT, match_by_hand, write_hand_look
from tests.scenes import Scene, write_plate, write_track

SCENE = Scene(width=256, height=144, frames=2, actor=True, grain=0.0)
FRAME = 1002
TO_SUN = sun(30, 75)
WALL = box((-0.6, -1, -6.4), (-0.4, 1.55, -3.0), 3)


def layout_of(folder, piece):
    (folder / "meshes").mkdir(parents=True)
    arrays = {name: getattr(piece, name) for name in ("vertices", "triangles", "normals", "parts")}
    np.savez(folder / "meshes" / "wall.npz", **arrays)
    entry = {"name": "wall", "id": piece.number, "material": "stone", "seed": 1, "base_m": [0, 0, 0], "yaw_rad": 0.0}
    (folder / "pieces.json").write_text(json.dumps([entry]))
    return SetLayout(folder / "meshes", folder / "pieces.json")


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    look = write_hand_look(folder / "look", edge_sigma_px=0.0, sigma=0.0)
    raw = write_layers(SCENE, folder / "raw")
    write_sun(folder / "raw" / "sun.json", Sunlight(SunMaps.of([WALL], TO_SUN, 1e-3), (0.4, 0.4, 0.4)))
    raw = dataclasses.replace(raw, sun=folder / "raw" / "sun.json")
    return {
        "plate": write_plate(SCENE, folder / "plate"),
        "mattes": write_mattes(SCENE, folder / "mattes"),
        "clean": write_clean(write_depth(SCENE, folder / "depth"), folder / "clean"),
        "layers": match_by_hand(SCENE, raw, look, folder / "match"),
        "look": look,
        "light_told": HAND_LIGHT,
        "track": write_track(SCENE, folder / "track"),
        "ground": write_ground(SCENE, folder / "ground"),
        "set_layout": layout_of(folder / "set", WALL),
    }


def comped(shot, out, **params):
    made = composite(**shot, params=Params(grain=0, **params), frames=FrameRange(FRAME, FRAME), out=out)
    channels = exr.read(made.files.path(FRAME)).channels
    return channels, np.stack([channels[c] for c in "RGB"], axis=2), json.loads(made.figures.path(FRAME).read_text())


def plate_of(shot):
    channels = exr.read(shot["plate"].files.path(FRAME)).channels
    return np.stack([channels[c] for c in "RGB"], axis=2)


def in_the_dark(shot):
    """(H, W): whose rays to the sun the wall stops, by the actor's true place."""
    view, z = view_of(shot["track"], FRAME), SCENE.depth_m(FRAME).astype(np.float64)
    actor = SCENE.matte(FRAME) == 1
    rays = np.concatenate([view.rays, np.ones((*actor.shape, 1))], axis=-1)
    points = (rays[actor] * z[actor][:, None] - view.pose[:3, 3]) @ view.pose[:3, :3]
    dark = np.zeros(actor.shape, bool)
    dark[actor] = hit([WALL], points, TO_SUN)
    return dark, actor & ~dark


def test_who_stands_in_the_shadow_of_a_wall_loses_the_sun(shot, tmp_path):
    channels, picture, figures = comped(shot, tmp_path)
    plate, (dark, lit) = plate_of(shot), in_the_dark(shot)

    ratio = picture.astype(np.float64) / plate

    assert min(dark.sum(), lit.sum()) > 150
    assert np.median(ratio[dark]) < 0.75
    most = 1.5 / TO_SUN[1]  # of the sun on what faces it, where the sky on level ground is 1
    assert (ratio[dark] > 0.5 / (0.5 + most)).all()  # an upright thing sees half of the sky
    assert (ratio[dark][:, 1] < 0.97).mean() > 0.75  # what is turned away from it had none to lose
    same = (picture.view(np.uint16) == plate.view(np.uint16)).all(axis=-1)
    assert same[lit & (ndimage.maximum_filter(dark, 7) == 0)].mean() > 0.99
    assert figures["outside_bit_identical"]
    light = np.sum(ratio[dark] * LUMINANCE, axis=1)
    np.testing.assert_allclose(1 - channels["shadow.A"][dark], light, atol=0.02)


def test_a_soft_edge_of_people_darkens_by_their_share(shot, tmp_path):
    _, picture, _ = comped(shot, tmp_path / "a")
    _, plain, _ = comped({**shot, "layers": dataclasses.replace(shot["layers"], sun=None)}, tmp_path / "b")
    soft = (SCENE.matte(FRAME) > 0) & (SCENE.matte(FRAME) < 1)

    taken = 1 - picture.astype(np.float64) / np.maximum(plain, 1e-6)

    assert taken[soft].max() > 0.05
    assert taken[soft].min() > -4e-3  # half floats
    mine, whole = SCENE.matte(FRAME)[soft][:, None], 1 - 0.5 / (0.5 + 1.5 / TO_SUN[1])
    assert (taken[soft] <= mine * whole + 0.01).all()


def test_without_the_sets_shadow_people_keep_their_bits(shot, tmp_path):
    unlit = {**shot, "layers": dataclasses.replace(shot["layers"], sun=None)}
    _, plain, _ = comped(unlit, tmp_path / "a")
    _, none, _ = comped(
        {**shot, "set_layout": layout_of(tmp_path / "far", box((90, 0, 90), (91, 1, 91)))}, tmp_path / "b"
    )
    actor = SCENE.matte(FRAME) == 1

    np.testing.assert_array_equal(none.view(np.uint16), plain.view(np.uint16))
    np.testing.assert_array_equal(plain[actor].view(np.uint16), plate_of(shot)[actor].view(np.uint16))


def test_the_air_before_people_keeps_its_light(shot, tmp_path):
    hazed = write_hand_look(
        tmp_path / "look", haze=Haze((0.05, 0.05, 0.05), 0.1, "by hand"), edge_sigma_px=0.0, sigma=0.0
    )
    _, clear, _ = comped(shot, tmp_path / "a")
    _, picture, _ = comped({**shot, "look": hazed}, tmp_path / "b")
    dark = in_the_dark(shot)[0] & (clear[..., 1] < 0.9 * plate_of(shot)[..., 1])

    assert dark.sum() > 100
    assert (picture[dark].astype(float) > clear[dark]).mean() > 0.9
    assert (picture[dark] <= plate_of(shot)[dark]).all()


def test_half_of_the_strength_takes_half(shot, tmp_path):
    plate = plate_of(shot).astype(np.float64)
    whole = 1 - comped(shot, tmp_path / "a")[1] / plate
    half = 1 - comped(shot, tmp_path / "b", shadow=0.5)[1] / plate
    dark = in_the_dark(shot)[0]

    np.testing.assert_allclose(half[dark], whole[dark] / 2, atol=3e-3)


def test_the_crowds_shadow_darkens_people_as_a_sets_does(shot, tmp_path):
    """What the wall hides of the sun, said to be hidden by the crowd, with the wall gone."""
    raw = shot["layers"]
    away_m = exr.read(shot["mattes"].files.path(FRAME)).channels["Z"]
    hidden = SunMaps.of([WALL], TO_SUN, 1e-3).hidden_from(view_of(shot["track"], FRAME), away_m)
    folder = tmp_path / "shadow"
    channels = dict(exr.read(raw.shadow.path(FRAME)).channels) | {"people": (1 - hidden).astype(np.float32)}
    fallen = FrameFiles(folder, raw.shadow.name, raw.shadow.frames)
    exr.write(fallen.path(FRAME), channels)
    far = {**shot, "set_layout": layout_of(tmp_path / "far", box((90, 0, 90), (91, 1, 91)))}

    _, by_set, _ = comped(shot, tmp_path / "a")
    _, by_crowd, figures = comped({**far, "layers": dataclasses.replace(raw, shadow=fallen)}, tmp_path / "b")

    np.testing.assert_allclose(by_crowd.astype(float), by_set.astype(float), atol=2e-3)
    assert figures["outside_bit_identical"]
