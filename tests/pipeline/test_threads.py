"""The threads of kernels: who chose a layer keeps it, what is at hand is taken, and the bytes are the same on all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline import threads

MADE = """
from pipeline.threads import choose_threads
choose_threads()
import hashlib, numba, numpy as np
from pipeline.kernels.crowding import settle
from pipeline.kernels.detour import build_walls
places = np.random.default_rng(1).uniform(0, 20, (400, 2))
moved = settle(places, np.full(400, 0.3), build_walls([], 0.5), 20)
print(hashlib.sha256(moved.tobytes()).hexdigest(), numba.threading_layer())
"""


COMPILED_ON_ONE_CORE = """
import numba, os, threading
from numba.np.ufunc import parallel
parallel._launch_threads()
from pipeline.threads import choose_threads
choose_threads()
def compiled():
    os.sched_setaffinity(threading.get_native_id(), {min(os.sched_getaffinity(0))})
    print(numba.njit(lambda a: a + 1)(1))
thread = threading.Thread(target=compiled)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are kept to cores on Linux alone")
def test_what_is_compiled_on_a_thread_kept_to_one_core_does_not_change_numbas_threads():
    """Numba counts cores anew when its environment has changed since it was loaded."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run([sys.executable, "-c", COMPILED_ON_ONE_CORE], env=env, capture_output=True, text=True)
    assert done.stdout == "2\n", done.stderr


def test_a_layer_that_somebody_chose_stays(monkeypatch):
    monkeypatch.setenv("NUMBA_THREADING_LAYER", "tbb")
    assert threads.choose_threads() == "tbb"


@pytest.mark.parametrize(("there", "layer"), [(True, "omp"), (False, "workqueue")])
def test_openmp_is_taken_where_its_library_is(monkeypatch, there, layer):
    monkeypatch.delenv("NUMBA_THREADING_LAYER", raising=False)
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.setattr(threads, "_loads", lambda name: there)
    assert threads.choose_threads() == layer
    assert os.environ["GOMP_SPINCOUNT"] == threads.SPINS


def test_linear_algebra_gets_one_thread_unless_somebody_chose(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    threads.choose_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"

    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    threads.choose_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "4"


def test_the_command_line_chooses_before_numpy_is_loaded():
    asked = "import sys, pipeline.__main__; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_layer_gives_the_same_bytes():
    told = {}
    for layer in ("workqueue", ""):
        env = {k: v for k, v in os.environ.items() if k not in ("NUMBA_THREADING_LAYER", "NUMBA_NUM_THREADS")}
        env |= {"NUMBA_THREADING_LAYER": layer} if layer else {}
        done = subprocess.run([sys.executable, "-c", MADE], env=env, capture_output=True, text=True, check=True)
        told[layer] = done.stdout.split()
    assert told["workqueue"][0] == told[""][0]
    assert told["workqueue"][1] == "workqueue"
