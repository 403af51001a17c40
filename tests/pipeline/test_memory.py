"""Pictures that come and go frame by frame are not fetched from the system anew."""

import subprocess
import sys

import pytest

from pipeline import memory

COUNT = """
import resource
import numpy as np
from pipeline.memory import kept_memory

def fetched(pictures=8):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(pictures):
        np.ones(40 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def held():
    return int(open("/proc/self/statm").read().split()[1])

before, outside = held(), fetched()
with kept_memory():
    np.ones(40 << 20, np.uint8)
    with kept_memory():
        inside = fetched()
    after_inner = fetched()
    most = held()
print(outside, inside, after_inner, (most - before) * 4 >> 10, (held() - before) * 4 >> 10, fetched())
"""


@pytest.mark.skipif(memory._glibc() is None, reason="only glibc can be told")
def test_freed_pictures_are_used_again_and_given_back_at_the_end():
    said = subprocess.run([sys.executable, "-c", COUNT], check=True, capture_output=True, text=True).stdout
    outside, inside, after_inner, most_mb, end_mb, again = (int(v) for v in said.split())

    assert inside < outside / 4
    assert after_inner < outside / 4
    assert most_mb > 30
    assert end_mb < 10
    assert again > outside / 2
