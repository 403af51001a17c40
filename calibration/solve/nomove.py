"""COLMAP ran well and found no camera move: of a module's own, for the child's main module has its classes twice."""

from __future__ import annotations

from pipeline.errors import CalibrationError


class NoMove(CalibrationError):
    """No model came of the keyframes; other ways to solve them may be tried."""
