"""Bands cover each row once, on any number of threads; what fails in one is heard, and bands within bands end."""

import gc
import multiprocessing
import os
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from pipeline.kernels.bands import in_bands


@pytest.mark.parametrize("height", [0, 1, 31, 32, 33, 200])
@pytest.mark.parametrize("threads", [1, 2])
def test_each_row_is_done_once(height, threads):
    done, before = np.zeros(height, int), numba.get_num_threads()
    numba.set_num_threads(min(threads, before))

    in_bands(height, lambda top, bottom: np.add(done[top:bottom], 1, out=done[top:bottom]))

    numba.set_num_threads(before)
    assert (done == 1).all()


@pytest.mark.parametrize("height", [0, 1, 31, 32, 33, 200, 2161])
@pytest.mark.parametrize("threads", [1, 2])
def test_shrinking_bands_do_each_row_once_and_end_small(height, threads):
    before, bands = numba.get_num_threads(), []
    numba.set_num_threads(min(threads, before))

    in_bands(height, lambda top, bottom: bands.append((top, bottom)), 8, shrinking=True)

    numba.set_num_threads(before)
    bands.sort()
    assert [y for top, bottom in bands for y in range(top, bottom)] == list(range(height))
    sizes = [bottom - top for top, bottom in bands]
    assert sizes == sorted(sizes, reverse=True)
    assert height < 32 or (sizes[0] >= height // 4 and sizes[-1] <= 8 and min(sizes[:-1]) >= 8)


@pytest.mark.parametrize("bad", [0, 3])
def test_what_fails_in_one_band_is_heard(bad):
    def work(top, bottom):
        if top == 32 * bad:
            raise ValueError(f"row {top}")

    with pytest.raises(ValueError, match=f"row {32 * bad}"):
        in_bands(128, work)


def test_bands_within_bands_end():
    done = []

    in_bands(8, lambda top, bottom: in_bands(8, lambda a, b: done.append((top, a)), 1), 1)

    assert sorted(done) == [(y, x) for y in range(8) for x in range(8)]


@pytest.mark.skipif(sys.platform != "linux" or numba.get_num_threads() < 2, reason="needs Linux and two threads")
def test_helpers_keep_off_the_core_of_who_calls():
    cores, meet = os.sched_getaffinity(0), threading.Barrier(2)
    of_helpers = []

    def work(top, bottom):
        meet.wait(10)  # two threads at once
        if threading.current_thread() is not threading.main_thread():
            of_helpers.append(os.sched_getaffinity(0))

    before = numba.get_num_threads()
    numba.set_num_threads(2)
    for _ in range(2):  # the first call starts them
        of_helpers.clear()
        in_bands(2, work, 1)
    numba.set_num_threads(before)

    assert of_helpers
    assert all(free < cores and len(cores - free) == 1 for free in of_helpers)
    assert os.sched_getaffinity(0) == cores


def test_a_fork_has_helpers_of_its_own():
    in_bands(64, lambda top, bottom: None, 1)

    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_rows_done).get(20) == 64


def _rows_done():
    done = []
    in_bands(64, lambda top, bottom: done.append(top), 1)
    return len(done)


def test_several_pictures_at_once_are_done_whole():
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: _rows_done(), range(200)))

    assert done == [64] * 200


def test_what_a_job_used_is_let_go():
    picture = np.zeros(4)
    gone = weakref.ref(picture)

    in_bands(64, lambda top, bottom, picture=picture: picture.sum(), 1)

    del picture
    gc.collect()
    assert gone() is None
