"""The preview's movie: grey people over the plate, hidden by what stands before them, with their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from assets.guides.optics import Optics
from assets.preview import labels
from assets.preview.backdrop import DIMMED, SAMPLES, Backdrop, ahead
from assets.preview.figures import BODY_M, Crowd, Figures, Slope, draw_figures, px_per_m
from assets.preview.labels import Label
from assets.view import View
from pipeline.frames import FrameRange
from pipeline.io.video import write_review
from pipeline.review import slate
from pipeline.stage import Progress

Floats = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
HEAD_M = 2.0  # numbers stand so high over the feet
LEAST_SEEN_PX = 10  # of whom less is seen carries no number
TINT = 0.3  # how far a figure's grey leans towards its zone's colour


@dataclass(frozen=True, slots=True, eq=False)
class Shooting:
    """What every frame's picture needs. view_of: the solved camera on a frame, SAMPLES times as wide and high as the
    backdrop; lens_of: such a view's lens; slope: of the ground."""

    crowd: Crowd
    layout_frames: FrameRange
    view_of: Callable[[int], View]
    lens_of: Callable[[View], Optics]
    slope: Slope | None
    backdrop: Backdrop
    title: str

    def drawn(self, frame: int) -> tuple[Figures, Floats]:
        """One frame's people by themselves, and how much of each pixel they cover."""
        view, row = self.view_of(frame), self.layout_frames.index(frame)
        return filtered(draw_figures(view, self.crowd, row, self.lens_of(view), SAMPLES, self.slope))

    def pictures(self, frames: FrameRange, workers: int) -> Iterator[Picture]:
        """(h + band, w, 3) uint8 one after the other; so many frames' people are drawn at once. Numbers that were shown
        stay."""
        shown: dict[int, Label] = {}
        for frame, (figures, cover) in zip(frames, ahead(self.drawn, frames, workers), strict=True):
            visible = self.backdrop.visible(frame, figures.depth)
            canvas = laid_over(self.backdrop.picture(frame), figures, visible * cover, zone_tints(self.crowd))
            found = _labels(self.view_of(frame), self.crowd, self.layout_frames.index(frame), figures, visible)
            shown = labels.thinned(found, self.backdrop.size, shown)
            labels.draw(canvas, shown)
            yield burn_in(canvas, self.title, frame, self.crowd)


def write_movie(path: Path, shooting: Shooting, frames: FrameRange, workers: int, progress: Progress) -> None:
    """H.264 of `frames`, with the plate's rate. workers: threads. Raises FormatError without an encoder."""

    def pictures() -> Iterator[Picture]:
        for done, picture in enumerate(shooting.pictures(frames, workers), start=1):
            yield picture
            progress(done, len(frames), "")

    write_review(path, pictures(), shooting.backdrop.plate.rate)


def filtered(fine: Figures) -> tuple[Figures, Floats]:
    """Figures with SAMPLES x SAMPLES pixels in one, and how much of each is covered, (h, w) float32 0..1.

    A pixel belongs to whom is nearest in it, and is as grey as all that covers it on average.
    """
    height, width = fine.depth.shape[0] // SAMPLES, fine.depth.shape[1] // SAMPLES

    def samples(plane: npt.NDArray) -> npt.NDArray:
        return plane.reshape(height, SAMPLES, width, SAMPLES).swapaxes(1, 2)

    some = fine.agents >= 0
    met = some[::SAMPLES] | some[1::SAMPLES]
    rows, columns = np.nonzero(met[:, ::SAMPLES] | met[:, 1::SAMPLES])  # the rest stays empty
    depths, agents, shades = (
        samples(plane)[rows, columns].reshape(-1, SAMPLES**2) for plane in (fine.depth, fine.agents, fine.shade)
    )
    nearest, counts = depths.argmin(axis=1)[:, None], (agents >= 0).sum(axis=1)
    size = height, width
    out = Figures(np.full(size, np.inf, np.float32), np.full(size, -1, np.int32), np.zeros(size, np.float32))
    cover = np.zeros(size, np.float32)
    out.depth[rows, columns] = np.take_along_axis(depths, nearest, 1)[:, 0]
    out.agents[rows, columns] = np.take_along_axis(agents, nearest, 1)[:, 0]
    out.shade[rows, columns] = shades.sum(axis=1) / counts
    cover[rows, columns] = counts / np.float32(SAMPLES**2)
    return out, cover


def laid_over(picture: Picture, figures: Figures, visible: Floats, tints: Floats) -> Picture:
    """Grey people over (h, w, 3) uint8; a new picture. tints: (N, 3) factors on each agent's grey."""
    out = np.rint(picture * np.float32(DIMMED)).astype(np.uint8)
    covered = figures.agents >= 0
    share = visible[covered][:, None]  # how much of the figure is seen
    grey = 255 * np.clip(figures.shade[covered], 0, 1)[:, None] * tints[figures.agents[covered]]
    out[covered] = np.rint(out[covered] * (1 - share) + grey * share)
    return out


def zone_tints(crowd: Crowd) -> Floats:
    """(N, 3): grey that leans towards the colour of each one's zone."""
    colours = labels.zone_colours(crowd.zones)
    own = np.array([colours[zone] for zone in crowd.zones], np.float32).reshape(-1, 3) / 255
    return np.asarray(1 - TINT * (1 - own), np.float32)


def burn_in(picture: Picture, title: str, frame: int, crowd: Crowd) -> Picture:
    """Bands below the picture: title, frame, how many people; then every zone with its colour and head count."""
    people = f"{len(crowd.ids)} people"
    picture = np.asarray(slate.burn_in(picture, title, str(frame), people))
    size = max(10, round(slate.band_height(picture.shape[0]) * 0.42))
    entries = [(zone, count, labels.zone_colours(crowd.zones)[zone]) for zone, count in Counter(crowd.zones).items()]
    lines: list[list[tuple[int, str, tuple[int, int, int]]]] = [[]]
    x = 2 * size
    for zone, count, colour in entries:
        text = f"{zone} {count}"
        wide = slate.width_of(text, size) + 3 * size
        if x + wide > picture.shape[1] and lines[-1]:
            lines.append([])
            x = 2 * size
        lines[-1].append((x, text, colour))
        x += wide
    line = 2 * round(0.85 * size)
    rows = line * len(lines) + line // 2
    out = np.empty((picture.shape[0] + rows + rows % 2, picture.shape[1], 3), np.uint8)
    out[: len(picture)], out[len(picture) :] = picture, slate.PAPER
    for number, entry in enumerate(lines):
        baseline = len(picture) + line * number + size
        for x, text, colour in entry:
            cv2.circle(out, (x - size, baseline - size // 3), max(3, size // 3), colour, -1, cv2.LINE_AA)
            slate.write(out, text, x, baseline, size, colour)
    return out


def _labels(view: View, crowd: Crowd, row: int, figures: Figures, visible: Floats) -> list[Label]:
    """Of everybody of whom enough is seen, nearest first."""
    counts = np.bincount(figures.agents[(figures.agents >= 0) & (visible > 0.5)], minlength=len(crowd.ids))
    shown = np.flatnonzero(counts >= LEAST_SEEN_PX)
    away = view.to_camera(crowd.positions[row, shown])[:, 2]
    shown = shown[np.lexsort((crowd.ids[shown], away))]
    feet = crowd.positions[row, shown]
    heads = view.pixels(feet + np.array([0, HEAD_M, 0]) * crowd.scales[shown, None]) / SAMPLES
    tall = BODY_M * px_per_m(view, feet) * crowd.scales[shown] / SAMPLES
    colours = labels.zone_colours(crowd.zones)
    return [
        Label(int(crowd.ids[agent]), float(x), float(y), labels.size_for(height), colours[crowd.zones[agent]])
        for agent, (x, y), height in zip(shown, heads, tall, strict=True)
        if np.isfinite(x) and labels.size_for(height)
    ]
