"""How long a set takes to draw: a frame, a preview's frame, guides, fine meshes, and Blender's Cycles beside it; for benchmarks/sets.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from assets.preview.backdrop import SAMPLES
from assets.preview.setmovie import draw_proxies
from assets.sets.layer import draw_set
from assets.sets.paintings import Painting
from assets.sets.projection import Piece, draw_guides
from assets.view import View
from calibration.cameras import load_poses
from calibration.lens import project, rays, scaled
from pipeline.kernels.raster import empty_buffers, rasterize
from pipeline.types import CameraTrack, Lens
from stages.generate_set import Params, keyframes
from stages.seen import rays_of, view_of

INTERACTIVE_S = 0.2  # five pictures a second
MESHES = (20_000, 200_000, 2_000_000)


def figures(track: CameraTrack, pieces: tuple[Piece, ...], paintings: tuple[Painting, ...]) -> Iterator[str]:
    """One line each."""
    lens, view = track.lens, view_of(track, track.frames.first)
    size = f"{lens.width} x {lens.height}"
    seconds = best(lambda: draw_set(view, partial(rays_of, lens), pieces, paintings, lens.focal_x_px))
    yield f"one frame of the set, {size}, four samples, painted: {seconds:.2f} s"
    small = scaled(lens, lens.width * SAMPLES, lens.height * SAMPLES)
    fine = View(rays(small), lambda points: project(points, small), view.pose, view.other, view.ahead)
    yield _interactive(f"set preview, the proxies of a frame, {size}", best(lambda: draw_proxies(fine, pieces)))
    [(_, projector), *_] = keyframes(pieces[0], track, load_poses(track), Params(sharpness=1.0), 2048)
    size = f"{projector.lens.width} x {projector.lens.height}"
    yield _interactive(
        f"guides of one piece with overscan, {size}", best(lambda: draw_guides(pieces[0], projector), times=2)
    )
    for count in MESHES:
        yield _interactive(f"z-buffer, {count:,} triangles, {lens.width} x {lens.height}", _fine_mesh(lens, count))


def _interactive(what: str, seconds: float) -> str:
    return f"{what}: {seconds:.3f} s = {seconds / INTERACTIVE_S:.2f} of what is interactive ({INTERACTIVE_S} s)"


def _fine_mesh(lens: Lens, count: int) -> float:
    """Seconds to draw rolling country of `count` triangles that fills the lower half of the picture and reaches past the camera."""
    side = round(np.sqrt(count / 2)) + 1
    x, z = np.meshgrid(np.linspace(-60, 60, side), np.linspace(-5, 115, side))
    vertices = np.stack([x, 2 + 0.5 * np.sin(0.4 * x) * np.sin(0.3 * z), z], axis=-1).reshape(-1, 3)
    at = np.arange(side * side, dtype=np.int32).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (at[:-1, :-1], at[:-1, 1:], at[1:, :-1], at[1:, 1:]))
    triangles = np.ascontiguousarray(np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]))
    pixels = np.nan_to_num(project(vertices, lens), nan=-1e6).astype(np.float32)
    through, camera = rays(lens), vertices.astype(np.float32)
    return best(lambda: rasterize(camera, triangles, through, pixels, *empty_buffers(lens.height, lens.width)), times=2)


def best(work: Callable[[], object], times: int = 3) -> float:
    """Least seconds of a few, after one that does not count."""
    work()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent)
