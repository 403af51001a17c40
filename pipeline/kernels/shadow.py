"""What sprites on cards take from the ground's light: the shadow that the sun casts, and the dark under their feet."""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels.splat import CHANNELS, Cards, Floats, Ints, Pyramid, check, check_boxes, check_cards, dot, sample


def cast_shadows(
    rays: Floats,
    cards: Cards,
    images: Pyramid,
    root_px: tuple[float, float],
    ground_normals: Floats,
    to_sun: Floats,
    softness: float,
    shade: Floats,
) -> None:
    """Darken `shade` where a card, seen from the sun, stands between the sun and the ground.

    cards face the sun. ground_normals: (N, 3) float32 unit, camera axes, of the ground plane under each root. to_sun: (3,)
    float32 unit. softness: metres of blur per metre of height above the ground. shade: (H, W) float32 in/out, 0 lit .. 1;
    the darkest card counts, since one sun is covered only once.
    """
    height, width = check_cards(rays, cards, images)
    check("shade", shade, np.float32, (height, width))
    check("ground_normals", ground_normals, np.float32, (len(cards.roots), 3))
    check("to_sun", to_sun, np.float32, (3,))
    _shadows(rays, cards.roots, cards.rights, cards.ups, cards.normals, cards.metres_per_px, cards.sprites, cards.boxes,
             images.texels, images.shapes, root_px[0], root_px[1], ground_normals, to_sun, softness, shade)  # fmt: skip


def contact_shadows(
    rays: Floats, roots: Floats, ground_normals: Floats, radii_m: Floats, boxes: Ints, shade: Floats
) -> None:
    """Darken `shade` around each root: a soft disc on the ground plane, 1 under the feet, 0 at the radius.

    roots, ground_normals: (N, 3) float32 camera axes; radii_m (N,) float32; boxes (N, 4) int32 as in Cards. shade: (H, W)
    float32 in/out; discs that overlap multiply what light is left.
    """
    height, width = rays.shape[:2]
    check("rays", rays, np.float32, (height, width, 2))
    check("shade", shade, np.float32, (height, width))
    for name, array in (("roots", roots), ("ground_normals", ground_normals)):
        check(name, array, np.float32, (len(roots), 3))
    check("radii_m", radii_m, np.float32, (len(roots),))
    check_boxes(boxes, len(roots), height, width)
    _contacts(rays, roots, ground_normals, radii_m, boxes, shade)


@njit(cache=True)
def _shadows(rays, roots, rights, ups, normals, metres_per_px, sprites, boxes, texels, shapes, root_x, root_y,
             ground_normals, to_sun, softness, shade):  # fmt: skip
    width = shade.shape[1]
    colour = np.empty(CHANNELS, np.float64)
    for n in range(len(roots)):
        root, ground = roots[n], ground_normals[n]
        ground_facing, per_m = dot(ground, root), 1.0 / metres_per_px[n]
        sun_on_card = dot(normals[n], to_sun)
        if sun_on_card <= 1e-6:
            continue
        for y in range(boxes[n, 2], boxes[n, 3]):
            for x in range(boxes[n, 0], boxes[n, 1]):
                slope = ground[0] * rays[y, x, 0] + ground[1] * rays[y, x, 1] + ground[2]
                if slope * ground_facing <= 0.0:
                    continue
                z = ground_facing / slope
                px, py, pz = z * rays[y, x, 0] - root[0], z * rays[y, x, 1] - root[1], z - root[2]
                way = -(normals[n, 0] * px + normals[n, 1] * py + normals[n, 2] * pz) / sun_on_card
                if way < 0.0:
                    continue
                px, py, pz = px + way * to_sun[0], py + way * to_sun[1], pz + way * to_sun[2]
                u = rights[n, 0] * px + rights[n, 1] * py + rights[n, 2] * pz
                v = ups[n, 0] * px + ups[n, 1] * py + ups[n, 2] * pz
                pixel_m = 0.5 * z * abs(rays[y, min(x + 1, width - 1), 0] - rays[y, max(x - 1, 0), 0])
                lod = np.log2(1.0 + (softness * way + 0.7 * pixel_m) * per_m)
                colour[:] = 0.0
                sample(texels, shapes, sprites[n], root_x + u * per_m, root_y - v * per_m, lod, 1.0, colour)
                shade[y, x] = max(shade[y, x], np.float32(colour[3]))


@njit(cache=True)
def _contacts(rays, roots, ground_normals, radii, boxes, shade):
    for n in range(len(roots)):
        facing = dot(ground_normals[n], roots[n])
        for y in range(boxes[n, 2], boxes[n, 3]):
            for x in range(boxes[n, 0], boxes[n, 1]):
                ray_x, ray_y = np.float64(rays[y, x, 0]), np.float64(rays[y, x, 1])
                slope = ground_normals[n, 0] * ray_x + ground_normals[n, 1] * ray_y + ground_normals[n, 2]
                if slope * facing <= 0.0:
                    continue
                z = facing / slope
                dx, dy, dz = z * ray_x - roots[n, 0], z * ray_y - roots[n, 1], z - roots[n, 2]
                square = (dx * dx + dy * dy + dz * dz) / (np.float64(radii[n]) * radii[n])
                if square < 1.0:
                    dark = (1.0 - square) * (1.0 - square)
                    shade[y, x] = np.float32(1.0 - (1.0 - shade[y, x]) * (1.0 - dark))
