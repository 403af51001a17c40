"""How a costume takes light: cloth, leather, metal, wood, paint, hair and skin under sun, sky and ground.

Textures are solid: noise in the rest pose's space, so they stick to a moving body. View axes: x right, y up, z towards
the viewer.

Source of the specular lobe: Walter et al., "Microfacet Models for Refraction", EGSR 2007 (GGX), Schlick's Fresnel.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.sprites import normal_at, same_samples

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

SKIN, HAIR, CLOTH, LEATHER, METAL, WOOD, PAINT, MAIL = range(8)  # assets.people.characters.Material


@njit(cache=True)
def _hash(x, y, z):
    """A number in 0..1 for a lattice point."""
    h = (x * 374761393 + y * 668265263 + z * 2147483647 + 1013904223) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = h ^ (h >> 16)
    return (h & 0xFFFFFF) / 16777215.0


@njit(cache=True)
def noise(x, y, z):
    """Value noise, 0..1, of unit grain."""
    xf, yf, zf = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(xf), int(yf), int(zf)
    u, v, w = x - xf, y - yf, z - zf
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    a = _hash(i, j, k) * (1 - u) + _hash(i + 1, j, k) * u
    b = _hash(i, j + 1, k) * (1 - u) + _hash(i + 1, j + 1, k) * u
    c = _hash(i, j, k + 1) * (1 - u) + _hash(i + 1, j, k + 1) * u
    d = _hash(i, j + 1, k + 1) * (1 - u) + _hash(i + 1, j + 1, k + 1) * u
    return (a * (1 - v) + b * v) * (1 - w) + (c * (1 - v) + d * v) * w


def shade(
    depth: Floats,
    triangle_id: Ints,
    weights: Floats,
    mesh: tuple[Ints, Floats, Floats, Ints, Floats],
    paint: tuple[Floats, Ints, float],
    light: Floats,
    shadow: tuple[Floats, Floats, float],
    frame: tuple[float, float, float],
    ss: int,
) -> Floats:
    """A lit picture (H, W, 4) float32, premultiplied linear, from the samples of a raster.

    mesh: triangles (T, 3); normals (V, 3) in view axes; rest positions (V, 3); parts (T,); sky visibility (V,).
    paint: albedo (P, 3) and material (P,) of every part; a number that shifts the textures.
    light: (5, 3) float32, view axes: direction to the sun; sun, sky and ground radiance; up.
    shadow: map (N, N) of depths from the sun; (3, 4) map pixels and depth from view positions; bias in metres.
    frame: metres per sample, and the view position x, y of the first sample's corner (y is its upper edge).
    Raises ValueError where shapes disagree.
    """
    height, width = depth.shape[0] // ss, depth.shape[1] // ss
    out = np.zeros((height, width, 4), np.float32)
    triangles, normals, rest, parts, sky = mesh
    albedo, material, shift = paint
    same_samples(depth, triangle_id, weights, triangles, parts, ss)
    if not len(normals) == len(rest) == len(sky) or (parts.size and parts.max() >= min(len(albedo), len(material))):
        raise ValueError(f"{len(normals)} normals, {len(rest)} rest positions, {len(sky)} sky; {len(albedo)} albedos")
    _shade(depth, triangle_id, weights, triangles, normals, rest, parts, sky, albedo, material, np.float64(shift), light,
           shadow[0], shadow[1], np.float64(shadow[2]), np.array(frame, np.float64), ss, out)  # fmt: skip
    return out


@njit(cache=True)
def _lit(shadow_map, shadow_frame, bias, x, y, z):
    """Share of the sun that reaches a view position: 3 x 3 comparisons, weighted to the middle."""
    f = shadow_frame
    px = f[0, 0] * x + f[0, 1] * y + f[0, 2] * z + f[0, 3] - 0.5
    py = f[1, 0] * x + f[1, 1] * y + f[1, 2] * z + f[1, 3] - 0.5
    depth = f[2, 0] * x + f[2, 1] * y + f[2, 2] * z + f[2, 3] - bias
    size = shadow_map.shape[0]
    i, j = int(np.floor(px)), int(np.floor(py))
    u, v = px - i, py - j
    total = 0.0
    for dj in range(-1, 3):
        wy = 1.0 - v if dj == -1 else (v if dj == 2 else 1.0)
        for di in range(-1, 3):
            wx = 1.0 - u if di == -1 else (u if di == 2 else 1.0)
            a, b = i + di, j + dj
            if a < 0 or b < 0 or a >= size or b >= size or shadow_map[b, a] >= depth:
                total += wx * wy
    return total / 9.0


@njit(cache=True)
def _surface(kind, x, y, z, shift):
    """(brightness, warm, wear, bump x, y, z): what weather and use did to a material at a rest position."""
    broad = noise(x * 7.0 + shift, y * 7.0, z * 7.0)
    middle = noise(x * 23.0, y * 23.0 + shift, z * 23.0)
    fine = noise(x * 71.0, y * 71.0, z * 71.0 + shift)
    bx, by, bz = 0.0, 0.0, 0.0
    bright, warm, wear = 1.0, 0.0, 0.0
    if kind == CLOTH:
        bright = 0.72 + 0.30 * broad + 0.18 * middle + 0.12 * fine
        warm = 0.10 * (broad - 0.5)
        # Wrinkles: long down the cloth, short across.
        e = 0.012
        h0 = noise(x * 26.0 + shift, y * 9.0 + middle, z * 26.0)
        bx = (noise((x + e) * 26.0 + shift, y * 9.0 + middle, z * 26.0) - h0) * 1.1
        by = (noise(x * 26.0 + shift, (y + e) * 9.0 + middle, z * 26.0) - h0) * 1.1
        bz = (noise(x * 26.0 + shift, y * 9.0 + middle, (z + e) * 26.0) - h0) * 1.1
    elif kind == METAL:
        bright = 0.62 + 0.38 * middle + 0.22 * fine
        wear = max(0.0, broad * 0.6 + middle * 0.6 - 0.62)
        bx, by, bz = (middle - 0.5) * 0.22, (fine - 0.5) * 0.22, (broad - 0.5) * 0.22
    elif kind == MAIL:
        bright = 0.45 + 0.8 * fine * middle + 0.2 * broad
        bx, by, bz = (fine - 0.5) * 0.7, (middle - 0.5) * 0.5, (noise(x * 90.0, y * 90.0, z * 90.0) - 0.5) * 0.7
    elif kind == LEATHER:
        bright = 0.60 + 0.45 * middle + 0.35 * fine
        bx, by, bz = (fine - 0.5) * 0.25, (middle - 0.5) * 0.25, (broad - 0.5) * 0.2
    elif kind == WOOD:
        grain = noise(x * 90.0, y * 9.0 + shift, z * 90.0)
        bright = 0.65 + 0.5 * grain + 0.2 * broad
    elif kind == PAINT:
        bright = 0.75 + 0.30 * broad + 0.18 * fine
        wear = max(0.0, middle * 0.7 + fine * 0.5 - 0.72) * 2.0
        bx, by = (middle - 0.5) * 0.08, (fine - 0.5) * 0.08
    elif kind == HAIR:
        strand = noise(x * 160.0 + shift, y * 22.0, z * 160.0)
        bright = 0.45 + 0.9 * strand + 0.2 * middle
        bx, by, bz = (strand - 0.5) * 0.8, (fine - 0.5) * 0.5, (middle - 0.5) * 0.6
    else:
        bright = 0.86 + 0.18 * middle + 0.10 * fine
        warm = 0.12 * (broad - 0.45)
        bx, by, bz = (fine - 0.5) * 0.08, (middle - 0.5) * 0.08, 0.0
    return bright, warm, wear, bx, by, bz


@njit(cache=True)
def _lobe(nx, ny, nz, lx, ly, lz, rough, f0):
    """Specular reflection of a light towards the viewer (0, 0, 1): GGX with Smith's shadowing, times the cosine."""
    nl = nx * lx + ny * ly + nz * lz
    if nl <= 0.0 or nz <= 0.0:
        return 0.0
    hx, hy, hz = lx, ly, lz + 1.0
    length = np.sqrt(hx * hx + hy * hy + hz * hz)
    nh = (nx * hx + ny * hy + nz * hz) / length
    hv = hz / length
    a = rough * rough
    spread = nh * nh * (a * a - 1.0) + 1.0
    d = a * a / (np.pi * spread * spread)
    k = a / 2.0
    g = 1.0 / ((nl * (1 - k) + k) * (nz * (1 - k) + k) * 4.0)
    fresnel = f0 + (1.0 - f0) * (1.0 - hv) ** 5
    return min(d * g * fresnel * nl * np.pi, 6.0)


@njit(cache=True)
def _shade(depth, triangle_id, weights, triangles, normals, rest, parts, sky, albedo, material, shift, light,
           shadow_map, shadow_frame, bias, frame, ss, out):  # fmt: skip
    height, width, _ = out.shape
    lx, ly, lz = light[0, 0], light[0, 1], light[0, 2]
    ux, uy, uz = light[4, 0], light[4, 1], light[4, 2]
    share = 1.0 / (ss * ss)
    colour = np.empty(3)
    for j in range(height * ss):
        for i in range(width * ss):
            t = triangle_id[j, i]
            if t < 0:
                continue
            u, v = weights[j, i, 0], weights[j, i, 1]
            w = 1.0 - u - v
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            rx = u * rest[a, 0] + v * rest[b, 0] + w * rest[c, 0]
            ry = u * rest[a, 1] + v * rest[b, 1] + w * rest[c, 1]
            rz = u * rest[a, 2] + v * rest[b, 2] + w * rest[c, 2]
            part = parts[t]
            kind = material[part]
            bright, warm, wear, bx, by, bz = _surface(kind, rx, ry, rz, shift)
            nx, ny, nz = normal_at(normals, triangles, t, u, v)
            x = frame[1] + (i + 0.5) * frame[0]
            y = frame[2] - (j + 0.5) * frame[0]
            z = -depth[j, i]
            cosine = nx * lx + ny * ly + nz * lz
            lit = 0.0
            if cosine > -0.3:
                off = 0.015
                lit = _lit(shadow_map, shadow_frame, bias, x + nx * off, y + ny * off, z + nz * off)
            nx, ny, nz = nx + bx, ny + by, nz + bz
            length = np.sqrt(nx * nx + ny * ny + nz * nz)
            nx, ny, nz = nx / length, ny / length, nz / length
            cosine = nx * lx + ny * ly + nz * lz
            open_sky = u * sky[a] + v * sky[b] + w * sky[c]
            up = nx * ux + ny * uy + nz * uz
            # Dust of the road: most at the feet, in patches.
            dust = max(0.0, 0.55 - ry) * 1.1 * (0.45 + 0.8 * noise(rx * 11.0, ry * 11.0, rz * 11.0 + shift))
            if part >= 15 or (kind == SKIN and ry > 0.3):
                dust = 0.06
            dust = min(dust, 0.6)
            wrap = 0.25 if kind == SKIN else (0.12 if kind in (CLOTH, HAIR) else 0.0)
            diffuse_sun = max(0.0, (cosine + wrap) / (1.0 + wrap)) * lit
            hemisphere = 0.5 + 0.5 * up
            fresnel_edge = (1.0 - min(max(nz, 0.0), 1.0)) ** 3
            metal = kind in (METAL, MAIL)
            rough = 0.38 + 0.5 * wear if metal else (0.42 if kind in (LEATHER, PAINT) else 0.62)
            if kind == SKIN:
                rough = 0.5
            f0 = 0.04 if kind != HAIR else 0.05
            spec = _lobe(nx, ny, nz, lx, ly, lz, rough, 1.0 if metal else f0) * lit
            # Mirror direction of the viewer's ray: what a polished surface shows of sky and ground.
            mirror_up = 2.0 * nz * up - uz
            mirror = min(max(mirror_up * 1.4 + 0.45, 0.0), 1.0)
            for k in range(3):
                base = albedo[part, k] * bright * (1.0 + warm * (1.0 - k))
                if metal:
                    base = base * (1.0 - 0.45 * min(wear, 1.0))
                elif kind == PAINT:
                    base = base * (1.0 - min(wear, 0.7)) + (0.20 - 0.05 * k) * min(wear, 0.7)
                base = base * (1.0 - dust) + (0.26 - 0.055 * k) * dust
                ambient = (light[2, k] * hemisphere + light[3, k] * (1.0 - hemisphere)) * open_sky
                if metal:
                    tint = min(base * 1.75, 0.95)
                    shine = 0.40 * (1.0 - dust)
                    reflected = (light[2, k] * mirror * 1.3 + light[3, k] * (1.0 - mirror)) * (0.25 + 0.75 * open_sky)
                    colour[k] = (1.0 - shine) * base * 0.75 * (light[1, k] * diffuse_sun + ambient)
                    colour[k] += shine * tint * (reflected * 1.5 + light[1, k] * spec * 0.8)
                else:
                    colour[k] = base * (light[1, k] * diffuse_sun + ambient)
                    colour[k] += light[1, k] * spec * (1.0 - dust) + 0.04 * fresnel_edge * ambient
                    if kind == CLOTH:
                        colour[k] += 0.22 * base * fresnel_edge * (light[1, k] * lit * 0.5 + light[2, k] * open_sky)
                    elif kind == SKIN and k == 0:
                        colour[k] += 0.10 * base * light[1, 0] * max(0.0, 1.0 - abs(cosine) * 3.0) * lit
            for k in range(3):
                out[j // ss, i // ss, k] += np.float32(colour[k] * share)
            out[j // ss, i // ss, 3] += np.float32(share)
