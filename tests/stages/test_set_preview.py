"""The set's preview joined: a wall of known place through the solved camera, over a plate with depth and mattes."""

import json

import av
import numpy as np
import pytest

from assets.preview.setmovie import SAMPLES, draw_proxies
from assets.sets.pieces import build
from assets.sets.projection import read_pieces
from calibration.cameras import load_poses, to_camera
from calibration.lens import project, scaled
from pipeline.errors import ConfigError
from pipeline.far_sections import FarCards, SetCard
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr, images
from pipeline.sections import ShotInfo
from pipeline.stage import silent
from pipeline.types import CameraTrack, DepthMaps, Ground, Mattes, Plate, SetLayout
from stages.seen import view_of
from stages.set_preview import preview
from tests.stages.dolly import FRAMES, LENS, track_of

BASE = np.array([1.0, 0.0, -30.0])
FACE_Z = -30.0 + 1.2  # half a wall's thickness before its middle; its foot leans further out
SIZE = (LENS.height, LENS.width)


@pytest.fixture
def made(tmp_path):
    """A wall 12 m wide and 6 m high, 30 m away; in the left half of the plate something 5 m away."""
    files = {name: FrameFiles(tmp_path, f"{name}.%04d.exr", FRAMES) for name in ("plate", "z", "matte")}
    far = np.full(SIZE, 90.0, np.float32)
    far[:, : LENS.width // 2] = 5.0
    for frame in FRAMES:
        exr.write(files["plate"].path(frame), {c: np.full(SIZE, 0.01, np.float16) for c in "RGB"})
        exr.write(files["z"].path(frame), {"Z": far, "C": np.ones(SIZE, np.float32)})
        exr.write(files["matte"].path(frame), {"A": np.zeros(SIZE, np.float16)})
    (tmp_path / "meshes").mkdir()
    mesh = build("wall", 12.0, 6.0)
    np.savez(tmp_path / "meshes" / "north wall.npz", vertices=(mesh.vertices + BASE).astype(np.float32),
             triangles=mesh.triangles, normals=mesh.normals, parts=mesh.parts)  # fmt: skip
    entry = {"name": "north wall", "kind": "wall", "material": "limestone", "seed": 1, "id": 1,
             "base_m": BASE.tolist(), "yaw_rad": 0.0}  # fmt: skip
    (tmp_path / "pieces.json").write_text(json.dumps([entry]))
    np.save(tmp_path / "heights.npy", np.zeros((2, 2), np.float32))
    return {
        ShotInfo: ShotInfo("bp_020"),
        Plate: Plate(files["plate"], LENS.width, LENS.height, 1.0, FrameRate(24), "", "ACEScg"),
        CameraTrack: track_of(tmp_path),
        DepthMaps: DepthMaps(files["z"]),
        Mattes: Mattes(files["matte"], "automatic"),
        SetLayout: SetLayout(tmp_path / "meshes", tmp_path / "pieces.json"),
        Ground: Ground(tmp_path / "heights.npy", -100.0, -100.0, 200.0, tmp_path),
    }


def pixel(made, row, point):
    return project(to_camera(np.array([point], np.float64), load_poses(made[CameraTrack])[row]), LENS)[0].astype(int)


def test_the_movie_shows_the_wall_and_what_stands_before_it(made, tmp_path):
    looked = preview(made, None, tmp_path / "out", silent)

    with av.open(str(looked.movie)) as movie:
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in movie.decode(video=0)]
    assert len(pictures) == len(FRAMES)
    assert looked.pieces == 1
    assert images.read_png(looked.still).shape == pictures[0].shape
    for row, picture in enumerate(pictures):
        bare = picture[LENS.height - 4, LENS.width - 4]
        right, left = pixel(made, row, (5.0, 2.5, FACE_Z)), pixel(made, row, (-3.5, 2.5, FACE_Z))
        assert right[0] > LENS.width // 2 > left[0] + 4
        assert np.abs(picture[right[1], right[0]] - bare).max() > 40
        assert np.abs(picture[left[1], left[0]] - bare).max() < 12


def test_the_ground_hides_what_of_a_grounded_piece_lies_in_it(made, tmp_path):
    pieces = made[SetLayout].pieces
    pieces.write_text(json.dumps([{**json.loads(pieces.read_text())[0], "grounded": True}]))
    np.save(made[Ground].heights, np.full((2, 2), BASE[1] + 2, np.float32))

    looked = preview(made, FrameRange(1002, 1002), tmp_path / "out", silent)

    picture = images.read_png(looked.still)
    bare = picture[LENS.height - 4, LENS.width - 4]
    under, over = (pixel(made, 1, (3.0, BASE[1] + up, FACE_Z)) for up in (1.0, 3.0))
    assert np.abs(picture[under[1], under[0]] - bare).max() < 0.05
    assert np.abs(picture[over[1], over[0]] - bare).max() > 0.2


def test_proxies_lie_where_the_lens_shows_them(made):
    pieces, track = read_pieces(made[SetLayout]), made[CameraTrack]
    fine = CameraTrack(track.poses, track.points, track.observations, track.tracks, track.figures, track.frames,
                       scaled(LENS, SAMPLES * LENS.width, SAMPLES * LENS.height), 0.1, "truth")  # fmt: skip

    drawn = draw_proxies(view_of(fine, 1003), pieces)

    assert drawn.depth.shape == SIZE
    seen = np.isfinite(drawn.depth)
    assert np.array_equal(seen, drawn.piece == 0)
    assert np.array_equal(seen, drawn.cover > 0)
    corners = project(to_camera(pieces[0].vertices.astype(np.float64), load_poses(track)[2]), LENS)
    rows, columns = np.nonzero(seen)
    assert abs(columns.min() - corners[:, 0].min()) < 1.1
    assert abs(columns.max() + 1 - corners[:, 0].max()) < 1.1
    assert abs(rows.min() - corners[:, 1].min()) < 1.1
    x, y = pixel(made, 2, (4.0, 3.0, FACE_Z))
    away = to_camera(np.array([[4.0, 3.0, FACE_Z]]), load_poses(track)[2])[0, 2]
    assert abs(drawn.depth[y, x] - away) < 0.4
    assert drawn.cover[y, x] == 1


def test_edges_are_drawn_and_faces_are_not(made):
    track = made[CameraTrack]
    fine = CameraTrack(track.poses, track.points, track.observations, track.tracks, track.figures, track.frames,
                       scaled(LENS, SAMPLES * LENS.width, SAMPLES * LENS.height), 0.1, "truth")  # fmt: skip

    drawn = draw_proxies(view_of(fine, 1001), read_pieces(made[SetLayout]))

    face = drawn.grey[drawn.cover == 1]
    usual = np.median(face)
    assert 0.03 < (drawn.grey[drawn.cover > 0] < 0.7 * usual).mean() < 0.4  # lines: outlines, merlons, steps
    rows, columns = np.nonzero(drawn.cover > 0)
    middle = columns == (columns.min() + columns.max()) // 2
    assert drawn.grey[rows[middle].min(), columns[middle][0]] < 0.9 * usual  # the skyline


def test_a_part_of_the_frames_and_frames_that_are_not_there(made, tmp_path):
    looked = preview(made, FrameRange(1002, 1003), tmp_path / "out", silent)

    with av.open(str(looked.movie)) as movie:
        assert len(list(movie.decode(video=0))) == 2
    with pytest.raises(ConfigError, match=r"--frames 1003-1009: the camera has frames 1001-1004"):
        preview(made, FrameRange(1003, 1009), tmp_path, silent)


def test_a_shot_without_a_set_says_so(made, tmp_path):
    made[SetLayout].pieces.write_text("[]")

    with pytest.raises(ConfigError, match=r"no set. Add \[\[set.pieces\]\]"):
        preview(made, None, tmp_path, silent)


def test_cards_are_shown_behind_pieces_and_behind_what_the_plate_shows_nearer(made, tmp_path):
    """A red card over the whole width, 80 m away: hidden on the left by what stands 5 m away, on the right by the wall."""
    images.write_png(tmp_path / "red.png", np.full((8, 64, 3), (255, 0, 0), np.uint8))
    card = SetCard(
        "mountains", tmp_path / "red.png", 80.0, bearing_deg=0.0, rise_deg=-15.0, width_deg=80.0, height_m=40.0
    )

    looked = preview({**made, FarCards: FarCards((card,))}, FrameRange(1001, 1001), tmp_path / "out", silent)

    picture = images.read_png(looked.still)
    red = (picture[..., 0] > 0.4) & (picture[..., 0] > 2 * picture[..., 1])
    wall = pixel(made, 0, (5.0, 2.5, FACE_Z))
    assert looked.cards == 1
    assert not red[: LENS.height - 4, : LENS.width // 2 - 8].any()
    assert red[: LENS.height - 4, LENS.width // 2 :].mean() > 0.05
    assert not red[wall[1], wall[0]]


def test_cards_alone_are_enough_of_a_set(made, tmp_path):
    (tmp_path / "none.json").write_text("[]")
    images.write_png(tmp_path / "red.png", np.full((8, 64, 3), (255, 0, 0), np.uint8))
    card = SetCard("mountains", tmp_path / "red.png", 80.0, bearing_deg=0.0, width_deg=60.0)
    bare = {**made, SetLayout: SetLayout(tmp_path / "meshes", tmp_path / "none.json"), FarCards: FarCards((card,))}

    looked = preview(bare, FrameRange(1001, 1001), tmp_path / "out", silent)

    assert (looked.pieces, looked.cards) == (0, 1)
