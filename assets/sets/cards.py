"""Cards for the far distance: pictures on upright planes or parts of cylinders, with relief, drawn through the lens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.view import SAMPLES, Buffers, View, reached
from pipeline.errors import AssetError, BattleplateError
from pipeline.far_sections import SetCard
from pipeline.io import color, pictures
from pipeline.kernels.bounds import around, nothing
from pipeline.kernels.cardpicture import wear
from pipeline.kernels.raster import empty_buffers, rasterize
from pipeline.kernels.splat import Pyramid, pyramid
from pipeline.kernels.triangles import NEAR_M

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
STEP_DEG = 0.5  # of a cylinder's facets: they stand less than a hundred thousandth of its radius off it
RELIEF_CELLS = 256  # along the longer side of a card with relief
LEAST_ALPHA = 1e-3
MOST_PX = 16384


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """A placed card. vertices: (V, 3) world; triangles: (T, 3); places: (V, 2) float64, pixels of the picture;
    metres_per_px: of the picture's pixels, the smaller side; air_m: metres of haze before it, None as far as it stands. alpha:
    (H, W) float32 of the picture; shadow: whether it throws one."""

    name: str
    number: int
    distance_m: float
    air_m: float | None
    picture: Pyramid
    vertices: Array
    triangles: Ints
    places: Array
    metres_per_px: float
    alpha: Floats
    shadow: bool


@lru_cache(maxsize=16)  # once per worker
def read_picture(path: Path, colorspace: str = "", exposure_ev: float = 0.0) -> Floats:
    """(H, W, 4) float32 ACEScg, premultiplied; without alpha it is opaque. Raises FormatError, ConfigError, AssetError."""
    found = pictures.read(path)
    if max(found.rgb.shape) > MOST_PX:
        raise AssetError(f"{path}: is {found.rgb.shape[1]} x {found.rgb.shape[0]}, at most {MOST_PX} a side. Scale it.")
    alpha = np.ones(found.rgb.shape[:2], np.float32) if found.alpha is None else np.clip(found.alpha, 0, 1)
    alpha = alpha[..., None]
    straight = found.rgb / np.maximum(alpha, 1e-6) if found.alpha is not None and found.premultiplied else found.rgb
    linear = color.to_acescg(np.ascontiguousarray(straight, np.float32), colorspace or found.colorspace)
    out = np.concatenate([linear * (alpha * np.float32(2**exposure_ev)), alpha], axis=2).astype(np.float32)
    if not np.isfinite(out).all():
        raise AssetError(f"{path}: holds NaN or infinite values. Export it again.")
    return out


def place_card(card: SetCard, number: int, eye: Array, ahead: Array, base: Array | None) -> Card:
    """The card in the world.

    eye: (3,) where the first frame's camera stands; ahead: (3,) where it looks; base: (3,) direction to the middle of its lower
    edge, None: as its bearing and rise say. Raises AssetError, FormatError, ConfigError, each with the card's name.
    """
    try:
        rgba = read_picture(card.picture, card.colorspace, card.exposure_ev)
        relief = None if card.depth is None else _relief(card.depth)
    except BattleplateError as error:
        raise type(error)(f"set card {card.name}: {error}") from error
    heading = math.atan2(ahead[0], -ahead[2]) + math.radians(card.bearing_deg or 0.0)
    rise = math.tan(math.radians(card.rise_deg))
    if base is not None:
        level = math.hypot(base[0], base[2])
        if level < 0.05 * float(np.linalg.norm(base)):
            raise AssetError(f"set card {card.name}: base_px looks straight up or down. Draw it nearer the horizon.")
        heading, rise = math.atan2(base[0], -base[2]), base[1] / level
    rows, columns = rgba.shape[:2]
    width, height = _size(card, columns / rows)
    across, up = _grid(card, width, relief)
    s, t = np.meshgrid(across, up)  # 0 left .. 1 right, 0 bottom .. 1 top
    turn = (s - 0.5) * width / card.distance_m if card.shape == "cylinder" else np.zeros_like(s)
    aside = np.zeros_like(s) if card.shape == "cylinder" else (s - 0.5) * width
    to, right = heading + turn, np.array([math.cos(heading), 0, math.sin(heading)])
    points = card.distance_m * np.stack([np.sin(to), np.full_like(s, rise), -np.cos(to)], axis=-1)
    points += aside[..., None] * right
    points[..., 1] += t * height
    if relief is not None:  # towards the eye: on the first frame the picture looks as it is
        nearness = _at(relief, s, t) * card.depth_m / card.distance_m
        points *= 1 - nearness[..., None]
    places = np.stack([s * columns, (1 - t) * rows], axis=-1).reshape(-1, 2)
    per_px = min(width / columns, height / rows)
    levels = pyramid(rgba[None], np.zeros((1, rows, columns), np.float32))
    triangles = _triangles(len(up), len(across))
    world = points.reshape(-1, 3) + eye
    alpha = np.ascontiguousarray(rgba[..., 3])
    return Card(
        card.name, number, card.distance_m, card.haze_m, levels, world, triangles, places, per_px, alpha, card.shadow
    )


def _size(card: SetCard, aspect: float) -> tuple[float, float]:
    """Width (along the arc of a cylinder) and height in metres."""
    width, height = card.width_m, card.height_m
    if card.width_deg is not None:
        angle = math.radians(card.width_deg)
        width = card.distance_m * (angle if card.shape == "cylinder" else 2 * math.tan(angle / 2))
    if card.height_deg is not None:
        height = card.distance_m * math.tan(math.radians(card.height_deg))
    if width is None:
        width = (height or 1.0) * aspect
    if card.shape == "cylinder" and width > 2 * math.pi * card.distance_m * (1 + 1e-9):
        raise AssetError(f"set card {card.name}: is {width:g} m wide, more than once round. Make it smaller.")
    return width, width / aspect if height is None else height


def _grid(card: SetCard, width: float, relief: Floats | None) -> tuple[Array, Array]:
    """Where across and up the card's vertices stand, 0 .. 1."""
    columns = rows = 1
    if card.shape == "cylinder":
        columns = max(1, math.ceil(math.degrees(width / card.distance_m) / STEP_DEG))
    if relief is not None:
        high, wide = relief.shape
        share = min(1.0, RELIEF_CELLS / max(high, wide))
        rows, columns = max(1, round(high * share)), max(columns, round(wide * share))
    return np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1)


def _triangles(rows: int, columns: int) -> Ints:
    at = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (at[:-1, :-1], at[:-1, 1:], at[1:, :-1], at[1:, 1:]))
    return np.ascontiguousarray(np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]), np.int32)


def _relief(path: Path) -> Floats:
    """(H, W) 0 far .. 1 near, as the file has it."""
    grey = pictures.read(path).rgb[..., 0]
    if not np.isfinite(grey).all() or grey.min() < 0 or grey.max() > 1:
        raise AssetError(f"{path}: must hold 0, far, to 1, near. Scale its values.")
    return np.asarray(grey, np.float32)


def _at(relief: Floats, s: Array, t: Array) -> Array:
    """Bilinear, (0, 0) the lower left corner."""
    rows, columns = relief.shape
    x, y = np.clip(s * columns - 0.5, 0, columns - 1), np.clip((1 - t) * rows - 0.5, 0, rows - 1)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x1, y1 = np.minimum(x0 + 1, columns - 1), np.minimum(y0 + 1, rows - 1)
    u, v = x - x0, y - y0
    above = relief[y0, x0] * (1 - u) + relief[y0, x1] * u
    return np.asarray(above * (1 - v) + (relief[y1, x0] * (1 - u) + relief[y1, x1] * u) * v)


def draw_cards(
    view: View, rays_at: Callable[[float, float], Floats], cards: tuple[Card, ...], focal_px: float
) -> tuple[Buffers, Floats]:
    """The cards' layer, nearer ones over farther ones, and metres of air (H, W) before it, +inf where empty.

    rays_at(x, y): the rays (H, W, 2) of samples x, y pixels off the pixels' centres. Depth, id and motion are the nearest
    card's that covers half of a pixel, else of the nearest that is there.
    """
    out, air = Buffers.empty(*view.size), np.full(view.size, np.inf, np.float32)
    points = np.zeros((*view.size, 3))
    for card in sorted(cards, key=lambda card: -card.distance_m):
        drawn = _drawn(view, rays_at, card, focal_px)
        window = around(drawn.rgba[..., 3] > LEAST_ALPHA)
        rgba, behind = drawn.rgba[window], out.rgba[window]
        there = rgba[..., 3] > LEAST_ALPHA
        rgba[~there] = 0
        mostly = rgba[..., 3] >= 0.5
        behind *= 1 - rgba[..., 3:]
        behind += rgba
        depth = drawn.depth[window]
        taken = there & (mostly | (behind[..., 3] < 0.5) | np.isinf(out.depth[window]))
        out.depth[window][taken], points[window][taken] = depth[taken], drawn.points[window][taken]
        air[window][taken] = depth[taken] if card.air_m is None else np.float32(card.air_m)
        out.ids[window][mostly] = card.number
    shown = np.isfinite(out.depth)
    nearest = points[shown]
    out.motion[shown] = view.motion(nearest, nearest)
    return out, air


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """One card: premultiplied RGBA (H, W, 4), depth (H, W) and world points (H, W, 3) of its nearest samples."""

    rgba: Floats
    depth: Floats
    points: Array


def _drawn(view: View, rays_at: Callable[[float, float], Floats], card: Card, focal_px: float) -> _Drawn:
    out = _Drawn(
        np.zeros((*view.size, 4), np.float32), np.full(view.size, np.inf, np.float32), np.zeros((*view.size, 3))
    )
    camera = view.to_camera(card.vertices)
    if not (camera[:, 2] > NEAR_M).any():
        return out
    edges = camera[card.triangles]
    facing = np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-12)
    placed = view.project(camera)
    for offset in SAMPLES:
        every = rays_at(*offset)
        window = reached(camera, every)
        if nothing(window):
            continue
        top, left = window[0].start, window[1].start
        rays = np.ascontiguousarray(every[window])
        drawn = empty_buffers(*rays.shape[:2])
        pixels = np.nan_to_num(placed - offset - (left, top), nan=-1e6).astype(np.float32)
        rasterize(camera.astype(np.float32), card.triangles, rays, pixels, *drawn)
        wear(card.picture, card.triangles, card.places, card.vertices, facing, 1 / card.metres_per_px, focal_px, drawn,
             rays, (top, left), 1 / len(SAMPLES), out.rgba, out.depth, out.points)  # fmt: skip
    return out
