"""Who generates: what every provider says of itself, and how it is asked. What is asked stands in request.py.

A provider is handed requests by the desk (desk.py), which keeps answers, books every call, waits, retries and keeps to
the show's policy and budget: a provider itself does none of that, it asks once and says truly what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from assets.providers.request import Light, Request, Result
from pipeline.errors import ProviderCancelled, ProviderError

_BINDING = frozenset({"init", "mask"})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, said before anything leaves.

    guides: understood; needed: without these it refuses; needs_one_of: without any one of these it refuses (empty: no
    such need). multiple_px: sides it can make (others are padded by the provider itself when pads is true).
    video: several frames of one request belong together; most_frames: of one request. most_count: takes of one request.
    frames_apart: each frame is painted by itself, the same in whatever part of a request it is asked for.
    paints_looks: its colours are the identity's looks, and its seeds change little: takes differ by looks.
    light: whose light it paints in: "asked" obeys the request's, "unknown" is told it and may not obey, "fixed" is not told
    it and paints in one of its own. leaves_machine: pixels go to another machine. paid: calls may cost money, so answers are kept and calls are booked.
    remembers: it takes a key with a request, and answers a key that it knows without doing or charging it again.
    """

    guides: frozenset[str]
    needed: frozenset[str]
    needs_one_of: frozenset[str] = frozenset()
    max_side_px: int = 2048
    multiple_px: int = 1
    pads: bool = True
    max_steps: int = 50
    most_frames: int = 10_000
    most_count: int = 64
    video: bool = False
    frames_apart: bool = False
    alpha: bool = True
    reads_prompt: bool = False
    reads_references: bool = False
    paints_looks: bool = False
    light: Literal["asked", "unknown", "fixed"] = "asked"
    leaves_machine: bool = False
    paid: bool = False
    remembers: bool = True

    def readable(self, request: Request) -> Request:
        """The request without the guides that this provider does not read: they are hints, and what is left tells less.

        init and mask stay, for they say what is to be kept; so does everything when nothing would be left. Where the sun
        stands is left out, too, for who is not told it: under another sun the answer is the same, and need not be paid again.
        """
        if self.light == "fixed":
            request = replace(request, light=replace(request.light, sun_direction=Light().sun_direction))
        guides = request.guides.given()
        read = {name for name in guides if name in self.guides or name in _BINDING}
        return replace(request, guides=request.guides.only(read)) if read and len(read) < len(guides) else request

    def check(self, provider: str, request: Request) -> None:
        """Raises ProviderError, one line, for the first thing that this provider cannot do."""
        given = set(request.guides.given())
        width, height = request.size_px
        size, step = f"{width} x {height} px", self.multiple_px
        odd_size = not self.pads and bool(width % step or height % step)
        unread_words = bool(request.prompt or request.negative) and not self.reads_prompt
        unread_references = bool(request.references) and not self.reads_references
        complaints = [
            (bool(self.needed - given), f"needs the guides {_names(self.needed - given)}. Draw them."),
            (
                bool(self.needs_one_of) and not self.needs_one_of & given,
                f"needs one of the guides {_names(self.needs_one_of)}. Draw one.",
            ),
            (bool(given - self.guides), f"does not read the guides {_names(given - self.guides)}. Leave them out."),
            (max(width, height) > self.max_side_px, f"{size} asked, longest side {self.max_side_px}. Ask for less."),
            (odd_size, f"{size} asked, sides must divide by {step}. Change them."),
            (request.steps > self.max_steps, f"{request.steps} steps asked, limit {self.max_steps}. Ask for fewer."),
            (request.frames > 1 and not self.video, f"{request.frames} frames asked, it paints one. Send one each."),
            (
                request.frames > self.most_frames,
                f"{request.frames} frames asked, limit {self.most_frames}. Ask in windows (assets/providers/windows.py).",
            ),
            (request.count > self.most_count, f"{request.count} takes asked, limit {self.most_count}. Ask for fewer."),
            (unread_references, "does not read reference pictures. Leave them out."),
            (unread_words, "does not read words. Say it in the identity's looks, leave the prompt empty."),
        ]
        for wrong, complaint in complaints:
            if wrong:
                raise ProviderError(f"{provider}: {complaint}")


def _silent(done: int, total: int, note: str) -> None:
    """Nobody looks on."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on while a provider works. progress(done, total, note); cancelled() turns true when the asker has had enough.

    keys: one idempotency key per request, for providers that remember (Capabilities.remembers); empty when none is given.
    """

    progress: Callable[[int, int, str], None] = _silent
    cancelled: Callable[[], bool] = _never
    keys: tuple[str, ...] = ()

    def check(self, provider: str) -> None:
        """Raises ProviderCancelled once the asker has had enough. Providers call it between steps and while waiting."""
        if self.cancelled():
            raise ProviderCancelled(f"{provider}: stopped before it was finished. Run again: kept answers stay.")


UNWATCHED = Watch()


class Provider(Protocol):
    """Whoever generates: a folder of weights, a server, a service."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def licence(self) -> str: ...

    @property
    def model_digest(self) -> str: ...

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Answer every request, in order; equal requests get equal answers.

        Checks every request against the capabilities before the first leaves. Raises a ProviderError: of its kinds in
        pipeline/errors.py the one that says what happened to the request, never a library's own exception.
        """
        ...


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
