"""A run's log is read on while it is written."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from pipeline.screening.progress import Run


def lines(*events):
    return "".join(json.dumps(event) + "\n" for event in events)


def test_a_log_is_read_on_and_half_a_line_waits(tmp_path):
    run = Run(tmp_path)
    assert not run.read()
    log = tmp_path / "run-20261129T061311-1.jsonl"
    began = {"event": "began", "stage": "composite", "reasons": []}
    log.write_text(lines({"event": "run", "stages": ["ingest", "composite"]}, began))
    assert run.read()
    assert [(s.name, s.state) for s in run.stages.values()] == [("ingest", "waiting"), ("composite", "running")]
    told = lines({"event": "progress", "stage": "composite", "done": 3, "total": 8})
    with log.open("a") as file:
        file.write(told[:20])
        file.flush()
        assert not run.read()
        file.write(told[20:] + "not JSON\n")
    assert run.read()
    assert (run.stages["composite"].done, run.stages["composite"].total) == (3, 8)
    assert not run.read()


def test_a_newer_run_takes_its_place(tmp_path):
    run = Run(tmp_path)
    (tmp_path / "run-20261129T061311-1.jsonl").write_text(lines({"event": "finished", "stage": "ingest"}))
    run.read()
    assert run.stages["ingest"].state == "finished"
    (tmp_path / "run-20261129T071311-1.jsonl").write_text(lines({"event": "run", "stages": ["deliver"]}))
    assert run.read()
    assert list(run.stages) == ["deliver"]


RENDERING = """
import sys, time
from pathlib import Path
from rich.console import Console
from pipeline.log import Reporter

with Reporter(Console(quiet=True), Path(sys.argv[1])) as report:
    report.start(["ingest", "composite"])
    report.began("composite", [])
    print("began", flush=True)
    time.sleep(600)
"""


def test_a_run_that_was_killed_has_stopped(tmp_path):
    run = Run(tmp_path)
    with subprocess.Popen([sys.executable, "-c", RENDERING, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"began\n"
        assert run.read()
        assert not run.read()
        assert run.stages["composite"].state == "running"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run.read()
    assert [stage.state for stage in run.stages.values()] == ["waiting", "stopped"]
    assert not run.read()


def test_a_run_of_another_machine_is_believed(tmp_path):
    run, began = Run(tmp_path), {"event": "began", "stage": "composite", "reasons": []}
    log = tmp_path / "run-20261129T061311-1.jsonl"
    log.write_text(lines({"event": "run", "stages": ["composite"], "locked_on": "elsewhere"}, began))
    assert run.read()
    assert not run.read()
    assert run.stages["composite"].state == "running"
