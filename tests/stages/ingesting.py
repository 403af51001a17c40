"""Sources made for tests of ingest, and ingest run on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.io import exr
from pipeline.sections import PlateSource, ShotInfo
from pipeline.stage import silent
from pipeline.types import Plate
from stages.ingest import Params, ingest

H, W = 36, 64
LOSSLESS = {"qp": "0", "preset": "ultrafast"}


def run(path: Path, out: Path, params: Params | None = None, first_frame: int = 1001, **source: Any) -> Plate:
    return ingest(
        source=PlateSource(path, **source),
        shot=ShotInfo("shot", first_frame=first_frame),
        params=params or Params(),
        out=out,
        progress=silent,
    )


def picture(number: int = 0, height: int = H, width: int = W) -> np.ndarray:
    """A smooth, coloured picture between 0.02 and 0.98 that differs from frame to frame."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = np.sin((x + 3 * number) / 9) * np.cos(y / 7)
    return np.stack([x / width, y / height, 0.5 + 0.4 * wave], -1).astype(np.float32) * 0.9 + 0.05


def exr_frames(folder: Path, count: int = 3, **metadata: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(count):
        exr.write_rgb(folder / f"src.{i + 1:04d}.exr", picture(i) * 4, metadata)
    return folder


def oiio_frame(path: Path, pixels: np.ndarray, kind: str, **attributes: Any) -> None:
    import OpenImageIO as oiio

    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    for key, value in attributes.items():
        spec.attribute(key.replace("__", ":"), *value) if isinstance(value, tuple) else spec.attribute(
            key.replace("__", ":"), value
        )
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.ascontiguousarray(pixels))
    assert out.close()


def relative(got: np.ndarray, truth: np.ndarray) -> float:
    return float((np.abs(got - truth) / np.maximum(np.abs(truth), 0.02)).max())
