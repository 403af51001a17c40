"""Pieces of files stand in the shot as built ones do; what cannot be seen, or holds the camera, is told in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from assets.sets.projection import draw_guides, frame_piece, read_pieces
from calibration.cameras import look_at
from calibration.lens import project, rays
from pipeline.errors import ConfigError, FormatError
from pipeline.fingerprint import section_digest
from pipeline.frames import FrameRange
from pipeline.kernels.raster import empty_buffers, rasterize
from pipeline.sections import SetBrief, SetPiece
from pipeline.types import CameraTrack, Ground, Lens
from stages.lay_out_set import Params, lay_out_set

LENS = Lens(160, 90, 140.0, 140.0, 80.0, 44.0, -0.06, 0.01, 4e-4, -3e-4)
FRAMES = FrameRange(1001, 1004)
PIECE = SetPiece("keep", base_m=(1.0, 0.0, -30.0), yaw_deg=30.0)
SIZE = np.array([6.0, 8.0, 4.0])


@pytest.fixture
def world(tmp_path):
    poses = np.stack([look_at((0.0, 1.7, -2.0 * i), (0.0, 3.0, -30.0)) for i in range(len(FRAMES))])
    np.save(tmp_path / "poses.npy", poses)
    np.save(tmp_path / "heights.npy", np.zeros((2, 2), np.float32))
    cloud = np.array([[1.2, 0.3, -30.5], [1.4, 0.5, -30.1], [1.3, 0.4, -29.9], [9.0, 9.0, -9.0]], np.float32)
    np.save(tmp_path / "points.npy", cloud)
    file = tmp_path / "none"
    return {
        "track": CameraTrack(
            tmp_path / "poses.npy", tmp_path / "points.npy", file, file, file, FRAMES, LENS, 0.1, "truth"
        ),
        "ground": Ground(tmp_path / "heights.npy", -100.0, -100.0, 200.0, file),
        "params": Params(),
        "out": tmp_path / "set",
    }


@pytest.fixture
def box(tmp_path):
    made = trimesh.creation.box(100 * SIZE[[0, 2, 1]])
    made.apply_translation((700, -400, 900))
    made.export(tmp_path / "box.obj")
    return replace(PIECE, file=tmp_path / "box.obj", unit="cm", up="Z")


def lay(world, *pieces):
    layout = lay_out_set(**world, brief=SetBrief(pieces))
    return layout, [dict(np.load(layout.meshes / f"{piece.name}.npz")) for piece in pieces]


def met(origin, directions, low, high):
    """Depth along z of rays that meet a box, by slabs; +inf where they miss."""
    with np.errstate(divide="ignore"):
        one, two = (low - origin) / directions, (high - origin) / directions
    near, far = np.minimum(one, two).max(axis=-1), np.maximum(one, two).min(axis=-1)
    return np.where((near <= far) & (near > 0), near, np.inf)


def test_a_box_of_a_file_is_drawn_where_rays_meet_it(world, box):
    _, [mesh] = lay(world, box)
    pose, through = np.load(world["track"].poses)[0], rays(LENS)
    camera = (mesh["vertices"].astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
    buffers = empty_buffers(LENS.height, LENS.width)
    rasterize(camera, mesh["triangles"], through, project(camera, LENS).astype(np.float32), *buffers)

    turn = np.radians(30.0)
    local_from_world = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    origin = local_from_world @ (-pose[:3, :3].T @ pose[:3, 3] - [1, 0, -30])
    ways = np.concatenate([through, np.ones((*through.shape[:2], 1))], axis=-1) @ pose[:3, :3] @ local_from_world.T
    truth = met(origin, ways, SIZE * [-0.5, 0, -0.5], SIZE * [0.5, 1, 0.5])
    both = np.isfinite(truth) & np.isfinite(buffers[0])
    assert both.sum() > 700
    assert (np.isfinite(truth) != np.isfinite(buffers[0])).sum() <= 4
    np.testing.assert_allclose(buffers[0][both], truth[both], atol=2e-4)


def test_its_size_is_told_and_its_file_stands_in_the_list(world, box):
    layout, _ = lay(world, box)

    assert layout.notes == ("keep: box.obj is 6 x 8 x 4 m (width, height, depth), 12 triangles of wall, top.",)
    assert json.loads(layout.pieces.read_text())[0]["kind"] == "box.obj"


def test_curved_pieces_are_guided_by_smooth_normals(world, tmp_path):
    trimesh.creation.cylinder(3.0, 9.0, sections=16).export(tmp_path / "oak_beam.obj")
    (tmp_path / "drum.obj").write_text("o oak beam\n" + (tmp_path / "oak_beam.obj").read_text())
    layout, _ = lay(world, replace(PIECE, file=tmp_path / "drum.obj", up="Z"))
    [piece] = read_pieces(layout)
    pose = np.load(world["track"].poses)[0]
    projector = frame_piece(piece, pose, 140.0, (-0.6, -0.4, 0.6, 0.4), 2.0, 256)

    normals = draw_guides(piece, projector).guides.normals[0]
    flat = draw_guides(replace(piece, corner_normals=None), projector).guides.normals[0]

    row = normals.shape[0] // 2
    across, steps = normals[row, :, 0], np.diff(normals[row, :, 0])
    shown = np.linalg.norm(normals[row], axis=1) > 0.5
    assert shown.sum() > 20
    assert np.abs(steps[shown[1:] & shown[:-1]]).max() < 0.15
    assert np.abs(np.diff(flat[row, :, 0])[shown[1:] & shown[:-1]]).max() > 0.3
    assert across[shown][0] < -0.8
    assert across[shown][-1] > 0.8


def test_a_snapped_piece_stands_on_the_solved_points_near_it(world, box):
    layout, [mesh] = lay(world, replace(box, snap="points"))

    np.testing.assert_allclose(json.loads(layout.pieces.read_text())[0]["base_m"], [1.3, 0.4, -30.1], atol=1e-4)
    assert mesh["vertices"][:, 1].min() == pytest.approx(0.4, abs=1e-5)


def test_another_content_of_the_file_is_another_set(box, tmp_path):
    before = section_digest(SetBrief((box,)))
    moved = replace(box, file=tmp_path / "moved.v002.obj")
    moved.file.write_bytes(box.file.read_bytes())

    assert section_digest(SetBrief((moved,))) == before
    box.file.write_text(box.file.read_text().replace("v 10", "v 11", 1))
    assert section_digest(SetBrief((box,))) != before


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"base_m": (0.0, 0.0, 40.0)}, ConfigError, "keep: no frame sees it.*wholly behind the camera on all 4 frames"),
        ({"base_m": (500.0, 0.0, -30.0)}, ConfigError, "no frame sees it.*beside the picture"),
        ({"base_m": (0.0, 0.0, -4.0), "yaw_deg": 0.0}, ConfigError, "camera stands inside it.* on frames 1002-1004"),
        ({"base_m": (0.0, 0.0, -2.01), "yaw_deg": 0.0}, ConfigError, "inside it.* on frames 1001-1003"),
        (
            {"snap": "points", "base_m": (30.0, 0.0, -60.0)},
            ConfigError,
            "no solved point lies within 5 m.*nearest is 4",
        ),
        ({"base_m": (0.0, 0.0, -9e5)}, ConfigError, r"keep: it is 0\.\d+ px large where .*nearer.*set\.cards"),
        ({"base_m": (float("nan"), 0.0, -9.0)}, ConfigError, r"base_m is \(nan.*must be finite"),
        ({"base_m": None, "base_px": (9.0, 9.0), "distance_m": -4.0}, ConfigError, "distance_m is -4, must be 0"),
        ({"unit": "km"}, ConfigError, "set piece keep: .*box.obj: it is 6e\\+05.*likely cm"),
    ],
)
def test_a_piece_that_cannot_stand_there_is_told_in_one_line(world, box, change, error, words):
    with pytest.raises(error, match=words) as caught:
        lay(world, replace(box, **change))

    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_names_the_piece(world, tmp_path):
    with pytest.raises(FormatError, match=r"set piece keep: .*gone\.usd: there is no such file"):
        lay(world, replace(PIECE, file=tmp_path / "gone.usd"))


@pytest.mark.parametrize(
    "words",
    [
        {"unit": "yd"},
        {"up": "z"},
        {"pivot": "top"},
        {"snap": "grid"},
        {"scale": 0.0},
        {"kind": "wall"},
        {"kind": "fortress"},
    ],
)
def test_words_that_nobody_knows_are_refused(words, tmp_path):
    with pytest.raises(ConfigError):
        SetPiece("keep", file=tmp_path / "a.obj", **words)


def test_words_of_a_file_need_a_file():
    with pytest.raises(ConfigError, match="Write file"):
        SetPiece("keep", unit="cm")
