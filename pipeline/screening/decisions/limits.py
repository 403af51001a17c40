"""What values a field of a section may have, found by asking the section itself: no limit is written down twice."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from pipeline.errors import BattleplateError

FARTHEST = 1e6  # what is still allowed here is called without limit
Fits = Callable[[Any], bool]


def fits(section: Any, name: str, check: Callable[[Any], None] = lambda section: None) -> Fits:
    """Tells of a value whether `section` (a dataclass) takes it in its field `name`, and `check` finds nothing wrong."""

    def asked(value: Any) -> bool:
        try:
            check(dataclasses.replace(section, **{name: value}))
        except (BattleplateError, ValueError, ArithmeticError, TypeError):
            return False
        return True

    return asked


def limits(fit: Fits, at: float, whole: bool) -> tuple[float | None, float | None]:
    """Least and most of a number that `fit` takes, around `at`, which it takes; None: no limit within FARTHEST.

    Found by halving, so a gap between allowed values is not seen. A limit that is itself not allowed (above 0) is given
    all the same: it is what people would call it.
    """
    return _limit(fit, at, -FARTHEST, whole), _limit(fit, at, FARTHEST, whole)


def _limit(fit: Fits, good: float, bad: float, whole: bool) -> float | None:
    if fit(int(bad) if whole else bad):
        return None
    if whole:
        inside, outside = int(good), int(bad)
        while abs(inside - outside) > 1:
            between = (inside + outside) // 2
            inside, outside = (between, outside) if fit(between) else (inside, between)
        return inside
    while abs(good - bad) > 1e-9 * max(1.0, abs(good), abs(bad)):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if fit(middle) else (good, middle)
    rounded = float(f"{bad:.7g}")
    return 0.0 if math.isclose(rounded, 0, abs_tol=1e-6) else rounded
