"""Which of a stage's results is in use: BUILD/STAGE/latest.json, as pipeline.store writes it."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import StoreError


def latest_folder(build: Path, stage: str) -> Path:
    """The folder of the result in use of a stage. Raises StoreError when it was never finished."""
    pointer = build / stage / "latest.json"
    try:
        folder = build / stage / str(json.loads(pointer.read_text("utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{pointer}: no finished result. Run the shot.") from error
    if not (folder / "receipt.json").is_file():
        raise StoreError(f"{folder}: no finished result. Run the shot.")
    return folder
