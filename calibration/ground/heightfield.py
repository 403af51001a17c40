"""The ground as a height field: read it, stand on it, send pixels down to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import pixel_rays_world
from pipeline.errors import CalibrationError
from pipeline.kernels.heightfield import meet
from pipeline.types import Ground, Lens

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Heightfield:
    """World height over x, z on a grid; bilinear inside, the nearest sample outside.

    heights: (rows, columns) float32 metres; sample [j, i] lies at x = origin_x_m + i * cell_m,
    z = origin_z_m + j * cell_m.
    """

    heights: npt.NDArray[np.float32]
    origin_x_m: float = 0.0
    origin_z_m: float = 0.0
    cell_m: float = 1.0

    @classmethod
    def flat(cls, height_m: float = 0.0) -> Heightfield:
        """Level ground everywhere, for shots whose ground was not surveyed."""
        return cls(np.full((2, 2), height_m, np.float32))

    @classmethod
    def read(cls, ground: Ground) -> Heightfield:
        """The surveyed ground. Raises CalibrationError when the file holds no finite (rows, columns)."""
        heights = np.load(ground.heights, allow_pickle=False)
        if heights.ndim != 2 or heights.size == 0 or not np.isfinite(heights).all():
            raise CalibrationError(f"{ground.heights}: holds no finite grid of heights. Run survey_ground again.")
        return cls(heights.astype(np.float32), ground.origin_x_m, ground.origin_z_m, ground.cell_m)

    def height(self, x_m: npt.ArrayLike, z_m: npt.ArrayLike) -> Array:
        """Height in metres at world x, z (any shapes that broadcast)."""
        rows, columns = self.heights.shape
        i, along = _cell((np.asarray(x_m, np.float64) - self.origin_x_m) / self.cell_m, columns)
        j, down = _cell((np.asarray(z_m, np.float64) - self.origin_z_m) / self.cell_m, rows)
        right, below = np.minimum(i + 1, columns - 1), np.minimum(j + 1, rows - 1)
        top = self.heights[j, i] * (1 - along) + self.heights[j, right] * along
        bottom = self.heights[below, i] * (1 - along) + self.heights[below, right] * along
        return np.asarray(top * (1 - down) + bottom * down, np.float64)

    def stand(self, x_m: npt.ArrayLike, z_m: npt.ArrayLike) -> Array:
        """World points (..., 3) on the ground at x, z."""
        x, z = np.broadcast_arrays(np.asarray(x_m, np.float64), np.asarray(z_m, np.float64))
        return np.stack([x, self.height(x, z), z], axis=-1)

    def normal(self, x_m: npt.ArrayLike, z_m: npt.ArrayLike) -> Array:
        """Unit normals (..., 3) of the ground at x, z, over one cell."""
        x, z = np.broadcast_arrays(np.asarray(x_m, np.float64), np.asarray(z_m, np.float64))
        half = 0.5 * self.cell_m
        along_x = (self.height(x + half, z) - self.height(x - half, z)) / self.cell_m
        along_z = (self.height(x, z + half) - self.height(x, z - half)) / self.cell_m
        normal = np.stack([-along_x, np.ones_like(along_x), -along_z], axis=-1)
        return np.asarray(normal / np.linalg.norm(normal, axis=-1, keepdims=True), np.float64)

    def meet_rays(self, origin: npt.ArrayLike, directions: npt.ArrayLike) -> Array:
        """Where rays from `origin` (3,) along `directions` (..., 3) first go under the ground: (..., 3) world metres.

        NaN for rays that do not within 4 km; what is thinner than 2% of its distance may be missed.
        """
        start, rays = np.asarray(origin, np.float64), np.asarray(directions, np.float64)
        ways = (rays / np.linalg.norm(rays, axis=-1, keepdims=True)).reshape(-1, 3)
        corner_m = self.origin_x_m, self.origin_z_m
        far = meet(np.asarray(self.heights, np.float32), corner_m, self.cell_m, start, ways)
        return (start + far[:, None] * ways).reshape(rays.shape)

    def meet_ground(self, pixels: npt.ArrayLike, lens: Lens, camera_from_world: npt.ArrayLike) -> Array:
        """Where the ground is seen at plate pixels (..., 2): world (..., 3), NaN where the pixel looks over it."""
        centre, directions = pixel_rays_world(pixels, lens, camera_from_world)
        return self.meet_rays(centre, directions)


def _cell(position: Array, count: int) -> tuple[npt.NDArray[np.intp], Array]:
    """Index and fraction of grid positions, held at the grid's ends."""
    held = np.clip(position, 0, count - 1)
    index = np.minimum(held.astype(np.intp), max(count - 2, 0))
    return index, held - index
