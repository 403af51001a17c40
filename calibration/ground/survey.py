"""Find the ground under walls, people and gaps: a smooth sheet that hugs the lowest of what was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import spsolve

from calibration.ground.heightfield import Heightfield
from pipeline.errors import CalibrationError

Array = npt.NDArray[np.float64]
_MOST_CELLS = 240  # a side; the sheet is solved exactly, which costs about their cube
_ROUNDS, _ROUNDS_AGAIN = 10, 6
_FEWEST = 50  # points that make a survey
_EVEN, _SKEWED = 1.5, 2.0  # highest tenth against lowest, off the middle: a lawn (1.3), and soil with tufts (over 2)


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the sheet behaves. Lengths in metres."""

    cell_m: float = 0.5  # wished for; larger where the survey reaches far
    reach_m: float = 140.0  # beyond this distance from the cameras the ground is extrapolated
    tolerance_m: float = 0.12  # what lies higher above the sheet is no ground, near the cameras ...
    tolerance_per_m: float = 0.008  # ... and so much more per metre of distance
    least_tolerance_m: float = 0.01  # where measurements agree among themselves, grass and pebbles are no ground either
    stiffness: float = 1.0  # against bending; bumps of a cell or two are noise
    tautness: float = 0.001  # against slope: where nothing was measured the sheet levels out


@dataclass(frozen=True, eq=False)
class Survey:
    """field: the ground. measured: (rows, columns) bool, cells in which ground was seen. residuals_m: per ground point."""

    field: Heightfield
    measured: npt.NDArray[np.bool_]
    residuals_m: Array
    points: int


def survey(
    points: npt.ArrayLike,
    cameras: npt.ArrayLike,
    sheet: Sheet,
    say: npt.ArrayLike | None = None,
    start: Heightfield | None = None,
) -> Survey:
    """Lay `sheet` through world points (N, 3): ground, walls, trees mixed; cameras: (F, 3) where they stood.

    Starts from a plane, then lets the sheet bend while points above it lose their say; points below keep theirs longer,
    for nothing is seen through the ground. say: (N,) weights, 1 by default. start: an earlier sheet to begin with; what
    counts as ground is then judged by how well the points agree at each distance.
    Raises CalibrationError when fewer than 50 points lie within reach.
    """
    cloud, stood = np.asarray(points, np.float64), np.asarray(cameras, np.float64)
    weight = np.ones(len(cloud)) if say is None else np.asarray(say, np.float64)
    distance = np.hypot(cloud[:, 0] - stood[:, 0].mean(), cloud[:, 2] - stood[:, 2].mean())
    near = np.isfinite(cloud).all(axis=1) & (distance < sheet.reach_m)
    cloud, distance, weight = cloud[near], distance[near], weight[near]
    if len(cloud) < _FEWEST:
        raise CalibrationError(
            f"the ground: {len(cloud)} trusted depth points within {sheet.reach_m:g} m of the camera, need {_FEWEST}. "
            "Check the depth maps' confidence, or raise survey_ground.reach_m."
        )
    origin, cell_m, shape = _grid(cloud, stood, sheet)
    index, share = _cells(cloud, origin, cell_m, shape)
    tolerance = sheet.tolerance_m + sheet.tolerance_per_m * distance
    stiff = _stiffness(shape, sheet)
    positions = _positions(origin, cell_m, shape)
    heights = (start.height(*positions) if start else _first_plane(cloud, tolerance)(*positions)).ravel()
    for turn in range(_ROUNDS_AGAIN if start else _ROUNDS):
        above = cloud[:, 1] - heights[index]
        if start:
            keep = _likeliness(above, _agreement(above, distance, weight, tolerance, sheet))
        else:
            wide = tolerance * max(1.0, 8.0 * 0.6**turn)
            keep = np.where(above > 0, 1 / (1 + (above / wide) ** 2) ** 2, 1 / (1 + (above / (3 * wide)) ** 2))
            keep[above > 3 * wide] = 0
        heights = _solve(index, cloud[:, 1], keep * weight * share, stiff, heights)
    field = Heightfield(heights.reshape(shape).astype(np.float32), origin[0], origin[1], cell_m)
    above = cloud[:, 1] - field.height(cloud[:, 0], cloud[:, 2])
    ground = np.abs(above) < tolerance
    measured = np.bincount(index[ground], minlength=shape[0] * shape[1]).reshape(shape) > 0
    return Survey(field, measured, above[ground], int(ground.sum()))


def one_sided(points: npt.ArrayLike, cameras: npt.ArrayLike, field: Heightfield, sheet: Sheet) -> float:
    """0 to 1: do points scatter about `field` evenly, as noise does, or upwards, as tufts on bare soil make them?

    Compares how far the highest and the lowest tenth lie from the middle. A lawn, all blades, scatters evenly: its surface
    is what one stands on. 0 when there are too few points to tell.
    """
    cloud, stood = np.asarray(points, np.float64), np.asarray(cameras, np.float64)
    distance = np.hypot(cloud[:, 0] - stood[:, 0].mean(), cloud[:, 2] - stood[:, 2].mean())
    off = (cloud[:, 1] - field.height(cloud[:, 0], cloud[:, 2])) / (
        sheet.tolerance_m + sheet.tolerance_per_m * distance
    )
    off = off[(distance < sheet.reach_m) & (np.abs(off) < 2)]
    if len(off) < _FEWEST:
        return 0.0
    low, middle, high = np.quantile(off, [0.1, 0.5, 0.9])
    ratio = (high - middle) / max(middle - low, 1e-9)
    return float(np.clip((ratio - _EVEN) / (_SKEWED - _EVEN), 0, 1))


def _likeliness(above: Array, deviation: Array) -> Array:
    """(N,) weights that fall off as a bell, half as wide again below: Welsch's estimator, which finds the ground among grass."""
    off = np.where(above > 0, above, above / 1.5) / deviation
    return np.asarray(np.exp(-0.5 * off * off))


def _agreement(above: Array, distance: Array, weight: Array, tolerance: Array, sheet: Sheet) -> Array:
    """(N,) metres: how far off the points near the sheet lie (half their median), by rings of distance a third octave wide.

    A point of a quarter of the weight may lie twice as far off.
    """
    out = tolerance.copy()
    ring = np.floor(3 * np.log2(np.maximum(distance, 1.0))).astype(np.intp)
    off = np.abs(above)
    for number in np.unique(ring):
        here = ring == number
        judged = here & (off < 2 * tolerance)
        if judged.sum() >= 30:
            order = np.argsort(off[judged])
            total = np.cumsum(weight[judged][order])
            middle = order[np.searchsorted(total, 0.5 * total[-1])]
            likely = 0.5 * off[judged][middle] * np.sqrt(weight[judged][middle] / np.maximum(weight[here], 1e-9))
            out[here] = np.minimum(sheet.least_tolerance_m + likely, tolerance[here])
    return out


def _grid(cloud: Array, stood: Array, sheet: Sheet) -> tuple[tuple[float, float], float, tuple[int, int]]:
    """Origin (x, z), cell and (rows, columns) that hold the points (but for stray ones) and the cameras."""
    flat = np.concatenate([np.quantile(cloud[:, [0, 2]], [0.002, 0.998], axis=0), stood[:, [0, 2]]])
    low, high = flat.min(axis=0) - 2 * sheet.cell_m, flat.max(axis=0) + 2 * sheet.cell_m
    cell_m = max(sheet.cell_m, float((high - low).max()) / (_MOST_CELLS - 1))
    columns, rows = (int(n) for n in np.ceil((high - low) / cell_m) + 1)
    return (float(low[0]), float(low[1])), cell_m, (max(rows, 2), max(columns, 2))


def _cells(
    cloud: Array, origin: tuple[float, float], cell_m: float, shape: tuple[int, int]
) -> tuple[npt.NDArray[np.intp], Array]:
    """Each point's nearest sample, and its share of that sample's say: many points in one cell count little more."""
    column = np.clip(np.rint((cloud[:, 0] - origin[0]) / cell_m), 0, shape[1] - 1).astype(np.intp)
    row = np.clip(np.rint((cloud[:, 2] - origin[1]) / cell_m), 0, shape[0] - 1).astype(np.intp)
    index = row * shape[1] + column
    counts = np.bincount(index, minlength=shape[0] * shape[1])
    return index, np.minimum(counts[index], 12.0) ** 0.5 / counts[index]


def _positions(origin: tuple[float, float], cell_m: float, shape: tuple[int, int]) -> tuple[Array, Array]:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    return origin[0] + cell_m * columns, origin[1] + cell_m * rows


class _Plane:
    def __init__(self, values: Array) -> None:
        self.values = values

    def __call__(self, x: Array, z: Array) -> Array:
        return np.asarray(self.values[0] + self.values[1] * x + self.values[2] * z)


def _first_plane(cloud: Array, tolerance: Array) -> _Plane:
    """The lowest plane that many points lie on: least squares in which what is above loses its say."""
    basis = np.column_stack([np.ones(len(cloud)), cloud[:, 0], cloud[:, 2]])
    values = np.array([np.quantile(cloud[:, 1], 0.2), 0.0, 0.0])
    for turn in range(12):
        wide = tolerance * max(2.0, 20.0 * 0.7**turn)
        above = cloud[:, 1] - basis @ values
        say = np.where(above > 0, 1 / (1 + (above / wide) ** 2) ** 2, 1 / (1 + (above / (3 * wide)) ** 2))
        pulled = basis * say[:, None]
        calm = np.diag([1e-6, 1e-3, 1e-3]) * say.sum()  # few points in a line must not tip the world
        values = np.linalg.solve(basis.T @ pulled + calm, pulled.T @ cloud[:, 1])
    return _Plane(values)


def _stiffness(shape: tuple[int, int], sheet: Sheet) -> sparse.csr_matrix:
    """What bending and slope cost: a matrix over all samples."""
    size = shape[0] * shape[1]
    numbers = np.arange(size).reshape(shape)
    total = 1e-9 * sparse.identity(size, format="csr")
    for lines in (numbers, numbers.T):
        bend = _difference(size, (lines[:, :-2], 1.0), (lines[:, 1:-1], -2.0), (lines[:, 2:], 1.0))
        slope = _difference(size, (lines[:, :-1], -1.0), (lines[:, 1:], 1.0))
        total = total + sheet.stiffness * bend.T @ bend + sheet.tautness * slope.T @ slope
    twist = _difference(
        size,
        (numbers[:-1, :-1], 1.0),
        (numbers[:-1, 1:], -1.0),
        (numbers[1:, :-1], -1.0),
        (numbers[1:, 1:], 1.0),
    )
    return (total + 2 * sheet.stiffness * twist.T @ twist).tocsr()


def _difference(size: int, *terms: tuple[npt.NDArray[np.intp], float]) -> sparse.csr_matrix:
    """One row per place: the sum of factor * sample."""
    count = terms[0][0].size
    rows = np.tile(np.arange(count), len(terms))
    columns = np.concatenate([numbers.ravel() for numbers, _ in terms])
    values = np.concatenate([np.full(count, factor) for _, factor in terms])
    return sparse.csr_matrix((values, (rows, columns)), shape=(count, size))


def _solve(index: npt.NDArray[np.intp], y: Array, say: Array, stiff: sparse.csr_matrix, before: Array) -> Array:
    """The sheet that balances the points' say against its stiffness."""
    pull = np.bincount(index, say, minlength=len(before))
    target = np.bincount(index, say * y, minlength=len(before))
    return np.asarray(spsolve((stiff + sparse.diags(pull)).tocsc(), target, permc_spec="MMD_AT_PLUS_A"))
