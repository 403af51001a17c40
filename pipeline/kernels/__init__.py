"""Compiled pixel loops (numba): each a documented, checked function over a private compiled one."""

from pathlib import Path

from pipeline.kernels.stale import forget_stale

forget_stale(Path(__file__).parent)
