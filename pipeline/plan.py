"""What a stage of a shot would be made from, and whether it is made already."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import codec
from pipeline.config import Shot, stage_params
from pipeline.errors import StageError
from pipeline.fingerprint import code_of, digest_of, section_digest
from pipeline.stage import Stage
from pipeline.store import Receipt


@dataclass(frozen=True)
class Made:
    """A result that later stages may take. digest: what it counts as in their fingerprints."""

    result: Any
    digest: str


@dataclass(frozen=True)
class Job:
    """One stage of one shot with everything it takes. key: what decides whether it is made again. shared: the show's."""

    stage: Stage
    inputs: dict[str, Any]
    params: Any
    key: dict[str, Any]
    shared: Path

    @property
    def arguments(self) -> dict[str, Any]:
        """What the stage is called with, but for what its runner knows: out, frames, progress, kept."""
        asked = {"params": self.params} if self.stage.params else {}
        return {**self.inputs, **asked, **({"shared": self.shared} if self.stage.wants_shared else {})}

    @property
    def fingerprint(self) -> str:
        return digest_of([self.stage.name, self.key])[:16]


def made_of(receipt: Receipt) -> Made:
    """A finished stage as an input."""
    return Made(receipt.result, receipt.digest)


def section_results(shot: Shot) -> dict[type, Made]:
    """The shot file's sections as inputs."""
    return {kind: Made(section, "") for kind, section in shot.sections.items()}


def job_for(stage: Stage, shot: Shot, made: dict[type, Made]) -> Job:
    """Gather a stage's inputs by type and what decides its result. Raises StageError when an input is made by no stage."""
    inputs: dict[str, Any] = {}
    digests: dict[str, str] = {}
    for argument, kind in stage.inputs.items():
        if kind not in made:
            raise StageError(
                f"stage {stage.name}: nothing before it makes the {kind.__name__} that it takes. Check the order of SHOT."
            )
        found = made[kind]
        inputs[argument] = found.result
        digests[argument] = found.digest or section_digest(found.result)
    params = stage_params(stage.params, shot, stage.name)
    file = Path(sys.modules[stage.module].__file__ or "").resolve()
    key = {"code": code_of(file, stage.data), "params": codec.plain(params), "inputs": digests}
    return Job(stage, inputs, params, key, shot.shared)


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """In words, what changed between two keys: settings, inputs, code."""
    if not old:
        return ["it has never been made"]
    lines = []
    for name, value in (new["params"] or {}).items():
        before = (old["params"] or {}).get(name, "absent")
        if before != value:
            lines.append(f"setting {name}: {before!r} -> {value!r}")
    lines += [f"setting {n}: gone" for n in (old["params"] or {}) if n not in (new["params"] or {})]
    lines += [f"input {n} has other content" for n, d in new["inputs"].items() if old["inputs"].get(n) != d]
    for name in sorted({*old["code"], *new["code"]}):
        if name not in new["code"]:
            lines.append(f"code {name}: not used any more")
        elif name not in old["code"]:
            lines.append(f"code {name}: newly used")
        elif old["code"][name] != new["code"][name]:
            lines.append(f"code {name}: changed")
    return lines
