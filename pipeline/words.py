"""What those who work for a stage have to say to people, wherever they run: heard when the stage has ended, in few lines.

Workers, threads and desks append to one file in the show's folder, a line each; the run reads it and sums it up. It decides
nothing, and is begun anew each time a stage is made.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_REMARKS = 12  # told one by one; of more the rest is counted


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one stage of one shot. file: None where nobody listens."""

    file: Path | None = None

    @classmethod
    def of(cls, shared: Path, shot: str, stage: str) -> Words:
        """Nobody listens to who asks for no stage."""
        return cls(shared / "words" / f"{shot}.{stage}.jsonl" if shot and stage else None)

    def begin(self) -> None:
        """Forget what an earlier run said."""
        if self.file:
            self.file.unlink(missing_ok=True)

    def made(self, provider: str, pictures: int, ready: int = 0, usd: float = 0.0) -> None:
        """Say who made how many pictures at which cost in USD, and how many lay ready."""
        if pictures or ready:
            self._say({"provider": provider, "made": pictures, "ready": ready, "usd": usd})

    def remark(self, line: str) -> None:
        """Say that something was retried, passed over or passed on, and why."""
        self._say({"remark": line})

    def heard(self) -> list[str]:
        """A line for each provider, then one for each remark, equal ones together."""
        sums: dict[str, Counter[str]] = {}
        remarks: Counter[str] = Counter()
        for said in self._read():
            if "remark" in said:
                remarks[said["remark"]] += 1
            else:
                sums.setdefault(said["provider"], Counter()).update({k: said[k] for k in ("made", "ready", "usd")})
        lines = [_summed(provider, counts) for provider, counts in sums.items()]
        lines += [f"{line} ({times} times)" if times > 1 else line for line, times in remarks.items()][:MOST_REMARKS]
        left = len(remarks) - MOST_REMARKS
        return lines + ([f"and {left} more like these: battleplate providers ledger tells all"] if left > 0 else [])

    def _say(self, said: dict[str, Any]) -> None:
        """In one write, so that lines of several processes stay whole; a full disk stops nobody's work."""
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                os.write(handle, (json.dumps(said) + "\n").encode())
            finally:
                os.close(handle)
        except OSError:
            return

    def _read(self) -> list[dict[str, Any]]:
        try:
            text = self.file.read_text("utf-8") if self.file else ""
            return [json.loads(line) for line in text.splitlines()]
        except (OSError, ValueError):
            return []


def _summed(provider: str, counts: Counter[str]) -> str:
    ready = f", {counts['ready']} lay ready" if counts["ready"] else ""
    return f"{provider} made {_pictures(counts['made'])}{ready}, {counts['usd']:.2f} USD"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
