"""Grain out of a counter: the same value for a frame and pixel on every tile, thread and farm task."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numba import njit
from scipy.special import ndtri

from pipeline.kernels.bands import in_bands
from pipeline.kernels.check import same_rgb, shaped
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.comprows import COLUMNS, load_pixels, store_pixels
from pipeline.kernels.grainpatches import EVERYWHERE, MOST, SIDES, Swells, gains_of, lattice_of, shift_of, swell_row
from pipeline.kernels.grainrows import BENDS, any_lost, fill_white, grain_rows, mix_row, noise_rows, planes_of
from pipeline.kernels.graintexture import activity, lifts_of
from pipeline.kernels.noiselanes import ROWS, TAPS, WIDE_TAPS

FAINTEST = 1e-6  # scene-linear, of a deviation that activity is told in
PATCHES, FLECKS = -1, -2  # stand where a frame's number does in the key of what outlasts frames


@dataclass(frozen=True, slots=True)
class Grain:
    """How a plate's grain looks, ready for the compiled loop; all float32.

    Grain follows the levels of the camera's own channels: what a sensor's red photosite counts, a matrix spreads over all
    of ACEScg. levels, sigmas: (3, K) per camera channel: standard deviation at each scene-linear level, linear between,
    held outside. kernels: (S, 9, 9) or (S, 11, 11) spatial, of unit energy, one per source of noise, of which there are 3 or
    4. mix: (3, S) camera channel from source, its rows of unit length. acescg_from_camera: (3, 3), its rows sum to 1 (white
    stays white). blend: (3, 3), its rows of unit length: white noise that a source filters, from independent ones; layers of
    film are bound together before they blur; the unit matrix where there are 4 sources. white_share: (S,) of a source's
    variance what is white noise over its filtered one, as a scanner's. patchiness: (2,) how the size varies from place to
    place, as codecs leave it: spread of its logarithm, 0 for grain that is the same everywhere, and pixels between the places
    whose gains are drawn (grainpatches). texture: (S, K) activities of the picture (graintexture), in deviations of the grain's
    luminance on a grey as bright, and the gains there of the first source, of the second and third, of the fourth if there is
    one, as a codec's luma is noisier and finer on texture; K of 0 without. flecks: (2,) as patchiness, of smaller patches over
    them; a spread of 0 for none. light: (2, L) luminances of the picture there, scene-linear, and the gain of all sources; L
    of 0 without, as it is without texture.
    """

    levels: np.ndarray
    sigmas: np.ndarray
    kernels: np.ndarray
    mix: np.ndarray
    acescg_from_camera: np.ndarray = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    blend: np.ndarray = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    white_share: np.ndarray = field(default_factory=lambda: np.zeros(3, np.float32))
    patchiness: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))
    texture: np.ndarray = field(default_factory=lambda: np.zeros((3, 0), np.float32))
    flecks: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))
    light: np.ndarray = field(default_factory=lambda: np.zeros((2, 0), np.float32))

    def __post_init__(self) -> None:
        knots, sources = self.levels.shape[-1], 4 if len(self.kernels) == 4 else 3
        side = WIDE_TAPS if self.kernels.shape[-1] == WIDE_TAPS else TAPS
        shapes = {"levels": (3, knots), "sigmas": (3, knots), "kernels": (sources, side, side)}
        shapes |= {"mix": (3, sources), "acescg_from_camera": (3, 3), "blend": (3, 3), "white_share": (sources,)}
        shapes |= {"texture": (sources, self.texture.shape[-1])} if self.texture.size else {}
        shapes |= {"light": (2, self.light.shape[-1])}
        shapes |= {"patchiness": (2,), "flecks": (2,)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise ValueError(f"grain {name} is {array.shape} {array.dtype}; wanted finite {shape} float32.")
        if knots < 2 or (np.diff(self.levels, axis=1) <= 0).any() or (self.sigmas < 0).any():
            raise ValueError("grain levels must rise and sigmas be 0 or more, with two knots at least.")
        if abs(np.linalg.det(self.acescg_from_camera.astype(np.float64))) < 1e-3:
            raise ValueError("grain acescg_from_camera cannot be inverted.")
        if (self.white_share < 0).any() or (self.white_share >= 1).any():
            raise ValueError(f"grain white_share is {self.white_share}; wanted shares of 0 or more and below 1.")
        for name in ("patchiness", "flecks"):
            spread, side = getattr(self, name)
            if not 0 <= spread <= MOST or (spread > 0 and (side % 1 or not SIDES[0] <= side <= SIDES[1])):
                raise ValueError(
                    f"grain {name} is {spread:g}, {side:g}; wanted a spread of 0 to {MOST:g} and a whole side of "
                    f"{SIDES[0]} to {SIDES[1]} pixels."
                )
        if self.patchiness[0] == 0 and (self.flecks[0] > 0 or self.texture.size):
            raise ValueError("grain flecks and texture want patches under them.")
        if self.light.size and not self.texture.size:
            raise ValueError("grain light wants texture beside it.")
        for name in ("texture", "light"):
            law = getattr(self, name)
            if law.size and ((law <= 0).any() or (np.diff(law[0]) <= 0).any()):
                raise ValueError(f"grain {name} wants places that rise and gains, all above 0.")
        if sources > 3 and (self.blend != np.eye(3)).any():
            raise ValueError("grain blend binds three sources; with four it has to be the unit matrix.")

    @property
    def camera_from_acescg(self) -> np.ndarray:
        return np.linalg.inv(self.acescg_from_camera.astype(np.float64)).astype(np.float32)

    @property
    def bonds(self) -> np.ndarray:
        """Covariance of the white noise that the sources filter, (S, S) float64."""
        found = np.eye(len(self.kernels))
        found[:3, :3] = self.blend.astype(np.float64) @ self.blend.T.astype(np.float64)
        return found

    def even(self) -> Grain:
        """The same without patches, flecks, texture and light."""
        none, nowhere = np.zeros(2, np.float32), np.zeros((2, 0), np.float32)
        return replace(self, patchiness=none, flecks=none, texture=np.zeros((3, 0), np.float32), light=nowhere)

    @property
    def rise(self) -> np.ndarray:
        """(K,) gains on texture of the first source and the fourth together, as they lie in the camera's channels."""
        sources = [0, 3][: len(self.kernels) - 2]
        weights = (self.mix.astype(np.float64) ** 2).sum(axis=0)[sources]
        gains = self.texture[1:].astype(np.float64)[[0, 2][: len(sources)]]
        return np.asarray(np.sqrt(weights @ gains**2 / weights.sum()))

    @property
    def correlation(self) -> np.ndarray:
        """Covariance of unit noise between camera channels, (3, 3) float64: its diagonal is 1 or near it."""
        kernels, mix = (a.astype(np.float64) for a in (self.kernels, self.mix))
        shares = np.sqrt(1 - self.white_share.astype(np.float64))
        shared = np.einsum("iyx,jyx->ij", kernels, kernels) * self.bonds * np.outer(shares, shares)
        return np.asarray(mix @ (shared + np.diag(self.white_share)) @ mix.T)


def noise(height: int, width: int, grain: Grain, seed: int, frame: int, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Correlated grain of unit variance in camera channels, (H, W, 3) float32: white noise (blended), kernel, patches, mix; as
    where texture has a gain of 1.

    origin: (x, y) of this tile in the whole picture; a tile has exactly the values of the whole picture's cut.
    """
    out = np.empty((height, width, 3), np.float32)
    _, sources, hashed = graining(grain, seed, frame)
    how = sources, hashed, swells(grain, seed, frame, (height, width), origin), np.int64(origin[0]), np.int64(origin[1])
    in_bands(height, lambda top, bottom: _noise(top, bottom, out, *how))
    return out


def add_grain(
    plate: np.ndarray,
    picture: np.ndarray,
    kept: np.ndarray,
    grain: Grain,
    seed: int,
    frame: int,
    out: np.ndarray,
    origin: tuple[int, int] = (0, 0),
    cells: np.ndarray | None = None,
) -> None:
    """Give a picture the grain that it lacks: `out` = picture + noise of the missing variance.

    plate: (H, W, 3) float32, what was shot, grain and all. picture: (H, W, 3), the same with layers over it. kept:
    (H, W) float32, the share of the plate's own signal that is left, (1 - alpha) * shadow. The plate's grain is still
    there times `kept`, so what lacks is sigma(picture)^2 - kept^2 sigma(plate)^2 in each camera channel; where both are
    equally bright this is sigma times sqrt(1 - (1 - alpha)^2). Where kept is 1 the bits stay. `out` may be `picture`. A tile
    of a profile with `texture` needs `cells`, the whole picture's activity.
    """
    size = same_rgb(plate=plate, picture=picture, out=out)
    shaped(size, kept=kept)
    swelling = swells(grain, seed, frame, size, origin, textured(grain, picture, origin, cells))
    how = graining(grain, seed, frame), swelling, np.int64(origin[0]), np.int64(origin[1])
    in_bands(size[0], lambda top, bottom: _add_grain(top, bottom, plate, picture, kept, *how, out))


def sigma_at(level: np.ndarray, channel: int, grain: Grain) -> np.ndarray:
    """Standard deviation that the profile gives at scene-linear `level` (any shape) of one camera channel."""
    return np.interp(level, grain.levels[channel], grain.sigmas[channel]).astype(np.float32)


def sigma_of(picture: np.ndarray, grain: Grain, gains: np.ndarray | None = None) -> np.ndarray:
    """Standard deviation of each ACEScg channel of a picture (..., 3) without grain, (..., 3) float32; gains (..., 3): of
    `gain`, of the camera's channels there."""
    camera = picture @ grain.camera_from_acescg.T
    size = np.stack([sigma_at(camera[..., c], c, grain) for c in range(3)], axis=-1)
    if gains is not None:
        size = size * gains
    columns = size[..., None, :] * grain.acescg_from_camera
    variance = ((columns @ grain.correlation) * columns).sum(axis=-1)
    return np.sqrt(np.maximum(variance, 0)).astype(np.float32)


def graining(grain: Grain, seed: int, frame: int) -> tuple[tuple, tuple, tuple]:
    """What compiled loops take: law (curve, ACEScg from camera, camera from ACEScg), sources (kernels, scaled to their
    share; blend; amplitude of the white noise over each; mix), hashed (table, key)."""
    law = curves(grain), grain.acescg_from_camera, grain.camera_from_acescg
    kernels = grain.kernels * np.sqrt(1 - grain.white_share)[:, None, None]
    return law, (kernels, grain.blend, np.sqrt(grain.white_share), grain.mix), (quantiles(), key_of(seed, frame))


def swells(
    grain: Grain,
    seed: int,
    frame: int,
    size: tuple[int, int],
    origin: tuple[int, int] = (0, 0),
    cells: np.ndarray | None = None,
) -> Swells:
    """What compiled loops take of the profile's patches for a tile of `size` (H, W) at `origin` (x, y) of a picture with
    this activity (graintexture), None for no texture."""
    lifts = EVERYWHERE, EVERYWHERE, EVERYWHERE
    if cells is not None:
        lifts = _lifts(grain, cells)
    kinds = (grain.patchiness, PATCHES), (grain.flecks, FLECKS)
    patches, flecks = (lattice_of(kind, quantiles(), key_of(seed, k), frame, size, origin) for kind, k in kinds)
    return patches, flecks, shift_of(grain.patchiness[0], grain.flecks[0]), lifts


def _lifts(grain: Grain, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    seen, texture = active(grain, cells), grain.texture
    found = [lifts_of(seen, texture[[0, k]]) for k in range(1, len(texture))]
    if grain.light.size:
        lit = lifts_of(cells[..., 1], grain.light)
        found = [lift + lit for lift in found]
    elif (texture[2] == 1).all():
        found[1] = EVERYWHERE
    return found[0], found[1], found[2] if len(found) > 2 else EVERYWHERE


def active(grain: Grain, cells: np.ndarray) -> np.ndarray:
    """Activity (rows, columns) in deviations of the grain's luminance on a grey as bright as each cell."""
    weights = LUMINANCE @ grain.acescg_from_camera.astype(np.float64)
    levels = np.unique(grain.levels)
    columns = np.stack([weights[c] * sigma_at(levels, c, grain) for c in range(3)], axis=-1)
    unit = np.sqrt(np.maximum(((columns @ grain.correlation) * columns).sum(axis=-1), 0))
    return np.asarray(cells[..., 0] / np.maximum(np.interp(cells[..., 1], levels, unit), FAINTEST), np.float32)


def textured(
    grain: Grain, picture: np.ndarray, origin: tuple[int, int] = (0, 0), cells: np.ndarray | None = None
) -> np.ndarray | None:
    """Activity of the whole picture, where the profile asks for it: what is told, or that of `picture`, no tile then."""
    if not grain.texture.size:
        return None
    if cells is None and origin != (0, 0):
        raise ValueError("a tile of grain that follows texture needs the whole picture's activity.")
    return activity(picture) if cells is None else cells


def gain(grain: Grain, seed: int, frame: int, picture: np.ndarray) -> np.ndarray:
    """Of which size the grain is at each pixel of a picture (H, W, 3), as a share of what the profile gives each camera channel,
    (H, W, 3) float32: 1 without patches."""
    size = picture.shape[0], picture.shape[1]
    swelling = swells(grain, seed, frame, size, cells=textured(grain, picture))
    sources = gains_of(swelling, size, (0, 0), len(grain.kernels))
    if not grain.texture.size:
        return sources[..., :3]
    mix = grain.mix.astype(np.float64) ** 2
    return np.asarray(np.sqrt(sources**2 @ (mix / mix.sum(axis=1, keepdims=True)).T.astype(np.float32)))


def curves(grain: Grain) -> tuple[np.ndarray, ...]:
    """The profile as sigma(v) = foot + rise * v + sum of bend * max(v, knot), v the level held to the ends: no search.

    Ends (3, 2), foot and rise (3, 2), bends (3, K), knots (3, K), all float32; K is filled up with bends of 0 to whole
    passes.
    """
    levels, sigmas = grain.levels.astype(np.float64), grain.sigmas.astype(np.float64)
    slopes = np.diff(sigmas) / np.diff(levels)
    bends, knots = np.diff(slopes), levels[:, 1:-1]
    more = (0, 0), (0, -bends.shape[1] % BENDS)
    feet = sigmas[:, 0] - slopes[:, 0] * levels[:, 0] - (bends * knots).sum(axis=1)
    tables = levels[:, [0, -1]], np.stack([feet, slopes[:, 0]], axis=1), np.pad(bends, more), np.pad(knots, more)
    return tuple(np.ascontiguousarray(a, np.float32) for a in tables)


def key_of(seed: int, frame: int) -> np.uint32:
    return np.uint32((seed * 0x9E3779B1 + frame * 0x85EBCA77) & 0xFFFFFFFF)


@lru_cache(maxsize=1)
def quantiles() -> np.ndarray:
    """4096 equally likely values of the normal distribution, unit variance: a hash's 12 bits pick one.

    A table instead of log and cosine: their last bit differs between machines, and a farm's tiles must fit.
    """
    values = ndtri((np.arange(4096) + 0.5) / 4096)
    return (values / np.sqrt(np.mean(values**2))).astype(np.float32)


@njit(nogil=True, cache=True)
def _noise(top, bottom, out, sources, hashed, swelling, x0, y0):
    reach, width = sources[0].shape[1] // 2, out.shape[1]
    for left in range(0, width, COLUMNS):
        columns = min(COLUMNS, width - left)
        white = np.empty((planes_of(sources), bottom - top + 2 * reach, columns + 2 * reach), np.float32)
        made = np.empty((ROWS, len(sources[0]), columns), np.float32)
        fill_white(white, y0 + top - reach, x0 + left - reach, sources, hashed)
        for first in range(top, bottom, ROWS):
            rows = min(ROWS, bottom - first)
            noise_rows(white, sources, first - top, rows, made)
            for r in range(rows):
                swell_row(made[r], y0 + first + r, x0 + left, swelling)
                mix_row(made[r], sources)
                store_pixels(made[r, :3], out[first + r, left : left + columns])


@njit(nogil=True, cache=True)
def _add_grain(top, bottom, plate, picture, kept, graining, swelling, x0, y0, out):
    law, sources, hashed = graining
    reach, width = sources[0].shape[1] // 2, out.shape[1]
    for left in range(0, width, COLUMNS):
        columns = min(COLUMNS, width - left)
        white = np.empty((planes_of(sources), bottom - top + 2 * reach, columns + 2 * reach), np.float32)
        made, done = np.empty((ROWS, len(sources[0]), columns), np.float32), np.empty((3, columns), np.float32)
        had, has = np.empty((3, columns), np.float32), np.empty((3, columns), np.float32)
        filled, made_to = False, top
        for y in range(top, bottom):
            share, there = kept[y, left : left + columns], out[y, left : left + columns]
            if not any_lost(share):
                there[:] = picture[y, left : left + columns]
                continue
            if not filled:
                fill_white(white, y0 + top - reach, x0 + left - reach, sources, hashed)
                filled = True
            if y >= made_to:
                first, made_to = y, min(y + ROWS, bottom)
                noise_rows(white, sources, first - top, made_to - first, made)
            swell_row(made[y - first], y0 + y, x0 + left, swelling)
            mix_row(made[y - first], sources)
            load_pixels(plate[y, left : left + columns], had)
            load_pixels(picture[y, left : left + columns], has)
            grain_rows(had, has, share, law, made[y - first], done)
            store_pixels(done, there)
