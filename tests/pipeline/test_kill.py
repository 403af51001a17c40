"""Kill -9 at any moment, run again: only unfinished frames are made again, and every byte is the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.ministages import hashes

ROOT = Path(__file__).parent.parent.parent
KILLS = 24
SHOT = '[shot]\nname = "mini"\n[plate]\npath = "none.mov"\n[stages.blur]\npasses = {passes}\n'


def begin(folder: Path, passes: int = 400) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    (folder / "shot.toml").write_text(SHOT.format(passes=passes))
    command = [sys.executable, "-m", "tests.ministages", str(folder / "shot.toml"), "2"]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_hears
    )


def _hears() -> None:
    """Ctrl-C reaches the run even where the tests were started in the background, which deafens all that come from them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finished_frames(folder: Path) -> dict[Path, int]:
    """Files of frames noted as finished, with the time of their last write."""
    frames = {}
    for unit in folder.glob("build/mini/*/*/units/*.json"):
        stem = unit.stem if unit.stem.isdigit() else unit.stem.split(".")[-2]
        frames.update({f: f.stat().st_mtime_ns for f in unit.parent.parent.glob(f"[!.]*.{stem}.exr")})
    return frames


def finished_units(folder: Path) -> int:
    return len(list(folder.glob("build/mini/*/*/units/*.json")))


def test_killed_at_random_moments_a_run_ends_with_the_same_bytes(tmp_path):
    clean = begin(tmp_path / "clean")
    assert clean.wait(120) == 0, clean.stderr.read().decode()
    wanted, units = hashes(tmp_path / "clean/build/mini"), finished_units(tmp_path / "clean")
    moments = random.Random(20261123)
    kills = unfinished = attempt = 0
    folder = tmp_path / "killed0"

    while kills < KILLS:
        before = finished_frames(folder)
        # A moment of work, not of the clock: a machine that is slower or faster now is killed at the same places.
        enough = moments.randint(finished_units(folder), units)
        process = begin(folder)
        while finished_units(folder) < enough and process.poll() is None:
            time.sleep(0.002)
        try:
            process.wait(moments.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            # By turns the run alone is killed, its workers left to notice, and the whole group at once.
            os.kill(process.pid, signal.SIGKILL) if kills % 2 else os.killpg(process.pid, signal.SIGKILL)
            kills += 1
            unfinished += not (folder / "build/mini/blur/latest.json").exists()
        process.wait(30)
        assert all(f.stat().st_mtime_ns == stamp for f, stamp in before.items()), "a finished frame was made again"
        if hashes(folder / "build/mini").keys() >= wanted.keys():
            assert hashes(folder / "build/mini") == wanted
            attempt += 1
            folder = tmp_path / f"killed{attempt}"
    last = begin(folder)

    assert last.wait(120) == 0, last.stderr.read().decode()
    assert hashes(folder / "build/mini") == wanted
    assert unfinished >= KILLS // 2, "most kills must have hit unfinished work"


def test_ctrl_c_stops_cleanly_and_the_next_run_goes_on(tmp_path):
    process = begin(tmp_path / "shot", passes=6000)  # long enough to be met at work on a busy machine
    while not list(tmp_path.glob("shot/build/mini/matte/*/units/*.json")) and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)

    assert process.wait(60) != 0
    assert not [f for f in tmp_path.rglob("*") if ".tmp" in f.name]

    again = begin(tmp_path / "shot", passes=6000)
    assert again.wait(120) == 0, again.stderr.read().decode()
