"""The screen behind people: which colour it has, and what it would show at every pixel without them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import CalibrationError
from pipeline.kernels import key

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
PRIMARIES = {"green": 1, "blue": 2}
_LEAST_SHARE = 0.02  # of the picture: less is a prop
_COLOURED = 0.07  # colour difference over the sum of channels from which a paint counts as one of a screen
_NEAR = 0.05  # distance in chromaticity within which a pixel may be the same paint
_BINS = 64
_TOE = 0.004  # linear light under which a hue is grain


@dataclass(frozen=True)
class Paint:
    """A screen's colour: primary channel, chromaticity (r, g of r + g + b = 1), and the share of the picture it covers."""

    primary: int
    chroma: tuple[float, float]
    share: float

    @property
    def name(self) -> str:
        return ("red", "green", "blue")[self.primary]


@dataclass(frozen=True, eq=False)
class Screen:
    """paint; bare: (H, W, 3) float32 what the screen would show everywhere; noise: deviation of the colour difference on
    the bare screen, as a share of the screen's own."""

    paint: Paint
    bare: Floats
    noise: float

    def left(self, picture: Floats) -> Floats:
        """(H, W) float32 0..1: how much of the screen shows in each pixel of `picture` (H, W, 3); 0 where it is grain."""
        share = np.empty(picture.shape[:2], np.float32)
        key.remaining(picture, self.bare, self.paint.primary, share)
        return np.where(share > 4 * self.noise, np.clip(share, 0, 1), 0).astype(np.float32)


def find_paint(picture: Floats, wanted: str | tuple[float, float, float] = "") -> Paint:
    """The commonest colour of a screen in `picture` (H, W, 3) scene-linear.

    wanted: "green", "blue", a colour near the screen's, or "" for either of the two. Raises CalibrationError when it
    covers less than 2% of the picture.
    """
    if isinstance(wanted, str):
        found = _paint(picture, PRIMARIES[wanted], None) if wanted else likely_paint(picture)
        said = f"{wanted or 'green or blue'} screen"
    else:
        near = np.array(wanted) / max(sum(wanted), 1e-6)
        found = _paint(picture, int(np.argmax(near)), (float(near[0]), float(near[1])))
        said = f"screen of colour {', '.join(f'{v:g}' for v in wanted)}"
    if found.share < _LEAST_SHARE:
        raise CalibrationError(
            f"no {said} found: its colour covers {found.share:.1%} of the frame, {_LEAST_SHARE:.0%} are needed. "
            'Write its scene-linear colour as [mattes] screen = [r, g, b], or another kind than "key".'
        )
    return found


def likely_paint(picture: Floats) -> Paint:
    """Of green and blue the one that covers more of `picture` (H, W, 3) scene-linear, however little it is."""
    return max((_paint(picture, primary, None) for primary in PRIMARIES.values()), key=lambda paint: paint.share)


def _paint(picture: Floats, primary: int, near: tuple[float, float] | None) -> Paint:
    small = picture[:: max(1, picture.shape[0] // 270), :: max(1, picture.shape[1] // 480)].reshape(-1, 3)
    chroma, coloured = _chroma(small, primary)
    if near is not None:
        coloured &= np.hypot(*(chroma - near).T) < 2 * _NEAR
    if not coloured.any():
        return Paint(primary, near or (0.0, 0.0), 0.0)
    r, g = np.clip(chroma[coloured].T * _BINS, 0, _BINS - 1).astype(np.intp)
    counts = np.bincount(r * _BINS + g, minlength=_BINS**2).astype(np.float32).reshape(_BINS, _BINS)
    densest = int(np.argmax(cv2.GaussianBlur(counts, (0, 0), 1.0)))
    centre = (np.array(divmod(densest, _BINS)) + 0.5) / _BINS
    for _ in range(5):
        close = coloured & (np.hypot(*(chroma - centre).T) < _NEAR)
        if not close.any():
            break
        centre = chroma[close].mean(axis=0)
    return Paint(primary, (float(centre[0]), float(centre[1])), float(close.mean()))


def _chroma(rgb: Floats, primary: int) -> tuple[Floats, Bools]:
    """(..., 2) r and g as shares of the sum; and where the primary rules clearly enough."""
    total = np.maximum(rgb.sum(axis=-1), 3 * _TOE)
    others = [c for c in range(3) if c != primary]
    ahead = rgb[..., primary] - np.maximum(rgb[..., others[0]], rgb[..., others[1]])
    return rgb[..., :2] / total[..., None], ahead > _COLOURED * total


def bare_screen(picture: Floats, paint: Paint, outside: Bools | None = None, clean: Floats | None = None) -> Screen:
    """What the screen would show without people: its light may fall off, have hot spots and wrinkles.

    picture: (H, W, 3) scene-linear without grain. outside: (H, W) true where no screen is looked for (a garbage matte).
    clean: (H, W, 3), a plate of the bare screen, of any exposure. Seen well away from people the screen is as it is; under
    and near them its light goes on from around, over a smooth surface through all of it (or over `clean`).

    Source: after the image-based keyer of many compositors: a clean plate first, then differences to it.
    """
    chroma, coloured = _chroma(picture, paint.primary)
    sure = coloured & (np.hypot(chroma[..., 0] - paint.chroma[0], chroma[..., 1] - paint.chroma[1]) < _NEAR)
    if outside is not None:
        sure &= ~outside
    scale = max(picture.shape[1] / 960, 0.25)
    for margin in (2, 10):  # first without mixed edges, then without soft ones
        kept = _eroded(sure, max(1, round(margin * scale)))
        if kept.sum() < 0.25 * sure.sum():
            kept = _eroded(sure, 1)
        trend = _trend(picture, kept) if clean is None else np.maximum(clean, 1e-4).astype(np.float32)
        bare = trend * _carried_on(picture / trend, kept)
        left = np.empty(picture.shape[:2], np.float32)
        bare = np.ascontiguousarray(bare, np.float32)
        key.remaining(picture, bare, paint.primary, left)
        sure = sure & (np.abs(left - 1) < 0.2)
        if not sure.any():
            break
    apart = np.abs(left - 1)[kept & sure]
    noise = 1.4826 * float(np.median(apart)) if apart.size else 0.05
    return Screen(paint, bare, min(max(noise, 0.003), 0.1))


def _eroded(mask: Bools, radius: int) -> Bools:
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return np.asarray(cv2.erode(mask.astype(np.uint8), kernel) > 0)


def _trend(picture: Floats, kept: Bools) -> Floats:
    """(H, W, 3): each channel's light over the screen as the exponential of a cubic in x and y."""
    height, width = kept.shape
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in (height, width))
    terms = [(i, j) for i in range(4) for j in range(4 - i)]
    rows, columns = np.nonzero(kept)
    some = slice(None, None, max(1, len(rows) // 20000))
    rows, columns = rows[some], columns[some]
    if len(rows) < 4 * len(terms):
        terms = [(0, 0)]
    if not len(rows):
        return np.ones((height, width, 3), np.float32)
    design = np.stack([x[columns] ** i * y[rows] ** j for i, j in terms], axis=1).astype(np.float64)
    light = np.log(np.maximum(picture[rows, columns], 1e-4)).astype(np.float64)
    ridge = 1e-4 * len(rows) * np.diag([0.0 if t == (0, 0) else 1.0 for t in terms])
    weights = np.linalg.solve(design.T @ design + ridge, design.T @ light)
    field = sum(
        (y[:, None] ** j * x[None, :] ** i)[..., None] * weights[n].astype(np.float32) for n, (i, j) in enumerate(terms)
    )
    low, high = light.min(axis=0) - 0.3, light.max(axis=0) + 0.3  # a cubic runs away where nothing holds it
    return np.asarray(np.exp(np.clip(field, low, high)), np.float32)


def _carried_on(ratio: Floats, kept: Bools) -> Floats:
    """(H, W, 3) ratio where it is kept, elsewhere carried on from around, ever more smoothly: pull and push."""
    value, weight = np.where(kept[..., None], ratio, 0).astype(np.float32), kept.astype(np.float32)
    levels = [(value, weight)]
    while min(weight.shape) > 2:
        value, weight = (np.asarray(cv2.pyrDown(plane), np.float32) for plane in (value, weight))
        levels.append((value, weight))
    out = np.ones((*levels[-1][1].shape, 3), np.float32)
    for value, weight in reversed(levels[2:]):  # the finest levels would carry grain
        out = cv2.resize(out, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        share = np.clip(weight / 0.5, 0, 1)[..., None]
        out = np.asarray(share * value / np.maximum(weight, 1e-6)[..., None] + (1 - share) * out, np.float32)
    return np.asarray(cv2.resize(out, kept.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
