"""Land for the distance, each one height field: a mountain ridge with spurs and gullies, and rolling terrain.

Source of the shape: Musgrave in Ebert and others, "Texturing and Modeling", 1994 (ridged multifractal).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from assets.providers.request import SetPart
from assets.sets.masonry import Array
from assets.sets.site import Site
from pipeline.kernels.noise import fbm

DEPTH = 0.45  # from foot to foot, as a share of the width
COLUMNS, ROWS = 200, 64  # of the height field: 25 000 triangles
_OCTAVES = 6
_STEEP = 0.62  # above this slope, as a cosine, bare rock shows; below it, what grows
_DIP = 0.03  # of the height: how deep the rim lies under the ground


def ridge(site: Site, width: float, height: float) -> None:
    """Height field over width x DEPTH width, at most `height` above the ground; its rim lies under the ground."""
    _field(site, width, height, DEPTH, relief, bare=0.5)


def terrain(site: Site, width: float, height: float) -> None:
    """Rolling ground over a square: mounds and hollows, worn soft below and rougher above."""
    _field(site, width, height, 1.0, rolling, bare=0.0)


def _field(
    site: Site, width: float, height: float, depth: float, shape: Callable[[Array, int], Array], bare: float
) -> None:
    x = np.linspace(-width / 2, width / 2, COLUMNS)
    z = np.linspace(0.5, -0.5, ROWS) * depth * width
    places = np.stack(np.meshgrid(x, z, indexing="ij"), axis=-1)
    rise = shape(places / width, site.seed)
    high = height * rise / rise.max()
    ground = site.foot(places[..., 0], places[..., 1])
    dip = min(_DIP * height, 0.5 * site.sink_m) * np.clip(1 - high / (_DIP * height), 0, 1)
    top = np.stack([places[..., 0], ground + high - dip, places[..., 1]], axis=-1)
    rims = top[:, [0, -1]].copy()
    rims[..., 1] = ground.min() - max(site.sink_m, 0.1)
    site.mason.skin(
        np.concatenate([rims[:, :1], top, rims[:, 1:]], axis=1), _parts(top, bare * (high / height - 0.35), site.seed)
    )


def rolling(places: Array, seed: int) -> Array:
    """Heights (C, R), about 0..1, of open country at places (C, R, 2) in shares of its width; 0 at the rim."""
    flat = places.reshape(-1, 2)
    broad = np.asarray(fbm(flat, 2.5, 2, seed % 100_003), np.float64)
    fine = np.asarray(fbm(flat, 9.0, _OCTAVES, seed % 100_003 + 1), np.float64)
    body = np.clip(0.45 + 0.9 * broad, 0.02, None)
    body *= 1 + 0.5 * fine * body  # valleys are filled up and smooth, heights are worn out of what is hard
    rim = np.clip((0.5 - np.abs(flat).max(axis=1)) / 0.16, 0, 1)
    return np.asarray((body * rim * rim * (3 - 2 * rim)).reshape(places.shape[:2]))


def relief(places: Array, seed: int) -> Array:
    """Heights (C, R), about 0..1, at places (C, R, 2) in shares of the ridge's width; 0 at the rim."""
    flat = places.reshape(-1, 2)

    def noise(frequency: float, octaves: int, number: int, at: Array = flat) -> Array:
        return np.asarray(fbm(at, frequency, octaves, seed % 100_003 + 17 * number), np.float64)

    crest = 0.16 * DEPTH * noise(4.0, 2, 1, np.stack([flat[:, 0], 0 * flat[:, 0]], axis=1))
    side = flat[:, 1] - crest
    away = np.clip(np.abs(side) / (DEPTH / 2 - np.sign(side) * crest), 0, 1)  # 0 at the crest, 1 at the rim
    ends = np.clip((0.5 - np.abs(flat[:, 0])) / 0.42, 0, 1)
    ends = ends * ends * (3 - 2 * ends)
    peaks = 0.6 + 0.8 * noise(5.0, 3, 2, np.stack([flat[:, 0], 0 * flat[:, 0] + 0.3], axis=1))
    wander = 0.018 * np.stack([noise(9.0, 3, 3), noise(9.0, 3, 4)], axis=1)
    # Spurs and gullies run down from the crest: the noise is drawn out across it.
    folded = np.stack([flat[:, 0] + wander[:, 0], 0.45 * side + wander[:, 1]], axis=1)
    total, weight, scale, whole = np.zeros(len(flat)), np.ones(len(flat)), 1.0, 0.0
    for octave in range(_OCTAVES):
        signal = (1 - np.abs(noise(9.0 * 2**octave, 1, 10 + octave, folded)) * 1.35).clip(0, 1) ** 2
        total += scale * weight * signal
        whole += scale
        weight = np.clip(1.7 * signal * weight, 0, 1)  # crests carry the finer crests, valleys stay smooth
        scale *= 0.52
    slope = (1 - away) ** 1.25
    body = slope * (0.42 + 0.58 * peaks) + 0.5 * (total / whole - 0.35) * np.sqrt(slope) * (1 - 0.45 * slope)
    return np.asarray((np.clip(body, 0, None) * ends * np.clip(6 * (1 - away), 0, 1)).reshape(places.shape[:2]))


def _parts(top: Array, bare: Array, seed: int) -> npt.NDArray[np.int32]:
    """(C - 1, R + 2) parts of a ring's sides: rock where it is steep or high, growth below."""
    along, down = np.diff(top, axis=0)[:, :-1], np.diff(top, axis=1)[:-1]
    normals = np.cross(along, down)
    upright = gaussian_filter(np.abs(normals[..., 1]) / np.linalg.norm(normals, axis=-1), 1.3)
    places = (top[:-1, :-1, [0, 2]] / np.ptp(top[..., 0])).reshape(-1, 2)
    patchy = np.asarray(fbm(places, 40.0, 2, seed % 100_003 + 5), np.float64).reshape(upright.shape)
    rock = upright + 0.1 * patchy - bare[:-1, :-1] < _STEEP + 0.15
    parts = np.where(rock, SetPart.ROCK, SetPart.LEAF)
    return np.pad(parts, ((0, 0), (1, 2)), constant_values=SetPart.ROCK).astype(np.int32)
