"""track_report: every frame in a movie, one page that a browser and a printer need nothing else for, nothing else written."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.fingerprint import code_of
from pipeline.io import images, video
from pipeline.sections import CameraFacts, DeliveryBrief, ShotInfo
from pipeline.types import CameraTrack, TrackReport
from stages.track_report import Params, track_report
from tests.scenes import Scene, Shot, write_shot

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 12


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return write_shot(Scene(frames=FRAMES), tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def made(shot: Shot, tmp_path_factory: pytest.TempPathFactory) -> TrackReport:
    return report(shot, shot.track, tmp_path_factory.mktemp("report"))


def report(shot: Shot, track: CameraTrack, out: Path) -> TrackReport:
    plate = replace(shot.plate, timecode="01:00:00:22")
    return track_report(
        shot=ShotInfo("ridge_010", version=3),
        brief=DeliveryBrief(),
        facts=CameraFacts(sensor_width_mm=36.0),
        plate=plate,
        track=track,
        params=Params(),
        out=out,
    )


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [v or "" for k, v in attrs if k in ("src", "href", "poster")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_movie_has_every_frame_of_the_plate_drawn_over(shot: Shot, made: TrackReport):
    info, frames = video.probe(made.movie), list(video.read_frames(made.movie))

    assert (info.frame_count, len(frames), info.timecode) == (FRAMES, FRAMES, "01:00:00:22")
    assert frames[0].shape[1] == 320
    assert frames[0].shape[0] > 180
    orange = [((f[..., 0] > 0.6) & (f[..., 2] < 0.3) & (f[..., 1] < 0.6)).sum() for f in frames]
    assert min(orange) > 30  # a cone
    assert images.read_png(made.still).shape == frames[0].shape


def test_the_page_needs_only_its_movie_and_tells_the_camera(made: TrackReport):
    page = Page(made.page.read_text())

    assert page.open == []
    assert {s for s in page.sources if not s.startswith("data:image/jpeg;base64,")} == {"track.mp4"}
    for words in ("ridge_010: the camera", "The camera travels", "mm,", "Path from above", "jitter"):
        assert words in page.text


def test_figures_are_those_of_the_simulated_noise(shot: Shot, made: TrackReport):
    told = json.loads(made.figures.read_text())

    # Tracked with 0.1 px in x and y: the mean distance is 1.25 times that (Rayleigh).
    assert told["error_px"]["mean"] == pytest.approx(0.1253, rel=0.1)
    assert told["tracks"]["left_out"] == 0
    assert told["tracks"]["explained"] > 100
    assert [row["frame"] for row in told["frames"]] == list(range(1001, 1001 + FRAMES))


def test_equal_bytes_again_and_nothing_but_what_is_named(shot: Shot, made: TrackReport, tmp_path: Path):
    again = report(shot, shot.track, tmp_path)

    names = ("page", "movie", "still", "figures")
    assert set(tmp_path.iterdir()) == {getattr(again, name) for name in names}
    for name in names:
        assert getattr(again, name).read_bytes() == getattr(made, name).read_bytes(), name


def test_how_it_is_drawn_reruns_no_solve():
    drawn = [name for name in code_of(ROOT / "stages/solve_camera.py", ()) if "judge" in name or "review" in name]

    assert drawn == []


def test_a_track_without_points_and_tracks_still_gets_its_page(shot: Shot, tmp_path: Path):
    """A locked-off camera over a lawn without a mark."""
    bare = {name: tmp_path / f"{name}.npy" for name in ("poses", "points", "observations", "tracks")}
    np.save(bare["poses"], np.tile(np.load(shot.track.poses)[:1], (FRAMES, 1, 1)))
    np.save(bare["points"], np.zeros((0, 3), np.float32))
    np.save(bare["observations"], np.zeros((0, 4), np.float32))
    np.save(bare["tracks"], np.zeros((0, 4), np.float32))

    found = report(shot, replace(shot.track, **bare), tmp_path / "out")

    assert "0 of 12 frames show solved points" in Page(found.page.read_text()).text


def test_a_movie_too_small_is_refused():
    with pytest.raises(ConfigError, match="width_px must be at least 64"):
        Params(width_px=10)
