"""A request of more frames than a model paints at once: asked in windows that overlap, joined without a jump.

Where a provider reads init and mask, a later window is shown the frames that are made already and keeps them (mask 0), so
that it goes on from them. Where it does not, windows are painted apart and faded into each other over the overlap.
Every window has the same number of frames, the last one overlaps more: models of video take few lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assets.providers.base import UNWATCHED, Provider, Watch
from assets.providers.request import Array, Guides, Request, Result
from pipeline.errors import ProviderError

OVERLAP = 8  # frames, at most a quarter of a window: enough to see how things move, few enough to afford


def generate_in_windows(provider: Provider, request: Request, watch: Watch = UNWATCHED) -> Result:
    """Have a request of any number of frames painted, in windows when it is longer than the provider's most_frames.

    Raises ProviderError as the provider does. A request that fits is asked as it is.
    """
    able = provider.capabilities
    if request.frames <= able.most_frames:
        return provider.generate([request], watch)[0]
    overlap = min(OVERLAP, able.most_frames // 4)
    if overlap and {"init", "mask"} <= able.guides:
        takes = [_carried_on(provider, take, able.most_frames, overlap, watch) for take in _one_by_one(request)]
        return _together(request, takes)
    windows = in_windows(request, able.most_frames, overlap)
    return joined(request, provider.generate(windows, watch), able.most_frames, overlap)


def in_windows(request: Request, most_frames: int, overlap: int) -> list[Request]:
    """The request in windows of `most_frames` that share at least `overlap` frames; itself when it is no longer than that.

    Raises ProviderError when overlap leaves no way forward.
    """
    return [_cut(request, start, stop) for start, stop in spans(request.frames, most_frames, overlap)]


def joined(request: Request, results: Sequence[Result], most_frames: int, overlap: int) -> Result:
    """The answer to `request` from those to its windows (`in_windows`): over an overlap the earlier window fades into the
    later one, premultiplied, with weights that start and end smoothly.

    Raises ProviderError when the windows were painted by different models: a join would be seen.
    """
    takes: Array = np.empty((request.count, request.frames, *results[0].takes.shape[2:]), np.float32)
    made = 0
    for (start, stop), result in zip(spans(request.frames, most_frames, overlap), results, strict=True):
        shared = made - start if made else 0
        at = (np.arange(shared, dtype=np.float32) + 1) / (shared + 1)
        later = (at * at * (3 - 2 * at))[:, None, None, None]
        fading = takes[:, start : start + shared]
        takes[:, start : start + shared] = (1 - later) * fading + later * result.takes[:, :shared]
        takes[:, start + shared : stop] = result.takes[:, shared:]
        made = stop
    return _answer(request, results, takes)


def spans(frames: int, most_frames: int, overlap: int) -> list[tuple[int, int]]:
    """First and last + 1 frame of each window. Raises ProviderError when overlap leaves no way forward."""
    if not 0 <= overlap < most_frames:
        raise ProviderError(f"windows of {most_frames} frames cannot share {overlap}. Share fewer.")
    last = max(frames - most_frames, 0)
    starts = [*range(0, last, most_frames - overlap), last]
    return [(start, min(start + most_frames, frames)) for start in starts]


def _one_by_one(request: Request) -> list[Request]:
    """Takes apart: each goes on from its own frames."""
    return [replace(request, count=1, seed=request.seed + take) for take in range(request.count)]


def _carried_on(provider: Provider, request: Request, most_frames: int, overlap: int, watch: Watch) -> Result:
    """One take, window after window, each shown the frames that are made already."""
    results: list[Result] = []
    takes = np.empty((1, 0, 0, 0, 0), np.float32)
    for start, stop in spans(request.frames, most_frames, overlap):
        window, shared = _cut(request, start, stop), takes.shape[1] - start
        if results:
            window = replace(window, guides=_kept(window.guides, takes[0, start:]))
        results += provider.generate([window], watch)
        new = results[-1].takes[:, shared:] if len(results) > 1 else results[-1].takes
        takes = np.concatenate([takes, new], axis=1) if len(results) > 1 else new
    return _answer(request, results, takes)


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
    return _answer(request, takes, np.concatenate([take.takes for take in takes]))


def _answer(request: Request, parts: Sequence[Result], takes: Array) -> Result:
    models = list(dict.fromkeys(part.model_digest for part in parts))
    if len(models) > 1:
        raise ProviderError(
            f"{request.identity.name}: its {len(parts)} windows were painted by {len(models)} models, so their joins would "
            "be seen. Leave one provider in the list, and run again."
        )
    windows = "; ".join(part.metadata.get("windows", part.request_digest) for part in parts)
    return Result(
        takes=takes,
        request_digest=request.digest(),
        model_digest=models[0],
        licence=parts[0].licence,
        cost_usd=sum(part.cost_usd for part in parts),
        metadata={**parts[0].metadata, "seed": str(request.seed), "windows": windows},
    )
