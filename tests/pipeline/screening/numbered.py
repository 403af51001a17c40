"""A show whose frames carry their own number as blocks of black and white, so that it can be read back from pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pipeline.frames import FrameRate
from pipeline.io import exr
from pipeline.screening.media.footage import Footage, footage

COLUMNS, ROWS = 4, 3  # 12 bits: the frame's number, the highest bit first
CELL_PX = 16
WIDTH, HEIGHT = COLUMNS * CELL_PX, ROWS * CELL_PX


def blocks(frame: int, light: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) float16 scene-linear: `light` for a 1, black for a 0."""
    bits = [(frame >> (COLUMNS * ROWS - 1 - i)) & 1 for i in range(COLUMNS * ROWS)]
    cells = np.array(bits, np.float16).reshape(ROWS, COLUMNS).repeat(CELL_PX, 0).repeat(CELL_PX, 1)
    return (cells[..., None] * np.array(light, np.float16)).astype(np.float16)


def number(picture: np.ndarray) -> int:
    """The number in a picture (H, W, 3) of any size, by the middles of its cells."""
    height, width = picture.shape[:2]
    value = 0
    for row in range(ROWS):
        for column in range(COLUMNS):
            y, x = int((row + 0.5) * height / ROWS), int((column + 0.5) * width / COLUMNS)
            value = value * 2 + int(picture[y, x].max() > 96)
    return value


def deliver(
    root: Path, rate: FrameRate, frames: int = 24, version: int = 1, first: int = 1001, timecode: str = "01:00:00:00"
) -> Footage:
    """A delivery of a numbered shot "nn_010_0010" with a red plate, one layer, depth, matte and ids."""
    shot, last = "nn_010_0010", first + frames - 1
    place, build = root / "delivery" / f"{shot}_v{version:03d}", root / "build" / shot
    plates = build / "ingest" / "abc"
    for frame in range(first, last + 1):
        rgb = blocks(frame)
        half, whole = np.full(rgb.shape[:2], 0.5, np.float16), np.ones(rgb.shape[:2], np.float32)
        planes = {c: rgb[..., i] for i, c in enumerate("RGB")}
        planes |= {f"crowd.{c}": half for c in "RGBA"} | {"crowd.id": (half * 6).astype(np.uint32)}
        planes |= {"depth.Z": whole * (10 + frame - first), "matte.A": half}
        exr.write(place / "exr" / f"{shot}_comp_v{version:03d}.{frame:04d}.exr", planes)
        red = blocks(frame, (1.0, 0.0, 0.0))
        exr.write(plates / f"plate.{frame:04d}.exr", {c: red[..., i] for i, c in enumerate("RGB")})
    told = {"files": {"folder": ".", "frames": {"first": first, "last": last}, "name": "plate.%04d.exr"}}
    (plates / "receipt.json").write_text(json.dumps({"result": told}))
    (build / "ingest" / "latest.json").write_text(json.dumps({"fingerprint": "abc"}))
    report = {
        "shot": {"name": shot, "version": version, "frames": f"{first}-{last}", "rate": str(rate)},
        "plate": {"size_px": [WIDTH, HEIGHT], "pixel_aspect": 1.0, "timecode": timecode},
        "files": {},
    }
    (place / "report.json").write_text(json.dumps(report))
    return footage(place, build)
