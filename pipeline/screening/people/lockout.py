"""Slow down whoever tries passwords: by name in the database, by address in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from pipeline.screening.records import User

FREE = 5  # wrong passwords of one name before it is locked
_LONGEST_S = 3600.0


def failed(user: User, now: datetime) -> None:
    """Count a wrong password. From the fifth on the name is locked, for a minute, then twice as long each time."""
    user.failures += 1
    if user.failures >= FREE:
        seconds = min(60.0 * 2.0 ** min(user.failures - FREE, 10), _LONGEST_S)
        user.locked_until = now + timedelta(seconds=seconds)


def is_locked(user: User, now: datetime) -> bool:
    """Whether this name takes no password at the moment, not even the right one."""
    return user.locked_until is not None and user.locked_until > now


def succeeded(user: User) -> None:
    """Forget the wrong ones."""
    user.failures, user.locked_until = 0, None


class Addresses:
    """How often each address may be wrong: `most` in `window_s`, whatever names it tries."""

    def __init__(self, most: int = 30, window_s: float = 600.0) -> None:
        self._most, self._window_s = most, window_s
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Whether this address may try again."""
        with self._lock:
            times = self._wrong.get(address)
            if times is None:
                return True
            while times and times[0] < time.monotonic() - self._window_s:
                times.popleft()
            return len(times) < self._most

    def failed(self, address: str) -> None:
        """Count a wrong try."""
        with self._lock:
            self._wrong.setdefault(address, deque(maxlen=self._most)).append(time.monotonic())
            self._wrong.move_to_end(address)
            while len(self._wrong) > 10_000:  # strangers must not fill the memory
                self._wrong.popitem(last=False)
