"""Draw sprites on upright cards through any lens: filtered, in depth order, with ids, depth and motion.

A card is a plane through a root point with two axes (right, up) in camera space. Every pixel's own ray is met with the
plane, so perspective and lens distortion are exact and a sprite's root lies where the lens puts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
LEVELS = 6  # of a pyramid: its coarsest texel is 32 x 32 of the sprite's
FADE_M = 1.5
LEG_M = 0.9
OPAQUE = 1.0 - 1.0 / 1024  # what lies behind such a pixel is not looked at: a half cannot tell
CHANNELS = 5  # R G B A and relief, all premultiplied by A


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """Sprites at half, quarter ... size. texels (S, T, 5) float32, levels one after the other; shapes (LEVELS, 3) int32:
    first texel, rows, columns of each level."""

    texels: Floats
    shapes: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Cards:
    """N cards, nearest first. All float32 in camera axes, metres, unless told.

    roots, rights, ups, normals: (N, 3); right, up unit in the card, normal unit towards the viewer. metres_per_px: (N,)
    of the sprite. sprites: (N,) int32 rows of the pyramid. boxes: (N, 4) int32 first and one-past-last column, first and
    one-past-last row to look at. tints: (N, 3). dims: (N,) share of light lost at the root, fading out FADE_M above it.
    leans: (N, 2) metres right and up by which the feet stand off the sprite's, fading out LEG_M above the root: keeps a
    planted foot where it is while the sprite shows a moment before or after. ids: (N,) int32. motions: (N, 6): x, y pixels that the root moves until the next frame, then how much more of it a
    point has per metre to the right, per metre up.
    """

    roots: Floats
    rights: Floats
    ups: Floats
    normals: Floats
    metres_per_px: Floats
    sprites: Ints
    boxes: Ints
    tints: Floats
    dims: Floats
    leans: Floats
    ids: Ints
    motions: Floats


def pyramid(sprites: Floats, reliefs: Floats) -> Pyramid:
    """Box-filtered levels of (S, H, W, 4) premultiplied RGBA and (S, H, W) relief, metres; any sizes, padded by nothing."""
    count, height, width, _ = sprites.shape
    step = 2 ** (LEVELS - 1)
    rows, columns = -(-height // step) * step, -(-width // step) * step
    sizes = [(rows >> k, columns >> k) for k in range(LEVELS)]
    firsts = np.cumsum([0, *(j * i for j, i in sizes)])
    texels = np.empty((count, firsts[-1], CHANNELS), np.float32)
    level = texels[:, : firsts[1]].reshape(count, rows, columns, CHANNELS)  # a view
    level[:, height:], level[:, :, width:] = 0, 0
    level[:, :height, :width, :4] = sprites
    np.multiply(np.asarray(reliefs, np.float32), level[:, :height, :width, 3], out=level[:, :height, :width, 4])
    shapes = np.array([(first, *size) for first, size in zip(firsts[:-1], sizes, strict=True)], np.int32)
    _halve(texels, shapes)
    return Pyramid(texels, shapes)


def splat(
    rays: Floats,
    cards: Cards,
    images: Pyramid,
    root_px: tuple[float, float],
    rgba: Floats,
    depth: Floats,
    ids: Ints,
    motion: Floats,
) -> None:
    """Lay every card under what is there, in the order given (nearest first).

    rays: (H, W, 2) float32, (x/z, y/z) of each pixel's centre without distortion. root_px: x, y in a sprite of the point
    at a card's root, pixel centres at .5. In/out: rgba (H, W, 4) float32 premultiplied; depth (H, W) float32 metres along
    camera z, +inf where empty; ids (H, W) int32, 0 where empty; motion (H, W, 2) float32. The nearest card that covers more
    than half of a pixel gives its id, depth and motion; where none does, the nearest one gives depth and motion. Raises
    ValueError on another shape or dtype.
    """
    height, width = check_cards(rays, cards, images)
    for name, array, shape in (("rgba", rgba, (height, width, 4)), ("depth", depth, (height, width)),
                               ("motion", motion, (height, width, 2))):  # fmt: skip
        check(name, array, np.float32, shape)
    check("ids", ids, np.int32, (height, width))
    _splat(rays, cards.roots, cards.rights, cards.ups, cards.normals, cards.metres_per_px, cards.sprites, cards.boxes,
           cards.tints, cards.dims, cards.leans, cards.ids, cards.motions, images.texels, images.shapes,
           root_px[0], root_px[1], rgba, depth, ids, motion)  # fmt: skip


def check_cards(rays: Floats, cards: Cards, images: Pyramid) -> tuple[int, int]:
    """Height and width of the picture; compiled code checks no bounds, so ValueError here."""
    height, width = rays.shape[:2]
    count = len(cards.roots)
    check("rays", rays, np.float32, (height, width, 2))
    for name in ("roots", "rights", "ups", "normals", "tints"):
        check(name, getattr(cards, name), np.float32, (count, 3))
    for name in ("metres_per_px", "dims"):
        check(name, getattr(cards, name), np.float32, (count,))
    check("leans", cards.leans, np.float32, (count, 2))
    check("motions", cards.motions, np.float32, (count, 6))
    check("ids", cards.ids, np.int32, (count,))
    check("sprites", cards.sprites, np.int32, (count,))
    check_boxes(cards.boxes, count, height, width)
    check("texels", images.texels, np.float32, (len(images.texels), images.texels.shape[1], CHANNELS))
    if count and (cards.sprites.min() < 0 or cards.sprites.max() >= len(images.texels)):
        raise ValueError(f"cards name sprites outside 0..{len(images.texels) - 1}")
    return height, width


def check(name: str, array: NDArray, dtype: type, shape: tuple[int, ...]) -> None:
    """ValueError for an array that compiled code could not read."""
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        wanted = np.dtype(dtype)
        raise ValueError(
            f"{name} must be a contiguous {wanted} array of shape {shape}, not {array.dtype} {array.shape}"
        )


def check_boxes(boxes: Ints, count: int, height: int, width: int) -> None:
    """ValueError for a box that reaches outside the picture."""
    check("boxes", boxes, np.int32, (count, 4))
    if count and (boxes.min() < 0 or boxes[:, 1].max() > width or boxes[:, 3].max() > height):
        raise ValueError(f"boxes reach outside the picture of {width} x {height}")


@njit(cache=True)
def _halve(texels, shapes):
    """Fill every level but the first with the means of 2 x 2 texels of the one before."""
    half = np.float32(0.5)
    for n in range(len(texels)):
        for level in range(1, len(shapes)):
            fine, wide = shapes[level - 1, 0], shapes[level - 1, 2]
            first, rows, columns = shapes[level, 0], shapes[level, 1], shapes[level, 2]
            for y in range(rows):
                for x in range(columns):
                    upper, lower = fine + 2 * y * wide + 2 * x, fine + (2 * y + 1) * wide + 2 * x
                    for c in range(CHANNELS):
                        left = half * (texels[n, upper, c] + texels[n, lower, c])
                        right = half * (texels[n, upper + 1, c] + texels[n, lower + 1, c])
                        texels[n, first + y * columns + x, c] = half * (left + right)


@njit(cache=True)
def _texel(texels, shapes, sprite, level, x, y, scale, out):
    """Add `scale` times the bilinear sample at sprite position x, y (pixels of the full size) of one level."""
    first, rows, columns = shapes[level, 0], shapes[level, 1], shapes[level, 2]
    size = np.float64(1 << level)
    fx, fy = x / size - 0.5, y / size - 0.5
    x0, y0 = int(np.floor(fx)), int(np.floor(fy))
    ax, ay = fx - x0, fy - y0
    for j in range(2):
        row = y0 + j
        if row < 0 or row >= rows:
            continue
        for i in range(2):
            column = x0 + i
            if column < 0 or column >= columns:
                continue
            weight = scale * (ax if i else 1.0 - ax) * (ay if j else 1.0 - ay)
            at = first + row * columns + column
            for c in range(CHANNELS):
                out[c] += weight * texels[sprite, at, c]


@njit(cache=True)
def sample(texels, shapes, sprite, x, y, lod, scale, out):
    """Trilinear: between the two levels around `lod`."""
    lod = min(max(lod, 0.0), LEVELS - 1.0)
    level = min(int(lod), LEVELS - 2)
    share = lod - level
    if share < 1.0:
        _texel(texels, shapes, sprite, level, x, y, scale * (1.0 - share), out)
    if share > 0.0:
        _texel(texels, shapes, sprite, level + 1, x, y, scale * share, out)


@njit(cache=True)
def _empty(texels, shapes, sprite, x, y, lod):
    """True where the four texels of a level four times as coarse show nothing: they hold all that is filtered here."""
    level = int(np.ceil(max(lod, 0.0))) + 2
    if level >= LEVELS:
        return False
    first, rows, columns = shapes[level, 0], shapes[level, 1], shapes[level, 2]
    size = np.float64(1 << level)
    x0, y0 = int(np.floor(x / size - 0.5)), int(np.floor(y / size - 0.5))
    for row in range(max(y0, 0), min(y0 + 2, rows)):
        for column in range(max(x0, 0), min(x0 + 2, columns)):
            if texels[sprite, first + row * columns + column, 3] > 0.0:
                return False
    return True


@njit(cache=True)
def dot(a, b):
    return np.float64(a[0]) * b[0] + np.float64(a[1]) * b[1] + np.float64(a[2]) * b[2]


@njit(cache=True)
def _on_card(ray_x, ray_y, root, right, up, normal, facing, across, tall):
    """Metres to the right, metres up of the point where a ray meets the card, and its depth (<= 0: it does not)."""
    slope = normal[0] * ray_x + normal[1] * ray_y + normal[2]
    if slope * facing <= 0.0:
        return 0.0, 0.0, -1.0
    z = facing / slope
    return (
        z * (right[0] * ray_x + right[1] * ray_y + right[2]) - across,
        z * (up[0] * ray_x + up[1] * ray_y + up[2]) - tall,
        z,
    )


@njit(cache=True)
def _splat(rays, roots, rights, ups, normals, metres_per_px, sprites, boxes, tints, dims, leans, card_ids, motions,
           texels, shapes, root_x, root_y, rgba, depth, ids, motion):  # fmt: skip
    height, width = depth.shape
    colour = np.empty(CHANNELS, np.float64)
    for n in range(len(roots)):
        root, right, up, normal = roots[n], rights[n], ups[n], normals[n]
        facing, across, tall = dot(normal, root), dot(right, root), dot(up, root)
        per_m = 1.0 / metres_per_px[n]
        for y in range(boxes[n, 2], boxes[n, 3]):
            for x in range(boxes[n, 0], boxes[n, 1]):
                if rgba[y, x, 3] >= OPAQUE:
                    continue
                u, v, z = _on_card(rays[y, x, 0], rays[y, x, 1], root, right, up, normal, facing, across, tall)
                if z <= 0.0:
                    continue
                # How far the next pixel's ray lies on the card: the pixel's footprint. The last column looks back.
                bx, by = (x + 1 if x + 1 < width else x - 1), (y + 1 if y + 1 < height else y - 1)
                ux, vx, zx = _on_card(rays[y, bx, 0], rays[y, bx, 1], root, right, up, normal, facing, across, tall)
                uy, vy, zy = _on_card(rays[by, x, 0], rays[by, x, 1], root, right, up, normal, facing, across, tall)
                if zx <= 0.0 or zy <= 0.0:
                    continue
                dux, dvx = (ux - u) * per_m * (bx - x), (vx - v) * per_m * (bx - x)
                duy, dvy = (uy - u) * per_m * (by - y), (vy - v) * per_m * (by - y)
                wide = max(np.sqrt(dux * dux + dvx * dvx), np.sqrt(duy * duy + dvy * dvy))
                lod = np.log2(max(0.5 * wide, 1e-6))  # 0.5: four samples share the pixel
                leg = min(max(1.0 - v / LEG_M, 0.0), 1.0)
                sx, sy = root_x + (u - leg * leans[n, 0]) * per_m, root_y - (v - leg * leans[n, 1]) * per_m
                if _empty(texels, shapes, sprites[n], sx, sy, lod):
                    continue
                colour[:] = 0.0
                for j in range(2):
                    for i in range(2):
                        ox, oy = 0.5 * i - 0.25, 0.5 * j - 0.25
                        at_x, at_y = sx + ox * dux + oy * duy, sy - ox * dvx - oy * dvy
                        sample(texels, shapes, sprites[n], at_x, at_y, lod, 0.25, colour)
                alpha = colour[3]
                if alpha <= 0.0:
                    continue
                through = 1.0 - np.float64(rgba[y, x, 3])
                light = through * (1.0 - dims[n] * min(max(1.0 - v / FADE_M, 0.0), 1.0))
                for c in range(3):
                    rgba[y, x, c] = np.float32(rgba[y, x, c] + light * tints[n, c] * colour[c])
                rgba[y, x, 3] = np.float32(rgba[y, x, 3] + through * alpha)
                if ids[y, x] == 0 and (alpha > 0.5 or depth[y, x] == np.inf):
                    depth[y, x] = np.float32(z + normal[2] * colour[4] / alpha)
                    motion[y, x, 0] = np.float32(motions[n, 0] + u * motions[n, 2] + v * motions[n, 4])
                    motion[y, x, 1] = np.float32(motions[n, 1] + u * motions[n, 3] + v * motions[n, 5])
                    if alpha > 0.5:
                        ids[y, x] = card_ids[n]
