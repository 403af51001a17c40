"""A camera that stands still and only turns: its rotations, focal length and distortion, from the tracks alone.

COLMAP finds nothing in such a plate, for nothing shows its depth. Points are directions here: a bundle adjustment over
rotations, lens and directions on the keyframes, then every other frame is turned to fit the directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.solve.nodal import Turning
from calibration.solve.track import Tracks
from calibration.solve.turnfit import Focal, Seen, adjust_turns, misses_px
from calibration.solve.turnlens import TurnLens, fit_view
from calibration.solve.written import FocalPrior

Array = npt.NDArray[np.float64]

MOST_VIEWS = 60  # adjusted together; the others are turned to fit
MOST_POINTS = 300  # of a frame
FEWEST_SEEN = 3  # views that a direction needs
SOFT_PX = 0.7  # residuals above it count linearly, at 1280 px of width
OUTLIER = 4.0  # times the median error
ROUNDS = 3
FEWEST_IN_FRAME = 8


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """F frames of a camera that only turns.

    rotations: (F, 3, 3) camera from the first camera, NaN where a frame shows too few points. focal_px, centre_px, k1, k2:
    COLMAP's RADIAL model. focal_sigma: one standard deviation of the focal length as a share of it,
    from the adjustment's covariance; 0 when it was given. directions: (P, 3) unit, in the first camera's axes.
    observations: (M, 4) frame row, direction, x, y pixels. zoom: (F,) each frame's focal length over focal_px, ones where the
    lens does not zoom.
    """

    rotations: Array
    focal_px: float
    centre_px: tuple[float, float]
    k1: float
    k2: float
    focal_sigma: float
    directions: Array
    observations: Array
    zoom: Array


def solve_turns(
    tracks: Tracks, keyframes: list[int], width: int, height: int, start: Turning, prior: FocalPrior | None = None
) -> Turns:
    """Adjust rotations, lens and directions to the tracks (pixels, centres at .5).

    start: calibration.solve.nodal.turning; where it zooms, so does the solve. prior: of the focal length, in these pixels; without
    one a pan of a few degrees hardly shows it, which `focal_sigma` tells. Of a zoom focal_px is the first frame's.

    Source: Agapito, Hayman and Reid, "Self-Calibration of Rotating and Zooming Cameras", IJCV 2001.
    """
    middle = np.array([width, height]) / 2
    zooms = start.zoom > 1
    rows = _spread(keyframes, MOST_VIEWS)
    known = None if prior is None else Focal(*prior.log_px(rows, zooms), prior.sigma)
    focal = start.focal_px if prior is None else float(prior.px[0] if zooms else prior.one_px)
    lens = TurnLens(middle, middle.copy(), focal, start.k1, 0.0, np.ones(len(rows)))
    soft = SOFT_PX * max(1.0, width / 1280)
    seen = _observations(tracks, rows)
    turned, zoom = _chained(tracks, lens, zooms)
    lens.zoom = zoom[rows]
    directions = _first_directions(seen, turned[rows], lens)
    sigma = 0.0
    for number in range(ROUNDS):
        turned[rows], directions, sigma = adjust_turns(seen, turned[rows], directions, lens, soft, known, zooms)
        miss = misses_px(seen, turned[rows], directions, lens)
        keep = miss < max(OUTLIER * float(np.median(miss)), 0.5 * soft)
        if keep.mean() > 0.995 and (known is None or number > 0):  # a prior is weighed by what the tracks miss by
            break
        seen, directions = _kept(seen, directions, keep)
    zoom[rows] = lens.zoom
    return _finished(tracks, rows, turned, zoom, seen, directions, lens, sigma, soft, zooms)


def zooms_of_turning(tracks: Tracks, focal_px: float, width: int, height: int) -> Array:
    """Each frame's zoom (F,) over the first's, as a camera on one spot would show the tracks (pixels, centres at .5).

    Of a camera that travels it is a first guess: what is far off moves as it does there, and a step ahead enlarges little.
    """
    middle = np.array([width, height]) / 2
    lens = TurnLens(middle, middle.copy(), focal_px, 0.0, 0.0, np.ones(1))
    return _chained(tracks, lens, True)[1]


def _spread(rows: list[int], most: int) -> npt.NDArray[np.intp]:
    picked = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    return np.asarray(rows)[picked]


def _observations(tracks: Tracks, rows: npt.NDArray[np.intp]) -> Seen:
    lasting = np.bincount(tracks.idents)
    views, idents, pixels = [], [], []
    for view, row in enumerate(rows):
        ids, seen = tracks.at(int(row))
        best = np.argsort(-lasting[ids], kind="stable")[:MOST_POINTS]
        views.append(np.full(len(best), view))
        idents.append(ids[best])
        pixels.append(seen[best].astype(np.float64))
    numbers, ident, xy = np.concatenate(views), np.concatenate(idents), np.concatenate(pixels)
    names, point, counts = np.unique(ident, return_inverse=True, return_counts=True)
    often = counts[point] >= FEWEST_SEEN
    return _renumbered(Seen(numbers[often], point[often], xy[often], names.astype(np.intp)))


def _renumbered(seen: Seen) -> Seen:
    left, points = np.unique(seen.points, return_inverse=True)
    return Seen(seen.views, points, seen.pixels, seen.idents[left])


def _kept(seen: Seen, directions: Array, keep: npt.NDArray[np.bool_]) -> tuple[Seen, Array]:
    """Without outliers, and without the directions that are seen too seldom then."""
    counts = np.bincount(seen.points[keep], minlength=len(directions))
    keep = keep & (counts[seen.points] >= FEWEST_SEEN)
    left = np.unique(seen.points[keep])
    return _renumbered(Seen(seen.views[keep], seen.points[keep], seen.pixels[keep], seen.idents)), directions[left]


def _chained(tracks: Tracks, lens: TurnLens, zooms: bool) -> tuple[Array, Array]:
    """First rotations (F, 3, 3) and zooms (F,), each frame turned to what the frames before have seen."""
    known = np.full((int(tracks.idents.max(initial=0)) + 1, 3), np.nan)
    turned, zoomed = np.full((len(tracks), 3, 3), np.nan), np.ones(len(tracks))
    turn, zoom = np.eye(3), 1.0
    for row in range(len(tracks)):
        ids, xy = tracks.at(row)
        pixels = xy.astype(np.float64)
        old = np.isfinite(known[ids, 0])
        if row and old.sum() >= FEWEST_IN_FRAME:
            if zooms:
                turn, zoom = fit_view(known[ids[old]], pixels[old], lens, turn, zoom)
            else:
                turn = turned_to(known[ids[old]], lens.rays(pixels[old]), turn)
        turned[row], zoomed[row] = turn, zoom
        known[ids[~old]] = lens.rays(pixels[~old], zoom) @ turn
    return turned, zoomed


def turned_to(world: Array, rays: Array, turn: Array) -> Array:
    """The rotation that brings directions (N, 3) to rays (N, 3), those that fit badly losing their say."""
    for _ in range(6):
        apart = np.linalg.norm(world @ turn.T - rays, axis=1)
        say = 1 / (1 + (apart / max(2 * float(np.median(apart)), 1e-7)) ** 2)
        u, _, vt = np.linalg.svd((rays * say[:, None]).T @ world)
        turn = (u * [1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return np.asarray(turn)


def _first_directions(seen: Seen, turned: Array, lens: TurnLens) -> Array:
    world = np.einsum("nij,ni->nj", turned[seen.views], lens.rays(seen.pixels, lens.zoom[seen.views]))
    total = np.stack([np.bincount(seen.points, world[:, axis]) for axis in range(3)], axis=1)
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))


def _finished(
    tracks: Tracks, rows: npt.NDArray[np.intp], turned: Array, zoom: Array, seen: Seen, directions: Array, lens: TurnLens,
    sigma: float, soft: float, zooms: bool,
) -> Turns:  # fmt: skip
    """Every frame turned to the directions; tracks that live between keyframes get theirs from the frames that show them."""
    number = np.full(int(tracks.idents.max(initial=0)) + 1, -1)
    number[seen.idents] = np.arange(len(seen.idents))
    adjusted, out = set(rows.tolist()), np.full((len(tracks), 3, 3), np.nan)
    found = []
    for row in range(len(tracks)):
        ids, xy = tracks.at(row)
        known = number[ids] >= 0
        if known.sum() < FEWEST_IN_FRAME:
            continue
        pixels, which = xy[known].astype(np.float64), number[ids[known]]
        if row in adjusted:
            out[row] = turned[row]
        elif zooms:
            out[row], zoom[row] = fit_view(directions[which], pixels, lens, turned[row], zoom[row])
        else:
            out[row] = turned_to(directions[which], lens.rays(pixels), turned[row])
        miss = np.linalg.norm(lens.pixels(directions[which] @ out[row].T, zoom[row]) - pixels, axis=1)
        near = miss < max(OUTLIER * float(np.median(miss)), soft)
        found.append(np.column_stack([np.full(near.sum(), row), which[near], pixels[near]]))
    observations = np.concatenate(found) if found else np.zeros((0, 4))
    centre = (float(lens.middle[0]), float(lens.middle[1]))
    return Turns(out, lens.focal, centre, lens.k1, lens.k2, sigma, directions, observations, zoom)
