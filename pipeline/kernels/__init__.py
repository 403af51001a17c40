"""Compiled pixel loops (numba): each a documented, checked function over a private compiled one."""
