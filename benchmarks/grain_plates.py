"""Moving plates whose clean picture and whose grain are known: what `benchmarks.grain` measures on.

Three layers pass each other at sub-pixel speeds behind torn edges, from near black to clipped white, in saturated colours.
Noise is made in linear camera RGB by NumPy alone, clipped there as a sensor does, and taken to ACEScg by a matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
WIDTH, HEIGHT = 960, 540
CLIP = 1.0  # camera RGB
SPEEDS = ((0.37, 0.11), (1.63, -0.42), (3.29, 0.58))  # pixels a frame, far layer first
SENSOR = np.array([[1.28, -0.2, -0.08], [-0.14, 1.3, -0.16], [0.02, -0.3, 1.28]])  # ACEScg from camera


@dataclass(frozen=True)
class Stock:
    """unit: (H, W, 3) noise of one frame from a generator, unit variance. sigma: camera level to camera noise."""

    name: str
    matrix: NDArray[np.float64]
    sigma: Callable[[Array], Array]
    unit: Callable[[np.random.Generator, tuple[int, int]], Array]

    def noise(self, camera: Array, frame: int) -> Array:
        """Camera RGB noise for a clean camera picture, before clipping."""
        generator = np.random.default_rng([frame, *self.name.encode()])
        return self.sigma(camera) * self.unit(generator, camera.shape[:2])

    def shot(self, frame: int, seed: int = 1) -> tuple[Array, Array, Array]:
        """Clean picture, what the camera delivers (half precision, clipped), both ACEScg, and where it did not clip."""
        camera = clean(frame, seed)
        noisy = camera + self.noise(camera, frame)
        matrix = self.matrix.T.astype(np.float32)
        delivered = (np.minimum(noisy, CLIP) @ matrix).astype(np.float16).astype(np.float32)
        return camera @ matrix, delivered, (cv2.dilate(noisy.max(axis=2), np.ones((5, 5))) < CLIP)


def clean(frame: int, seed: int = 1) -> Array:
    """(H, W, 3) linear camera RGB of one frame."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for layer, (across, down) in enumerate(SPEEDS):
        canvas = _canvas(layer, seed)
        at_x, at_y = x + 40 + across * (frame - 1001), y + 40 + down * (frame - 1001)
        seen = cv2.remap(canvas, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        cover = np.clip(seen[..., 3:] * 4 + 0.5, 0, 1) if layer else np.ones((HEIGHT, WIDTH, 1), np.float32)
        picture += cover * (np.exp2(seen[..., :3]) - picture)
    return picture


_CANVASES: dict[tuple[int, int], Array] = {}


def _canvas(layer: int, seed: int) -> Array:
    """(H + 200, W + 200, 4): logarithm of camera RGB, and what the layer covers."""
    if (layer, seed) not in _CANVASES:
        generator, size = np.random.default_rng([seed, layer]), (HEIGHT + 200, WIDTH + 200)

        def cloud(scale: float) -> Array:
            coarse = generator.standard_normal((int(size[0] / scale) + 4, int(size[1] / scale) + 4)).astype(np.float32)
            return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)

        patchy = np.clip(cloud(90) + 0.2, 0, 1)  # some places are flat, some rough
        rough = patchy * (0.35 * cloud(3) + 0.3 * cloud(7) + 0.3 * cloud(21))
        light = -2.8 + 1.6 * cloud(150) + 0.5 * cloud(50) + rough
        hue = [0.5 * cloud(120) + 0.15 * cloud(30) for _ in range(3)]
        _CANVASES[layer, seed] = np.stack([*(light + h for h in hue), cloud(110) - 0.5], axis=2)
    return _CANVASES[layer, seed]


def _filtered(white: Array, kernels: list[Array]) -> Array:
    planes = [cv2.filter2D(white[..., c], -1, k / np.sqrt((k**2).sum())) for c, k in enumerate(kernels)]
    return np.stack(planes, axis=2)


def _gauss(sigma: float, side: int = 11) -> Array:
    at = np.exp(-0.5 * ((np.arange(side) - side // 2) / sigma) ** 2)
    return np.outer(at, at).astype(np.float32)


def _white(generator: np.random.Generator, size: tuple[int, int]) -> Array:
    return generator.standard_normal((*size, 3), np.float32)


def fine() -> Stock:
    """A sensor: read and photon noise, red and blue gained up, green demosaiced from more neighbours."""
    gains = np.array([1.8, 1.0, 2.2], np.float32)
    cross = np.array([[0, 0.18, 0], [0.18, 1, 0.18], [0, 0.18, 0]], np.float32)
    square = np.array([[0.1, 0.25, 0.1], [0.25, 1, 0.25], [0.1, 0.25, 0.1]], np.float32)
    return Stock(
        "fine",
        SENSOR,
        lambda s: np.sqrt((0.0022 * gains) ** 2 + 0.0006 * gains * np.maximum(s, 0)),
        lambda g, size: _filtered(_white(g, size), [square, cross, square]),
    )


def film() -> Stock:
    """Coarse, coarsest in blue, layers coupled; strongest in the mids: sigma of the density's curve; a scanner's white."""
    mix = np.linalg.cholesky(np.array([[1, 0.45, 0.25], [0.45, 1, 0.4], [0.25, 0.4, 1]])).T.astype(np.float32)
    kernels = [_gauss(0.9) + 0.15 * _gauss(2.0), _gauss(0.8) + 0.15 * _gauss(2.0), _gauss(1.2)]
    size_of = np.array([1.0, 0.85, 1.4], np.float32)
    return Stock(
        "film",
        np.array([[0.85, 0.12, 0.03], [0.05, 0.9, 0.05], [0.02, 0.1, 0.88]]),
        lambda s: size_of * (0.0012 + 0.055 * np.maximum(s, 0) ** 0.85 * np.exp(-0.6 * np.maximum(s, 0))),
        lambda g, size: np.sqrt(np.float32(0.99)) * _filtered(_white(g, size) @ mix, kernels) + 0.1 * _white(g, size),
    )


def chroma() -> Stock:
    """A camera that smoothed colour: fine luma, blotches of colour, all channels bound together by its matrix."""
    luma = np.array([[0.08, 0.2, 0.08], [0.2, 1, 0.2], [0.08, 0.2, 0.08]], np.float32)
    rgb_from = np.array([[1, 0.6, 0.25], [1, -0.3, 0.05], [1, 0.0, -0.8]], np.float32)
    rgb_from /= np.sqrt((rgb_from**2).sum(axis=1, keepdims=True))
    return Stock(
        "chroma",
        SENSOR,
        lambda s: np.sqrt(0.0016**2 + 0.0005 * np.maximum(s, 0) + (0.008 * s) ** 2),
        lambda g, size: _filtered(_white(g, size), [luma, _gauss(1.1), _gauss(1.1)]) @ rgb_from.T,
    )
