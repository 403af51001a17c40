"""What a recipe tells generators that read words and pictures: prompt, references, seed, and who allowed their use."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import AssetError

Array = np.ndarray[Any, Any]
KEYS = frozenset(["prompt", "negative", "references", "seed", "consent"])
MOST_REFERENCES, MOST_WORDS, MOST_SEED = 16, 4000, 2**31
_PICTURES = (".png", ".exr")


@dataclass(frozen=True, slots=True)
class Consent:
    """[consent]: who is shown in the references, who allowed their use, and the last day on which they may be used."""

    shown: str
    given_by: str
    until: date


@dataclass(frozen=True, slots=True)
class Direction:
    """Words and pictures of an identity. references: pictures beside the recipe. seed: of its first take; 0: not said."""

    prompt: str = ""
    negative: str = ""
    references: tuple[Path, ...] = ()
    seed: int = 0
    consent: Consent | None = None

    def pictures(self, who: str, today: date) -> tuple[Array, ...]:
        """The references as requests carry them: (H, W, 4) float32, scene-linear ACEScg, premultiplied.

        Raises AssetError once the consent has run out, or for a picture that cannot be read.
        """
        if self.references and self.consent and today > self.consent.until:
            raise AssetError(
                f"{who}: the consent of {self.consent.given_by} to show {self.consent.shown} ended on "
                f"{self.consent.until}. Renew it, write the new date into [consent], or take the references out."
            )
        return tuple(read_picture(path) for path in self.references)


def read_direction(recipe: Mapping[str, Any], where: str, folder: Path) -> Direction:
    """The words and pictures of a recipe's table. folder: where the recipe lies. Raises AssetError naming the field."""
    for name in ("prompt", "negative"):
        words = recipe.get(name, "")
        if not isinstance(words, str) or len(words) > MOST_WORDS:
            raise AssetError(f"{where}: {name} must be text of at most {MOST_WORDS} letters. Change it.")
    seed = recipe.get("seed", 0)
    if type(seed) is not int or not 0 <= seed <= MOST_SEED:
        raise AssetError(f"{where}: seed is {seed!r}, must be a whole number from 0 to {MOST_SEED}. Change it.")
    references = _references(recipe.get("references", []), where, folder)
    consent = _consent(recipe["consent"], where) if "consent" in recipe else None
    if references and consent is None:
        raise AssetError(
            f"{where}: references are given without consent. Add [consent] with shown (who is in the pictures), "
            "given_by and until (a date), or take the references out."
        )
    return Direction(recipe.get("prompt", ""), recipe.get("negative", ""), references, seed, consent)


def read_picture(path: Path) -> Array:
    """(H, W, 4) float32 scene-linear ACEScg, premultiplied: of a PNG (sRGB), or of an EXR (ACEScg as it is).

    Raises FormatError when it cannot be read.
    """
    from pipeline.io import color, exr, images

    if path.suffix.lower() == ".exr":
        return np.asarray(exr.read_rgba(path), np.float32)
    pixels = np.atleast_3d(images.read_png(path))
    rgb = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    alpha = pixels[..., 3:] if pixels.shape[2] == 4 else np.ones_like(pixels[..., :1])
    linear = color.to_acescg(rgb, "sRGB - Texture")
    return np.ascontiguousarray(np.concatenate([linear * alpha, alpha], axis=-1), np.float32)


def _references(names: Any, where: str, folder: Path) -> tuple[Path, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) > MOST_REFERENCES:
        raise AssetError(f'{where}: references must be a list of at most {MOST_REFERENCES} files, such as ["a.png"].')
    paths = []
    for name in names:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise AssetError(
                f"{where}: reference {name!r} lies outside of the recipe's folder. Put it beside the recipe."
            )
        if path.suffix.lower() not in _PICTURES or not path.is_file():
            raise AssetError(
                f"{where}: reference {name!r} is no {' or '.join(_PICTURES)} file beside it. Put it there."
            )
        paths.append(path)
    return tuple(paths)


def _consent(table: Any, where: str) -> Consent:
    wanted = {"shown", "given_by", "until"}
    if not isinstance(table, dict) or set(table) != wanted:
        raise AssetError(f"{where}: [consent] needs shown, given_by and until, and nothing else. Write these three.")
    until = table["until"]
    if isinstance(until, str):  # as a layout keeps it
        with suppress(ValueError):
            until = date.fromisoformat(until)
    if type(until) is not date:
        raise AssetError(f"{where}: consent.until is {table['until']!r}. Write a date, such as 2027-12-31, unquoted.")
    for name in ("shown", "given_by"):
        if not isinstance(table[name], str) or not table[name].strip():
            raise AssetError(f"{where}: consent.{name} is {table[name]!r}. Write a name in quotes.")
    return Consent(table["shown"], table["given_by"], until)
