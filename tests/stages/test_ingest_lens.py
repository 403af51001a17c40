"""ingest: what headers, tags and Exif tell of the lens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.io import exr
from tests.movies import encode, flat
from tests.stages.ingesting import LOSSLESS, H, W, exr_frames, oiio_frame, picture, run


def test_a_zooms_headers_are_read_and_kept_frame_by_frame(tmp_path: Path):
    import OpenEXR

    source = exr_frames(tmp_path / "in")
    for i, focal in enumerate((32.0, 36.5, 41.0)):
        path = source / f"src.{i + 1:04d}.exr"
        part = OpenEXR.File(str(path))
        corners = (np.array([0, 0], np.int32), np.array([2879, 1619], np.int32))
        header = {**part.header(), "nominalFocalLength": focal, "sensorPhotositePitch": 8.25, "lensModel": "Zoom 28-76"}
        header["sensorAcquisitionRectangle"] = corners
        OpenEXR.File(header, part.channels()).write(str(path))

    plate = run(source, tmp_path / "out")

    assert plate.filmed is not None
    assert plate.filmed.focal_mm == (32.0, 36.5, 41.0)
    assert plate.filmed.sensor_width_mm == pytest.approx(23.76)
    assert "Zoom 28-76" in plate.metadata["filmed with"]
    kept = [exr.read(plate.files.path(frame)).metadata["nominalFocalLength"] for frame in plate.files.frames]
    assert kept == [32.0, 36.5, 41.0]


def test_a_phones_movie_tells_its_film_equivalent(tmp_path: Path):
    words = {"com.apple.quicktime.camera.focal_length.35mm_equivalent": "26", "com.apple.quicktime.make": "Apple"}
    shots = [flat((60 + 40 * i, 128, 128), H, W, "420", 8) for i in range(2)]
    path = encode(tmp_path / "phone.mov", shots, codec="libx264", pixel_format="yuv420p", options=LOSSLESS, words=words)

    plate = run(path, tmp_path / "out")

    assert plate.filmed is not None
    assert plate.filmed.focal_mm == (26.0,)
    assert plate.filmed.camera == "Apple"


def test_a_stills_exif_is_read(tmp_path: Path):
    for i in range(2):
        oiio_frame(
            tmp_path / f"still.{i:04d}.jpg", picture(i), "uint8",
            Exif__FocalLength=("float", 50.0), Exif__FocalLengthIn35mmFilm=75, Make="Maker", Model="Model"
        )  # fmt: skip

    plate = run(tmp_path, tmp_path / "out")

    assert plate.filmed is not None
    assert (plate.filmed.focal_mm, plate.filmed.camera) == ((75.0,), "Maker Model")


def test_a_file_without_a_lens_tells_none(tmp_path: Path):
    assert run(exr_frames(tmp_path / "in"), tmp_path / "out").filmed is None
