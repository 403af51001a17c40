"""When the desk asks, and how long it waits before it asks again."""

from __future__ import annotations

import random
import time

from assets.providers.base import Watch
from pipeline.provider_sections import Conduct

_LOOK_UP_S = 0.2  # how often somebody who waits looks whether he was called off


class Clock:
    """Time and chance as the desk sees them. Tests bring their own, so that they need not wait."""

    def now(self) -> float:
        """Seconds since 1970, the same for every process of the machine."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def chance(self) -> float:
        """0 to 1, by chance."""
        return random.random()


CLOCK = Clock()


def wait(seconds: float, provider: str, watch: Watch, clock: Clock) -> None:
    """Wait, looking up now and then. Raises ProviderCancelled once the asker has had enough."""
    until = clock.now() + seconds
    while True:
        watch.check(provider)
        left = min(until - clock.now(), seconds)  # a clock that is set back makes nobody wait for hours
        if left <= 0:
            return
        clock.sleep(min(left, _LOOK_UP_S))


def backoff_s(conduct: Conduct, retry: int, clock: Clock, retry_after_s: float = 0.0) -> float:
    """How long to wait before the retry with this number, 0 the first: twice as long each time, by chance (full jitter).

    retry_after_s: what the provider asked for; waited in full, up to most_wait_s, and then as long as by chance.
    Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    longest = min(conduct.most_wait_s, conduct.wait_s * 2.0**retry)
    return min(conduct.most_wait_s, retry_after_s + clock.chance() * longest)
