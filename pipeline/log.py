"""Tell of a run: progress bars and lines for people, JSON lines for machines, both of the same events."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipeline import stage as stages

HISTORY = "durations.json"


class Reporter:
    """Events of one run, to a console, `LOGS/run-TIME.jsonl` and `LOGS/run-TIME.log`.

    logs: the folder of logs; durations of earlier runs are kept there and give the estimate of the next. The JSON lines are
    locked (flock) for as long as the run lives: who reads them on this machine sees when it was killed.
    """

    def __init__(self, console: Console, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S") + f"-{os.getpid()}"
        self.console = console
        self._history = logs / HISTORY
        self._locked = False
        self._machine = (logs / f"run-{stamp}.jsonl").open("w", encoding="utf-8")
        with suppress(OSError):  # a file system without locks
            fcntl.flock(self._machine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._locked = True
        self._human = (logs / f"run-{stamp}.log").open("w", encoding="utf-8")
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<15}"),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._marks: dict[str, int] = {}

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: object) -> None:
        if kind:
            self._event("stopped", f"{kind.__name__}: {value}")
        self._bars.stop()
        self._machine.close()
        self._human.close()

    def start(self, names: list[str]) -> None:
        """The run's stages are known; say how long they took last time."""
        past = self._past()
        known = [past[n] for n in names if n in past]
        guess = (
            f"about {max(1, round(sum(known) / 60))} min when everything is made anew"
            if len(known) == len(names)
            else ""
        )
        text = f"{len(names)} stages{', ' + guess if guess else ''}"
        self.console.print(f"[dim]{text}", highlight=False)
        where = {"locked_on": socket.gethostname()} if self._locked else {}
        self._event("run", text, stages=names, **where)

    def skipped(self, name: str) -> None:
        """A stage is made already."""
        task = self._task(name)
        self._bars.update(task, total=1, completed=1, note="made already")
        self._event("skipped", f"{name}: made already", stage=name)

    def began(self, name: str, reasons: list[str]) -> None:
        """A stage begins, and why."""
        self._task(name)
        self._event(
            "began",
            f"{name}: begins ({'; '.join(reasons[:4])}{' ...' if len(reasons) > 4 else ''})",
            stage=name,
            reasons=reasons,
        )

    def progress(self, name: str) -> stages.Progress:
        """A Progress for the stage `name`."""

        def tell(done: int, total: int, note: str = "") -> None:
            self._bars.update(self._task(name), completed=done, total=max(total, 1), note=note)
            tenth = 10 * done // max(total, 1)
            if self._marks.get(name) != tenth:  # a log line for each tenth is enough to see where a run stands
                self._marks[name] = tenth
                self._event(
                    "progress", f"{name}: {done} of {total} {note}".rstrip(), stage=name, done=done, total=total
                )

        return tell

    def noted(self, name: str, note: str) -> None:
        """Something that a stage found or took for granted, which people should read."""
        self.console.print(f"{name}: {note}", highlight=False, markup=False)
        self._event("note", f"{name}: {note}", stage=name)

    def finished(self, name: str, seconds: float) -> None:
        """A stage is done, after `seconds` of wall time."""
        task = self._task(name)
        total = self._bars.tasks[task].total or 1
        self._bars.update(task, total=total, completed=total, note="")
        self._history.write_text(json.dumps({**self._past(), name: round(seconds, 1)}, indent=1), encoding="utf-8")
        self._event("finished", f"{name}: done in {seconds:.1f} s", stage=name, seconds=round(seconds, 3))

    def _task(self, name: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None, note="")
        return self._tasks[name]

    def _past(self) -> dict[str, float]:
        try:
            past: dict[str, float] = json.loads(self._history.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return past

    def _event(self, event: str, text: str, **facts: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._machine.write(json.dumps({"time": now, "event": event, **facts, "text": text}) + "\n")
        self._human.write(f"{now} {text}\n")
        self._machine.flush()
        self._human.flush()
