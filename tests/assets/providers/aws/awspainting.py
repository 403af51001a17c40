"""What the loopback Amazon paints: a function of the shown picture and the seed; PNGs and movies, whole or spoiled."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import zlib
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from pipeline.io.images import decode_png, png

VIDEO_FRAMES = 4


def painted(picture: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """(H, W, 3) uint8: the seed's colour, as light as the shown picture (its green), on grey where it is black."""
    level = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., 1])
    tables = [np.arange(256) * (0.3 + 0.7 * part / 255) for part in hashlib.sha256(str(seed).encode()).digest()[:3]]
    table = np.stack(tables, axis=-1).astype(np.uint8)
    table[0] = 40
    return cv2.LUT(cv2.merge([level] * 3), table[None])


def seen(text: str) -> np.ndarray[Any, Any]:
    return decode_png(base64.b64decode(text), "the server")


def sent(pixels: np.ndarray[Any, Any], mood: str = "ok") -> str:
    """A PNG in base64, of another shape or with a lie in its header if the mood is so."""
    data = png(pixels[: max(1, len(pixels) // 2)] if mood == "wrong_size" else pixels)
    if mood == "gigapixels":
        header = b"IHDR" + struct.pack(">II", 60000, 60000) + data[24:29]
        data = data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    return base64.b64encode(data).decode()


@lru_cache(maxsize=32)
def movie(source: str, seed: int, mood: str = "ok") -> bytes:
    """An MP4 of VIDEO_FRAMES: the painting of a picture in base64, lighter with every frame."""
    import av

    painting = painted(seen(source), seed)
    painting = np.ascontiguousarray(painting[:, : painting.shape[1] // 4]) if mood == "wrong_size" else painting
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.height, stream.width = painting.shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        for number in range(VIDEO_FRAMES):
            frame = av.VideoFrame.from_ndarray(cv2.add(painting, np.full_like(painting, 8 * number)), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return memory.getvalue()
