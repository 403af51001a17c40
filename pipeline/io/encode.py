"""Write movies through PyAV: H.264 for review, 10-bit H.264 for camera log. Equal frames give equal bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Full, Queue
from threading import Event
from typing import Any

import numpy as np

from pipeline.errors import FormatError
from pipeline.frames import FrameRate
from pipeline.io import yuv
from pipeline.io.files import replacing

Array = np.ndarray[Any, Any]

_BT709, _UNSPECIFIED, _LIMITED = 1, 2, 1  # code points of ITU-T H.273; range as FFmpeg counts
_THREADS = "4"  # fixed: x264 splits its work by the number of threads, and the bytes follow


def has_encoder(name: str) -> bool:
    """Whether this PyAV can encode by FFmpeg's name: "libx264"."""
    import av

    try:
        return bool(av.Codec(name, "w").is_encoder)
    except ValueError:  # PyAV's UnknownCodecError
        return False


def write_review(
    path: Path,
    frames: Iterable[Array],
    rate: FrameRate,
    *,
    timecode: str = "",
    crf: float = 18,
    preset: str = "medium",
) -> None:
    """H.264 for players and browsers: frames (H, W, 3) uint8 for the display, BT.709, yuv420p, every frame a key frame.

    preset: x264's, the work it puts in. An odd size is padded to even with its last pixels. Raises ValueError without frames, FormatError without H.264.
    """
    options = {"crf": str(crf), "preset": preset, "g": "1", "bf": "0"}
    pixels = (frame.astype(np.float32) * np.float32(1 / 255) for frame in frames)
    _write(path, pixels, rate, "yuv420p", options, transfer=_BT709, timecode=timecode, metadata={})


@contextmanager
def review_beside(
    path: Path, rate: FrameRate, *, timecode: str = "", crf: float = 18
) -> Iterator[Callable[[Array], None]]:
    """A write_review that is handed its frames one by one, and encodes in a thread of its own: `give(frame)`.

    At most two frames wait. The movie is there when the block ends; not at all when the block or the encoder fails.
    """
    waiting: Queue[Array | None] = Queue(2)
    given_up = Event()

    def frames() -> Iterator[Array]:
        while (frame := waiting.get()) is not None:
            yield frame
        if given_up.is_set():
            raise InterruptedError(f"{path}: its frames were not finished")

    with ThreadPoolExecutor(1, "movie") as pool:
        writing = pool.submit(write_review, path, frames(), rate, timecode=timecode, crf=crf)

        def give(frame: Array | None) -> None:
            while not writing.done():
                with suppress(Full):
                    waiting.put(frame, timeout=0.2)
                    return
            writing.result()

        try:
            yield give
        except BaseException:
            given_up.set()
            with suppress(Exception):
                give(None)
            raise
        give(None)
        writing.result()


def write_log_movie(
    path: Path,
    frames: Iterable[Array],
    rate: FrameRate,
    *,
    chroma: str = "420",
    crf: float = 8,
    keyframe_every: int = 12,
    timecode: str = "",
    metadata: Mapping[str, str] | None = None,
) -> None:
    """10-bit H.264 of a camera's log picture: frames (H, W, 3) float R'G'B' 0..1 as the log curve gives them.

    Y'CbCr by BT.709's matrix, limited range, tagged so; primaries and transfer untagged, since no tag names a camera log.
    chroma: "420", "422" or "444". Raises ValueError without frames, FormatError without H.264.
    """
    options = {"crf": str(crf), "preset": "slow", "g": str(keyframe_every)}
    _write(path, frames, rate, f"yuv{chroma}p10le", options, _UNSPECIFIED, timecode, dict(metadata or {}))


def _write(
    path: Path,
    frames: Iterable[Array],
    rate: FrameRate,
    pixel_format: str,
    options: dict[str, str],
    transfer: int,
    timecode: str,
    metadata: dict[str, str],
) -> None:
    import av

    flags = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact", "write_tmcd": "1" if timecode else "0"}
    count = 0
    with replacing(path) as temporary:
        with av.open(str(temporary), "w", options=flags) as container:
            container.metadata.update(metadata)
            stream: Any = None
            for count, rgb in enumerate(frames, start=1):
                if stream is None:
                    stream = _stream(container, rgb, rate, pixel_format, options, transfer)
                    if timecode:
                        stream.metadata["timecode"] = timecode
                frame = _frame(rgb, stream)
                frame.pts, frame.time_base = count - 1, 1 / rate.fraction
                container.mux(stream.encode(frame))
            if stream is not None:
                container.mux(stream.encode(None))
        if not count:
            raise ValueError(f"{path}: a movie needs at least one frame")


def _stream(
    container: Any, rgb: Array, rate: FrameRate, pixel_format: str, options: dict[str, str], transfer: int
) -> Any:
    import av

    try:
        stream = container.add_stream("libx264", rate=rate.fraction, options={"threads": _THREADS, **options})
    except (av.FFmpegError, ValueError) as error:
        raise FormatError(
            f"this PyAV has no H.264 encoder ({error}). Install the wheel from PyPI: pip install av."
        ) from error
    height, width = rgb.shape[:2]
    stream.width, stream.height, stream.pix_fmt = yuv.even(width), yuv.even(height), pixel_format
    context = stream.codec_context
    context.time_base = 1 / rate.fraction
    context.colorspace, context.color_range = _BT709, _LIMITED
    context.color_primaries = context.color_trc = transfer
    context.flags |= av.codec.context.Flags.bitexact
    return stream


def _frame(rgb: Array, stream: Any) -> Any:
    import av

    frame = av.VideoFrame(stream.width, stream.height, stream.pix_fmt)
    height, width = rgb.shape[:2]
    if (stream.height, stream.width) != (height, width):
        rgb = np.pad(rgb, ((0, stream.height - height), (0, stream.width - width), (0, 0)), mode="edge")
    bits, chroma = (10 if stream.pix_fmt.endswith("10le") else 8), stream.pix_fmt[3:6]
    codes = yuv.yuv_from_rgb(rgb, matrix="bt709", bits=bits, full_range=False, chroma=chroma)
    for plane, values in zip(frame.planes, codes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = _BT709, _LIMITED
    return frame
