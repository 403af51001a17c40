"""Nuke's .chan: rotation orders by hand-made matrices, round trips, damaged files."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pipeline.errors import FormatError
from pipeline.io.chan import Chan, read_chan, write_chan


def about(axis: str, degrees: float) -> np.ndarray:
    """The textbook's rotation matrices, written out."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return {
        "X": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "Y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "Z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


@pytest.mark.parametrize("order", ["".join(p) for p in permutations("XYZ")])
def test_the_first_axis_of_the_order_turns_first(tmp_path: Path, order: str):
    angles = {"X": 12.0, "Y": -40.0, "Z": 7.0}
    (tmp_path / "c.chan").write_text(f"1001 1 2 3 {angles['X']} {angles['Y']} {angles['Z']}\n")

    got = read_chan(tmp_path / "c.chan", order).world_from_camera[0]

    turned = reduce(lambda done, axis: about(axis, angles[axis]) @ done, order, np.eye(3))
    np.testing.assert_allclose(got[:3, :3], turned, atol=1e-12)
    np.testing.assert_allclose(got[:3, 3], [1, 2, 3])


@pytest.mark.parametrize("order", ["ZXY", "XYZ", "YZX"])
def test_a_round_trip_holds(tmp_path: Path, order: str):
    rng = np.random.default_rng(3)
    poses = np.tile(np.eye(4), (9, 1, 1))
    poses[:, :3, :3] = Rotation.random(9, rng=rng).as_matrix()
    poses[:, :3, 3] = rng.normal(0, 20, (9, 3))
    chan = Chan(np.arange(1001, 1010), poses, np.full(9, 31.25))

    write_chan(tmp_path / "c.chan", chan, order)
    got = read_chan(tmp_path / "c.chan", order)

    np.testing.assert_allclose(got.world_from_camera, poses, atol=1e-8)
    assert got.frames.tolist() == list(range(1001, 1010))
    np.testing.assert_allclose(got.vertical_fov_deg, 31.25)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no frame"),
        ("1001 1 2 3 0 0\n", "line 1: holds 6 numbers, needs 7"),
        ("1001 1 2 3 0 0 0\n1002 1 2 3 0 0 0 40\n", "line 2: holds 8 numbers, needs 7 as above"),
        ("1001 1 2 3 0 0 zero\n", "line 1: .* is not numbers"),
        ("1001 1 2 3 0 0 nan\n", "line 1: .* finite"),
        ("1002 1 2 3 0 0 0\n1001 1 2 3 0 0 0\n", "line 2: frame 1001 comes after 1002"),
        ("1001 1 2 3 0 0 0 0\n", "fields of view are 0 to 0"),
    ],
)
def test_a_damaged_file_is_refused_by_line(tmp_path: Path, text: str, said: str):
    (tmp_path / "c.chan").write_text(text)

    with pytest.raises(FormatError, match=said):
        read_chan(tmp_path / "c.chan")


def test_what_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "c.chan").write_bytes(b"\xff\xfe\x00\x81")

    with pytest.raises(FormatError, match="is not text"):
        read_chan(tmp_path / "c.chan")
    with pytest.raises(FormatError, match="no such file"):
        read_chan(tmp_path / "d.chan")
