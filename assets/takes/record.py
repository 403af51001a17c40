"""What is kept of every take, so that it can be made again or explained years later: takes.json, and its pictures beside.

FOLDER/PROVIDER/NAME/      the show's folder for characters, the shot's for set pieces
    takes.json             the takes as they stand, and earlier ones that a later proposal replaced
    contact_sheet.png      to pick from
    t02.3fa9c21b70de.exr   the pictures of a take side by side, by the digest of its requests: never overwritten by others
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import codec
from pipeline.errors import AssetError, ConfigError
from pipeline.io import exr
from pipeline.io.files import sha256, write_bytes

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Take:
    """One proposal. requests: digests, one per picture. references: SHA-256 of the pictures that were sent.

    version, recipe: of the character's recipe when it was asked ("": a set piece). pictures: name of the EXR.
    """

    name: str
    seed: int
    provider: str
    model_digest: str
    licence: str
    requests: tuple[str, ...]
    pictures: str
    pictures_sha256: str
    prompt: str = ""
    negative: str = ""
    references: tuple[str, ...] = ()
    version: int = 0
    recipe: str = ""
    steps: int = 1
    cost_usd: float = 0.0
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakeSheet:
    """All takes of one identity. shows: what each picture of a take shows; sizes_px: (height, width) of each."""

    name: str
    kind: str  # character | piece
    shows: tuple[str, ...]
    sizes_px: tuple[tuple[int, int], ...]
    takes: tuple[Take, ...]
    earlier: tuple[Take, ...] = ()

    @property
    def names(self) -> list[str]:
        """Of the takes that there are."""
        return [take.name for take in self.takes]

    def take(self, name: str) -> Take:
        """The take called so. Raises AssetError that lists what there is."""
        if name not in self.names:
            raise AssetError(f"{self.name} has no take {name!r}. Takes: {', '.join(self.names) or 'none'}.")
        return self.takes[self.names.index(name)]


NO_TAKES = TakeSheet("", "", (), (), ())


def folder_of(root: Path, provider: str, name: str) -> Path:
    """Where the takes of an identity lie. root: the show's `_show/takes`, or the shot's `takes`."""
    return root / provider / name


def read_sheet(folder: Path) -> TakeSheet:
    """The takes in a folder; NO_TAKES where none were proposed. Raises AssetError when takes.json is damaged."""
    file = folder / "takes.json"
    if not file.is_file():
        return NO_TAKES
    try:
        sheet: TakeSheet = codec.build(TakeSheet, json.loads(file.read_text("utf-8")), file.name)
    except (ValueError, OSError, ConfigError) as error:
        raise AssetError(f"{file}: cannot be read ({error}). Move it away and propose the takes again.") from error
    return sheet


def proposed(folder: Path, where: str, name: str, take: str) -> TakeSheet:
    """The proposed takes. Where none were proposed on this machine, every name still has its seed, and is taken."""
    sheet = read_sheet(folder)
    if sheet is not NO_TAKES and take not in sheet.names:
        raise AssetError(
            f"{where}: there is no such take. Takes of {name}: {', '.join(sheet.names)} ({folder / 'contact_sheet.png'}). "
            f"Pick one of them, or propose more: battleplate takes propose SHOT.toml --of {name} --count {int(take[1:])}"
        )
    return sheet


def joined(old: TakeSheet, new: TakeSheet) -> TakeSheet:
    """`new` with what is kept of `old`: further takes of the same identity stay, what was replaced goes to `earlier`."""
    same = [take for take in old.takes if take.name not in new.names and _who(take) == _who(new.takes[0])]
    takes = sorted((*new.takes, *same), key=lambda take: take.name)
    earlier = [*old.earlier, *(take for take in old.takes if take not in takes and take not in old.earlier)]
    return replace(new, takes=tuple(takes), earlier=tuple(earlier))


def _who(take: Take) -> tuple[Any, ...]:
    """What all takes of one proposal share."""
    return take.model_digest, take.recipe, take.prompt, take.negative, take.references, take.steps, len(take.requests)


def write_sheet(folder: Path, sheet: TakeSheet) -> None:
    """Write takes.json, whole or not at all."""
    write_bytes(folder / "takes.json", (json.dumps(codec.plain(sheet), indent=1, sort_keys=True) + "\n").encode())


def write_pictures(folder: Path, name: str, requests: tuple[str, ...], pictures: list[Array]) -> tuple[str, str]:
    """Write a take's pictures (H, W, 4), side by side, as half RGBA; returns the file's name and SHA-256."""
    key = hashlib.sha256("\n".join(requests).encode()).hexdigest()[:12]
    file = folder / f"{name}.{key}.exr"
    height = max(picture.shape[0] for picture in pictures)
    strip = np.concatenate([np.pad(p, ((0, height - p.shape[0]), (0, 0), (0, 0))) for p in pictures], axis=1)
    exr.write(file, exr.rgba_channels(strip))
    return file.name, sha256(file)


def read_pictures(folder: Path, sheet: TakeSheet, take: Take) -> list[Array]:
    """The pictures of a take, (H, W, 4) float32 of half precision. Raises AssetError when they are not as written."""
    file = folder / take.pictures
    if not file.is_file() or sha256(file) != take.pictures_sha256:
        raise AssetError(f"{file}: is not what was written. Propose the takes again.")
    strip, left, pictures = exr.read_rgba(file), 0, []
    for height, width in sheet.sizes_px:
        pictures.append(np.ascontiguousarray(strip[:height, left : left + width], np.float32))
        left += width
    return pictures
