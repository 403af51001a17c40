"""A walk in parts: the bytes of one in one go, after a kill too; a damaged part is made again."""

import numpy as np
import pytest

from assets.crowd.drill import wheel
from assets.crowd.walks import forget, in_parts, straight
from pipeline.stage import NothingKept
from pipeline.store import KeptFiles

TIMES = np.arange(60) / 24
SLOTS = wheel(np.stack(np.meshgrid(np.arange(4) * 1.1, np.arange(3) * 1.1), -1).reshape(-1, 2), TIMES, begin_s=0.3)
GIVEN = (SLOTS[0], SLOTS, np.full(12, 0.25), TIMES)
WORDS = {"keep_out": (), "foes": np.zeros(12, np.int64), "yaws": np.zeros(12)}
PART = 12 * 13  # thirteen frames: five parts, the last shorter
NAMES = ("plan", "yaws", "speeds", "states")


class Killed(Exception):
    pass


class KilledAfter(KeptFiles):
    """A run that ends when it has noted so many files."""

    def __init__(self, folder, most):
        super().__init__(folder)
        self.left = most

    def note(self, path):
        super().note(path)
        self.left -= 1
        if not self.left:
            raise Killed


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in NAMES)


@pytest.mark.parametrize("part", [1, PART, 10**9])
def test_parts_add_up_to_the_bytes_of_one_walk(tmp_path, part):
    made = in_parts(tmp_path, NothingKept(), part)(*GIVEN, **WORDS)

    assert same(made, straight(*GIVEN, **WORDS))
    assert np.array_equal(made.end.places, made.plan[-1])


def test_a_killed_walk_goes_on_to_the_same_bytes(tmp_path):
    with pytest.raises(Killed):
        in_parts(tmp_path / "walk", KilledAfter(tmp_path, 3), PART)(*GIVEN, **WORDS)

    kept = KeptFiles(tmp_path)
    assert sum(file in kept for file in sorted((tmp_path / "walk").iterdir())) == 3
    assert same(in_parts(tmp_path / "walk", kept, PART)(*GIVEN, **WORDS), straight(*GIVEN, **WORDS))


def test_what_is_kept_is_not_walked_again(tmp_path):
    """Another start changes nothing of the parts that are there."""
    in_parts(tmp_path / "walk", KeptFiles(tmp_path), PART)(*GIVEN, **WORDS)

    again = in_parts(tmp_path / "walk", KeptFiles(tmp_path), PART)(SLOTS[0] + 0.2, *GIVEN[1:], **WORDS)

    assert same(again, straight(*GIVEN, **WORDS))


def test_a_damaged_part_is_made_again(tmp_path):
    in_parts(tmp_path / "walk", KeptFiles(tmp_path), PART)(*GIVEN, **WORDS)
    (tmp_path / "walk" / "000013.npz").write_bytes(b"torn")

    again = in_parts(tmp_path / "walk", KeptFiles(tmp_path), PART)(*GIVEN, **WORDS)

    assert same(again, straight(*GIVEN, **WORDS))


def test_a_walk_that_is_done_leaves_nothing(tmp_path):
    in_parts(tmp_path / "walk", KeptFiles(tmp_path), PART)(*GIVEN, **WORDS)

    forget(tmp_path / "walk")

    assert not (tmp_path / "walk").exists()


def test_a_shot_of_one_frame_is_a_walk_too(tmp_path):
    made = in_parts(tmp_path, NothingKept())(SLOTS[0], SLOTS[:1], GIVEN[2], TIMES[:1], **WORDS)

    assert made.plan.shape == (1, 12, 2)
