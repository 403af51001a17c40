"""Bands cover each row once, on any number of threads; what fails in one is heard, and bands within bands end."""

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
