"""The plate is left alone where nothing is added; what stands in front hides what is added; grain comes last."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from scipy import ndimage

from calibration.ground.heightfield import Heightfield
from calibration.lens import project, rays
from pipeline.errors import ConfigError, PlateError, StageError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import cryptomatte, exr
from pipeline.kernels import fused_torch
from pipeline.output_sections import OutputBrief
from pipeline.store import join
from pipeline.types import PlateLight
from stages.comp_shadow import ground_depth
from stages.composite import Params, composite
from tests.layers import write_clean, write_depth, write_ground, write_layers, write_mattes
from tests.looks import HAND_LIGHT, match_by_hand, write_hand_look
from tests.scenes import FIRST_BOX, GROUND, SKY, Scene, write_plate, write_track

SCENE = Scene(width=256, height=144, frames=2, actor=True)
FRAME = 1002


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    look = write_hand_look(folder / "look", edge_sigma_px=0.7, sigma=0.01)
    raw = write_layers(SCENE, folder / "raw")
    layers = match_by_hand(SCENE, raw, look, folder / "match")
    return {
        "plate": write_plate(SCENE, folder / "plate"),
        "mattes": write_mattes(SCENE, folder / "mattes"),
        "clean": write_clean(write_depth(SCENE, folder / "depth"), folder / "clean"),
        "layers": layers,
        "look": look,
        "light_told": HAND_LIGHT,
        "track": write_track(SCENE, folder / "track"),
        "ground": write_ground(SCENE, folder / "ground"),
    }


def comped(shot, out, params=None):
    comp = composite(**shot, params=params or Params(), frames=FrameRange(FRAME, FRAME), out=out)
    return exr.read(comp.files.path(FRAME)).channels, json.loads(comp.figures.path(FRAME).read_text())


@pytest.fixture(scope="module")
def finished(shot, tmp_path_factory):
    return comped(shot, tmp_path_factory.mktemp("comp"))


def bits(channels):
    return np.stack([channels[c] for c in "RGB"], axis=2).view(np.uint16)


def plate_of(shot):
    return exr.read(shot["plate"].files.path(FRAME)).channels


def touched(shot, channels):
    light = exr.read(shot["layers"].shadow.path(FRAME)).channels["Y"]
    return (channels["crowd.A"] > 0) | (channels["set.A"] > 0) | (light < 1)


def test_a_shadow_has_the_colour_that_the_plates_shadows_have(shot, tmp_path):
    blue = PlateLight(HAND_LIGHT.figures, (0.3, 0.4, 0.6))
    plain, _ = comped(shot, tmp_path / "a", Params(grain=0))
    coloured, _ = comped({**shot, "light_told": blue}, tmp_path / "b", Params(grain=0))

    alone = (plain["shadow.A"].astype(float) > 0.2) & (plain["crowd.A"] == 0) & (plain["set.A"] == 0)
    ratio = np.stack([coloured[c].astype(float)[alone] / plain[c].astype(float)[alone] for c in "RGB"], -1)
    assert alone.sum() > 50
    assert (ratio[:, 0] < 1).all()
    assert (ratio[:, 2] > 1).all()


def test_the_plate_leaves_bit_identical_where_nothing_is_added(shot, finished):
    channels, figures = finished

    outside = ~touched(shot, channels)
    assert 0.3 < outside.mean() < 0.9
    np.testing.assert_array_equal(bits(channels)[outside], bits(plate_of(shot))[outside])
    assert figures["outside_max_difference"] == 0
    assert figures["outside_bit_identical"]
    assert figures["nan"] == 0


def test_no_layer_stands_before_the_actor(shot, finished):
    channels, _ = finished

    actor = SCENE.matte(FRAME) == 1
    assert actor.sum() > 300
    assert channels["crowd.A"][actor].max() == 0
    np.testing.assert_array_equal(bits(channels)[actor], bits(plate_of(shot))[actor])


def test_people_of_the_plate_stand_behind_a_nearer_crowd(shot, finished, tmp_path):
    """The same comp with the actor said to stand 60 m away: the crowd goes before him, at his own place it went behind."""
    files, far = shot["mattes"].files, FrameFiles(tmp_path / "matte", "matte.%04d.exr", shot["mattes"].files.frames)
    for frame in files.frames:
        channels = exr.read(files.path(frame)).channels
        exr.write(far.path(frame), {"A": channels["A"], "Z": channels["Z"] + np.float32(60)})
    empty = dataclasses.replace(SCENE, actor=False)
    clean = write_clean(write_depth(empty, tmp_path / "depth"), tmp_path / "clean")
    others = {"mattes": dataclasses.replace(shot["mattes"], files=far), "clean": clean}
    channels, _ = comped({**shot, **others}, tmp_path)
    layer = exr.read(shot["layers"].layers[1].files.path(FRAME)).channels

    free = (layer["A"] > 0.9) & (layer["Z"] < empty.depth_m(FRAME)) & (layer["Z"] < 40)
    people = free & (SCENE.matte(FRAME) == 1)
    assert people.sum() > 20
    assert finished[0]["crowd.A"][people].max() == 0
    assert channels["crowd.A"][people].mean() > 0.9


def test_walls_hide_the_people_behind_them(shot, finished):
    """Truth: where the scene's wall is nearer than a person by more than the tolerance, the person is gone."""
    channels, _ = finished
    layer = exr.read(shot["layers"].layers[1].files.path(FRAME)).channels
    wall = SCENE.surfaces(FRAME) >= FIRST_BOX
    far = np.float32(1e4)  # in place of infinity, which has no difference
    gap = np.where(layer["A"] > 0.9, layer["Z"], far) - np.minimum(SCENE.depth_m(FRAME), far)

    behind = wall & (layer["A"] > 0.9) & (gap > 4)
    before = (layer["A"] > 0.9) & (gap < 0) & (SCENE.matte(FRAME) == 0)
    assert behind.sum() > 150
    assert before.sum() > 300
    assert channels["crowd.A"][behind].mean() < 0.05
    assert channels["crowd.A"][before].mean() > 0.97


def test_the_set_stands_behind_the_hills_and_before_the_sky(shot, finished):
    channels, _ = finished
    layer = exr.read(shot["layers"].layers[0].files.path(FRAME)).channels["A"]
    surface = SCENE.surfaces(FRAME)

    sky = (surface == SKY) & (layer > 0.99)
    assert channels["set.A"][sky].mean() > 0.97
    assert channels["set.A"][surface != SKY].mean() < 0.03


def test_shadows_darken_ground_only(shot, finished):
    channels, _ = finished
    light = exr.read(shot["layers"].shadow.path(FRAME)).channels["Y"].astype(np.float32)
    free = (channels["crowd.A"] == 0) & (channels["set.A"] == 0) & (light < 0.7) & (SCENE.matte(FRAME) == 0)
    ground = free & (SCENE.surfaces(FRAME) == GROUND)

    ratio = channels["G"][ground].astype(np.float32) / plate_of(shot)["G"][ground].astype(np.float32)
    assert ground.sum() > 20
    assert np.median(ratio / light[ground]) == pytest.approx(1, abs=0.08)


def test_no_shadow_falls_on_a_wall_that_stands_before_the_ground(shot, finished):
    channels, _ = finished
    light = exr.read(shot["layers"].shadow.path(FRAME)).channels["Y"].astype(np.float32)
    ground = ground_depth(light < 1, Heightfield.read(shot["ground"]), shot["track"], FRAME)
    behind = np.minimum(ground, 1e4) - np.minimum(SCENE.depth_m(FRAME), 1e4)
    wall = (SCENE.surfaces(FRAME) >= FIRST_BOX) & (light < 0.9) & (behind > 4) & (channels["crowd.A"] == 0)
    within = ndimage.binary_erosion(wall, iterations=2)  # at its edge what lies behind it mixes in

    assert within.sum() > 10
    np.testing.assert_array_equal(bits(channels)[within], bits(plate_of(shot))[within])
    assert channels["shadow.A"][wall].mean() < 0.01


def test_the_grounds_depth_is_the_scenes(shot):
    everywhere = np.ones((SCENE.height, SCENE.width), bool)

    found = ground_depth(everywhere, Heightfield.read(shot["ground"]), shot["track"], FRAME)

    seen = (SCENE.surfaces(FRAME) == GROUND) & (SCENE.depth_m(FRAME) < 40)
    np.testing.assert_allclose(found[seen], SCENE.depth_m(FRAME)[seen], rtol=0.05, atol=0.1)


def test_grain_is_the_plates_on_layers_and_comes_last(shot, finished, tmp_path):
    with_grain, figures = finished
    without, _ = comped(shot, tmp_path, Params(grain=0))

    solid = with_grain["set.A"] > 0.999
    added = with_grain["G"][solid].astype(np.float32) - without["G"][solid].astype(np.float32)
    assert added.std() == pytest.approx(0.01, rel=0.1)
    assert figures["grain_ratio"] == pytest.approx([1, 1, 1], abs=0.1)


def test_a_cryptomatte_tells_who_covers_how_much(finished):
    """Read as the specification says, without our reader of names: hash of the name, coverage beside it."""
    channels, _ = finished
    ids = np.stack([channels[f"CryptoObject00.{c}"] for c in "RB"], axis=2).view(np.uint32)
    share = np.stack([channels[f"CryptoObject00.{c}"] for c in "GA"], axis=2)

    through = 1 - np.clip(channels["crowd.A"].astype(np.float32), 0, 1)
    covered = 1 - through * (1 - np.clip(channels["set.A"].astype(np.float32), 0, 1))
    np.testing.assert_allclose(share.sum(axis=2), covered, atol=2e-3)
    assert (share[..., 0] >= share[..., 1]).all()
    for number in (5, 30):
        own = channels["crowd.id"] == number
        mask = np.where(ids == cryptomatte.id_of(f"crowd/thing {number}"), share, 0).sum(axis=2)
        assert own.sum() > 20
        np.testing.assert_allclose(mask[own], channels["crowd.A"].astype(np.float32)[own], atol=2e-3)
        assert mask[channels["crowd.A"] == 0].max() == 0


def test_the_header_names_everyone(shot, finished, tmp_path):
    composite(**shot, params=Params(), frames=FrameRange(FRAME, FRAME), out=tmp_path)

    told = exr.read(tmp_path / f"comp.{FRAME}.exr").metadata
    [manifest] = [json.loads(v) for k, v in told.items() if k.endswith("/manifest")]
    assert manifest["crowd/thing 30"] == f"{cryptomatte.id_of('crowd/thing 30'):08x}"
    assert [v for k, v in told.items() if k.endswith("/name")] == ["CryptoObject"]


def test_forward_vectors_are_the_cameras_on_the_plate_and_the_layers_on_layers(shot, tmp_path):
    """Frame 1001 has a next frame to look at. Truth: points of the true depth, projected by the true next camera."""
    composite(**shot, params=Params(), frames=FrameRange(1001, 1001), out=tmp_path)
    channels = exr.read(tmp_path / "comp.1001.exr").channels
    forward = np.stack([channels["forward.u"], -channels["forward.v"]], axis=2).astype(np.float32)

    depth = SCENE.depth_m(1001)
    plain = (channels["crowd.A"] == 0) & (channels["set.A"] == 0) & (depth < 60) & (SCENE.matte(1001) == 0)
    points = (
        np.concatenate([rays(SCENE.lens), np.ones((*depth.shape, 1))], axis=-1) * np.where(plain, depth, 1)[..., None]
    )
    between = SCENE.camera_from_world(1002) @ np.linalg.inv(SCENE.camera_from_world(1001))
    there = project((points @ between[:3, :3].T + between[:3, 3]).reshape(-1, 3), SCENE.lens).reshape(*depth.shape, 2)
    y, x = np.mgrid[: SCENE.height, : SCENE.width] + 0.5
    true = there - np.stack([x, y], axis=2)
    assert np.abs(true[plain]).max() > 0.3
    assert np.quantile(np.abs(forward - true)[plain], 0.98) < 0.02

    layer = exr.read(shot["layers"].layers[1].files.path(1001)).channels
    crowd = channels["crowd.id"] > 0
    np.testing.assert_array_equal(forward[..., 0][crowd], layer["motion.x"].astype(np.float32)[crowd])


def test_holdout_and_shadow_are_passes_of_their_own(shot, finished):
    channels, _ = finished
    layer = exr.read(shot["layers"].layers[1].files.path(FRAME)).channels["A"].astype(np.float32)

    left = layer * (1 - channels["holdout.crowd"].astype(np.float32))
    np.testing.assert_allclose(channels["crowd.A"].astype(np.float32), np.where(left < 1e-3, 0, left), atol=2e-3)
    darker = (channels["shadow.A"] > 0.2) & (channels["crowd.A"] == 0) & (channels["set.A"] == 0)
    assert darker.sum() > 20
    assert (channels["G"].astype(np.float32) < plate_of(shot)["G"].astype(np.float32))[darker].all()
    assert (channels["touched.A"][touched(shot, channels) & (channels["crowd.A"] > 0)] > 0).all()


def test_frames_made_together_are_those_made_alone_and_are_told_one_by_one(shot, tmp_path):
    told = {}
    made = composite(**shot, params=Params(), frames=SCENE.range, out=tmp_path / "together", finished=told.__setitem__)
    for frame in SCENE.range:
        composite(**shot, params=Params(), frames=FrameRange(frame, frame), out=tmp_path / "alone")

    assert list(told) == list(SCENE.range)
    assert join(list(told.values())) == made
    for file in sorted((tmp_path / "alone").iterdir()):
        assert file.read_bytes() == (tmp_path / "together" / file.name).read_bytes()


def test_the_comp_is_packed_as_asked_but_never_lossily(shot, tmp_path):
    for text, kept in (("piz", "piz"), ("dwaa:45", "zip")):
        frames = FrameRange(FRAME, FRAME)
        comp = composite(**shot, params=Params(), frames=frames, out=tmp_path / kept, output=OutputBrief(text))
        assert exr.read(comp.files.path(FRAME)).compression == kept


def test_a_layer_with_someone_unnamed_is_refused(shot, tmp_path):
    (tmp_path / "few.json").write_text('{"1": "alone"}')
    crowd = dataclasses.replace(shot["layers"].layers[1], manifest=tmp_path / "few.json")
    layers = dataclasses.replace(shot["layers"], layers=(shot["layers"].layers[0], crowd))

    with pytest.raises(StageError, match="has no name in its manifest"):
        comped({**shot, "layers": layers}, tmp_path / "out")


def test_the_file_holds_layers_ids_depth_and_matte(finished):
    channels, figures = finished

    kinds = {name: plane.dtype for name, plane in channels.items()}
    assert {kinds[f"{n}.{c}"] for n in ("crowd", "set") for c in "RGBA"} == {np.dtype(np.float16)}
    assert kinds["crowd.id"] == kinds["set.id"] == np.uint32
    assert kinds["depth.Z"] == np.float32
    assert kinds["matte.A"] == np.float16
    people = np.unique(channels["crowd.id"])
    assert people[0] == 0
    assert len(people) > 20
    assert (channels["crowd.A"][channels["crowd.id"] > 0] >= 0.5).all()
    assert figures["layers"]["crowd"]["coverage"] == pytest.approx(
        float(channels["crowd.A"].mean(dtype=np.float64)), rel=1e-2
    )


def test_equal_inputs_give_equal_bytes(shot, tmp_path):
    for name in "ab":
        comped(shot, tmp_path / name)

    for name in (f"comp.{FRAME}.exr", f"comp.{FRAME}.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def damaged(files, folder, channel, value):
    """A copy of FrameFiles in which one pixel of `channel` holds `value`."""
    copy = dataclasses.replace(files, folder=folder)
    shutil.copytree(files.folder, folder, dirs_exist_ok=True)
    channels = {n: p.copy() for n, p in exr.read(files.path(FRAME)).channels.items()}
    channels[channel][60, 40] = value
    exr.write(copy.path(FRAME), channels)
    return copy


def test_a_minus_zero_of_the_plate_keeps_its_sign(shot, tmp_path):
    files = damaged(shot["plate"].files, tmp_path / "plate", "R", -0.0)
    plate = dataclasses.replace(shot["plate"], files=files)
    mattes = dataclasses.replace(shot["mattes"], files=damaged(shot["mattes"].files, tmp_path / "matte", "A", 1.0))

    channels, _ = comped({**shot, "plate": plate, "mattes": mattes}, tmp_path)

    assert np.signbit(channels["R"][60, 40])


def test_a_broken_plate_and_a_broken_layer_are_told_apart(shot, tmp_path):
    files = damaged(shot["plate"].files, tmp_path / "plate", "G", np.nan)
    with pytest.raises(PlateError, match=f"frame {FRAME}: .*first at 40, 60"):
        comped({**shot, "plate": dataclasses.replace(shot["plate"], files=files)}, tmp_path)

    crowd = shot["layers"].layers[1]
    broken = dataclasses.replace(crowd, files=damaged(crowd.files, tmp_path / "crowd", "G", np.nan))
    layers = dataclasses.replace(shot["layers"], layers=(shot["layers"].layers[0], broken))
    with pytest.raises(StageError, match=f"frame {FRAME}: layer crowd holds NaN, the first at 40, 60"):
        comped({**shot, "layers": layers}, tmp_path)


def test_depth_of_another_size_is_refused(shot, tmp_path):
    depth = write_depth(Scene(width=64, height=36, frames=2), tmp_path / "small")

    with pytest.raises(StageError, match="the depth is 64 x 36, the plate 256 x 144"):
        comped({**shot, "clean": write_clean(depth, tmp_path / "clean")}, tmp_path)


def test_wrong_settings_say_so():
    with pytest.raises(ConfigError, match=r"composite\.shadow is -1"):
        Params(shadow=-1)
    with pytest.raises(ConfigError, match=r'composite\.device is "gpu"'):
        Params(device="gpu")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_finishes_the_same_comp_and_one_that_is_not_there_is_named(shot, finished, tmp_path, device):
    if device not in fused_torch.devices():
        with pytest.raises(ConfigError, match=f'composite.device is "{device}", but torch finds none .* use "cpu"'):
            comped(shot, tmp_path, Params(device=device))
        return
    channels, figures = comped(shot, tmp_path, Params(device=device))

    assert figures["outside_bit_identical"]
    for name in "RGB":
        wanted = finished[0][name].astype(np.float32)
        np.testing.assert_allclose(channels[name].astype(np.float32), wanted, rtol=1e-3, atol=2e-6)
