"""What a run tells while it renders: its log file, read on from where it was read last."""

from __future__ import annotations

import fcntl
import json
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MOST_BYTES = 4_000_000  # of a log that are read at once; the rest is read the next time


@dataclass(slots=True)
class Stage:
    """One stage of a run. state: waiting, running, finished, skipped or stopped; done of total: its frames or parts."""

    name: str
    state: str = "waiting"
    done: int = 0
    total: int = 0


@dataclass(slots=True)
class Run:
    """The newest run of a shot, as its log tells. logs: the shot's folder of logs."""

    logs: Path
    file: Path | None = None
    stages: dict[str, Stage] = field(default_factory=dict)
    _at: int = 0
    _locked_on: str = ""

    def read(self) -> bool:
        """Read what was written since; whether anything changed. Costs one listing and two looks when nothing was."""
        try:
            newest = max(self.logs.glob("run-*.jsonl"), key=lambda p: p.name, default=None)
            if newest is None:
                return False
            if newest != self.file:
                self.file, self.stages, self._at, self._locked_on = newest, {}, 0, ""
            if newest.stat().st_size <= self._at:
                return self._killed(newest)
            with newest.open("rb") as log:
                log.seek(self._at)
                data = log.read(MOST_BYTES)
        except OSError:
            return False
        whole = data[: data.rfind(b"\n") + 1]  # a line that is still being written is read the next time
        self._at += len(whole)
        for line in whole.splitlines():
            self._take(line)
        return bool(whole)

    def _killed(self, log: Path) -> bool:
        """Whether a stage runs whose process is gone, without a word: it had locked its log on this machine. Then it stopped."""
        running = [stage for stage in self.stages.values() if stage.state == "running"]
        if not running or self._locked_on != socket.gethostname():
            return False
        with log.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        for stage in running:
            stage.state = "stopped"
        return True

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"run": self.file.stem if self.file else "", "stages": [asdict(s) for s in self.stages.values()]}

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            event, name = told["event"], str(told.get("stage", ""))
            if event == "run":
                self.stages = {str(stage): Stage(str(stage)) for stage in told["stages"]}
                self._locked_on = str(told.get("locked_on", ""))
                return
            if event == "stopped":
                for stage in self.stages.values():
                    stage.state = "stopped" if stage.state == "running" else stage.state
                return
            if not name:
                return
            stage = self.stages.setdefault(name, Stage(name))
            if event == "began":
                stage.state = "running"
            elif event == "progress":
                stage.state, stage.done, stage.total = "running", int(told["done"]), int(told["total"])
            elif event in ("finished", "skipped"):
                stage.state = event
        except (ValueError, KeyError, TypeError, AttributeError):
            return
