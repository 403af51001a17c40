"""The same compositing work in NumPy, OpenCV, OpenImageIO, OpenColorIO and torch, for benchmarks/comp.py.

Each peer gets the layout that it likes best: interleaved float32 for those libraries, planes of halves for the chains.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from pipeline.kernels.color import LUMINANCE, Grade
from pipeline.kernels.fused_torch import Beside
from pipeline.kernels.grain import Grain

Work = Callable[[], object]


def overs(front: np.ndarray, back: np.ndarray, threads: int) -> dict[str, Work]:
    """front + (1 - alpha) * back on (H, W, 4) float32, in place like ours: no page of a new picture is fetched."""
    import OpenImageIO as oiio
    import torch

    behind = back.copy()

    def numpy_over() -> None:
        np.multiply(behind, 1 - front[..., 3:], out=behind)
        np.add(behind, front, out=behind)

    def opencv_over() -> None:
        through = 1 - cv2.extractChannel(front, 3)
        cv2.add(front, cv2.multiply(behind, cv2.merge([through] * 4)), behind)

    a, b = (oiio.ImageBuf(image) for image in (front, behind))
    oiio.attribute("threads", threads)
    f, g = (torch.from_numpy(image) for image in (front, behind))

    def torch_over() -> None:
        g.mul_(1 - f[..., 3:]).add_(f)

    return {"NumPy": numpy_over, "OpenCV": opencv_over, "OpenImageIO": lambda: oiio.ImageBufAlgo.over(b, a, b),
            "torch": torch_over}  # fmt: skip


def grades(rgba: np.ndarray, by: Grade, threads: int) -> dict[str, Work]:
    """Exposure, CDL with power and saturation; OpenColorIO takes opaque pixels: it does not unpremultiply."""
    import PyOpenColorIO as ocio
    import torch

    cdl = ocio.CDLTransform()
    cdl.setSlope([s * 2**by.exposure_ev for s in by.slope])
    cdl.setOffset(list(by.offset))
    cdl.setPower(list(by.power))
    cdl.setSat(by.saturation)
    cdl.setStyle(ocio.CDL_NO_CLAMP)
    processor = ocio.Config.CreateRaw().getProcessor(cdl).getDefaultCPUProcessor()
    scratch = rgba.copy()
    width = rgba.shape[1]
    parts = list(zip(np.array_split(rgba, threads), np.array_split(scratch, threads), strict=True))
    pool = ThreadPoolExecutor(threads)

    def part(rows: tuple[np.ndarray, np.ndarray]) -> None:
        processor.apply(*(ocio.PackedImageDesc(r, width, len(r), 4) for r in rows))

    def ocio_grade() -> None:
        list(pool.map(part, parts))

    def opencv_grade() -> None:
        planes = cv2.split(rgba)
        solid = cv2.max(planes[3], 1e-6)
        v = [cv2.pow(cv2.max(cv2.divide(p, solid) * (s * 2**by.exposure_ev) + o, 0.0), e)
             for p, s, o, e in zip(planes, by.slope, by.offset, by.power, strict=False)]  # fmt: skip
        grey = sum(float(w) * p for w, p in zip(LUMINANCE, v, strict=True))
        cv2.merge([cv2.multiply(grey + (p - grey) * by.saturation, planes[3]) for p in v] + [planes[3]])

    tensor, weights = torch.from_numpy(rgba), torch.from_numpy(LUMINANCE)
    slope, offset, power = (torch.tensor(v) for v in (by.slope, by.offset, by.power))

    def torch_grade() -> object:
        alpha = tensor[..., 3:]
        v = tensor[..., :3] / alpha.clamp(min=1e-6) * (slope * 2**by.exposure_ev) + offset
        v = v.clamp(min=0) ** power
        grey = (v @ weights)[..., None]
        return torch.cat([torch.lerp(grey, v, by.saturation) * alpha, alpha], dim=-1)

    planes = np.moveaxis(rgba, 2, 0)
    return {"NumPy": lambda: numpy_graded(planes, by), "OpenCV": opencv_grade, "OpenColorIO": ocio_grade,
            "torch": torch_grade}  # fmt: skip


def numpy_graded(rgba: np.ndarray, by: Grade) -> list[np.ndarray]:
    """Three graded, premultiplied planes of (4, H, W)."""
    alpha = rgba[3]
    solid = np.maximum(alpha, np.float32(1e-6))
    values = []
    for c in range(3):
        v = rgba[c] / solid * np.float32(by.slope[c] * 2**by.exposure_ev) + np.float32(by.offset[c])
        values.append(np.maximum(v, np.float32(0)) ** np.float32(by.power[c]))
    grey = sum(LUMINANCE[c] * values[c] for c in range(3))
    return [(grey + (v - grey) * np.float32(by.saturation)) * alpha for v in values]


def numpy_grained(had: np.ndarray, picture: np.ndarray, kept: np.ndarray, grain: Grain) -> np.ndarray:
    """Planes (3, H, W): NumPy's own generator, OpenCV's filter, the curve by np.interp."""
    white = np.random.default_rng(1).standard_normal(picture.shape, np.float32)
    noise = np.stack([cv2.filter2D(white[c], -1, grain.kernels[c]) for c in range(3)])
    mixed = np.tensordot(grain.mix, noise, 1)
    for c in range(3):
        has, wants = (np.interp(p[c], grain.levels[c], grain.sigmas[c]).astype(np.float32) for p in (had, picture))
        mixed[c] *= np.sqrt(np.maximum(wants**2 - (kept * has) ** 2, np.float32(0)))
    return picture + mixed


def numpy_comp(front: np.ndarray, plate: np.ndarray, by: Grade, beside: Beside, grain: Grain) -> np.ndarray:
    """The whole comp on planes: grade, wrap, over, grain, half."""
    rgba, had, outside = front.astype(np.float32), plate.astype(np.float32), beside.outside
    assert outside is not None
    rgb, alpha = numpy_graded(rgba, by), rgba[3]
    light = outside[:3] / np.maximum(outside[3], np.float32(1e-4))
    bright = np.tensordot(LUMINANCE, light, 1) / np.float32(beside.white)
    edge = np.minimum(np.float32(beside.wrap) * outside[3] * np.clip(bright, 0, 1), 1)
    kept = 1 - alpha
    picture = np.empty_like(had)
    for c in range(3):
        lit = rgb[c] + edge * np.maximum(alpha * light[c] - rgb[c], 0)
        picture[c] = lit + kept * had[c]
    made = numpy_grained(had, picture, kept, grain).astype(np.float16)
    return np.where(kept >= 1, plate, made)
