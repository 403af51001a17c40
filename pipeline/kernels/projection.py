"""Look points up in paintings that projectors throw onto them: filtered by the pixel's own footprint, never through an
occluder, and blended where several see a point."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.kernels.splat import CHANNELS, LEVELS, Pyramid, check

Floats = NDArray[np.float32]
PIXEL = 0.3  # a sample's standard deviation in pixels: with four samples, a pixel's is 0.41
TEXEL_VARIANCE = 0.2  # texels^2, of the narrowest Gaussian that texels carry without ripple
PREFILTER = 1.0 / 12  # variance of a box of one texel: what a level of a pyramid has been blurred by
REACH = 2.6  # standard deviations that are summed
LONGEST = 8.0  # how much longer than wide a footprint may be: beyond, it is widened
_MOST_TEXELS = 12.0  # standard deviation in texels of the coarsest level
_OTHER_SURFACE = 0.01  # weight of a texel that shows another surface: it is read where there is nothing else
_CHUNK = 1024  # points that one thread looks up at a time
_BORDER_PX = 4.0  # of a painting, over which it fades
AT_EDGE = 0.4  # of its quality that a painting keeps at an edge of what it shows
TAKEN_BY = 0.05  # how much better, of its quality, a painting must be to be seen alone


def look_up(
    points: Floats,
    normals: Floats,
    pose: NDArray[np.float64],
    focal_px: float,
    painting: Pyramid,
    projector: NDArray[np.float64],
    depth: Floats,
    bias_m: float,
) -> tuple[Floats, Floats, Floats]:
    """Colours (N, 3) float32, unpremultiplied; how well each is known (N,) float32, 0 unseen .. 1; and the quality of what is
    seen (N,) float32: texels per metre times the cosine of the angle at which the projector sees the surface, less at an edge
    of what the painting shows.

    points, normals: (N, 3) float32 world, normals of the flat faces. pose, focal_px: camera_from_world (4, 4) float64 and the
    focal length of the picture that is drawn: a pixel's footprint on the face, thrown into the painting, is an ellipse, over
    which texels are averaged by a Gaussian. painting: pyramid of one picture, its fifth channel (relief) how far from an edge of
    what it shows a texel lies, 0 at it .. 1. projector: (3, 4) float64, from world to
    (x z, y z, z) in the painting's pixels. depth: (H, W) float32, what the projector sees, metres, +inf where nothing. bias_m:
    how much nearer than the plane of the point's face the projector may see something that does not hide it. Texels off
    that plane are other surfaces' and not averaged in. Raises ValueError on another shape or dtype.

    Source: Greene and Heckbert, "Creating Raster Omnimax Images from Multiple Perspective Views Using the Elliptical
    Weighted Average Filter", IEEE Computer Graphics and Applications 1986; the level of the pyramid is the coarsest whose
    own blur the ellipse still holds, and that blur is taken off the ellipse, so that levels pass without a step.
    """
    count = len(points)
    for name, array in (("points", points), ("normals", normals)):
        check(name, array, np.float32, (count, 3))
    check("pose", pose, np.float64, (4, 4))
    check("projector", projector, np.float64, (3, 4))
    check("depth", depth, np.float32, depth.shape[:2])
    check("texels", painting.texels, np.float32, (1, painting.texels.shape[1], CHANNELS))
    colours, known, quality = np.zeros((count, 3), np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32)
    matrix = np.ascontiguousarray(projector[:, :3])
    inverse = np.linalg.inv(matrix)
    centre = -inverse @ projector[:, 3]
    _look_up(points, normals, pose, -pose[:3, :3].T @ pose[:3, 3], focal_px, painting.texels, painting.shapes, projector,
             inverse, centre, depth, bias_m, colours, known, quality)  # fmt: skip
    return colours, known, quality


def blend(colours: Floats, known: Floats, quality: Floats) -> tuple[Floats, Floats]:
    """Colours (N, 3) of P paintings' (P, N, 3), and how well they are known (N,); all float32.

    known, quality: (P, N), as look_up has them. The best painting is seen alone but where another is nearly as good, within
    TAKEN_BY: wide enough for no step, too narrow for a ghost. What the best does not know the next gives.
    """
    paintings, count = known.shape
    check("colours", colours, np.float32, (paintings, count, 3))
    check("known", known, np.float32, (paintings, count))
    check("quality", quality, np.float32, (paintings, count))
    mixed, total = np.zeros((count, 3), np.float32), np.zeros(count, np.float32)
    _blend(colours, known, quality, mixed, total)
    return mixed, total


@njit(cache=True)
def _blend(colours, known, quality, mixed, total):
    paintings, count = known.shape
    for n in range(count):
        best = 0.0
        unknown = 1.0
        for p in range(paintings):
            best = max(best, quality[p, n] * known[p, n])
            unknown *= 1.0 - known[p, n]
        if best <= 0.0:
            continue
        weights = 0.0
        for p in range(paintings):
            # 1 at the best, 0 at 1 - 2 TAKEN_BY of it; a little is left for what the best knows in part only.
            t = (quality[p, n] * known[p, n] / best - 1.0) / (2.0 * TAKEN_BY) + 1.0
            t = max(t, 0.0)
            weight = known[p, n] * (t * t * (3.0 - 2.0 * t) + 1e-4)
            weights += weight
            for c in range(3):
                mixed[n, c] += np.float32(weight * colours[p, n, c])
        for c in range(3):
            mixed[n, c] = np.float32(mixed[n, c] / weights)
        total[n] = np.float32(1.0 - unknown)


@njit(cache=True)
def _plane_depth(plane, height, u, v):
    """Depth at which the ray of a painting's pixel u, v meets a face's plane; -1: it does not."""
    slope = plane[0] * u + plane[1] * v + plane[2]
    if slope * height <= 0.0:
        return -1.0
    return height / slope


@njit(cache=True)
def _seen(depth, x, y, plane, height, bias):
    """Share of the four depths around x, y at which the face is seen and not hidden by something nearer; what lies beyond
    the face, and nothing, say nothing. 0: the face is not there."""
    rows, columns = depth.shape
    fx, fy = x - 0.5, y - 0.5
    x0, y0 = int(np.floor(fx)), int(np.floor(fy))
    ax, ay = fx - x0, fy - y0
    seen = total = 0.0
    for j in range(2):
        for i in range(2):
            row, column = y0 + j, x0 + i
            if not (0 <= row < rows and 0 <= column < columns):
                continue
            there = np.float64(depth[row, column])
            z = _plane_depth(plane, height, column + 0.5, row + 0.5)
            if z <= 0.0 or there > z + bias:
                continue
            weight = (ax if i else 1.0 - ax) * (ay if j else 1.0 - ay) + 1e-9
            total += weight
            if there >= z - bias:
                seen += weight
    return seen / total if total > 1e-6 else 0.0


@njit(cache=True)
def _footprint(p, normal, pose, eye, focal, projector, x, y, z, out):
    """Covariance (xx, xy, yy), texels^2, of a pixel's sample on the face, thrown into the painting."""
    dx, dy, dz = p[0] - eye[0], p[1] - eye[1], p[2] - eye[2]
    away = max(pose[2, 0] * dx + pose[2, 1] * dy + pose[2, 2] * dz, 1e-3)
    slope = normal[0] * dx + normal[1] * dy + normal[2] * dz
    least = 0.02 * np.sqrt(dx * dx + dy * dy + dz * dz)  # edge on: as if by a degree
    if abs(slope) < least:
        slope = least if slope > 0.0 else -least
    out[:] = 0.0
    for axis in range(2):
        rx, ry, rz = pose[axis, 0], pose[axis, 1], pose[axis, 2]
        along = (normal[0] * rx + normal[1] * ry + normal[2] * rz) / slope
        scale = PIXEL * away / focal
        wx, wy, wz = scale * (rx - along * dx), scale * (ry - along * dy), scale * (rz - along * dz)
        forward = projector[2, 0] * wx + projector[2, 1] * wy + projector[2, 2] * wz
        u = (projector[0, 0] * wx + projector[0, 1] * wy + projector[0, 2] * wz - x * forward) / z
        v = (projector[1, 0] * wx + projector[1, 1] * wy + projector[1, 2] * wz - y * forward) / z
        out[0] += u * u
        out[1] += u * v
        out[2] += v * v


@njit(cache=True)
def _average(texels, shapes, depth, x, y, covariance, plane, height, bias, colour):
    """Sum of the texels under a footprint, by a Gaussian, and the weight of those that show the face itself."""
    xx, xy, yy = covariance[0] + TEXEL_VARIANCE, covariance[1], covariance[2] + TEXEL_VARIANCE
    middle, half = 0.5 * (xx + yy), np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    along, down = np.cos(angle), np.sin(angle)
    longest = middle + half
    shortest = max(middle - half, longest / (LONGEST * LONGEST))
    level = int(np.floor(0.5 * np.log2(shortest / (TEXEL_VARIANCE + PREFILTER))))
    level = min(max(level, 0), LEVELS - 1)
    size = np.float64(1 << level)
    if level:
        longest, shortest = longest - PREFILTER * (size * size - 1.0), shortest - PREFILTER * (size * size - 1.0)
    longest, shortest = longest / (size * size), shortest / (size * size)
    longest, shortest = min(longest, _MOST_TEXELS**2), min(shortest, _MOST_TEXELS**2)
    reach_x = REACH * np.sqrt(longest * along * along + shortest * down * down)
    reach_y = REACH * np.sqrt(longest * down * down + shortest * along * along)
    first, rows, columns = shapes[level, 0], shapes[level, 1], shapes[level, 2]
    at_x, at_y = x / size - 0.5, y / size - 0.5
    near = bias * size
    for row in range(max(int(np.ceil(at_y - reach_y)), 0), min(int(np.floor(at_y + reach_y)), rows - 1) + 1):
        v = min(max((row + 0.5) * size, 0.5), depth.shape[0] - 0.5)
        for column in range(max(int(np.ceil(at_x - reach_x)), 0), min(int(np.floor(at_x + reach_x)), columns - 1) + 1):
            dx, dy = column - at_x, row - at_y
            major, minor = dx * along + dy * down, dy * along - dx * down
            far = major * major / longest + minor * minor / shortest
            if far > REACH * REACH:
                continue
            at = first + row * columns + column
            if texels[0, at, 3] <= 0.0:
                continue
            u = min(max((column + 0.5) * size, 0.5), depth.shape[1] - 0.5)
            weight = np.exp(-0.5 * far)
            if not abs(_plane_depth(plane, height, u, v) - depth[int(v), int(u)]) <= near:
                weight *= _OTHER_SURFACE
            for c in range(CHANNELS):
                colour[c] += weight * texels[0, at, c]


@njit(parallel=True, cache=True)
def _look_up(points, normals, pose, eye, focal_px, texels, shapes, projector, inverse, centre, depth, bias, colours,
             known, quality):  # fmt: skip
    rows, columns = depth.shape
    # Rows of the projector, less its pixel centre, are its axes times its focal length.
    axis = projector[2]
    off_centre = projector[0, 0] * axis[0] + projector[0, 1] * axis[1] + projector[0, 2] * axis[2]
    focal = np.sqrt(
        max(projector[0, 0] ** 2 + projector[0, 1] ** 2 + projector[0, 2] ** 2 - off_centre * off_centre, 1e-12)
    )
    for chunk in prange(-(-len(points) // _CHUNK)):
        colour, covariance, plane = np.empty(CHANNELS, np.float64), np.empty(3, np.float64), np.empty(3, np.float64)
        for n in range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, len(points))):
            p, normal = points[n], normals[n]
            z = axis[0] * p[0] + axis[1] * p[1] + axis[2] * p[2] + axis[3]
            if not z >= 0.05:
                continue
            x = (projector[0, 0] * p[0] + projector[0, 1] * p[1] + projector[0, 2] * p[2] + projector[0, 3]) / z
            y = (projector[1, 0] * p[0] + projector[1, 1] * p[1] + projector[1, 2] * p[2] + projector[1, 3]) / z
            inside = min(min(x, columns - x), min(y, rows - y))
            if not inside > 0.0:
                continue
            wx, wy, wz = centre[0] - p[0], centre[1] - p[1], centre[2] - p[2]
            height = -(wx * normal[0] + wy * normal[1] + wz * normal[2])
            facing = -height / np.sqrt(wx * wx + wy * wy + wz * wz)
            grazing = min(max((facing - 0.03) / 0.15, 0.0), 1.0)
            if grazing <= 0.0:
                continue
            for c in range(3):
                plane[c] = inverse[0, c] * normal[0] + inverse[1, c] * normal[1] + inverse[2, c] * normal[2]
            seen = _seen(depth, x, y, plane, height, bias)
            if seen <= 0.0:
                continue
            _footprint(p, normal, pose, eye, focal_px, projector, x, y, z, covariance)
            colour[:] = 0.0
            _average(texels, shapes, depth, x, y, covariance, plane, height, bias, colour)
            if colour[3] > 1e-6:
                for c in range(3):
                    colours[n, c] = np.float32(colour[c] / colour[3])
                border = min(inside / _BORDER_PX, 1.0)
                known[n] = np.float32(seen * border * grazing * grazing * (3.0 - 2.0 * grazing))
                inner = min(max(colour[4] / colour[3], 0.0), 1.0)
                quality[n] = np.float32(focal / z * facing * (AT_EDGE + (1.0 - AT_EDGE) * inner))
