"""Who moves in front: difference to the solved background, shadows explained away, cut out as figures that stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from calibration.depth.sweep import points_seen
from calibration.depth.views import View, load_view
from calibration.mattes.background import Background, depth_small, look_behind, other_frames
from calibration.mattes.figures import cut_out, disc, ghosts, join, standing, without_mostly
from calibration.mattes.shade import unexplained, upright
from pipeline.types import CameraTrack, DepthMaps, Plate

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
_EDGE_PX = 9  # window in which depth may miss the edge of a near thing
_BEYOND = 0.02  # encoded: a pixel this close to the colours around shows one of them


@dataclass(frozen=True, slots=True)
class Search:
    """Where the background is looked for. width_px: working size; reach: frames either way; count: looks; sure: deviations."""

    plate: Plate
    track: CameraTrack
    depth: DepthMaps
    width_px: int
    reach: int
    count: int
    sure: float

    def __hash__(self) -> int:  # a plate carries its metadata in a dict
        return hash((self.plate.files, self.depth.files, self.track.poses))

    @property
    def step(self) -> int:
        """Only every so manieth frame is looked at, the same ones from every frame: who stands there is found once."""
        return max(1, min(len(self.track.frames), self.reach) // self.count)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of one frame: deviations (h, w) that chance does not explain, what they were taken from, trust in its own depth."""

    view: View
    background: Background
    deviations: Floats
    confidence: Floats
    trusted: npt.NDArray[np.bool_]


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
    certain region. The frames looked at are searched first, by the same means, for people, whose pixels then stay out of
    the background; the earlier and the later frames each have a say, since someone who hardly moves against what is
    behind shows in the farthest frames alone. A person who never moves while in view is part of the background: supply a
    roto. Cast shadows change the light and not the texture, or lie flat, and are left out, so a contact shadow is the
    plate's own; a person darker than, and textured like, what is behind loses some pixels to that rule.
    """
    search = Search(plate, track, depth, width_px, reach, count, sure)
    found = _evidence(search, frame, second=True)
    if found is None:
        view = load_view(plate, track, frame, width_px)
        return np.zeros(view.grey.shape, np.float32)
    view, background, deviations = found.view, found.background, found.deviations
    marked = deviations > sure * np.where(found.confidence < 0.2, 0.4, 0.5)
    through = found.trusted & (deviations < 0.3 * sure)
    marked = without_mostly(marked, beside_step(view, background))
    matte = join(upright(marked, view.picture, background.colour), deviations > sure, through)
    matte = standing(matte, view)
    weak = cv2.GaussianBlur(deviations, (0, 0), 1.0) > 0.3 * sure
    doubtful = found.confidence < 0.4
    open_pixels = doubtful & (weak | (background.frames < 2))
    blind = doubtful & ~found.trusted
    return standing(cut_out(matte, deviations, sure, view, open_pixels, blind, through), view)


def _evidence(search: Search, frame: int, second: bool) -> Evidence | None:
    """second: leave the people of the other frames out, and let their earlier and later half speak for themselves."""
    view = load_view(search.plate, search.track, frame, search.width_px)
    points = points_seen(search.track, frame, view.pose).world
    points = points[:: max(1, len(points) // 300)]
    others = other_frames(search.track, frame, points, search.reach, search.count, search.step)
    if len(others) < 2:
        return None
    people = [_suspects(search, f).astype(np.float32) for f in others] if second else None
    looks = look_behind(search.plate, search.track, search.depth, view, others, search.width_px, people)
    background = looks.background()
    deviations = difference(view, background)
    # What few frames show may be wrong, and depth at the picture's border is: it may extend a figure, not found one.
    few = background.frames < min(3, len(others) // 2)
    deviations = np.where(few, np.minimum(deviations, 0.6 * search.sure), deviations)
    inverse, confidence = depth_small(search.depth, frame, view)
    if second:  # who hardly moves against what is behind shows in the farthest frames alone
        half = len(others) // 2
        doubtful = 0.9 * np.clip((0.5 - confidence) / 0.3, 0, 1)
        parts = [looks.background(last=half), looks.background(first=half)]
        halves = [np.where(part.frames >= 2, doubtful * difference(view, part), 0) for part in parts]
        most = np.maximum(deviations, np.maximum(*halves))
        figure, ground = looks.trusted & (most > search.sure), looks.trusted & (most < 0.3 * search.sure)
        for part, apart in zip([background, *parts], [deviations, *halves], strict=True):
            apart[~looks.trusted & ghosts(view.picture, part.colour, figure, ground)] = 0
        deviations = np.maximum(deviations, np.maximum(*halves))
    agrees = np.abs(inverse - background.inverse_depth) < 0.1 * inverse + 0.002
    doubt = np.where(agrees, 1 - np.float32(0.6) * confidence, np.float32(1))
    return Evidence(view, background, (deviations * doubt).astype(np.float32), confidence, looks.trusted)


def _suspects(search: Search, frame: int) -> Bytes:
    """(h, w) 0 or 1: roughly who moves in `frame`, shadows with them, with a margin. Kept for the frames that look here."""
    changed = search.plate.files.path(frame).stat().st_mtime_ns, search.depth.files.path(frame).stat().st_mtime_ns
    return _found_suspects(search, frame, changed)


@lru_cache(maxsize=64)
def _found_suspects(search: Search, frame: int, _changed: tuple[int, int]) -> Bytes:
    found = _evidence(search, frame, second=False)
    if found is None:
        return np.zeros(load_view(search.plate, search.track, frame, search.width_px).grey.shape, np.uint8)
    low = ((found.deviations > 0.4 * search.sure) & (found.background.frames >= 2)).astype(np.uint8)
    low = np.asarray(cv2.morphologyEx(low, cv2.MORPH_OPEN, disc(1)), np.uint8)
    count, labels = cv2.connectedComponents(low, connectivity=8)
    keep = np.bincount(labels[(found.deviations > search.sure) & (low > 0)], minlength=count) >= 12
    keep[0] = False
    closed = cv2.morphologyEx(keep[labels].astype(np.uint8), cv2.MORPH_CLOSE, disc(4))
    return np.asarray(cv2.dilate(closed, disc(3)), np.uint8)


def difference(view: View, background: Background) -> Floats:
    """(h, w) float32: difference between frame and background in deviations of what chance explains; 0 where unknown.

    Chance: grain, the disagreement among the other frames, and texture that a depth error would shift by a fraction of a
    pixel; so a shift of one pixel is tried as well and the best match counts, and so does a passing shadow.
    """
    known = background.frames >= 1
    colour = np.where(known[..., None], background.colour, view.picture)
    if known.any():  # exposure drifts over a shot
        colour = (colour + np.median((view.picture - colour)[known], axis=0)).astype(np.float32)
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
    least = np.minimum(apart, unexplained(view.picture, colour)) / chance
    return np.asarray(np.where(known, cv2.GaussianBlur(least, (0, 0), 1.0), 0), np.float32)


def beside_step(view: View, background: Background) -> npt.NDArray[np.bool_]:
    """(h, w): where a near thing ends before a far one and the picture shows what lies around there.

    Depth seldom gets such an edge right to the pixel: a strip of difference along it is nobody.
    """
    around = np.ones((_EDGE_PX, _EDGE_PX), np.uint8)
    near, far = cv2.dilate(background.inverse_depth, around), cv2.erode(background.inverse_depth, around)
    colour = np.nan_to_num(background.colour, nan=0.5)
    darker, brighter = cv2.erode(colour, around) - view.picture, view.picture - cv2.dilate(colour, around)
    beyond = np.maximum(darker, brighter).max(axis=2)
    return np.asarray((near - far > 0.1 * near + 0.002) & (beyond < _BEYOND), np.bool_)


def _steepness(grey: Floats) -> Floats:
    return np.asarray(np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8, np.float32)


def _chance(apart: Floats) -> float:
    """Deviation of the differences of what stands still, which is half of all pixels at least."""
    return float(np.clip(np.quantile(apart, 0.5) * 1.5, 0.004, 0.06)) if apart.size else 0.06
