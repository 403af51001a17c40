"""Boxes in the sun, and rays to it cast one by one."""

import numpy as np

from assets.sets.projection import Piece


def box(low, high, number=1) -> Piece:
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([half for a, b, c, d in quads for half in ((a, b, c), (a, c, d))], np.int32)
    edges = corners[faces[:, 1:]] - corners[faces[:, :1]]
    normals = np.cross(edges[:, 0], edges[:, 1])
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    parts, base = np.zeros(len(faces), np.int32), np.zeros(3)
    return Piece("box", number, "stone", 1, base, 0.0, corners.astype(np.float32), faces, normals, parts)


def sun(elevation_deg, azimuth_deg=30.0):
    e, a = np.radians((elevation_deg, azimuth_deg))
    return np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])


def hit(pieces, starts, way) -> np.ndarray:
    """Which of (N, 3) points have a triangle along `way` (Moller and Trumbore, 1997)."""
    found = np.zeros(len(starts), bool)
    for piece in pieces:
        for a, b, c in piece.vertices[piece.triangles].astype(float):
            e, f = b - a, c - a
            p = np.cross(way, f)
            d = e @ p
            if abs(d) < 1e-12:
                continue
            t = starts - a
            u = t @ p / d
            q = np.cross(t, e)
            v, far = q @ way / d, q @ f / d
            found |= (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 1e-6)
    return found
