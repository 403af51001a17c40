"""Shared by every test: how threads are used, and the repository's root."""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
# As the farm's workers have it, and before NumPy is loaded: on shared cores a small SVD on two threads takes 300 times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("COLUMNS", None)  # pytest-xdist sets it in its workers: tables made at import would keep that width
