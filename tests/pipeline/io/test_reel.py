"""Frames that wait on disk come back as they were, and leave nothing behind."""

import gc
import tracemalloc

import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.io.reel import Reel


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int32])
def test_frames_come_back_in_order(tmp_path, dtype):
    frames = np.arange(5 * 3 * 4).reshape(5, 3, 4).astype(dtype)
    reel = Reel(tmp_path)

    reel.add(frames[:2])
    early = reel.array()
    reel.add(frames[2:, :, ::-1][:, :, ::-1])

    assert np.array_equal(early, frames[:2])
    assert np.array_equal(reel.array(), frames)
    assert reel.array().dtype == dtype


def test_an_array_outlives_its_reel_and_nothing_stays_in_the_folder(tmp_path):
    reel = Reel(tmp_path)
    reel.add(np.ones((2, 3), np.float32))
    kept = reel.array()

    del reel
    gc.collect()

    assert (kept == 1).all()
    assert not list(tmp_path.iterdir())


def test_nothing_is_an_empty_array(tmp_path):
    reel = Reel(tmp_path)
    assert reel.array().shape == (0,)
    reel.add(np.zeros((2, 0, 3), np.uint8))
    assert reel.array().shape == (2, 0, 3)


def test_a_frame_of_another_kind_is_refused(tmp_path):
    reel = Reel(tmp_path)
    reel.add(np.zeros((1, 3, 4), np.float32))

    for odd in (np.zeros((1, 4, 3), np.float32), np.zeros((1, 3, 4), np.float64)):
        with pytest.raises(ValueError, match="must be"):
            reel.add(odd)


def test_frames_take_no_memory(tmp_path):
    frame = np.ones((1, 256, 256), np.float32)
    reel = Reel(tmp_path)
    tracemalloc.start()

    for _ in range(50):
        reel.add(frame)
    total = reel.array().sum(dtype=np.float64)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert total == 50 * frame.size
    assert most < 2 * frame.nbytes


def test_a_full_disk_is_told(tmp_path):
    reel = Reel(tmp_path)
    with open("/dev/full", "wb") as full:
        reel._file = full
        with pytest.raises(StoreError, match="no space left for a clip's frames"):
            reel.add(np.ones((1, 1 << 16), np.float32))
