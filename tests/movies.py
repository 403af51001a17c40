"""Small movies of known code values, written by FFmpeg's encoders without our own writer."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Planes = tuple[np.ndarray[Any, Any], ...]


def encode(
    path: Path,
    frames: list[Planes],
    *,
    codec: str,
    pixel_format: str,
    rate: Fraction = Fraction(24),
    options: dict[str, str] | None = None,
    tags: dict[str, int] | None = None,
    aspect: Fraction | None = None,
    timecode: str = "",
    turned: int = 0,
    words: dict[str, str] | None = None,
) -> Path:
    """Encode code planes as they are. tags: attributes of the codec context; words: of the container. Skips the test where the encoder is absent."""
    import av

    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV wheel has no {codec} encoder")
    options_of_file = {"write_tmcd": "1" if timecode else "0"} | ({"movflags": "use_metadata_tags"} if words else {})
    with av.open(str(path), "w", options=options_of_file) as container:
        container.metadata.update(words or {})
        stream: Any = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames[0][0].shape
        stream.pix_fmt = pixel_format
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for key, value in (tags or {}).items():
            setattr(stream.codec_context, key, value)
        if timecode:
            stream.metadata["timecode"] = timecode
        if turned:
            stream.set_display_rotation(turned)
        for number, planes in enumerate(frames):
            frame = av.VideoFrame(stream.width, stream.height, pixel_format)
            for plane, values in zip(frame.planes, planes, strict=True):
                rows = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
                rows[:, : plane.width] = values
                plane.update(rows.tobytes())
            for key, value in (tags or {}).items():
                if hasattr(frame, key):
                    setattr(frame, key, value)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def flat(codes: tuple[int, ...], height: int, width: int, chroma: str, bits: int) -> Planes:
    """One colour: luma of (height, width) and chroma of its subsampled size."""
    kind = np.uint8 if bits == 8 else np.uint16
    x, y = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}[chroma]
    sizes = [(height, width), (height // y, width // x), (height // y, width // x), (height, width)]
    return tuple(np.full(size, code, kind) for size, code in zip(sizes, codes, strict=False))
