"""Run, skip, resume: on small stages that really write frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pipeline.config import load_shot
from pipeline.errors import ConfigError, PlateError, StageError, StoreError
from pipeline.farm.local import runs_of
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.log import Reporter
from pipeline.run import Wish, look, needed_whole, run
from pipeline.stage import stage
from pipeline.types import Comp, Delivery, Ground, Mattes, Plate
from tests.ministages import MINI, hashes

BUILD = "build/mini"
SHOT = '[shot]\nname = "mini"\n[plate]\npath = "none.mov"\n'


def go(folder: Path, *overrides: str, until: str = "", frames: str = ""):
    (folder / "shot.toml").write_text(SHOT)
    shot = load_shot(folder / "shot.toml", overrides)
    with Reporter(Console(quiet=True), shot.build / "logs") as report:
        return run(shot, MINI, Wish(until, FrameRange.parse(frames) if frames else None, workers=1), report)


def events(folder: Path) -> list[tuple[str, str]]:
    newest = max((folder / "build/mini/logs").glob("*.jsonl"), key=lambda f: f.stat().st_mtime_ns)
    lines = [json.loads(line) for line in newest.read_text().splitlines()]
    return [(e["event"], e["stage"]) for e in lines if e["event"] in ("began", "skipped")]


@pytest.fixture
def made(tmp_path):
    go(tmp_path)
    return tmp_path


def test_a_second_run_makes_nothing(made):
    before = hashes(made / BUILD)

    go(made)

    assert events(made) == [("skipped", "shoot"), ("skipped", "matte"), ("skipped", "blur")]
    assert hashes(made / BUILD) == before


def test_a_setting_reruns_its_stage_and_what_follows(made):
    go(made, "matte.threshold=0.6")

    assert events(made) == [("skipped", "shoot"), ("began", "matte"), ("began", "blur")]


def test_equal_pixels_keep_what_follows(made):
    """A threshold below every value gives the same mattes for -1 and -2: blur is not made again."""
    go(made, "matte.threshold=-1.0")
    go(made, "matte.threshold=-2.0")

    assert events(made) == [("skipped", "shoot"), ("began", "matte"), ("skipped", "blur")]


def test_only_missing_and_damaged_frames_are_made_again(made):
    state = look(load_shot(made / "shot.toml"), MINI)[2]
    good = hashes(made / BUILD)
    (state.folder / "receipt.json").unlink()
    (state.folder / "comp.1003.exr").write_bytes(b"short")
    (state.folder / "units/1005.json").unlink()
    kept = (state.folder / "comp.1004.exr").stat().st_mtime_ns

    go(made)

    assert (state.folder / "comp.1004.exr").stat().st_mtime_ns == kept
    assert hashes(made / BUILD) == good


def test_a_truncated_frame_of_a_finished_stage_is_found(made):
    state = look(load_shot(made / "shot.toml"), MINI)[1]
    good = hashes(made / BUILD)
    frame = state.folder / "matte.1002.exr"
    frame.write_bytes(frame.read_bytes()[:-7])

    go(made)

    assert hashes(made / BUILD) == good


def test_frames_limits_the_split_stages_and_the_full_run_uses_them(tmp_path):
    results = go(tmp_path, frames="1003-1004", until="matte")
    folder = results[Mattes].files.folder
    stamp = (folder / "matte.1003.exr").stat().st_mtime_ns

    assert results[Mattes].files.frames == FrameRange(1003, 1004)
    assert len(list(folder.glob("*.exr"))) == 2

    full = go(tmp_path)

    assert full[Mattes].files.frames == FrameRange(1001, 1008)
    assert (folder / "matte.1003.exr").stat().st_mtime_ns == stamp


def test_frames_outside_the_plate_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"--frames 1005-1020: goes past the plate, which has frames 1001-1008"):
        go(tmp_path, frames="1005-1020")


def test_frames_outside_the_plate_are_refused_though_all_is_made(made):
    with pytest.raises(ConfigError, match="goes past the plate"):
        go(made, frames="1007-1009")


def test_a_failing_frame_keeps_the_finished_ones(tmp_path):
    with pytest.raises(PlateError, match="frame 1006: asked to fail"):
        go(tmp_path, "matte.fail_at=1006")

    state = look(load_shot(tmp_path / "shot.toml", ("matte.fail_at=1006",)), MINI)[1]
    assert state.state == "partly"
    assert state.frames_done >= 4


def test_a_failing_frame_in_a_run_of_frames_keeps_those_before_it(tmp_path):
    """`blur` is given several frames at a time and writes one while it makes the next."""
    with pytest.raises(PlateError, match="frame 1006: asked to fail"):
        go(tmp_path, "blur.fail_at=1006")
    kept = {f: f.stat().st_mtime_ns for f in tmp_path.glob(f"{BUILD}/blur/*/comp.100[1-5].exr")}

    state = look(load_shot(tmp_path / "shot.toml", ("blur.fail_at=1006",)), MINI)[2]
    assert state.state == "partly"
    assert {f.name for f in kept} == {f"comp.{frame}.exr" for frame in range(1001, 1006)}
    assert not list(tmp_path.glob(f"{BUILD}/blur/*/units/1006.json"))


def test_frames_made_together_are_those_made_alone(tmp_path):
    for folder in ("alone", "together"):
        (tmp_path / folder).mkdir()
    go(tmp_path / "alone", until="matte")
    for frames in ("1002", "1005", ""):
        go(tmp_path / "alone", frames=frames)
    go(tmp_path / "together")

    alone, together = (hashes(tmp_path / folder / BUILD) for folder in ("alone", "together"))
    assert alone == together


def test_neighbouring_frames_are_handed_out_together():
    assert [str(r) for r in runs_of([1001, 1002, 1003, 1005, 1006, 1009], 2)] == [
        "1001-1002",
        "1003",
        "1005-1006",
        "1009",
    ]


def test_explain_names_the_setting(made):
    state = look(load_shot(made / "shot.toml", ("blur.passes=3",)), MINI)[2]

    assert state.reasons == ["setting passes: 2 -> 3"]


def test_a_pointer_lost_by_a_kill_is_written_again(made):
    """A kill between the pointer and the receipt may leave either alone; the next run ends with both."""
    good = hashes(made / BUILD)
    (made / BUILD / "matte/latest.json").unlink()

    go(made)

    assert hashes(made / BUILD) == good


def test_going_back_to_an_earlier_setting_makes_nothing_and_explains_from_there(made):
    go(made, "blur.passes=3")
    go(made)

    assert events(made) == [("skipped", "shoot"), ("skipped", "matte"), ("skipped", "blur")]
    assert look(load_shot(made / "shot.toml", ("blur.passes=4",)), MINI)[2].reasons == ["setting passes: 2 -> 4"]


def test_status_waits_for_what_is_not_made(tmp_path):
    (tmp_path / "shot.toml").write_text(SHOT)

    states = look(load_shot(tmp_path / "shot.toml"), MINI)

    assert [s.state for s in states] == ["missing", "waiting", "waiting"]
    assert states[0].reasons == ["it has never been made"]


def test_an_unknown_stage_in_the_shot_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"\[stages.blurr\] sets a stage that does not exist. Did you mean 'blur'"):
        go(tmp_path, "blurr.passes=1")


def test_results_are_what_the_stages_compute(made):
    results = go(made)

    rgb = exr.read_rgb(results[Plate].files.path(1002))
    expected = np.random.default_rng(1002).random(rgb.shape, np.float32).astype(np.float16)
    np.testing.assert_array_equal(rgb.astype(np.float16), expected)
    assert results[Comp].figures.path(1008).is_file()


def test_two_runs_of_one_shot_at_once_are_refused(made):
    import fcntl

    with (made / "build/mini/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another run of this shot is at work"):
            go(made)


def test_a_stage_without_types_is_refused():
    with pytest.raises(StageError, match="no type given for plate"):

        @stage
        def broken(plate, out: Path) -> Plate: ...


def test_a_stage_that_runs_once_gets_the_whole_shot():
    """The ground is surveyed from the depth of every frame, also when only a few comp frames are wanted."""

    @stage
    def survey(mattes: Mattes, out: Path) -> Ground: ...

    @stage
    def stand(plate: Plate, ground: Ground, frames: FrameRange, out: Path) -> Comp: ...

    @stage(some_frames=True)
    def hand_on(comp: Comp, out: Path) -> Delivery: ...

    assert needed_whole((*MINI[:2], survey, stand, hand_on)) == {"shoot", "matte"}
