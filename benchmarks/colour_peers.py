"""What others do to bring one picture's colours to another's, from their papers: pixels (N, 3) scene-linear in and out."""

from __future__ import annotations

import numpy as np

from pipeline.kernels.color import LUMINANCE

Array = np.ndarray
_LEAST = 1e-4
# Ruderman's l alpha beta of the logarithms of cone responses; the cones from Rec.709-like primaries, as Reinhard has them.
_CONES = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_OPPONENT = np.diag(1 / np.sqrt([3.0, 6.0, 2.0])) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])


def reinhard(layer: Array, plate: Array) -> Array:
    """Mean and deviation of each channel of l alpha beta. Reinhard et al., "Color Transfer between Images", CG&A 2001."""
    ours, theirs = (np.log10(np.maximum(p @ _CONES.T, _LEAST)) @ _OPPONENT.T for p in (layer, plate))
    moved = (ours - ours.mean(0)) * (theirs.std(0) / np.maximum(ours.std(0), 1e-6)) + theirs.mean(0)
    return np.asarray(10 ** (moved @ np.linalg.inv(_OPPONENT).T) @ np.linalg.inv(_CONES).T)


def mkl(layer: Array, plate: Array) -> Array:
    """The linear map of covariances that moves least. Pitie and Kokaram, "The Linear Monge-Kantorovitch", CVMP 2007."""
    ours, theirs = (np.log2(np.maximum(p, _LEAST)) for p in (layer, plate))
    a, b = (np.cov(p.T) + 1e-6 * np.eye(3) for p in (ours, theirs))
    root = _root(a)
    inverse = np.linalg.inv(root)
    through = inverse @ _root(root @ b @ root) @ inverse
    return np.asarray(2.0 ** ((ours - ours.mean(0)) @ through + theirs.mean(0)))


def histograms(layer: Array, plate: Array) -> Array:
    """Each channel's distribution laid over the plate's."""
    out = np.empty_like(layer)
    for c in range(3):
        ranks = (np.argsort(np.argsort(layer[:, c])) + 0.5) / len(layer)
        out[:, c] = np.quantile(plate[:, c], ranks)
    return out


def shades_of_grey(layer: Array, plate: Array) -> Array:
    """Half of the way in level and light colour, within a stop. Finlayson and Trezzi, "Shades of Gray", CIC 2004."""

    def told(pixels: Array) -> tuple[float, Array]:
        bounded = np.clip(pixels, 0, np.quantile(pixels, 0.995, axis=0))
        light = (bounded**6).mean(0) ** (1 / 6) + 1e-9
        return float(np.log2(np.maximum(pixels @ LUMINANCE, _LEAST)).mean()), np.log2(light / (light @ LUMINANCE))

    (ours, our_light), (theirs, their_light) = told(layer), told(plate)
    stops = np.clip(0.5 * (theirs - ours), -1, 1) + np.clip(0.5 * (their_light - our_light), -1, 1)
    return np.asarray(layer * 2.0**stops)


def _root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors @ np.diag(np.sqrt(np.maximum(values, 0))) @ vectors.T)


PEERS = {"Reinhard": reinhard, "MKL": mkl, "histograms": histograms, "shades of grey": shades_of_grey}
