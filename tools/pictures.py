"""Make the README's picture from the demo: `python tools/pictures.py build/demo` after `make demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from pipeline.io import exr
from pipeline.io.color import to_display_8bit
from pipeline.io.images import write_jpeg

ROOT = Path(__file__).resolve().parent.parent
FRAME = 1030


def main(folder: Path) -> None:
    """Plate left, comp right, one frame, through the ACES view."""
    plate = max(folder.glob(f"*/ingest/*/plate.{FRAME}.exr"), key=lambda f: f.stat().st_mtime)
    [comp] = folder.glob(f"delivery/*/exr/*.{FRAME}.exr")
    sides = [to_display_8bit(exr.read_rgb(path)) for path in (plate, comp)]
    gap = np.full((sides[0].shape[0], 8, 3), 18, np.uint8)
    target = ROOT / "docs/pictures/plate_and_comp.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_jpeg(target, np.hstack([sides[0], gap, sides[1]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
