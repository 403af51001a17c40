"""The run's log says which provider made what, at which cost, what was retried and who was passed over, a line each."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from assets.providers.asking.counter import Asker
from pipeline.config import load_shot
from pipeline.errors import ProviderBusy
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.log import Reporter
from pipeline.run import Wish, run
from pipeline.sections import ShotInfo
from pipeline.stage import stage
from pipeline.types import Plate
from pipeline.words import MOST_REMARKS, Words
from tests.assets.providers.asking.desks import CLOSED, desk_of, request_of
from tests.assets.providers.wire import serving

SERVED = []  # whom the stage asks, in order


@dataclass(frozen=True, slots=True)
class Asked:
    requests: int = 2


@stage
def paint(shot: ShotInfo, params: Asked, out: Path, shared: Path) -> Plate:
    """A plate from what a real desk is answered over HTTP."""
    desk = desk_of(shared, *SERVED, asker=Asker.of(out))
    answered = desk.generate([request_of(seed + 1) for seed in range(params.requests)])
    files = FrameFiles(out, "plate.%04d.exr", FrameRange(1001, 1001))
    exr.write_rgb(files.path(1001), np.ascontiguousarray(answered[0].takes[0, 0, ..., :3]))
    return Plate(files, 48, 64, 1.0, FrameRate(24), "", "ACEScg")


def log_of(folder, *, fails=None):
    """What the run's text log says of the stage, without its times."""
    (folder / "shot.toml").write_text('[shot]\nname = "sh010"\n[plate]\npath = "none.mov"\n')
    shot = load_shot(folder / "shot.toml")
    with Reporter(Console(quiet=True), shot.build / "logs") as report:
        if fails:
            with pytest.raises(fails):
                run(shot, (paint,), Wish("", None, workers=1), report)
        else:
            run(shot, (paint,), Wish("", None, workers=1), report)
    newest = max((shot.build / "logs").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    told = [json.loads(line) for line in newest.read_text().splitlines()]
    return [each["text"] for each in told if each["event"] == "note"]


def priced(entry, usd, **conduct):
    return replace(entry, conduct=replace(entry.conduct, usd_per_picture=usd, **conduct))


def test_a_run_says_who_made_what_at_which_cost_and_who_was_passed_over(tmp_path):
    with serving(name="house") as house:
        SERVED[:] = [CLOSED, priced(house.entry, 0.04)]
        house.plan("ok", "busy", "ok")

        said = log_of(tmp_path)

    assert said == [
        "paint: house made 2 pictures, 0.08 USD",
        "paint: passed over: closed: cannot be opened. Use another.",
        "paint: house: asked too often. Asked again.",
    ]


def test_who_takes_over_is_said_with_the_reason(tmp_path):
    with serving(name="first") as first, serving(name="second") as second:
        SERVED[:] = [priced(first.entry, 0.5, retries=1), second.entry]
        first.plan("ok", *["broken"] * 9)

        said = log_of(tmp_path)

    assert said[:2] == ["paint: first made 1 picture, 0.50 USD", "paint: second made 1 picture, 0.00 USD"]
    assert "paint: walker goes on to second: first: failed on its side (500)." in said


def test_a_stage_that_fails_says_whom_it_asked(tmp_path):
    with serving(name="house") as house:
        SERVED[:] = [priced(house.entry, 0.04, retries=1)]
        house.plan("ok", *["busy"] * 9)

        said = log_of(tmp_path, fails=ProviderBusy)

    assert said == ["paint: house made 1 picture, 0.04 USD", "paint: house: asked too often. Asked again."]


def test_what_lay_ready_is_told_apart_and_earlier_runs_are_forgotten(tmp_path):
    with serving(name="house") as house:
        SERVED[:] = [priced(house.entry, 0.04)]
        log_of(tmp_path)
        for receipt in (tmp_path / "build/sh010/paint").glob("*/receipt.json"):
            receipt.unlink()

        said = log_of(tmp_path)

    assert said == ["paint: house made 0 pictures, 2 lay ready, 0.00 USD"]


def say_much(words):
    for k in range(200):
        words.made("farm", 2, usd=0.01)
        words.remark(f"farm: was busy {k % 3}.")


def test_many_processes_are_heard_whole(tmp_path):
    words = Words.of(tmp_path, "sh010", "generate_near")
    with get_context("spawn").Pool(2) as pool:
        pool.map(say_much, [words] * 2)

    assert words.heard() == [
        "farm made 800 pictures, 4.00 USD",
        *(f"farm: was busy {k}. ({times} times)" for k, times in enumerate((134, 134, 132))),
    ]


def test_a_flood_of_remarks_is_cut_short_and_counted(tmp_path):
    words = Words.of(tmp_path, "sh010", "generate_near")
    for k in range(MOST_REMARKS + 5):
        words.remark(f"farm: reason {k}.")

    heard = words.heard()

    assert len(heard) == MOST_REMARKS + 1
    assert heard[-1] == "and 5 more like these: battleplate providers ledger tells all"


def test_who_asks_for_no_stage_is_not_written_down(tmp_path):
    words = Words.of(tmp_path, "", "")

    words.made("farm", 1)

    assert words.heard() == []
    assert not list(tmp_path.iterdir())
