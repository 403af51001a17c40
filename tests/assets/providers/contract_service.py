"""Whoever answers in the contract of all providers, what is asked there, and the faults that it must stand."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from assets.providers.asking.pacing import Clock
from assets.providers.base import Capabilities, Provider
from assets.providers.opening import open_provider
from assets.providers.request import Guides, Identity, PartLook, Request
from pipeline.errors import ProviderError
from pipeline.provider_sections import ProviderEntry

UNUSABLE = ("truncated", "oversized", "gigapixels", "wrong_size")
FAULTS = frozenset({"busy", "broken", "silent", "slow", "refused", "redirect", *UNUSABLE})


class Service(Protocol):
    """One provider and whatever answers it on loopback.

    entry: with short waits: wait_s 0.01, timeout_s about 1, retries 4. done: the seed, as text, of each request that the
    service really did and would bill, in order; a request that it remembers and answers again is not done again.

    moods, those that make sense for it:
    - ok: does it and answers                             - busy: 429 with Retry-After, nothing is done
    - broken: 500, nothing is done                        - silent: does it; no answer comes within timeout_s
    - slow: does it, answers late but in time             - truncated: does it, the answer breaks off
    - oversized: does it, more bytes than can be right    - gigapixels: does it, a small picture whose header claims them
    - wrong_size: does it, a picture of another size      - refused: content rules, nothing is done
    - redirect: points to another host

    Two more may be there. `strayed`: what arrived at that other host, which must stay empty. `opening`: how the entry is
    opened, a function of a module, where it is not open_provider.
    """

    entry: ProviderEntry
    moods: frozenset[str]
    done: list[str]

    def plan(self, *moods: str) -> None:
        """What the next calls meet, in order, instead of what was planned before; then "ok" for ever."""


class QuickClock(Clock):
    """Waits at once, and notes how long it would have waited."""

    def __init__(self) -> None:
        self.time_s = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time_s += seconds

    def chance(self) -> float:
        return 1.0


def ask(able: Capabilities, size_px: tuple[int, int], frames: int = 1, **changes: Any) -> Request:
    """A request within the capabilities: an upright block, shown by every guide that is understood."""
    (width, height), (y, x) = size_px, np.mgrid[: size_px[1], : size_px[0]]
    inside = (abs(x - width / 2) < width / 4) & (abs(y - height / 2) < height / 3)
    coverage = np.repeat(inside[None].astype(np.float32), frames, 0)
    block = coverage[..., None]
    drawn = {
        "coverage": coverage,
        "depth": coverage * 0.2,
        "normals": block * np.array([0, 0, -1], np.float32),
        "parts": (coverage * 4).astype(np.int32),
        "pose": block * np.array([1, 0.5, 0], np.float32),
        "edges": coverage - np.roll(coverage, 1, axis=1) * coverage,
        "init": np.concatenate([block * 0.3, block * 0.2, block * 0.1, block], axis=-1),
    }
    wanted = (able.guides & set(drawn)) - ({"init"} - able.needed)
    settings: dict[str, Any] = {
        "guides": Guides(**{name: drawn[name] for name in wanted}),
        "identity": Identity("walker", (PartLook(4, (0.3, 0.2, 0.1)),)),
        "metres_per_px": 0.02,
        "prompt": "a walker in a red tunic" if able.reads_prompt else "",
    }
    return Request(**{**settings, **changes})


def opening_of(service: Service) -> Any:
    return getattr(service, "opening", open_provider)


def opened(service: Service) -> Provider:
    return opening_of(service)(service.entry)


def one_line(error: ProviderError) -> bool:
    return "\n" not in str(error) and str(error).rstrip().endswith((".", ")"))
