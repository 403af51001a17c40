"""What a model folder says of its own licence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

UNKNOWN = "unknown: ask whoever gave you the model"
_LONGEST = 200


def licence_of(folder: Path, index: dict[str, Any]) -> str:
    """From model_index.json, else the front matter of README.md, else the first line of a LICENSE file, else UNKNOWN."""
    for key in ("licence", "license"):
        if isinstance(index.get(key), str) and index[key].strip():
            return _line(index[key])
    front = re.match(r"---\s*\n(.*?)\n---", _text(folder / "README.md"), re.DOTALL)
    told = dict(re.findall(r"^(license\w*|licence):\s*[\"']?([^\"'\n]+)", front[1], re.MULTILINE)) if front else {}
    # "other" sends the reader to the name beside it.
    for name in ("license_name", "license", "licence"):
        if told.get(name, "other").strip() != "other":
            return _line(told[name])
    for path in sorted(folder.iterdir()):
        if re.fullmatch(r"licen[sc]e(\.(txt|md))?", path.name, re.IGNORECASE) and (text := _text(path).strip()):
            return _line(text.splitlines()[0].lstrip("# "))
    return UNKNOWN


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _text(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(1 << 16).decode("utf-8", "replace")
