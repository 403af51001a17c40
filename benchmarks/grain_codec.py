"""A stock of known noise through H.264, as phones and proxies leave it: what changes of decoded minus clean, against ours.

What a codec carries along with the picture stands still on it and is no grain to the eye: only what differs between
neighbours, laid on each other along the clean picture's motion, is compared. Patches with the least picture count.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.grain_detect import PATCH, compared
from benchmarks.grain_peers import Array, Made, autoregressive, difference, scattered
from benchmarks.grain_plates import Stock
from calibration.look.coding import power_coding
from calibration.look.grain import measure_grain
from calibration.look.motion import dense_motion
from pipeline.io.yuv import rgb_from_yuv, yuv_from_rgb
from pipeline.kernels.grain import add_grain

FIRST, FRAMES = 1001, 32
MEASURED, TESTED = (3, 8, 13, 18, 23, 28), (6, 10, 15, 21)  # the first of a pair, counted from FIRST
CHOSEN = 0.4  # of the patches
GAMMA = 2.4  # of the codes, whose primaries are the frames' own
BT709: dict[str, Any] = {"matrix": "bt709", "bits": 8, "full_range": False}
Pair = tuple[Array, Array]


def through_x264(frames: list[Array], crf: int) -> list[Array]:
    """Linear frames (H, W, 3) of even sizes as an 8 bit 4:2:0 movie gives them back; crf 18 is good, 28 is poor.

    Without assembler: with AVX-512 x264's tree of macroblocks reads what nothing has written, and the same frames gave other
    bytes each time.
    """
    import av

    options = {"crf": str(crf), "threads": "1", "x264-params": "asm=0"}
    memory = io.BytesIO()
    height, width, _ = frames[0].shape
    with av.open(memory, "w", format="mp4") as movie:
        stream: Any = movie.add_stream("libx264", rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame(width, height, "yuv420p")
            for plane, codes in zip(picture.planes, yuv_from_rgb(_coded(frame), **BT709), strict=True):
                rows = np.zeros((plane.height, plane.line_size), np.uint8)
                rows[:, : plane.width] = codes
                plane.update(rows.tobytes())
            picture.pts, picture.time_base = number, Fraction(1, 24)
            movie.mux(stream.encode(picture))
        movie.mux(stream.encode(None))
    memory.seek(0)
    found = []
    with av.open(memory) as movie:
        for picture in movie.decode(video=0):
            lines = [np.frombuffer(bytes(p), np.uint8).reshape(-1, p.line_size)[:, : p.width] for p in picture.planes]
            codes = rgb_from_yuv(*(line[: p.height] for line, p in zip(lines, picture.planes, strict=True)), **BT709)
            found.append(np.maximum(codes, 0).astype(np.float32) ** np.float32(GAMMA))
    return found


def _coded(frame: Array) -> Array:
    return np.asarray(np.clip(frame, 0, 1) ** np.float32(1 / GAMMA), np.float32)


def changing(noise: Pair, clean: Pair, share: float = CHOSEN) -> Array:
    """(N, PATCH, PATCH, 3) what differs in two frames' noise along the clean frames' motion, of one frame's size.

    This share of the patches of `clean`, those with the least picture for their light first; whole pixels, means taken out.
    """
    height, width, _ = clean[0].shape
    motion = dense_motion(*clean)
    found, rough = [], []
    for y in range(0, height - PATCH + 1, PATCH):
        for x in range(0, width - PATCH + 1, PATCH):
            here = np.s_[y : y + PATCH, x : x + PATCH]
            across, down = np.rint(np.median(motion[here], axis=(0, 1))).astype(int)
            there = np.s_[y + down : y + down + PATCH, x + across : x + across + PATCH]
            inside = 0 <= y + down <= height - PATCH and 0 <= x + across <= width - PATCH
            if inside and clean[0][here].max() < 0.7:
                rest = (noise[0][here] - noise[1][there]) / np.float32(np.sqrt(2))
                found.append(rest - rest.mean(axis=(0, 1)))
                rough.append(clean[0][here].std(axis=(0, 1)).max() / (clean[0][here].mean() + 1e-3))
    return np.stack(found)[np.argsort(rough)[: int(share * len(rough))]]


def codec_rows(stock: Stock, crf: int, peers: bool) -> Iterator[tuple[str, dict[str, float]]]:
    """Figures, way by way. `floor` is the true noise of other frames."""
    shots = [stock.shot(frame) for frame in range(FIRST, FIRST + FRAMES)]
    clean = [shot[0] for shot in shots]
    decoded = through_x264([shot[1] for shot in shots], crf)
    lost = [np.asarray(d - c, np.float32) for d, c in zip(decoded, clean, strict=True)]

    def heap(noises: dict[int, Array]) -> Array:
        return np.concatenate([changing((noises[k], noises[k + 1]), (clean[k], clean[k + 1])) for k in TESTED])

    tested = [k for first in TESTED for k in (first, first + 1)]
    real = heap({k: lost[k] for k in tested})
    other = [changing((lost[k - 2], lost[k - 1]), (clean[k - 2], clean[k - 1])) for k in TESTED]
    yield "floor", compared(real, np.concatenate(other))
    grain = measure_grain(((decoded[k], decoded[k + 1]) for k in MEASURED), coding=power_coding(GAMMA, np.eye(3))).grain

    def ours(picture: Array, frame: int) -> Array:
        out = np.empty_like(picture)
        add_grain(picture, picture, np.zeros(picture.shape[:2], np.float32), grain, 1, frame, out)
        return np.asarray(out - picture, np.float32)

    ways: dict[str, Made] = {"ours": ours}
    if peers:
        kept = difference(decoded[1:6], grain)
        ways |= {"DasGrain-style": scattered(*kept), "AV1-style AR(3)": autoregressive(*kept)}
    for name, way in ways.items():
        yield name, compared(real, heap({k: way(clean[k], k) for k in tested}))
