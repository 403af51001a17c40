"""Set pieces stand where the brief says and reach into the ground everywhere."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calibration.cameras import camera_centre, to_camera
from calibration.lens import project
from pipeline.errors import AssetError, ConfigError
from pipeline.frames import FrameRange
from pipeline.sections import SetBrief, SetPiece
from pipeline.types import CameraTrack, Ground, Lens
from stages.lay_out_set import Params, lay_out_set

LENS = Lens(320, 180, 280.0, 280.0, 160.0, 88.0, -0.09, 0.02, 6e-4, -4e-4)
FRAMES = FrameRange(1001, 1003)
PIECE = SetPiece("keep", "wall", base_px=(200.0, 120.0), width_m=20.0, height_m=6.0)


def slope(x, z):
    return 0.1 * x + 0.003 * z * z


@pytest.fixture
def world(tmp_path):
    poses = np.tile(np.diag([1.0, -1.0, -1.0, 1.0]), (len(FRAMES), 1, 1))
    poses[:, :3, 3] = -np.diag([1.0, -1.0, -1.0]) @ [0.0, 1.7, 0.0]
    np.save(tmp_path / "poses.npy", poses)
    x, z = np.meshgrid(np.arange(-80.0, 81.0), np.arange(-80.0, 81.0))
    np.save(tmp_path / "heights.npy", slope(x, z).astype(np.float32))
    file = tmp_path / "none"
    return {
        "track": CameraTrack(tmp_path / "poses.npy", file, file, file, file, FRAMES, LENS, 0.1, "truth"),
        "ground": Ground(tmp_path / "heights.npy", -80.0, -80.0, 1.0, file),
        "params": Params(),
        "out": tmp_path / "set",
    }


def lay(world, *pieces):
    layout = lay_out_set(**world, brief=SetBrief(pieces))
    meshes = [dict(np.load(layout.meshes / f"{piece.name}.npz")) for piece in pieces]
    return json.loads(layout.pieces.read_text()), meshes


def test_piece_stands_where_its_pixel_meets_the_ground_and_faces_the_camera(world):
    entries, _ = lay(world, PIECE)

    base, pose = np.array(entries[0]["base_m"]), np.load(world["track"].poses)[0]
    np.testing.assert_allclose(project(to_camera(base[None], pose), LENS), [PIECE.base_px], atol=0.05)
    assert base[1] == pytest.approx(slope(base[0], base[2]), abs=0.02)
    away = camera_centre(pose) - base
    assert entries[0]["yaw_rad"] == pytest.approx(np.arctan2(away[0], away[2]), abs=1e-5)


def test_piece_with_a_distance_stands_on_its_pixels_ray(world):
    entries, _ = lay(world, replace(PIECE, base_px=(140.0, 60.0), distance_m=300.0))

    base, pose = np.array(entries[0]["base_m"]), np.load(world["track"].poses)[0]
    np.testing.assert_allclose(project(to_camera(base[None], pose), LENS), [(140.0, 60.0)], atol=1e-3)
    assert np.linalg.norm(base - camera_centre(pose)) == pytest.approx(300, abs=1e-3)


@pytest.mark.parametrize(
    ("lift_m", "away_m", "grounded"), [(0.0, 0.0, True), (-0.5, 0.0, True), (8.0, 0.0, False), (0.0, 120.0, False)]
)
def test_a_piece_is_grounded_where_the_ground_under_it_was_surveyed(world, lift_m, away_m, grounded):
    """Not where it stands high over it, nor beyond where the survey ends."""
    base = (2.0, float(slope(2.0, -30.0)) + lift_m, -30.0 - away_m)

    entries, _ = lay(world, replace(PIECE, base_px=None, base_m=base, yaw_deg=0.0))

    assert entries[0]["grounded"] == grounded


def test_foot_of_the_wall_is_below_the_ground_all_along(world):
    """The ground rises by 2 m under the wall; every bay must reach below it, and its walk must stay above it."""
    _, [mesh] = lay(world, replace(PIECE, base_px=None, base_m=(2.0, float(slope(2.0, -30.0)), -30.0), yaw_deg=0.0))

    vertices = mesh["vertices"]
    for x in np.arange(-7, 12):
        column = vertices[np.abs(vertices[:, 0] - x) < 3.5]
        ground = slope(column[:, 0], column[:, 2])
        assert (column[:, 1] - ground).min() < -1.5
        assert 3 < (column[:, 1] - ground).max() < 8


def test_metres_heading_and_normals_turn_together(world):
    _, [front] = lay(world, replace(PIECE, base_px=None, base_m=(0.0, 90.0, -300.0), yaw_deg=0.0))
    _, [side] = lay(world, replace(PIECE, base_px=None, base_m=(0.0, 90.0, -300.0), yaw_deg=90.0))

    assert np.ptp(front["vertices"][:, 0]) == pytest.approx(20, abs=0.5)
    assert np.ptp(side["vertices"][:, 2]) == pytest.approx(20, abs=0.5)
    corners = side["vertices"][side["triangles"]]
    wound = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((wound * side["normals"]).sum(axis=1) > 0).all()


def test_equal_briefs_give_equal_bytes(world, tmp_path):
    one = lay_out_set(**world, brief=SetBrief((PIECE,)))
    two = lay_out_set(**{**world, "out": tmp_path / "again"}, brief=SetBrief((PIECE,)))

    assert (one.meshes / "keep.npz").read_bytes() == (two.meshes / "keep.npz").read_bytes()
    assert one.pieces.read_bytes() == two.pieces.read_bytes()


def test_shot_without_a_set_has_an_empty_layout(world):
    entries, _ = lay(world)

    assert entries == []


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"base_px": None}, ConfigError, "has no place"),
        ({"base_px": (200.0, 5.0)}, ConfigError, "looks over the ground"),
        ({"base_px": None, "base_m": (0.0, 0.0, 60.0)}, ConfigError, "no frame sees it"),
        ({"base_px": (5000.0, 90.0), "distance_m": 200.0}, ConfigError, "no frame sees it"),
        ({"kind": "pyramid"}, AssetError, "pyramid"),
        ({"height_m": -1.0}, AssetError, "cannot be built"),
    ],
)
def test_a_piece_that_cannot_stand_is_told_in_one_line(world, change, error, words):
    with pytest.raises(error, match=words) as caught:
        lay(world, replace(PIECE, **change))

    assert "\n" not in str(caught.value)


def test_two_pieces_of_one_name_are_refused(world):
    with pytest.raises(ConfigError, match="two pieces are called 'keep'"):
        lay(world, PIECE, PIECE)
