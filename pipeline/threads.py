"""Which threads numba's kernels and NumPy's linear algebra run on, set before the first of them starts."""

from __future__ import annotations

import ctypes
import os
import sys

SPINS = "1000"  # a few microseconds: enough to meet the next kernel awake, too little to take a shared core from others


def choose_threads() -> str:
    """OpenMP with a short spin where its library is at hand, else numba's own workqueue; who set a layer keeps it.

    workqueue's threads sleep between kernels, and waking them costs time: on two free cores a crowd of 10,240 takes 7 to 21%
    more steps a second with this spin (`benchmarks.crowd_simulation`). OpenMP as it comes spins for long, which costs others
    their cores (14 against 53 steps/s beside two busy processes). A fork without exec would not survive OpenMP: workers
    are spawned. Returns the layer.

    Linear algebra gets one thread, unless somebody chose: matrices are small here, and OpenBLAS's second thread waits by spinning
    (an SVD of 477 x 41 on shared cores: 1.4 ms of CPU time on one thread, 20 to 420 ms on two). It heeds this before NumPy is loaded.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    if "NUMBA_THREADING_LAYER" not in os.environ:
        os.environ["NUMBA_THREADING_LAYER"] = "omp" if _loads("libgomp.so.1") else "workqueue"
        if "numba.core.config" in sys.modules:
            sys.modules["numba"].config.reload_config()
    return os.environ["NUMBA_THREADING_LAYER"]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
