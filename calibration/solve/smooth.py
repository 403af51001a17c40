"""Take the jitter out of a solved camera, as far as what each frame shows allows.

Every pose is held where the solve put it by how sure its own points make it; beside that, turns and places shall go on as they
were: their second differences cost. How much each axis costs follows from the shot: of the second differences, what
is more than the poses' uncertainty makes by itself is the camera's own movement, and a shake that the points show costs next
to nothing. Points are held: they are the mean of many frames. Sources: Whittaker, "On a New Method of Graduation",
Proceedings of the Edinburgh Mathematical Society 1923 (the cost); Efron and Morris, "Stein's Estimation Rule and Its
Competitors", JASA 1973 (how much of it, from the data themselves).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import block_diag, csr_matrix
from scipy.sparse.linalg import spsolve
from scipy.spatial.transform import Rotation

from calibration.cameras import camera_centre, pose_from, to_camera
from calibration.lens import project
from calibration.solve.certainty import Sure, sureness
from calibration.solve.solved import Solve

Array = npt.NDArray[np.float64]

MOST_RISE = 0.05  # of the mean reprojection error, at full smoothing
NOISE_GAIN = 6.0  # variance of a second difference over that of one value: 1 + 4 + 1
LEAST_OWN = 0.02  # of the noise's second differences that always counts as the camera's own
KNOCK = 3.0  # standard deviations from which a second difference is a movement of its own
FEWEST_FRAMES = 5
ROUNDS, HALVINGS = 3, 16
_HELD = 1e9  # how much surer than any other a pose that is held is


def smoothed(solve: Solve, strength: float, held: list[int]) -> tuple[Solve, dict[str, Any]]:
    """The solve with calmer poses, and what was done. strength: 0 to 1; held: rows of poses that stay as they are.

    The mean reprojection error rises by at most strength * MOST_RISE of itself. A camera on one spot stays there: only its
    turns are smoothed.
    """
    sure = sureness(solve)
    known = [one for one in sure if one is not None]
    if len(solve.poses) < FEWEST_FRAMES or len(known) < FEWEST_FRAMES:
        return solve, {"asked": strength, "note": f"nothing smoothed: fewer than {FEWEST_FRAMES} frames show points"}
    if not _moves(solve.poses):
        return solve, {"asked": strength, "note": "nothing smoothed: the camera stands still"}
    unknowns = len(known[0].normal)
    cost = strength * _costs(solve.poses, known, unknowns)
    before = float(solve.errors_px().mean())
    limit = strength * MOST_RISE
    for halving in range(HALVINGS):
        poses = _calmed(solve.poses, sure, cost / 4.0**halving, held)
        calmer = replace(solve, poses=poses)
        rise = float(calmer.errors_px().mean()) / max(before, 1e-12) - 1.0
        if rise <= limit:
            break
    else:
        return solve, {"asked": strength, "note": "nothing smoothed: what the points show allows none"}
    return calmer, {
        "asked": strength,
        "error_rise": round(rise, 5),
        "most_rise": round(limit, 5),
        "moved_px": round(_seen_elsewhere_px(solve, calmer), 4),
        "weakened": halving,
    }


def _moves(poses: Array) -> bool:
    return float(np.abs(poses - poses[0]).max()) > 1e-9


def _costs(poses: Array, known: list[Sure], unknowns: int) -> Array:
    """(F - 2, U) of each axis's second differences: one over the variance of the camera's own.

    Its own is what is measured less what the noise makes of it. A start, a stop or a knock, far beyond both, costs next to
    nothing: it is not rounded off.
    """
    bends = _bends(poses)[:, :unknowns]
    measured = (1.4826 * np.median(np.abs(bends), axis=0)) ** 2
    noise = NOISE_GAIN * np.median([np.diag(one.covariance) for one in known], axis=0)
    own = np.maximum(measured - noise, LEAST_OWN * noise) + 1e-24
    return np.asarray(1.0 / own / (1.0 + bends**2 / (KNOCK**2 * (own + noise))) ** 2)


def _bends(poses: Array) -> Array:
    """(F - 2, 6) second differences of turn (radians) and place in the axes of the middle camera, as they move points."""
    turns = poses[1:, :3, :3] @ np.swapaxes(poses[:-1, :3, :3], 1, 2)
    steps = Rotation.from_matrix(turns).as_rotvec()
    centres = camera_centre(poses)
    moved = centres[2:] - 2 * centres[1:-1] + centres[:-2]
    return np.column_stack([np.diff(steps, axis=0), -np.einsum("nij,nj->ni", poses[1:-1, :3, :3], moved)])


def _calmed(poses: Array, sure: list[Sure | None], cost: Array, held: list[int]) -> Array:
    """Poses (F, 4, 4) where holding on to the observations and going on as before cost least together."""
    frames, unknowns = len(poses), cost.shape[1]
    size = max(float(np.trace(one.normal)) for one in sure if one is not None)
    blocks = [np.zeros((unknowns, unknowns)) if one is None else one.normal for one in sure]
    for row in held:
        blocks[row] = blocks[row] + _HELD * size * np.eye(unknowns)
    hold = block_diag(blocks, format="csr")
    calm, moved = poses, np.zeros(frames * unknowns)
    for _ in range(ROUNDS):
        slopes = _slopes(calm, unknowns)
        bends = _bends(calm)[:, :unknowns].ravel()
        normal = hold + slopes.T @ slopes.multiply(cost.ravel()[:, None])
        step = spsolve(normal.tocsc(), -(hold @ moved) - slopes.T @ (cost.ravel() * bends))
        moved = moved + step
        calm = _moved(poses, moved.reshape(frames, unknowns))
    return calm


def _slopes(poses: Array, unknowns: int) -> csr_matrix:
    """Of `_bends` by the moves of all poses, (3 or 6 a frame); turns between neighbours count as small."""
    frames = len(poses)
    rows, columns, values = [], [], []
    own = np.arange(unknowns)
    for middle in range(1, frames - 1):
        for beside, share in ((-1, 1.0), (0, -2.0), (1, 1.0)):
            block = np.zeros((unknowns, unknowns))
            block[:3, :3] = share * np.eye(3)
            if unknowns == 6:
                block[3:, 3:] = share * poses[middle, :3, :3] @ poses[middle + beside, :3, :3].T
            at = np.nonzero(block)
            rows.append((middle - 1) * unknowns + own[at[0]])
            columns.append((middle + beside) * unknowns + own[at[1]])
            values.append(block[at])
    shape = ((frames - 2) * unknowns, frames * unknowns)
    return csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _moved(poses: Array, moves: Array) -> Array:
    """Poses turned (radians) and shifted by (F, 3 or 6) in their cameras' axes."""
    turns = Rotation.from_rotvec(moves[:, :3]).as_matrix() @ poses[:, :3, :3]
    centres = camera_centre(poses)
    if moves.shape[1] == 6:
        centres = centres - np.einsum("nji,nj->ni", poses[:, :3, :3], moves[:, 3:])
    return np.array([pose_from(turn, centre) for turn, centre in zip(turns, centres, strict=True)])


def _seen_elsewhere_px(before: Solve, after: Solve) -> float:
    """Median over the observations by how far their points are seen elsewhere."""
    rows, which = before.observations[:, 0].astype(int), before.observations[:, 1].astype(int)
    far = []
    for row in np.unique(rows):
        points, lens = before.points[which[rows == row]], before.lens_at(row)
        a, b = (project(to_camera(points, s.poses[row]), lens) for s in (before, after))
        far.append(np.linalg.norm(a - b, axis=1))
    return float(np.nanmedian(np.concatenate(far)))
