"""What previews are drawn over: the plate as the display shows it, and what of it stands in front."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.frames import FrameRange
from pipeline.io import color, exr
from pipeline.kernels.merge import visible_by_depth
from pipeline.types import DepthMaps, Mattes, Plate

Floats = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
Drawn = TypeVar("Drawn")
SAMPLES = 2  # along each side of a pixel: far figures and thin edges would sparkle
WIDEST_PX = 1280  # of the movie; a larger plate is shown smaller
DIMMED = 0.85  # the plate steps back behind what is drawn
TOLERANCE_M, TOLERANCE, DOUBT = 0.5, 0.05, 0.15  # as the comp takes them unless a shot sets it otherwise


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The plate and what of it stands in front. size: (height, width) of the movie, square pixels."""

    plate: Plate
    depths: DepthMaps
    mattes: Mattes
    size: tuple[int, int]

    def picture(self, frame: int) -> Picture:
        """(h, w, 3) uint8 as the display shows the plate."""
        rgb = _resized(exr.read_rgb(self.plate.files.path(frame)), self.size, cv2.INTER_AREA)
        return np.asarray(color.to_display_8bit(rgb), np.uint8)

    def visible(self, frame: int, depth_m: Floats) -> Floats:
        """(h, w) 0..1: how much is seen of what lies at `depth_m` (h, w), by the plate's depth and its mattes."""
        plate = exr.read(self.depths.files.path(frame)).channels
        shown = np.empty_like(depth_m)
        near, sure = (_resized(plate[name].astype(np.float32), self.size, cv2.INTER_NEAREST) for name in ("Z", "C"))
        visible_by_depth(depth_m, near, sure, shown, tolerance_m=TOLERANCE_M, tolerance=TOLERANCE, doubt=DOUBT)
        matte = exr.read(self.mattes.files.path(frame)).channels["A"].astype(np.float32)
        covers = np.clip(_resized(matte, self.size, cv2.INTER_AREA), 0, 1)
        return np.asarray(np.minimum(shown, 1 - covers), np.float32)


def movie_size(plate: Plate, widest_px: int = WIDEST_PX) -> tuple[int, int]:
    """(height, width) of the movie of a plate, in square pixels."""
    wide = plate.width * plate.pixel_aspect
    scale = min(1.0, widest_px / wide)
    return max(2, round(plate.height * scale)), max(2, round(wide * scale))


def ahead(draw: Callable[[int], Drawn], frames: FrameRange, workers: int) -> Iterator[Drawn]:
    """`draw` of each frame in order, a few ahead, in threads: a process more would load every mesh again. What is drawn
    there must call no parallel kernel: two at once end the program."""
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Drawn]] = deque()
        try:
            for frame in frames:
                under_way.append(pool.submit(draw, frame))
                if len(under_way) > workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for waiting in under_way:
                waiting.cancel()


def _resized(picture: npt.NDArray, size: tuple[int, int], how: int) -> Floats:
    if picture.shape[:2] == size:
        return np.ascontiguousarray(picture, np.float32)
    return np.asarray(cv2.resize(np.ascontiguousarray(picture, np.float32), size[::-1], interpolation=how), np.float32)
