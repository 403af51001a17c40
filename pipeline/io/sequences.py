"""Find the numbered frames that a path means: a folder, a pattern, or one frame of a sequence."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PlateError

MOVIES = {".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm", ".mpg", ".mts", ".m2ts"}
PICTURES = {".exr", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx", ".cin"}
_PATTERN = re.compile(r"%0?\d*d|#+|\$F\d?|@+")


@dataclass(frozen=True, slots=True)
class Frames:
    """The files of one take in order, without gaps. name: as people write it, "plate.####.exr". first: its number."""

    name: str
    first: int
    files: tuple[Path, ...]

    def label(self, index: int) -> str:
        """How frame `index` (from 0) is called in messages: "frame 1007 (plate.1007.exr)"."""
        return f"frame {self.first + index} ({self.files[index].name})"


def find(path: Path) -> Path | Frames:
    """The movie file, or the frames, that `path` means.

    Raises PlateError on a wrong path, an unknown type, an empty folder, several takes in one folder, gaps, two files of
    one number, and empty files; each names the frames and the cure.
    """
    if path.is_dir():
        return _in_folder(path)
    if path.is_file():
        return _from_file(path)
    if _PATTERN.search(path.name):
        return _from_pattern(path)
    raise PlateError(f"{path}: not found. {_nearest(path)}")


def _in_folder(folder: Path) -> Path | Frames:
    files = [f for f in sorted(folder.iterdir()) if f.is_file() and not f.name.startswith(".")]
    takes = _takes(f for f in files if f.suffix.lower() in PICTURES)
    numbered = {k: v for k, v in takes.items() if "#" in k}
    takes = numbered or takes
    movies = [f for f in files if f.suffix.lower() in MOVIES]
    if len(takes) == 1:
        return _whole(*next(iter(takes.items())))
    if not takes and len(movies) == 1:
        return movies[0]
    if not takes and not movies:
        holds = f"holds only {', '.join(sorted({f.suffix or f.name for f in files}))}" if files else "is empty"
        raise PlateError(f"{folder}: the folder {holds}. Put the plate's frames or movie there, or correct plate.path.")
    names = sorted([*takes, *(m.name for m in movies)])
    shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
    raise PlateError(
        f"{folder}: holds {len(names)} takes: {shown}. Name one in plate.path, such as {folder / names[0]}."
    )


def _from_file(path: Path) -> Path | Frames:
    suffix = path.suffix.lower()
    if suffix in MOVIES:
        return path
    if suffix not in PICTURES:
        known = " ".join(sorted(s[1:] for s in MOVIES | PICTURES))
        raise PlateError(f"{path}: neither a movie nor a picture that is known ({known}). Correct plate.path.")
    name = _take_name(path)
    siblings = [f for f in path.parent.iterdir() if f.suffix.lower() in PICTURES and _take_name(f) == name]
    return _whole(name, siblings)


def _from_pattern(path: Path) -> Frames:
    if not path.parent.is_dir():
        raise PlateError(f"{path.parent}: not found. {_nearest(path.parent)}")
    head, tail = (re.escape(part) for part in _PATTERN.split(path.name, maxsplit=1))
    wanted = re.compile(rf"{head}(\d+){tail}", re.IGNORECASE)
    files = [f for f in path.parent.iterdir() if wanted.fullmatch(f.name)]
    if not files:
        others = sorted(_takes(f for f in path.parent.iterdir() if f.suffix.lower() in PICTURES))
        hint = f"That folder holds {', '.join(others[:4])}" if others else "That folder holds no pictures"
        raise PlateError(f"{path}: no frame fits this pattern. {hint}. Correct plate.path.")
    if path.suffix.lower() not in PICTURES:
        raise PlateError(f"{path}: {path.suffix or 'no suffix'} is no picture that is known. Correct plate.path.")
    return _whole(_PATTERN.sub("####", path.name, count=1), files)


def _whole(name: str, files: Iterable[Path]) -> Frames:
    """Order the files, and refuse gaps, doubles and empty files."""
    by_number: dict[int, list[Path]] = defaultdict(list)
    for file in files:
        by_number[_number(file)].append(file)
    for number, same in sorted(by_number.items()):
        if len(same) > 1:
            both = " and ".join(sorted(f.name for f in same))
            raise PlateError(f"{same[0].parent}: frame {number} is there twice: {both}. Remove the wrong one.")
        if same[0].stat().st_size == 0:
            raise PlateError(f"{same[0]}: frame {number} is truncated: the file is empty. Copy or render it again.")
    first, last = min(by_number), max(by_number)
    gaps = [n for n in range(first, last + 1) if n not in by_number]
    if gaps:
        folder = by_number[first][0].parent
        raise PlateError(
            f"{folder / name}: {spans(gaps)} {'is' if len(gaps) == 1 else 'are'} missing between {first} and {last}. Copy or render what is missing again."
        )
    return Frames(name, first, tuple(by_number[n][0] for n in range(first, last + 1)))


def _takes(files: Iterable[Path]) -> dict[str, list[Path]]:
    takes: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        takes[_take_name(file)].append(file)
    return dict(takes)


def _take_name(file: Path) -> str:
    """ "plate.1001.exr" to "plate.####.exr": the digits right before the suffix are the frame's number."""
    return re.sub(r"\d+$", "####", file.stem) + file.suffix.lower()


def _number(file: Path) -> int:
    digits = re.search(r"\d+$", file.stem) or re.search(r"(\d+)\D*$", file.stem)
    return int(re.sub(r"\D", "", digits[0])) if digits else 0


def spans(numbers: list[int]) -> str:
    """[3, 5, 6, 7] to "frames 3, 5-7"."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    words = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    text = ", ".join(words[:8]) + (f" and {len(words) - 8} more runs" if len(words) > 8 else "")
    return f"frame {text}" if len(numbers) == 1 else f"frames {text}"


def _nearest(path: Path) -> str:
    """A hint at what may have been meant: the first folder that exists, and the closest name in it."""
    missing, folder = path, path.parent
    while not folder.is_dir() and folder != folder.parent:
        missing, folder = folder, folder.parent
    names = [f.name for f in folder.iterdir() if not f.name.startswith(".")] if folder.is_dir() else []
    close = difflib.get_close_matches(missing.name, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {folder / close[0]}?"
    return f"Correct plate.path; {folder} holds {', '.join(sorted(names)[:5]) or 'nothing'}."
