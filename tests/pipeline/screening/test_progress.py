"""A run's log is read on while it is written."""

from __future__ import annotations

import json

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
