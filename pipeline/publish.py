"""Hand on a finished delivery: the same files, in the folder that the shot file names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.store import files_of
from pipeline.types import Delivery


def publish(delivery: Delivery, folder: Path) -> dict[str, Path]:
    """Lay the delivery's files into `folder` (hard links where the disk allows) and drop what an older run left there.

    Returns what lies where: "comp", "movie", "contact sheet", "report", "page". Raises StoreError when it cannot write.
    """
    root = delivery.report.parent
    wanted = {file.relative_to(root): file for file in files_of(delivery)}
    try:
        for name, file in wanted.items():
            _place(file, folder / name)
        for old in [f for f in folder.rglob("*") if f.is_file() and f.relative_to(folder) not in wanted]:
            old.unlink()
    except OSError as error:
        raise StoreError(
            f"{folder}: the delivery cannot be written ({error.strerror}). Check space and permissions, and run again."
        ) from error
    return {
        "comp": folder / delivery.comp.folder.relative_to(root) / delivery.comp.name,
        "movie": folder / delivery.movie.relative_to(root),
        "contact sheet": folder / delivery.contact_sheet.relative_to(root),
        "report": folder / delivery.page.relative_to(root),
        "figures": folder / delivery.report.relative_to(root),
    }


def _place(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        temporary.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, temporary)
    temporary.replace(target)
