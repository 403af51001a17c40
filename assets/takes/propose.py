"""Ask for takes and lay them before a person: N of each character or set piece, a contact sheet, and a record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assets.people.characters import load_character, recipe_digest
from assets.providers.base import Provider
from assets.providers.request import Request, Result
from assets.takes import record
from assets.takes.contact import contact_sheet
from assets.takes.names import first_seed, seed_of, take_name
from assets.takes.record import Take, TakeSheet
from assets.takes.sheet import sheet_requests, shown
from assets.takes.telling import telling_of
from pipeline.io.images import write_png
from pipeline.stage import Progress, silent

Array = np.ndarray[Any, Any]


def propose_character(
    name: str, provider: Provider, root: Path, count: int, steps: int, progress: Progress = silent
) -> Path:
    """N takes of a character, by the name that load_character knows. root: the show's `_show/takes`. Returns the sheet.

    Raises ProviderError when the provider cannot do it; what it answered before is kept and not paid for again.
    """
    character = load_character(name)
    first = first_seed(character.direction.seed)
    able = provider.capabilities
    asked = {
        take: sheet_requests(character, telling_of(character, able, seed_of(first, take), take), steps)
        for take in map(take_name, range(1, count + 1))
    }
    sheet = TakeSheet(character.name, "character", shown(), (), ())
    about = Take("", 0, "", "", "", (), "", "", version=character.version, recipe=recipe_digest(name))
    title = f"{character.title}, version {character.version}"
    return lay_out(
        provider, asked, sheet, about, record.folder_of(root, provider.name, character.name), title, progress
    )


def lay_out(
    provider: Provider,
    asked: dict[str, list[Request]],
    sheet: TakeSheet,
    about: Take,
    folder: Path,
    title: str,
    progress: Progress = silent,
) -> Path:
    """Ask take by take, write pictures, record and contact sheet; returns the latter. about: what all takes have in common."""
    takes: list[Take] = []
    rows: list[tuple[str, str, Sequence[Array]]] = []
    for done, (name, requests) in enumerate(asked.items()):
        progress(done, len(asked), f"{sheet.name} {name}")
        answers = provider.generate(requests)
        pictures = [answer.takes[0, 0] for answer in answers]
        take = _take(name, requests, answers, provider, about)
        file, digest = record.write_pictures(folder, name, take.requests, pictures)
        takes.append(replace(take, pictures=file, pictures_sha256=digest))
        rows.append((name, f"seed {take.seed}", pictures))
        sheet = replace(sheet, sizes_px=tuple((p.shape[0], p.shape[1]) for p in pictures))
    progress(len(asked), len(asked), f"{sheet.name} proposed")
    whole = record.joined(record.read_sheet(folder), replace(sheet, takes=tuple(takes)))
    rows += [_row(folder, whole, take) for take in whole.takes if take.name not in asked]
    record.write_sheet(folder, whole)
    line = f"{provider.name} · model {takes[0].model_digest[:12]} · {'; '.join(sheet.shows)}"
    write_png(folder / "contact_sheet.png", contact_sheet(title, line, rows))
    return folder / "contact_sheet.png"


def _row(folder: Path, sheet: TakeSheet, take: Take) -> tuple[str, str, Sequence[Array]]:
    return take.name, f"seed {take.seed}", record.read_pictures(folder, sheet, take)


def _take(name: str, requests: list[Request], answers: list[Result], provider: Provider, about: Take) -> Take:
    first, answer = requests[0], answers[0]
    return replace(
        about,
        name=name,
        seed=first.seed,
        provider=answer.metadata.get("provider", provider.name),
        model_digest=answer.model_digest,
        licence=answer.licence,
        requests=tuple(answer.request_digest for answer in answers),
        prompt=first.prompt,
        negative=first.negative,
        references=tuple(_digest(picture) for picture in first.references),
        steps=first.steps,
        cost_usd=sum(answer.cost_usd for answer in answers),
        metadata=dict(answer.metadata),
    )


def _digest(picture: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(picture, np.float32).tobytes()).hexdigest()
