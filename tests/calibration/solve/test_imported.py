"""A given track enters as the true camera, whatever wrote it; what does not fit the plate is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import cameras, handover
from calibration.solve.imported import Imported, read_track
from pipeline.errors import BattleplateError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import usd
from pipeline.io.chan import Chan, write_chan
from pipeline.io.colmapmodel import Model, Sighted, write_model
from pipeline.sections import CameraFacts
from pipeline.solve_sections import SolveBrief
from pipeline.types import Lens, Plate
from tests.scenes import Scene, write_track

FRAMES = FrameRange(1001, 1006)
PLATE = Plate(FrameFiles(Path("plate"), "plate.%04d.exr", FRAMES), 640, 360, 1.0, FrameRate(24), "", "ACEScg")
LENS = Lens(640, 360, 560.0, 560.0, 330.0, 176.0, -0.1, 0.02, 3e-4, -2e-4)
BENT = (-0.1, 0.02, 3e-4, -2e-4)
POSES = np.array([cameras.look_at((0.1 * t, 1.7, -0.2 * t), (1.0, 1.2, -9.0)) for t in range(len(FRAMES))])
GL = np.diag([1.0, -1.0, -1.0, 1.0])


def read(brief: SolveBrief, plate: Plate = PLATE, facts: CameraFacts | None = None) -> Imported:
    assert brief.track is not None
    return read_track(brief, brief.track, plate, facts or CameraFacts(), list(plate.files.frames))


def chan(folder: Path, first: int = 1001, scale: float = 1.0, fov: bool = True) -> Path:
    placed = cameras.world_from_camera(POSES) @ GL
    placed[:, :3, 3] *= scale
    angle = np.full(len(FRAMES), np.degrees(2 * np.arctan(180 / 560.0))) if fov else None
    write_chan(folder / "c.chan", Chan(np.arange(first, first + len(FRAMES)), placed, angle))
    return folder / "c.chan"


def stage(folder: Path, up: str = "Y", unit: float = 1.0, tall: float | None = None) -> Path:
    """Written by usd-core alone, with a parent that is moved, as matchmove programs leave it."""
    from pxr import Gf, Usd, UsdGeom

    made = Usd.Stage.CreateNew(str(folder / "c.usda"))
    UsdGeom.SetStageUpAxis(made, up)
    UsdGeom.SetStageMetersPerUnit(made, unit)
    made.SetStartTimeCode(1001)
    made.SetEndTimeCode(1006)
    parent = UsdGeom.Xform.Define(made, "/track")
    parent.AddTranslateOp().Set(Gf.Vec3d(5, 6, 7))
    camera = UsdGeom.Camera.Define(made, "/track/cam")
    camera.CreateFocalLengthAttr(560 * 36 / 640)
    camera.CreateHorizontalApertureAttr(36)
    camera.CreateVerticalApertureAttr(tall or 36 * 360 / 640)
    camera.CreateHorizontalApertureOffsetAttr(-10 * 36 / 640)
    camera.CreateVerticalApertureOffsetAttr(-4 * 36 / 640)
    op = camera.AddTransformOp()
    turn = np.eye(4) if up == "Y" else np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    for frame, pose in zip(FRAMES, POSES, strict=True):
        placed = turn @ cameras.world_from_camera(pose) @ GL
        placed[:3, 3] = placed[:3, 3] / unit - (5, 6, 7)
        op.Set(Gf.Matrix4d(*placed.T.ravel().tolist()), frame)
    made.GetRootLayer().Save()
    return folder / "c.usda"


def colmap(folder: Path, names: str = "f_%04d.png", size: tuple[int, int] = (320, 180)) -> Path:
    x, y = size[0] / 640, size[1] / 360
    lens = Lens(*size, 560 * x, 560 * y, 330 * x, 176 * y, *BENT)
    points = np.array([[0.0, 1, -5], [1, 2, -6]])
    images = [
        Sighted(names % frame, 1, pose, np.array([[10.0, 20], [30, 40]]), np.arange(2))
        for frame, pose in zip(FRAMES, POSES, strict=True)
    ]
    write_model(folder / "model", Model({1: lens}, tuple(images), points))
    return folder / "model"


def test_a_chan_enters_with_its_lens_said_beside_it(tmp_path: Path):
    got = read(SolveBrief(track=chan(tmp_path), distortion=BENT, centre_px=(330.0, 176.0)))

    np.testing.assert_allclose(got.poses, POSES, atol=1e-7)
    np.testing.assert_allclose(
        [getattr(got.lens, n) for n in LENS.__dataclass_fields__],
        [getattr(LENS, n) for n in LENS.__dataclass_fields__],
        rtol=1e-8,
    )
    assert got.metric


def test_a_chan_in_centimetres_from_frame_1_is_converted_and_told(tmp_path: Path):
    got = read(SolveBrief(track=chan(tmp_path, first=1, scale=100), frame_offset=1000, metres_per_unit=0.01))

    np.testing.assert_allclose(got.poses, POSES, atol=1e-7)
    assert (got.told["metres_per_unit"], got.told["frame_offset"]) == (0.01, 1000)


def test_a_chan_without_a_field_of_view_takes_the_written_lens(tmp_path: Path):
    track = chan(tmp_path, fov=False)

    got = read(SolveBrief(track=track), facts=CameraFacts(focal_mm=31.5, sensor_width_mm=36))

    assert got.lens.focal_x_px == pytest.approx(560)
    with pytest.raises(BattleplateError, match=r"no vertical field of view\. Export it with one, or write"):
        read(SolveBrief(track=track))


@pytest.mark.parametrize(("up", "unit"), [("Y", 1.0), ("Y", 0.01), ("Z", 1.0), ("Z", 0.0254)])
def test_a_usd_camera_enters_in_metres_with_y_up(tmp_path: Path, up: str, unit: float):
    got = read(SolveBrief(track=stage(tmp_path, up, unit)))

    np.testing.assert_allclose(got.poses, POSES, atol=1e-7)
    np.testing.assert_allclose(
        [got.lens.focal_x_px, got.lens.focal_y_px, got.lens.centre_x_px, got.lens.centre_y_px],
        [560, 560, 330, 176],
        rtol=1e-6,
    )
    assert (got.told["up"], got.told["metres_per_unit"]) == (up, pytest.approx(unit))


def test_our_own_usd_comes_back_with_its_distortion(tmp_path: Path):
    with usd.writing(tmp_path / "ours.usda", FRAMES, FrameRate(24)) as made:
        usd.add_camera(made, "/Shot/Camera", POSES, LENS, 36.0)

    got = read(SolveBrief(track=tmp_path / "ours.usda"))

    np.testing.assert_allclose(got.poses, POSES, atol=1e-9)
    np.testing.assert_allclose([got.lens.k1, got.lens.k2, got.lens.p1, got.lens.p2], BENT, rtol=1e-6)
    assert got.lens.centre_x_px == pytest.approx(330, abs=1e-3)


def test_an_aperture_of_another_shape_is_fitted_by_its_width_and_told(tmp_path: Path):
    got = read(SolveBrief(track=stage(tmp_path, tall=24.0)))

    assert got.lens.focal_y_px == pytest.approx(560)
    assert got.lens.centre_y_px == pytest.approx(176)
    assert "36.000 x 24.000 is not the plate's shape" in got.told["aperture"]


def test_an_anamorphic_plate_has_two_focal_lengths(tmp_path: Path):
    squeezed = replace(PLATE, width=320, pixel_aspect=2.0)

    got = read(SolveBrief(track=stage(tmp_path)), squeezed)

    assert (got.lens.focal_x_px, got.lens.focal_y_px) == (pytest.approx(280), pytest.approx(560))
    assert got.lens.centre_x_px == pytest.approx(165)


def test_a_colmap_model_enters_with_its_points_at_plate_size(tmp_path: Path):
    got = read(SolveBrief(track=colmap(tmp_path)))

    np.testing.assert_allclose(got.poses, POSES, atol=1e-9)
    assert got.lens == pytest.approx(LENS)  # solved at half size
    assert not got.metric
    assert got.points.shape == (2, 3)
    np.testing.assert_allclose(got.observations[3], [1, 1, 60, 80])


def refused(brief: SolveBrief, plate: Plate = PLATE) -> str:
    with pytest.raises(BattleplateError) as caught:
        read(brief, plate)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_frames_are_named(tmp_path: Path):
    longer = replace(PLATE, files=replace(PLATE.files, frames=FrameRange(1001, 1008)))
    later = replace(PLATE, files=replace(PLATE.files, frames=FrameRange(2001, 2006)))

    for track in (chan(tmp_path), stage(tmp_path), colmap(tmp_path)):
        assert "no pose for frame 1007, 1008: it holds 1001-1006" in refused(SolveBrief(track=track), longer)
        assert "frame_offset = 1000 if its 1001 is 2001" in refused(SolveBrief(track=track), later)


def test_a_crop_and_a_foreign_file_are_refused(tmp_path: Path):
    (tmp_path / "c.fbx").touch()

    assert "solved on pictures of 320 x 320" in refused(SolveBrief(track=colmap(tmp_path, size=(320, 320))))
    assert "has no number, so no frame" in refused(SolveBrief(track=colmap(tmp_path / "b", names="a" * 4 + "%.0s")))
    assert "a track is a .chan" in refused(SolveBrief(track=tmp_path / "c.fbx"))
    assert "and this is not there" in refused(SolveBrief(track=tmp_path / "nowhere"))


def test_a_zoom_goes_out_and_comes_back_frame_by_frame(tmp_path: Path):
    scene = Scene(frames=6)
    zoom = np.linspace(1.0, 1.5, 6)
    track = replace(write_track(scene, tmp_path / "track"), zoom=tuple(zoom))
    plate = Plate(
        FrameFiles(tmp_path, "p.%04d.exr", scene.range), scene.width, scene.height, 1.0, FrameRate(24), "", ""
    )
    handover.chan(track, tmp_path / "c.chan")
    handover.colmap(track, tmp_path / "model")
    handover.stage(track, tmp_path / "c.usda", FrameRate(24))

    for name in ("c.chan", "model", "c.usda"):
        got = read_track(SolveBrief(track=tmp_path / name), tmp_path / name, plate, CameraFacts(), list(scene.range))

        np.testing.assert_allclose(got.lens.focal_x_px * got.zoom, scene.lens.focal_x_px * zoom, rtol=1e-5)
        np.testing.assert_allclose(got.poses, [scene.camera_from_world(f) for f in scene.range], atol=1e-5)


def test_several_usd_cameras_must_be_chosen_from(tmp_path: Path):
    from pxr import Usd, UsdGeom

    made = Usd.Stage.Open(str(stage(tmp_path)))
    UsdGeom.Camera.Define(made, "/other")
    made.GetRootLayer().Save()

    assert "2 cameras. Write one of them as [solve] camera: /track/cam, /other" in refused(
        SolveBrief(track=tmp_path / "c.usda")
    )
    np.testing.assert_allclose(read(SolveBrief(track=tmp_path / "c.usda", camera="/track/cam")).poses, POSES, atol=1e-7)
