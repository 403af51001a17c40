"""COLMAP in its own process: a crash, a refusal, a hang and a lost parent all end cleanly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from calibration.solve import child
from pipeline.errors import CalibrationError

ROOT = Path(__file__).resolve().parents[3]
TASKS = """
import json, os, signal, sys, time
from calibration.solve.child import import_pycolmap, report
from pipeline.errors import CalibrationError

def works(folder):
    report(1, 2, "thinking hard")
    (folder / "done.json").write_text(json.dumps({"threads": os.environ["OMP_NUM_THREADS"]}))

def crashes(folder):
    report(1, 2, "mapping")
    os.kill(os.getpid(), signal.SIGSEGV)

def crashes_in_pycolmap(folder):
    import_pycolmap(1)
    report(1, 2, "mapping")
    os.abort()

def refuses(folder):
    raise CalibrationError("frame 1007: no. Do this.")

def breaks(folder):
    raise ZeroDivisionError("a bug")

def hangs(folder):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (folder / "pid").write_text(str(os.getpid()))
    signal.pause()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "childtasks.py").write_text(TASKS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_a_child_works_and_tells_how_far_it_is(folder: Path):
    told = []

    child.run_child("childtasks:works", folder, 60, lambda done, total, note="": told.append((done, total, note)))

    assert told == [(1, 2, "thinking hard")]
    assert json.loads((folder / "done.json").read_text()) == {"threads": "1"}


@pytest.mark.parametrize(("task", "name"), [("crashes", "SIGSEGV"), ("crashes_in_pycolmap", "SIGABRT")])
def test_a_crash_of_native_code_is_one_clear_line(folder: Path, task: str, name: str):
    with pytest.raises(CalibrationError, match=f"died of {name} while mapping. Run again") as caught:
        child.run_child(f"childtasks:{task}", folder, 60)

    assert "\n" not in str(caught.value)


def test_an_error_of_ours_comes_through_word_for_word(folder: Path):
    with pytest.raises(CalibrationError, match=r"^frame 1007: no\. Do this\.$"):
        child.run_child("childtasks:refuses", folder, 60)


def test_a_bug_in_the_child_is_named(folder: Path):
    with pytest.raises(CalibrationError, match="ZeroDivisionError: a bug"):
        child.run_child("childtasks:breaks", folder, 60)


def test_a_hanging_child_is_ended_in_time(folder: Path):
    with pytest.raises(CalibrationError, match="not done after 3 s"):
        child.run_child("childtasks:hangs", folder, 3)

    pid = int((folder / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_child_leaves_when_its_parent_is_gone(folder: Path):
    command = [sys.executable, "-m", "calibration.solve.child", "childtasks:hangs", str(folder)]
    path = os.pathsep.join([str(ROOT), str(folder)])
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path})
    assert process.stdin is not None

    process.stdin.close()  # what the kernel does for a parent that was killed

    assert process.wait(timeout=30) == 1
