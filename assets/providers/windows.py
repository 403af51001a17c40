"""A request of more frames than a model paints at once: asked in windows that overlap, joined without a jump.

Where a provider reads init and mask, a later window is shown the frames that are made already and keeps them (mask 0), so
that it goes on from them. Where it does not, windows are painted apart and faded into each other over the overlap.
Every window has the same number of frames, the last one overlaps more: models of video take few lengths.
Who paints each frame by itself is asked in windows too, which share nothing: no more than some frames are held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from assets.providers.base import UNWATCHED, Provider, Watch
from assets.providers.request import Array, Guides, Request, Result
from pipeline.errors import ProviderError
from pipeline.io.reel import Reel

OVERLAP = 8  # frames, at most a quarter of a window: enough to see how things move, few enough to afford
_APART_PX = 1 << 23  # in a window of frames that are painted each by itself


def generate_in_windows(
    provider: Provider, request: Request, watch: Watch = UNWATCHED, folder: Path | None = None, at_once: int = 1
) -> Result:
    """Have a request of any number of frames painted, in windows when it is longer than the provider's most_frames.

    folder: where finished frames wait, nameless, instead of in memory. at_once: windows that are handed over together, where
    none needs another one's frames. Raises ProviderError as the provider does. A request that fits is asked as it is.
    """
    able = provider.capabilities
    width, height = request.size_px
    most = min(able.most_frames, max(1, _APART_PX // (width * height))) if able.frames_apart else able.most_frames
    if request.frames <= most:
        return provider.generate([request], watch)[0]
    if able.frames_apart:
        parted = [(start, min(start + most, request.frames)) for start in range(0, request.frames, most)]
        answers = (provider.generate([_cut(request, *span)], watch)[0] for span in parted)
        return _answer(request, *_faded(request, parted, answers, folder), told=request.frames > able.most_frames)
    overlap = min(OVERLAP, able.most_frames // 4)
    if overlap and {"init", "mask"} <= able.guides:
        takes = [_carried_on(provider, take, most, overlap, watch, folder) for take in _one_by_one(request)]
        return takes[0] if len(takes) == 1 else _together(request, takes)
    windows = in_windows(request, most, overlap)
    groups = (windows[at : at + at_once] for at in range(0, len(windows), at_once))
    results = (result for group in groups for result in provider.generate(group, watch))
    return joined(request, results, most, overlap, folder)


def in_windows(request: Request, most_frames: int, overlap: int) -> list[Request]:
    """The request in windows of `most_frames` that share at least `overlap` frames; itself when it is no longer than that.

    Raises ProviderError when overlap leaves no way forward.
    """
    return [_cut(request, start, stop) for start, stop in spans(request.frames, most_frames, overlap)]


def joined(
    request: Request, results: Iterable[Result], most_frames: int, overlap: int, folder: Path | None = None
) -> Result:
    """The answer to `request` from those to its windows (`in_windows`): over an overlap the earlier window fades into the
    later one, premultiplied, with weights that start and end smoothly.

    folder: as generate_in_windows. Raises ProviderError when the windows were painted by different models: a join would be seen.
    """
    return _answer(request, *_faded(request, spans(request.frames, most_frames, overlap), results, folder))


def spans(frames: int, most_frames: int, overlap: int) -> list[tuple[int, int]]:
    """First and last + 1 frame of each window. Raises ProviderError when overlap leaves no way forward."""
    if not 0 <= overlap < most_frames:
        raise ProviderError(f"windows of {most_frames} frames cannot share {overlap}. Share fewer.")
    last = max(frames - most_frames, 0)
    starts = [*range(0, last, most_frames - overlap), last]
    return [(start, min(start + most_frames, frames)) for start in starts]


class _Takes:
    """Finished frames of every take, in memory or in `folder`."""

    def __init__(self, count: int, folder: Path | None) -> None:
        self._reels = [Reel(folder) for _ in range(count)] if folder else []
        self._parts: list[Array] = []

    def add(self, frames: Array) -> None:
        """frames: (count, N, H, W, 4)."""
        if not self._reels:
            self._parts.append(frames)
            return
        for reel, take in zip(self._reels, frames, strict=True):
            reel.add(take)

    def array(self) -> Array:
        """(count, F, H, W, 4)."""
        if not self._reels:
            return np.concatenate(self._parts, axis=1)
        takes = [reel.array() for reel in self._reels]
        return takes[0][None] if len(takes) == 1 else np.stack(takes)


def _faded(
    request: Request, windows: Sequence[tuple[int, int]], results: Iterable[Result], folder: Path | None
) -> tuple[list[Result], Array]:
    """What the windows' answers tell, without their pictures; and all frames. No more than two windows are held."""
    takes, told, held, first = _Takes(request.count, folder), list[Result](), np.empty(0), 0
    for (start, _), result in zip(windows, results, strict=True):
        told.append(_told(request, told, result))
        if len(told) == 1:
            held = result.takes
            continue
        takes.add(held[:, : start - first])
        fading, first = held[:, start - first :], start
        shared = fading.shape[1]
        at = (np.arange(shared, dtype=np.float32) + 1) / (shared + 1)
        later = (at * at * (3 - 2 * at))[:, None, None, None]
        held = np.concatenate(
            [(1 - later) * fading + later * result.takes[:, :shared], result.takes[:, shared:]], axis=1
        )
    takes.add(held)
    return told, takes.array()


def _one_by_one(request: Request) -> Iterator[Request]:
    """Takes apart: each goes on from its own frames."""
    for take in range(request.count):
        yield replace(request, count=1, seed=request.seed + take)


def _carried_on(
    provider: Provider, request: Request, most_frames: int, overlap: int, watch: Watch, folder: Path | None
) -> Result:
    """One take, window after window, each shown the frames that are made already."""
    takes, told, tail, made = _Takes(1, folder), list[Result](), np.empty(0), 0
    for start, stop in spans(request.frames, most_frames, overlap):
        window, shared = _cut(request, start, stop), made - start
        if told:
            window = replace(window, guides=_kept(window.guides, tail[0, -shared:]))
        result = provider.generate([window], watch)[0]
        new = result.takes[:, shared:] if told else result.takes
        takes.add(new)
        tail = np.concatenate([tail, new], axis=1)[:, -most_frames:] if told else new
        told.append(_told(request, told, result))
        made = stop
    return _answer(request, told, takes.array())


def _told(request: Request, before: Sequence[Result], result: Result) -> Result:
    """What an answer tells, without its pictures. Raises ProviderError when another model painted than before."""
    if before and before[0].model_digest != result.model_digest:
        raise ProviderError(
            f"{request.identity.name}: its windows were painted by 2 models, so their joins would be seen. "
            "Leave one provider in the list, and run again."
        )
    count, _, *size = result.takes.shape
    return replace(result, takes=np.empty((count, 0, *size), np.float32))


def _cut(request: Request, start: int, stop: int) -> Request:
    if (start, stop) == (0, request.frames):
        return request
    cut = {name: guide[start:stop] for name, guide in request.guides.given().items()}
    return replace(request, guides=Guides(**cut))


def _kept(guides: Guides, made: Array) -> Guides:
    """Guides whose first frames are `made` already, (N, H, W, 4)."""
    given = guides.given()
    init = given.get("init", np.zeros((*guides.shape, 4), np.float32)).copy()
    mask = given.get("mask", np.ones(guides.shape, np.float32)).copy()
    init[: len(made)], mask[: len(made)] = made, 0
    return Guides(**{**given, "init": init, "mask": mask})


def _together(request: Request, takes: Sequence[Result]) -> Result:
    told = [_told(request, takes[:number], take) for number, take in enumerate(takes)]
    return _answer(request, told, np.concatenate([take.takes for take in takes]))


def _answer(request: Request, parts: Sequence[Result], takes: Array, told: bool = True) -> Result:
    """told: whether the windows stand in the metadata."""
    windows = "; ".join(part.metadata.get("windows", part.request_digest) for part in parts)
    return Result(
        takes=takes,
        request_digest=request.digest(),
        model_digest=parts[0].model_digest,
        licence=parts[0].licence,
        cost_usd=sum(part.cost_usd for part in parts),
        metadata={**parts[0].metadata, "seed": str(request.seed), **({"windows": windows} if told else {})},
    )
