"""COLMAP's models: what pycolmap (in a process of its own) writes we read, what we write it reads; damaged files."""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pipeline.errors import FormatError
from pipeline.io.colmapmodel import Model, Sighted, read_model, write_model
from pipeline.types import Lens

LENS = Lens(640, 360, 511.5, 512.5, 321.0, 179.25, -0.11, 0.02, 3e-4, -2e-4)
# Reads our text model, writes it in binary, and says what it saw.
THEIRS = """
import sys, zlib, pycolmap, numpy as np
model = pycolmap.Reconstruction(sys.argv[1])
model.update_point_3d_errors()
print(model.num_reg_images(), model.num_points3D(), model.compute_mean_reprojection_error())
model.write_binary(sys.argv[2])
"""


@pytest.fixture
def model() -> Model:
    """Twelve points, exactly projected into four cameras by hand."""
    rng = np.random.default_rng(2)
    points = rng.uniform((-2, -1, 4), (2, 1, 9), (12, 3))
    images = []
    for number in range(4):
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_rotvec([0.01 * number, 0.03, -0.02 * number]).as_matrix()
        pose[:3, 3] = [0.2 * number, 0.01, 0.02]
        x, y, z = (points @ pose[:3, :3].T + pose[:3, 3]).T
        x, y = x / z, y / z
        r2 = x * x + y * y
        radial = 1 + LENS.k1 * r2 + LENS.k2 * r2 * r2
        u = x * radial + 2 * LENS.p1 * x * y + LENS.p2 * (r2 + 2 * x * x)
        v = y * radial + 2 * LENS.p2 * x * y + LENS.p1 * (r2 + 2 * y * y)
        seen = np.stack([LENS.focal_x_px * u + LENS.centre_x_px, LENS.focal_y_px * v + LENS.centre_y_px], axis=1)
        images.append(Sighted(f"f.{1001 + number}.png", 1, pose, seen, np.arange(12)))
    return Model({1: LENS}, tuple(images), points)


def assert_equal(got: Model, wanted: Model) -> None:
    assert got.cameras == wanted.cameras
    for a, b in zip(got.images, wanted.images, strict=True):
        assert (a.name, a.camera) == (b.name, b.camera)
        np.testing.assert_allclose(a.pose, b.pose, atol=1e-9)
        np.testing.assert_allclose(a.seen, b.seen, atol=1e-8)
        np.testing.assert_allclose(got.points[a.points], wanted.points[b.points], atol=1e-9)


def test_text_comes_back(tmp_path: Path, model: Model):
    write_model(tmp_path, model)

    assert_equal(read_model(tmp_path), model)


def test_colmap_reads_ours_and_we_read_its_binary(tmp_path: Path, model: Model):
    write_model(tmp_path / "text", model)
    (tmp_path / "sparse" / "0").mkdir(parents=True)

    command = [sys.executable, "-c", THEIRS, str(tmp_path / "text"), str(tmp_path / "sparse" / "0")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()

    assert said[:2] == ["4", "12"]
    assert float(said[2]) < 1e-4  # its own projection agrees with ours: pose, lens, pixel centres
    assert_equal(read_model(tmp_path), model)
    assert "pycolmap" not in sys.modules


def test_a_point_of_no_image_and_an_image_of_no_point_are_read(tmp_path: Path, model: Model):
    bare = replace(model.images[3], seen=np.zeros((0, 2)), points=np.zeros(0, np.int64))
    write_model(tmp_path, replace(model, images=(*model.images[:3], bare)))

    got = read_model(tmp_path)

    assert [len(image.points) for image in got.images] == [12, 12, 12, 0]


def test_damaged_models_are_refused(tmp_path: Path, model: Model):
    with pytest.raises(FormatError, match="holds no COLMAP model"):
        read_model(tmp_path)
    write_model(tmp_path, model)
    (tmp_path / "points3D.txt").unlink()
    with pytest.raises(FormatError, match=r"points3D\.bin or \.txt is missing"):
        read_model(tmp_path)
    (tmp_path / "points3D.bin").write_bytes(struct.pack("<QQ", 2, 7))
    with pytest.raises(FormatError, match="ends too early"):
        read_model(tmp_path)


def test_a_camera_that_ours_cannot_be_is_named(tmp_path: Path, model: Model):
    write_model(tmp_path, model)
    (tmp_path / "cameras.txt").write_text("1 OPENCV_FISHEYE 640 360 500 500 320 180 0 0 0 0\n")

    with pytest.raises(FormatError, match="camera is OPENCV_FISHEYE, ours can be"):
        read_model(tmp_path)


@pytest.mark.parametrize(
    ("line", "lens"),
    [
        ("1 SIMPLE_RADIAL 640 360 500 320 180 -0.1", Lens(640, 360, 500, 500, 320, 180, -0.1)),
        ("1 RADIAL 640 360 500 320 180 -0.1 0.02", Lens(640, 360, 500, 500, 320, 180, -0.1, 0.02)),
        ("1 PINHOLE 640 360 500 501 320 180", Lens(640, 360, 500, 501, 320, 180)),
    ],
)
def test_simpler_cameras_are_ours_with_zeros(tmp_path: Path, model: Model, line: str, lens: Lens):
    write_model(tmp_path, model)
    (tmp_path / "cameras.txt").write_text(line + "\n")

    assert read_model(tmp_path).cameras == {1: lens}
