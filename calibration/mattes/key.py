"""People before a green or blue screen: alpha, their colour without the screen's light, and the bare screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration.mattes.band import alpha_in_band, disc
from calibration.mattes.screen import Screen
from pipeline.kernels import key
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.matting import BACK, FRONT, UNKNOWN

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
_THROUGH = 0.03  # of the screen: less of it left does not speak against a solid pixel
_SPECK_PX = 30  # at a width of 960: an island of faint differences this small is grain or dust
_OPAQUE = 0.4  # of the screen left at most in a hole of the core that is spill or a reflection, not a hole


def pull_key(picture: Floats, screen: Screen, holdout: Floats | None = None, garbage: Floats | None = None) -> Floats:
    """(H, W) float32 alpha of what stands before `screen`, from `picture` (H, W, 3) scene-linear without grain.

    What surely is the screen and what surely is not come from the colour difference; in the band between them alpha comes
    from the colours that mix there, with the bare screen known, so that soft edges and hair keep their own density.
    holdout, garbage: (H, W) 0..1: certainly in front; certainly not.
    """
    left = np.empty(picture.shape[:2], np.float32)
    key.remaining(picture, screen.bare, screen.paint.primary, left)
    trimap = _trimap(picture, screen, left)
    if holdout is not None:
        trimap[holdout > 0.99] = FRONT
    if garbage is not None:
        trimap[garbage > 0.99] = BACK
    return alpha_in_band(picture, trimap, screen.bare)


def _trimap(picture: Floats, screen: Screen, left: Floats) -> Bytes:
    """(H, W) uint8: the core, the bare screen, and what must be looked at."""
    scale = max(picture.shape[1] / 960, 0.25)
    margin = max(4 * screen.noise, 0.02)
    covered = 1 - left
    faint = np.asarray(cv2.blur(covered, (3, 3)), np.float32)
    apart = np.abs(picture - screen.bare).max(axis=2) / (screen.bare.max(axis=2) + 1e-3)
    bare = (np.abs(faint) < margin) & (cv2.blur(apart, (3, 3)) < margin + 0.06)
    core = left < _THROUGH
    bare = _without_specks(bare, covered, core, round(_SPECK_PX * scale * scale))
    core = _without_holes(core, bare, left)
    bare = _eroded(bare, 1)
    core = _solid(picture, screen.bare, core, max(1, round(scale)), scale)
    trimap = np.full(left.shape, UNKNOWN, np.uint8)
    trimap[bare], trimap[core] = BACK, FRONT
    return trimap


def _without_specks(bare: Bools, covered: Floats, core: Bools, area_px: int) -> Bools:
    """`bare` with the small islands in it that hold nothing solid: dust, grain, marks for the trackers are not hair."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~bare).astype(np.uint8), connectivity=8)
    most = _largest(covered, labels)
    small = (stats[:, cv2.CC_STAT_AREA] <= area_px) & (most < 0.25)
    small[np.unique(labels[core])] = False
    small[0] = False
    return np.asarray(bare | small[labels])


def _without_holes(core: Bools, bare: Bools, left: Floats) -> Bools:
    """`core` with the holes in it that show no bare screen and little of its colour: spill, a belt buckle, an eye."""
    _, labels = cv2.connectedComponents((~core).astype(np.uint8), connectivity=4)
    most = _largest(left, labels)
    closed = most < _OPAQUE
    closed[np.unique(labels[bare])] = False
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    closed[np.unique(edge)] = False
    closed[0] = False
    return np.asarray(core | closed[labels])


def _largest(values: Floats, labels: npt.NDArray[Any]) -> Floats:
    """(N,) the largest of `values` (H, W) under each label."""
    most = np.zeros(int(labels.max()) + 1, np.float32)
    np.maximum.at(most, labels.ravel().astype(np.intp), values.ravel())
    return most


def _solid(picture: Floats, bare: Floats, core: Bools, inset_px: int, scale: float) -> Bools:
    """The core without its soft border: colours opposite to the screen's look solid when a third of them is screen.

    A pixel stays when what lies deeper in the core explains it without the screen.
    """
    kept = _eroded(core, inset_px)
    reach = max(3, round(9 * scale))
    deep = _eroded(core, reach).astype(np.float32)
    near = cv2.GaussianBlur(deep, (0, 0), 0.8 * reach)
    mean = cv2.GaussianBlur(picture * deep[..., None], (0, 0), 0.8 * reach) / np.maximum(near, 1e-6)[..., None]
    way = mean - bare
    share = ((picture - bare) * way).sum(axis=2) / np.maximum((way**2).sum(axis=2), 1e-9)
    border = kept & ~_eroded(core, 2 * reach)
    soft = border & (share < 0.93) & (near > 0.01)
    soft = np.asarray(cv2.morphologyEx(soft.astype(np.uint8), cv2.MORPH_CLOSE, disc(1)) > 0) & border
    return np.asarray(kept & ~soft)


def _eroded(mask: Bools, radius: int) -> Bools:
    return np.asarray(cv2.erode(mask.astype(np.uint8), disc(radius)) > 0)


@dataclass(frozen=True)
class Despill:
    """How the screen's light comes off people. limit: 0 the primary may reach the larger of the other channels, 1 their
    mean; amount: 0..1 of what is over it; keep_light: 0..1 of the luminance taken that comes back as neutral light."""

    limit: float = 0.5
    amount: float = 1.0
    keep_light: float = 1.0


def without_screen(colour: Floats, screen: Screen, how: Despill) -> tuple[Floats, Floats]:
    """`colour` (H, W, 3) of people without the screen's light on them, and the luminance (H, W) that is to come back.

    That luminance comes back in the colour of the new surroundings: the screen lit them instead of these.
    """
    out, taken = np.empty_like(colour), np.empty(colour.shape[:2], np.float32)
    key.despill(np.ascontiguousarray(colour), screen.bare, screen.paint.primary, how.limit, out, taken)
    out = colour + np.float32(how.amount) * (out - colour)
    light = np.float32(how.amount * how.keep_light) * taken * (screen.bare @ LUMINANCE)
    return np.asarray(out, np.float32), np.asarray(light, np.float32)
