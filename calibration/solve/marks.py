"""Pixels that a person marked, as points of the solve: followed through the plate and triangulated by its cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import pixel_rays_world
from calibration.solve.by_hand import look_for
from calibration.solve.solved import Solve
from calibration.solve.track import Tracks
from calibration.solve.trackview import TrackView
from calibration.solve.triangulate import triangulate
from pipeline.errors import CalibrationError
from pipeline.world_sections import LineMark, Mark

Array = npt.NDArray[np.float64]

REACH = 40  # frames that a mark is followed in each direction
NEAR = 0.03  # of the width: solved points as near as this tell the depth of a mark that cannot be followed
FEWEST_NEAR = 3


@dataclass(frozen=True)
class Marked:
    """A solve and the plate that it is of."""

    solve: Solve
    view: TrackView

    def row(self, frame: int, what: str) -> int:
        frames = self.view.plate.files.frames
        if frame not in frames:
            raise CalibrationError(f"[world] {what}: frame {frame} is not of the plate, {frames}. Change it.")
        return frames.index(frame)

    def ray(self, mark: Mark, what: str) -> tuple[Array, Array]:
        """Where the camera stands (3,) and the unit vector (3,) along which it sees the mark."""
        plate = self.view.plate
        if not (0 <= mark[1] <= plate.width and 0 <= mark[2] <= plate.height):
            raise CalibrationError(
                f"[world] {what}: {mark[1]:g}, {mark[2]:g} lies off the plate, {plate.width} x {plate.height}. Change it."
            )
        row = self.row(mark[0], what)
        start, way = pixel_rays_world([mark[1], mark[2]], self.solve.lens_at(row), self.solve.poses[row])
        return start, way / np.linalg.norm(way)

    def points(self, marks: dict[str, Mark]) -> dict[str, Array]:
        """World points of marks, by what they are called. Raises CalibrationError when one can be placed by nothing."""
        if not marks:
            return {}
        for what, mark in marks.items():
            self.ray(mark, what)
        solve, followed = self.solve, self._follow(list(marks.values()))
        found = triangulate(followed, self.view.to_plate, solve.poses, solve.lens, solve.zoom)
        placed = dict(zip(found.idents.tolist(), found.points, strict=True))
        return {
            what: placed[number] if number in placed else self._by_neighbours(mark, what)
            for number, (what, mark) in enumerate(marks.items())
        }

    def _follow(self, marks: list[Mark]) -> Tracks:
        seen: list[list[tuple[int, Array]]] = [[] for _ in self.solve.poses]
        first = self.view.plate.files.frames.first
        for frame in sorted({mark[0] for mark in marks}):
            mine = np.array([n for n, mark in enumerate(marks) if mark[0] == frame])
            start = np.array([marks[n][1:] for n in mine]) / self.view.to_plate
            seen[frame - first] += list(zip(mine.tolist(), start, strict=True))
            for step in (-1, 1):
                numbers, xy, grey = mine, start, self.view.grey(frame)
                for row in range(frame - first + step, frame - first + step * (REACH + 1), step):
                    if not 0 <= row < len(seen) or not len(numbers):
                        break
                    there = self.view.grey(first + row)
                    at, good = look_for(grey, there, xy, xy)
                    numbers, xy, grey = numbers[good], at[good], there
                    seen[row] += list(zip(numbers.tolist(), xy, strict=True))
        flat = [pair for row in seen for pair in sorted(row, key=lambda pair: pair[0])]
        return Tracks(
            np.cumsum([0, *map(len, seen)]),
            np.array([number for number, _ in flat], np.int32),
            np.array([xy for _, xy in flat], np.float32).reshape(-1, 2),
            np.ones(len(seen)),
        )

    def _by_neighbours(self, mark: Mark, what: str) -> Array:
        """At the depth of the solved points that the frame shows around it."""
        row = self.row(mark[0], what)
        mine = self.solve.observations[self.solve.observations[:, 0].astype(int) == row]
        near = mine[np.linalg.norm(mine[:, 2:] - mark[1:], axis=1) < NEAR * self.view.plate.width]
        if len(near) < FEWEST_NEAR:
            raise CalibrationError(
                f"[world] {what}: pixel {mark[1]:g}, {mark[2]:g} of frame {mark[0]} can be followed nowhere and no solved point "
                "is near. Mark a corner that stands still, or the same thing on another frame."
            )
        start, way = self.ray(mark, what)
        points = self.solve.points[near[:, 1].astype(int)]
        return np.asarray(start + way * float(np.median((points - start) @ way)))


def ends(line: LineMark) -> tuple[Mark, Mark]:
    """Both ends of a line as marks."""
    return (line[0], line[1], line[2]), (line[0], line[3], line[4])
