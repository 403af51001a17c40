"""How much a painted set flickers along its surfaces, beside a plate of the same texture; for benchmarks/sets.py.

Flicker is what a frame has beside the mean of its neighbours, both brought to it along the surface by the solved motion, as a
share of the texture's own contrast. Bringing a picture to another one reads it between its pixels: of detail near the sampling
limit this alone leaves something, and a sharp texture has more of that than a soft one. So like is measured with like:

- The analytic scene's walls with all their detail are filmed, 16 samples a pixel: a plate. The same walls as a set, painted from
  three of its frames with twice the plate's pixels, are drawn by our sampler. Same texture, same motion, same pixels.
- The masonry of the model that ships, drawn by our sampler and with 25 points a pixel that are read without any filter.

Blurred by a pixel, both sides hold no detail that reading between pixels could miss: what flickers then is seen as shimmer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from assets.sets import layer
from assets.sets.fill import fill_from, seen_by
from assets.sets.layer import draw_set
from assets.sets.paintings import Painting, Thrown
from assets.sets.projection import Piece, Projector, draw, draw_guides, frame_piece
from assets.sets.surface import spread_points
from assets.view import Buffers
from benchmarks.sets_told import Bools, Floats, Told, log_light, told_of
from calibration.lens import rays
from pipeline.types import CameraTrack, SunLight
from stages.seen import rays_of, view_of
from tests.assets.sets.test_paintings import boxes
from tests.scenes import FIRST_BOX, WALLS, Scene, write_track

_FRAMES = 13
_FINE = 2  # the world's detail, beside the plate's pixels
_WINDOW = (-0.6, -0.4, 0.6, 0.4)
_POINTS = 5  # a pixel and axis, of the picture that nothing filters
_UNFILTERED_PX = 1e9  # focal length at which a pixel's footprint is a point
_SOFT_PX = 1.0
_LIGHT = SunLight(40.0, 35.0, (2.2, 2.0, 1.7), (0.35, 0.42, 0.55))  # of what no painting shows, which is not looked at


def figures(masonry: Told, pieces: tuple[Piece, ...], paintings: tuple[Painting, ...], folder: Path) -> Iterator[str]:
    """One line each."""
    plate, ours = same_walls(folder)
    yield "flicker, the plate's own walls as a set: " + _beside(ours, plate, "the plate")
    yield "flicker, masonry: " + _beside(
        masonry, _unfiltered(masonry, pieces, paintings), f"{_POINTS**2} points a pixel"
    )


def _beside(ours: Told, other: Told, name: str) -> str:
    both = {frame: ours.solid[frame] & other.solid[frame] for frame in ours.solid}
    said = []
    for what, blur_px in (("as they are", 0.0), (f"blurred by {_SOFT_PX:.0f} px", _SOFT_PX)):
        a, b = (_restless(Told(t.track, _soft(t.pictures, both, blur_px), t.depths, both)) for t in (ours, other))
        said.append(f"{what} {a:.4f}, {name} {b:.4f}: {a / b:.2f} of it (limit 1)")
    return "; ".join(said)


def same_walls(folder: Path) -> tuple[Told, Told]:
    """(the plate, ours): the scene's walls filmed, and drawn as a set that is painted from the first, a middle and the last frame."""
    world = Scene(width=480 * _FINE, height=270 * _FINE, frames=_FRAMES, grain=0.0)
    scene = Scene(width=480, height=270, frames=_FRAMES, grain=0.0)
    track = write_track(scene, folder / "scene")
    size = (scene.width, scene.height)
    filmed = {f: cv2.resize(world.picture(f), size, interpolation=cv2.INTER_AREA) for f in scene.range}
    walls = {f: scene.surfaces(f) >= FIRST_BOX for f in scene.range}
    piece = boxes(*((box[:3], box[3:]) for box in WALLS))
    keys = (scene.range.first, scene.range.first + _FRAMES // 2, scene.range.last)
    paintings = tuple(_painting(world, piece, frame, scene.lens.focal_x_px) for frame in keys)
    ours = told_of(track, _drawn(track, (piece,), paintings, scene.lens.focal_x_px))
    opaque = {f: log_light(np.dstack([filmed[f], np.ones(walls[f].shape, np.float32)])) for f in walls}
    return Told(track, opaque, {f: scene.depth_m(f) for f in walls}, walls), ours


def _painting(world: Scene, piece: Piece, frame: int, focal_px: float) -> Painting:
    """What the world shows of a piece from one of its frames, with _FINE times the plate's pixels."""
    projector = frame_piece(piece, world.camera_from_world(frame), focal_px, _WINDOW, _FINE, 4096)
    depth, triangle, _ = draw(piece, projector, 1)
    through = rays(projector.lens)
    seen = (world._cast(frame, through)[1] >= FIRST_BOX) & (triangle >= 0)
    rgba = (np.dstack([world._shade(frame, through), np.ones_like(depth)]) * seen[..., None]).astype(np.float32)
    fill = fill_from(spread_points(piece), [seen_by(projector, draw_guides(piece, projector), rgba)], _LIGHT)
    return Painting(piece.name, Thrown.of(projector, rgba, depth, _bias_m(projector, depth)), fill)


def _bias_m(projector: Projector, depth: Floats) -> float:
    return 3 * float(np.median(depth[np.isfinite(depth)])) / projector.focal_px + 0.05


def _unfiltered(masonry: Told, pieces: tuple[Piece, ...], paintings: tuple[Painting, ...]) -> Told:
    """The same frames with many points a pixel, each read as if its footprint were one."""
    track, kept = masonry.track, layer.SAMPLES
    at = (np.arange(_POINTS) + 0.5) / _POINTS - 0.5
    layer.SAMPLES = tuple((float(x), float(y)) for y in at for x in at)  # type: ignore[assignment]
    try:
        return told_of(track, _drawn(track, pieces, paintings, _UNFILTERED_PX))
    finally:
        layer.SAMPLES = kept


def _drawn(
    track: CameraTrack, pieces: tuple[Piece, ...], paintings: tuple[Painting, ...], focal_px: float
) -> dict[int, Buffers]:
    rays_at = partial(rays_of, track.lens)
    return {frame: draw_set(view_of(track, frame), rays_at, pieces, paintings, focal_px) for frame in track.frames}


def _restless(told: Told) -> float:
    """Root mean square of a frame less the mean of its neighbours along the surface, over that of its texture."""
    energy, texture = [], []
    for frame in list(told.pictures)[1:-1:3]:
        (before, one), (after, two) = told.by(frame, frame - 1), told.by(frame, frame + 1)
        where, here = one & two, told.pictures[frame]
        energy.append((here - (before + after) / 2)[where])
        texture.append(
            (here - cv2.GaussianBlur(here, (0, 0), 4))[cv2.erode(where.astype(np.uint8), np.ones((9, 9))) > 0]
        )
    return float(np.sqrt(np.mean(np.concatenate(energy) ** 2) / np.mean(np.concatenate(texture) ** 2)))


def _soft(pictures: dict[int, Floats], solid: dict[int, Bools], blur_px: float) -> dict[int, Floats]:
    """Blurred within what is solid."""
    if not blur_px:
        return pictures
    out = {}
    for frame, picture in pictures.items():
        share = solid[frame].astype(np.float32)
        around, weight = (cv2.GaussianBlur(a, (0, 0), blur_px) for a in (picture * share, share))
        out[frame] = np.asarray(around / np.maximum(weight, 1e-3), np.float32)
    return out
