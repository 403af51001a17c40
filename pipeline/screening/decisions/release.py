"""Let a delivered version leave the house: who approved it is asked first, every byte is checked, nothing is half there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.config import Shot
from pipeline.errors import ReviewRefused, StoreError
from pipeline.io.files import write_bytes
from pipeline.review_sections import ReviewPolicy
from pipeline.screening.decisions import unfinished
from pipeline.screening.decisions.life import Made, Standing, after, standing
from pipeline.screening.decisions.subject import Subject, changed, frame_words, read_report, subject_digest
from pipeline.sections import Consent, DeliveryBrief

_BLOCK = 2**20
_PAGE = ("report.html", "report.json")  # not in the report's own list of files: it cannot hold its own hash


@dataclass(frozen=True, slots=True)
class Released:
    """A version that left. folder: where it lies now; digest: of its pixels; files: how many were checked."""

    folder: Path
    digest: str
    files: int


def version_folder(shot: Shot, version: int) -> Path:
    """Where a version of a shot is delivered; it need not be there."""
    place = shot.file.resolve().parent / shot.sections[DeliveryBrief].folder
    return place / f"{shot.info.name}_v{version:03d}"


def release_folder(shot: Shot, show_file: Path | None) -> Path:
    """Where versions are released: [review] release, beside show.toml, or the shot file where there is none."""
    return (show_file or shot.file).resolve().parent / shot.show.review.release


def stands(folder: Path, made: Iterable[Made], *, thorough: bool = False) -> Standing:
    """How the version delivered in `folder` stands, its pixels looked at; thorough: every one of them is read."""
    decisions = list(made)
    now = standing(decisions)
    if now.approval is None or not now.approval.digest:
        return now
    return standing(
        decisions, changed(folder, Subject.read(now.approval.digest, now.approval.detail), thorough=thorough)
    )


def allow(shot: Shot, version: int, now: Standing, role: str) -> None:
    """Raise ReviewRefused, in one line, when the show's policy keeps a version here."""
    policy: ReviewPolicy = shot.show.review
    where = f"{shot.info.name} v{version:03d}"
    after(now, "deliver", role, where, unapproved=not policy.require_approval)
    consent: Consent = shot.sections[Consent]
    missing = [name for name in ("final_pixels", "talent") if not getattr(consent, name).strip()]
    if policy.require_consent and missing:
        raise ReviewRefused(
            f"{where}: no consent is written down. Add {' and '.join(missing)} to [consent] of {shot.file}: who agreed, when."
        )


def release(
    shot: Shot,
    version: int,
    now: Standing,
    into: Path,
    by: str,
    at: datetime,
    record: Callable[[Released], None] = lambda done: None,
) -> Released:
    """Copy a version into `into`/SHOT_vNNN, each file's SHA-256 checked on its way, and write release.json beside them.

    now: how it stands, thoroughly; `allow` was asked. record: writes the release down, when the copy is whole on disk and
    before it appears; whoever dies after it leaves a copy that `settle` lets appear. Raises ReviewRefused when it is
    released already, when a file is not what the report says of it, or when the report is not what was approved; StoreError
    when it cannot be written. The folder appears whole or not at all.
    """
    source = version_folder(shot, version)
    target = into / source.name
    if target.exists():
        raise ReviewRefused(f"{target}: is released already. Raise the shot's version, or move that folder away.")
    report = read_report(source)
    digest = subject_digest(report)
    if now.approval is not None and now.approval.digest != digest:
        raise ReviewRefused(f"{source.name}: is not what was approved. Have it approved as it is now.")
    with unfinished.folder_for(target) as temporary:
        try:
            files = _copied(source, temporary, report["files"])
            note = _note(shot, version, now, by, at, digest, files)
            write_bytes(temporary / unfinished.NOTE, json.dumps(note, indent=1, sort_keys=True).encode())
        except OSError as error:
            raise StoreError(f"{target}: cannot be written ({error.strerror}). Check space and permissions.") from error
        done = Released(target, digest, len(files))
        record(done)
        unfinished.appear(temporary, target)
    return done


def _copied(source: Path, target: Path, wanted: dict[str, str]) -> dict[str, str]:
    """Copies, never links: what is changed in the delivery later must not change what left. SHA-256 by name."""
    found = {}
    for name, digest in [*sorted(wanted.items()), *((page, "") for page in _PAGE)]:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ReviewRefused(
                f"{source.name}: report.json names {name}, which lies elsewhere. Deliver the shot again."
            )
        try:
            found[name] = _copy(source / path, target / path)
        except FileNotFoundError as error:
            if digest or name == "report.json":
                raise ReviewRefused(f"{source.name}: {name} is missing. Deliver the shot again.") from error
            continue
        if digest and found[name] != digest:
            said = frame_words([name])
            raise ReviewRefused(f"{source.name}: {said} changed since it was delivered. Deliver the shot again.")
    return found


def _copy(source: Path, target: Path) -> str:
    sha = hashlib.sha256()
    with source.open("rb") as read:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as write:
            while block := read.read(_BLOCK):
                sha.update(block)
                write.write(block)
            write.flush()
            os.fsync(write.fileno())
    target.chmod(0o444)
    return sha.hexdigest()


def _note(
    shot: Shot, version: int, now: Standing, by: str, at: datetime, digest: str, files: dict[str, str]
) -> dict[str, Any]:
    approval, consent = now.approval, shot.sections[Consent]
    return {
        "shot": shot.info.name,
        "version": version,
        "digest": digest,
        "approved": None if approval is None else {"by": approval.by, "at": approval.at.isoformat()},
        "client": None if now.client is None else {"by": now.client.by, "at": now.client.at.isoformat()},
        "consent": {"final_pixels": consent.final_pixels, "talent": consent.talent},
        "released": {"by": by, "at": at.isoformat()},
        "files": files,
    }
