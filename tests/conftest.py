"""Shared by every test: one thread for kernels, and the repository's root."""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
os.environ.pop("COLUMNS", None)  # pytest-xdist sets it in its workers: tables made at import would keep that width
