"""Who moves in front: difference to the solved background, decided, cleaned, and what has no feet on the ground left out."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from calibration.background import Background, depth_small, find_background, other_frames
from calibration.depth import points_seen
from calibration.views import View, load_view
from pipeline.types import CameraTrack, DepthMaps, Plate

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def find_matte(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    frame: int,
    *,
    width_px: int,
    reach: int,
    count: int,
    sure: float,
) -> Floats:
    """(h, w) float32 0 or 1 at working size: what differs from the background that other frames show here.

    sure: how many deviations of grain, local texture and disagreement make a difference certain; half of that extends a
    certain region. A person who never moves while in view is part of the background, as is one whose background no other
    frame shows: supply a roto for those. So for small figures at a steady pace: to the depth search they look still, only
    nearer or farther. Cast shadows darken without changing the texture and are left out, so a contact
    shadow is the plate's own; a person darker than, and textured like, what is behind loses some pixels to that rule.
    """
    view = load_view(plate, track, frame, width_px)
    seen = points_seen(track, frame, view.pose)
    others = other_frames(track, frame, seen.world[:: max(1, len(seen.world) // 300)], reach, count)
    if len(others) < 2:
        return np.zeros(view.grey.shape, np.float32)
    background = find_background(plate, track, depth, view, others, width_px)
    inverse, confidence = depth_small(depth, frame, view)
    agrees = np.abs(inverse - background.inverse_depth) < 0.1 * inverse + 0.002
    doubt = np.where(agrees, 1 - np.float32(0.6) * confidence, np.float32(1))
    deviations = difference(view, background) * doubt
    matte = _completed(_decide(deviations, sure, confidence), deviations, sure, view, background, confidence)
    return _standing(_without_shadows(matte, view, background), view)


def difference(view: View, background: Background) -> Floats:
    """(h, w) float32: difference between frame and background in deviations of what chance explains; 0 where unknown.

    Chance: grain, the disagreement among the other frames, and texture that a depth error would shift by a fraction of a
    pixel; so a shift of one pixel is tried as well and the best match counts.
    """
    known = background.frames >= 1
    colour = np.where(known[..., None], background.colour, view.picture)
    if known.any():  # exposure drifts over a shot
        colour = colour + np.median((view.picture - colour)[known], axis=0)
    apart = np.full(view.grey.shape, np.inf, np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            moved = np.roll(colour, (dy, dx), axis=(0, 1))
            apart = np.minimum(apart, np.abs(view.picture - moved).max(axis=2))
    noise = _chance(apart[known])
    # A depth error shifts the background's texture; the person's own edges must not excuse the person.
    texture = np.minimum(_steepness(view.grey), _steepness(colour.mean(axis=2)))
    spread = np.where(known, np.minimum(background.spread, 0.05), 0)
    chance = np.sqrt(noise**2 + (0.35 * cv2.blur(texture, (3, 3))) ** 2 + (1.5 * spread) ** 2)
    chance[background.frames == 1] *= 1.6  # a single look may itself have shown somebody
    deviations = cv2.GaussianBlur(apart / chance, (0, 0), 1.2)
    return np.asarray(np.where(known, deviations * _not_shadow(view.grey, colour.mean(axis=2)), 0), np.float32)


def _decide(deviations: Floats, sure: float, confidence: Floats) -> Floats:
    """Hysteresis, closed gaps, filled holes, no specks. Where the frame's own depth found no match, less is enough."""
    likely = (deviations > sure * np.where(confidence < 0.2, 0.25, 0.5)).astype(np.uint8)
    opened = np.asarray(cv2.morphologyEx(likely, cv2.MORPH_OPEN, _disc(1)), np.uint8)
    count, labels = cv2.connectedComponents(opened, connectivity=8)
    certain = np.bincount(labels[deviations > sure], minlength=count)
    area = np.bincount(labels.ravel(), minlength=count)
    keep = (certain >= np.maximum(0.15 * area, 12)) & (area > 2e-4 * opened.size)
    keep[0] = False
    matte = cv2.morphologyEx(keep[labels].astype(np.uint8), cv2.MORPH_CLOSE, _disc(3))
    return _filled(np.asarray(matte, np.uint8)).astype(np.float32)


def _completed(
    matte: Floats, deviations: Floats, sure: float, view: View, background: Background, confidence: Floats
) -> Floats:
    """Let the figures grow over pixels whose background no frame shows, where their colours go on.

    Only pixels near a certain figure, with neither a known background nor a trusted depth of their own, are open.

    Source: Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph cuts",
    SIGGRAPH 2004.
    """
    radius = max(3, view.lens.width // 14)
    around = cv2.dilate(matte, cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1, 4 * radius + 1)))
    unknown = (background.frames < 2) & (confidence < 0.4)
    doubtful = unknown | ((deviations > 0.4 * sure) & (deviations < 1.5 * sure))
    labels = np.where(matte > 0, cv2.GC_FGD, cv2.GC_BGD).astype(np.uint8)
    open_pixels = (around > 0) & doubtful
    if not (matte > 0).any() or not open_pixels.any():
        return matte
    wider = cv2.dilate(around, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)) > 0
    x, y, width, height = cv2.boundingRect(wider.astype(np.uint8))
    part = (slice(y, y + height), slice(x, x + width))
    cut, free = labels[part].copy(), open_pixels[part]
    picture = np.ascontiguousarray(np.clip(255 * view.picture[part], 0, 255).astype(np.uint8))
    likely = _likelier(picture, (cut == cv2.GC_FGD) & ~free, (cut == cv2.GC_BGD) & ~free)
    cut[free] = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD)[free]
    cv2.setRNGSeed(1)  # its k-means draws
    cv2.grabCut(picture, cut, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    grown = matte.copy()
    grown[part] = (cut == cv2.GC_FGD) | (cut == cv2.GC_PR_FGD)
    closed = cv2.morphologyEx(grown.astype(np.uint8), cv2.MORPH_OPEN, _disc(1))
    return _filled(np.asarray(closed, np.uint8)).astype(np.float32)


def _likelier(picture: npt.NDArray[np.uint8], figure: Bools, ground: Bools) -> Bools:
    """Where a colour is commoner in `figure` than in `ground`: softened histograms of 16 steps a channel."""
    if not figure.any() or not ground.any():
        return figure
    step = (picture // 16).reshape(-1, 3).astype(np.intp)
    index = (step[:, 0] * 16 + step[:, 1]) * 16 + step[:, 2]
    shares = []
    for region in (figure, ground):
        counts = np.bincount(index[region.ravel()], minlength=4096).reshape(16, 16, 16).astype(np.float64)
        soft = gaussian_filter(counts, 0.7, mode="nearest")
        shares.append((soft / soft.sum()).ravel()[index])
    return np.asarray((shares[0] > shares[1]).reshape(figure.shape), np.bool_)


def _without_shadows(matte: Floats, view: View, background: Background) -> Floats:
    """Take away what lies flat and is the background's colour, only darker: cast shadows. People stand upright."""
    apart = background.colour - view.picture
    darker = apart.mean(axis=2)
    with np.errstate(invalid="ignore"):
        tinted = np.abs(apart - darker[..., None]).max(axis=2) > 0.03 + 0.3 * np.abs(darker)
        shadow = (darker > 0.02) & (darker < 0.4) & ~tinted
    upright = np.ones((max(7, matte.shape[0] // 18), 1), np.uint8)
    flat = cv2.morphologyEx(matte.astype(np.uint8), cv2.MORPH_OPEN, upright) == 0
    kept = np.where(flat & shadow, 0, matte).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(kept, cv2.MORPH_OPEN, _disc(1)), np.float32)


def _standing(matte: Floats, view: View) -> Floats:
    """Drop what ends above the horizon and what is a speck: neither has feet on the ground."""
    up = view.rays @ view.pose[:2, 1] + view.pose[2, 1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(matte.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] > 2e-4 * matte.size
    keep &= np.isin(np.arange(len(stats)), labels[up < 0])
    keep[0] = False
    return keep[labels].astype(np.float32)


def _filled(matte: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Holes of less than 1/400 of the picture are part of the figure; larger ones may be the gap under an arm."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - matte, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < matte.size // 400
    small[0] = False
    return np.where(small[labels], np.uint8(1), matte) if count > 1 else matte


def _steepness(grey: Floats) -> Floats:
    return np.asarray(np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8, np.float32)


def _chance(apart: Floats) -> float:
    """Deviation of the differences of what stands still, which is half of all pixels at least."""
    return float(np.clip(np.quantile(apart, 0.5) * 1.5, 0.004, 0.06)) if apart.size else 0.06


def _not_shadow(grey: Floats, behind: Floats) -> Floats:
    """0 where the frame is a darker print of the same texture, by less than two stops; 1 elsewhere."""
    size = (9, 9)
    a, b = grey - cv2.blur(grey, size), behind - cv2.blur(behind, size)
    alike = cv2.blur(a * b, size) / np.sqrt((cv2.blur(a * a, size) + 2e-5) * (cv2.blur(b * b, size) + 2e-5))
    darker = cv2.blur(behind - grey, size)
    shadow = np.clip((alike - 0.6) / 0.25, 0, 1) * ((darker > -0.02) & (darker < 0.35))
    return np.asarray(1 - shadow, np.float32)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
