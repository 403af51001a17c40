"""The preview joined: movie, picture from above and page of one shot with a solved camera, depth, mattes and ground."""

import re

import av
import numpy as np
import pytest

from calibration.cameras import load_poses, to_camera
from calibration.lens import project
from pipeline.crowd_sections import CrowdBrief, Zone
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr, images
from pipeline.sections import ShotInfo
from pipeline.stage import silent
from pipeline.types import CameraTrack, CrowdLayout, DepthMaps, Ground, Mattes, Plate
from stages.crowd_preview import pick, preview
from tests.stages.dolly import FRAMES, LENS, ground_of, layout_of, track_of

PLACES = [(-2.0, 0.0, -9.0), (0.0, 0.0, -10.0), (2.2, 0.0, -11.0)]


@pytest.fixture
def made(tmp_path):
    """Three legionaries on open ground."""
    size = (LENS.height, LENS.width)
    files = {name: FrameFiles(tmp_path, f"{name}.%04d.exr", FRAMES) for name in ("plate", "z", "matte")}
    for frame in FRAMES:
        exr.write(files["plate"].path(frame), {c: np.full(size, 0.01, np.float16) for c in "RGB"})
        exr.write(files["z"].path(frame), {"Z": np.full(size, 90.0, np.float32), "C": np.ones(size, np.float32)})
        exr.write(files["matte"].path(frame), {"A": np.zeros(size, np.float16)})
    corners = ((100.0, 90.0), (150.0, 90.0), (150.0, 120.0), (100.0, 120.0))
    return {
        ShotInfo: ShotInfo("bp_020"),
        CrowdBrief: CrowdBrief((Zone("north", count=3, polygon_px=corners),)),
        Plate: Plate(files["plate"], LENS.width, LENS.height, 1.0, FrameRate(24), "", "ACEScg"),
        CameraTrack: track_of(tmp_path),
        DepthMaps: DepthMaps(files["z"]),
        Mattes: Mattes(files["matte"], "automatic"),
        Ground: ground_of(tmp_path),
        CrowdLayout: layout_of(tmp_path / "layout", PLACES),
    }


def test_the_preview_writes_movie_picture_and_page(made, tmp_path):
    told = []

    looked = preview(made, None, tmp_path / "out", lambda done, total, note="": told.append((done, total)))

    with av.open(str(looked.movie)) as movie:
        pictures = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
    assert len(pictures) == len(FRAMES)
    assert told[-1] == (4, 4)
    assert sorted(re.findall(r'data-id="(\d+)"', looked.page.read_text())) == ["100001", "100002", "100003"]
    assert '<polygon class="zone"' in looked.page.read_text()
    assert images.read_png(looked.top).ndim == 3
    for agent, place in enumerate(PLACES):
        chest = np.add([place], (0.0, 1.1, 0.0))
        x, y = project(to_camera(chest, load_poses(made[CameraTrack])[2]), LENS)[0].astype(int)
        assert np.abs(pictures[2][y, x].astype(int) - pictures[2][8, 8]).max() > 20, agent


def test_a_part_of_the_frames_gives_a_shorter_movie(made, tmp_path):
    looked = preview(made, FrameRange(1002, 1003), tmp_path / "out", silent)

    with av.open(str(looked.movie)) as movie:
        assert len(list(movie.decode(video=0))) == 2


def test_pick_names_the_agent_whose_chest_is_at_the_pixel(made):
    track = made[CameraTrack]
    for agent, place in enumerate(PLACES):
        x, y = project(to_camera(np.add([place], (0.0, 1.1, 0.0)), load_poses(track)[1]), LENS)[0]

        said = pick(made, 1002, x, y)

        assert said.startswith(f"10000{agent + 1}  north.0000{agent + 1}, legionary, idle, zone north, ")
        away = float(re.search(r"([\d.]+) m away", said)[1])
        assert abs(away - np.hypot(np.hypot(place[0], 1.8), place[2])) < 0.5


def test_a_frame_outside_gets_one_clear_line(made, tmp_path):
    with pytest.raises(ConfigError, match=r"--frame 900: the crowd has frames 1001-1004"):
        pick(made, 900, 10, 10)
    with pytest.raises(ConfigError, match=r"--frames 1003-1009: the crowd has frames 1001-1004"):
        preview(made, FrameRange(1003, 1009), tmp_path, silent)


def test_a_shot_without_people_says_so(made, tmp_path):
    made[CrowdLayout] = layout_of(tmp_path / "empty", np.zeros((0, 3)))

    with pytest.raises(ConfigError, match="nobody in it"):
        preview(made, None, tmp_path, silent)


def test_however_many_frames_are_drawn_at_once_the_movie_is_the_same(made, tmp_path):
    movies = [preview(made, None, tmp_path / str(n), silent, n).movie.read_bytes() for n in (1, 3)]

    assert movies[0] == movies[1]
