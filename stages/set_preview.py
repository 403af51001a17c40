"""Look at the set before anything is generated: joins camera, plate and proxies. No stage: nothing later takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from os import cpu_count
from pathlib import Path
from typing import Any

from assets.preview.backdrop import SAMPLES, Backdrop, Picture, movie_size
from assets.preview.setmovie import SetShooting
from assets.sets.cards import Card, draw_cards
from assets.sets.projection import read_pieces
from assets.view import Buffers
from calibration.cameras import lens_at
from calibration.ground.heightfield import Heightfield
from calibration.lens import scaled
from pipeline.errors import ConfigError
from pipeline.far_sections import FarCards
from pipeline.frames import FrameRange
from pipeline.io.images import write_png
from pipeline.io.video import write_review
from pipeline.sections import ShotInfo
from pipeline.stage import Progress
from pipeline.types import CameraTrack, DepthMaps, Ground, Mattes, Plate, SetLayout
from stages.far_cards import placed_cards
from stages.seen import rays_of, view_of


@dataclass(frozen=True, slots=True)
class Looked:
    """What was written: the movie, and its middle frame as a picture; how many pieces and cards are in it."""

    movie: Path
    still: Path
    pieces: int
    cards: int = 0


def preview(
    made: Mapping[type, Any], frames: FrameRange | None, out: Path, progress: Progress, workers: int = 0
) -> Looked:
    """Write set.mp4 and set.png into `out`. made: results by type, as the runner returns them.

    frames: of the movie; None: all. workers: frames that are drawn at once, 0 for one per core. Raises ConfigError for
    frames that the solve lacks or a shot without a set.
    """
    plate, track, info = made[Plate], made[CameraTrack], made[ShotInfo]
    pieces, cards = read_pieces(made[SetLayout]), placed_cards(made.get(FarCards) or FarCards(), track)
    if not pieces and not cards:
        raise ConfigError("set preview: the shot has no set. Add [[set.pieces]] or [[set.cards]] to the shot file.")
    shown = frames or track.frames
    if shown.first not in track.frames or shown.last not in track.frames:
        raise ConfigError(f"--frames {shown}: the camera has frames {track.frames}. Choose frames inside them.")
    looked = Looked(out / "set.mp4", out / "set.png", len(pieces), len(cards))
    out.mkdir(parents=True, exist_ok=True)
    height, width = movie_size(plate)
    small = replace(track, lens=scaled(track.lens, SAMPLES * width, SAMPLES * height))
    backdrop = Backdrop(plate, made[DepthMaps], made[Mattes], (height, width))
    views = {frame: view_of(small, frame) for frame in shown}  # here: NumPy's files must not be read in two threads
    title = f"{info.name} v{info.version:03d}"
    far, ground = _far(track, cards, (height, width)), Heightfield.read(made[Ground])
    shooting = SetShooting(pieces, views.__getitem__, backdrop, title, cards, far, ground.height)
    middle = len(shown) // 2
    stills: list[Picture] = []

    def pictures() -> Any:
        for done, picture in enumerate(shooting.pictures(shown, workers or cpu_count() or 1), start=1):
            if done == middle + 1:
                stills.append(picture)
            yield picture
            progress(done, len(shown), "")

    write_review(looked.movie, pictures(), plate.rate)
    write_png(looked.still, stills[0])
    return looked


def _far(track: CameraTrack, cards: tuple[Card, ...], size: tuple[int, int]) -> Callable[[int], Buffers]:
    """Draws a frame's cards at the movie's size (height, width)."""
    small = replace(track, lens=scaled(track.lens, size[1], size[0]))

    def drawn(frame: int) -> Buffers:
        lens = lens_at(small, frame)
        return draw_cards(view_of(small, frame), partial(rays_of, lens), cards, max(lens.focal_x_px, lens.focal_y_px))[
            0
        ]

    return drawn
