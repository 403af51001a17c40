"""Lay maps of bodies, as a far light saw them, onto the ground: its pixels look back along the light's own direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.splat import Pyramid, check, check_boxes, dot, sample

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
_FAR_M = 3.0  # of way from the light within which the first, wide look finds what stands in it


@dataclass(frozen=True, slots=True, eq=False)
class GroundMaps:
    """N maps, each on its own plane of ground. All float32 in camera axes, metres, unless told.

    roots, normals: (N, 3) a point of the plane and its unit normal. rights, ups, towards: (N, 3) unit axes of the map, at
    right angles; towards points to the light. corners: (N, 2) metres right and up of the root at which the map's upper
    left corner lies. images: alpha is how much of the light is covered, relief the metres towards the light from the root
    of what covers it. metres_per_px: of all. boxes: (N, 4) int32 first and one-past-last column, row to look at.
    """

    roots: Floats
    normals: Floats
    rights: Floats
    ups: Floats
    towards: Floats
    corners: Floats
    images: Pyramid
    metres_per_px: float
    boxes: Ints


def lay_maps(rays: Floats, maps: GroundMaps, softness: float, shade: Floats, *, one_light: bool) -> None:
    """Darken `shade`, (H, W) float32 in/out, 0 lit .. 1, wherever the ground's light is covered.

    rays: (H, W, 2) float32 as for splat. softness: metres of blur per metre of way from what covers the light. one_light:
    the darkest map counts, since one sun is covered only once; else maps multiply what light is left.
    Raises ValueError on another shape or dtype.
    """
    height, width = rays.shape[:2]
    count = len(maps.roots)
    check("rays", rays, np.float32, (height, width, 2))
    check("shade", shade, np.float32, (height, width))
    for name in ("roots", "normals", "rights", "ups", "towards"):
        check(name, getattr(maps, name), np.float32, (count, 3))
    check("corners", maps.corners, np.float32, (count, 2))
    check_boxes(maps.boxes, count, height, width)
    if len(maps.images.texels) != count:
        raise ValueError(f"{count} maps need as many images, not {len(maps.images.texels)}")
    _lay(rays, maps.roots, maps.normals, maps.rights, maps.ups, maps.towards, maps.corners, maps.boxes,
         maps.images.texels, maps.images.shapes, 1.0 / maps.metres_per_px, softness, one_light, shade)  # fmt: skip


@njit(cache=True)
def _lay(rays, roots, normals, rights, ups, towards, corners, boxes, texels, shapes, per_m, softness, one_light, shade):
    width = shade.shape[1]
    found = np.empty(texels.shape[2], np.float64)
    point = np.empty(3, np.float64)
    for n in range(len(roots)):
        facing = dot(normals[n], roots[n])
        for y in range(boxes[n, 2], boxes[n, 3]):
            for x in range(boxes[n, 0], boxes[n, 1]):
                slope = normals[n, 0] * rays[y, x, 0] + normals[n, 1] * rays[y, x, 1] + normals[n, 2]
                if slope * facing <= 0.0:
                    continue
                z = facing / slope
                point[0] = z * rays[y, x, 0] - roots[n, 0]
                point[1] = z * rays[y, x, 1] - roots[n, 1]
                point[2] = z - roots[n, 2]
                u = (dot(rights[n], point) - corners[n, 0]) * per_m
                v = (corners[n, 1] - dot(ups[n], point)) * per_m
                seen_m = 0.35 * z * abs(rays[y, min(x + 1, width - 1), 0] - rays[y, max(x - 1, 0), 0])
                # How far away is what covers this place? A wide look tells, then one as sharp as that way leaves it.
                found[:] = 0.0
                sample(texels, shapes, n, u, v, np.log2(1.0 + (softness * _FAR_M + seen_m) * per_m), 1.0, found)
                if found[3] <= 0.0:
                    continue
                way = max(found[4] / found[3] - dot(towards[n], point), 0.0)
                found[:] = 0.0
                sample(texels, shapes, n, u, v, np.log2(1.0 + (softness * way + seen_m) * per_m), 1.0, found)
                if one_light:
                    shade[y, x] = max(shade[y, x], np.float32(found[3]))
                else:
                    shade[y, x] = np.float32(1.0 - (1.0 - shade[y, x]) * (1.0 - found[3]))
