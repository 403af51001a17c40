"""How open a solid's surface is, told from its edges alone."""

from collections import Counter

import numpy as np


def open_edges(mesh, solid):
    """How many directed edges of a solid's triangles lack the opposite one: 0 of a watertight surface."""
    corners = mesh.vertices[mesh.triangles[mesh.solids == solid]].reshape(-1, 3).astype(np.float64)
    ids = np.unique(corners.round(4), axis=0, return_inverse=True)[1].reshape(-1, 3)
    edges = np.concatenate([ids[:, [0, 1]], ids[:, [1, 2]], ids[:, [2, 0]]])
    counts = Counter(map(tuple, edges[edges[:, 0] != edges[:, 1]].tolist()))
    return sum(abs(count - counts[edge[::-1]]) for edge, count in list(counts.items()))
