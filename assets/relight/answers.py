"""Answers of providers that may paint in a light of their own, brought into the light that was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.asking.desk import Desk
from assets.providers.request import Identity, Light, Request, Result
from assets.relight.fit import fit
from assets.relight.light import Found, read
from assets.relight.picture import relit
from assets.relight.sums import readable, sums_of

Array = np.ndarray[Any, Any]
Lights = Mapping[tuple[str, str], Found]  # by identity's name and painter


def in_asked_light(desk: Desk, request: Request, result: Result, lights: Lights, strength: float) -> Result:
    """An answer in the light that its request asks for; itself, to the bit, where its painter obeys or is right anyway.

    lights: as they were found in other pictures of the same identities; who is not among them has his light found in this
    answer, one for all frames of a take. strength: how much of the way, 0 .. 1. metadata `relit` tells what was done.
    """
    founds = _found(desk, request, result, lights, strength)
    if all(found is None or found.right for found in founds):
        return result
    pairs = zip(result.takes, founds, strict=True)
    takes = np.stack([relit_take(request, take, found, strength) for take, found in pairs])
    return replace(result, takes=takes, metadata=_saying(result, request, founds))


def frames_in_asked_light(
    desk: Desk, request: Request, result: Result, strength: float
) -> tuple[Iterator[Array], dict[str, str]]:
    """As in_asked_light for an answer of one take: its frames, (H, W, 4), one after the other, and its metadata."""
    [take], founds = result.takes, _found(desk, request, result, {}, strength)
    if not founds or founds[0] is None or founds[0].right:
        return iter(take), result.metadata
    frames = (relit(request, frame, picture, founds[0], strength) for frame, picture in enumerate(take))
    return frames, _saying(result, request, founds)


def _found(desk: Desk, request: Request, result: Result, lights: Lights, strength: float) -> list[Found | None]:
    """The light of each take; of none where nothing is to be done."""
    painter = result.metadata["provider"]
    if strength <= 0 or not readable(request) or desk.light_of(painter) == "asked":
        return []
    known = lights.get((request.identity.name, painter))
    return [known or fit({request.light: sums_of(request, take)}, request.identity) for take in result.takes]


def _saying(result: Result, request: Request, founds: list[Found | None]) -> dict[str, str]:
    return {**result.metadata, "relit": "; ".join(found.words(request.light) for found in founds if found)}


def relit_take(request: Request, take: Array, found: Found | None, strength: float) -> Array:
    """A take, (F, H, W, 4), of whose light is known; itself where nothing is to be done."""
    if found is None or found.right or strength <= 0:
        return take
    return np.stack([relit(request, frame, picture, found, strength) for frame, picture in enumerate(take)])


@dataclass(eq=False)
class Pool:
    """Everything that each painter showed of each identity: one light is found for all of it, so that nothing flickers."""

    _sums: dict[tuple[str, str], dict[Light, Array]] = field(default_factory=dict)
    _identities: dict[tuple[str, str], Identity] = field(default_factory=dict)

    def add(self, request: Request, painter: str, take: Array) -> None:
        """Note a take that was asked for."""
        who = request.identity.name, painter
        self._identities[who] = request.identity
        shown = self._sums.setdefault(who, {})
        shown[request.light] = shown.get(request.light, 0) + sums_of(request, take)

    def lights(self) -> dict[tuple[str, str], Found]:
        """The light of each identity by painter, where enough is seen to tell."""
        found = {who: fit(shown, self._identities[who]) for who, shown in sorted(self._sums.items())}
        return {who: light for who, light in found.items() if light is not None}


def entries(lights: Lights) -> list[dict[str, Any]]:
    """Lights as JSON; `read_lights` is the way back."""
    return [{"identity": name, "painter": painter, **light.entry()} for (name, painter), light in lights.items()]


@lru_cache(maxsize=2)  # once per worker
def read_lights(index: Path) -> dict[tuple[str, str], Found]:
    """The lights that the index of an atlas holds, found in its sprites."""
    found: Iterable[dict[str, Any]] = json.loads(index.read_text("utf-8")).get("lights", ())
    return {(entry["identity"], entry["painter"]): read(entry) for entry in found}
