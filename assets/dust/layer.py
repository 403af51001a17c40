"""The crowd's dust of one frame as a layer: lit by sun and sky, before whatever stops the eye, never behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from assets.dust.footfalls import Stand, footfalls
from assets.dust.ground import Meet, ground_depth
from assets.dust.puffs import LIFE_S, Puffs, gathered, puffs_of, shaded
from assets.sprites.cards import UP, Agents
from assets.sunlight.maps import SunMaps
from assets.view import Buffers, View
from pipeline.kernels.bounds import Window, nothing
from pipeline.kernels.color import RGB
from pipeline.kernels.dust import PARTS, Clouds, optical_depth, reach

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
DRY_EARTH: RGB = (0.36, 0.29, 0.22)  # reflectance, ACEScg: fine dust is paler than the ground that it comes from
SUN_SHARE = 0.6  # of the light that a white facing the sun sends back: dust scatters to all sides
NEAREST_M, CLEAR_M = 1.0, 3.0  # closer to the lens there is none; from the second on all of it
LEAST_ALPHA = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Raised:
    """What a crowd's dust is made of. amounts: (N,) of each agent, 0 none, 1 a dry field; rgb: reflectance; wind_mps: x, z.

    sun_rgb, sky_rgb: as LightFacts; to_sun: (3,) unit. stand: x, z to points on the ground; meet: as ground_depth has it.
    hiding: what stands before the sun; None: nothing does."""

    amounts: Array
    rgb: RGB
    wind_mps: tuple[float, float]
    to_sun: Array
    sun_rgb: RGB
    sky_rgb: RGB
    stand: Stand
    meet: Meet
    hiding: SunMaps | None = None


def draw_dust(view: View, agents: Agents, row: int, raised: Raised, crowd: Buffers, built: Buffers) -> Buffers:
    """The dust on the layout's frame `row`, before the crowd, what is built and the bare ground; without ids.

    Where the crowd covers a pixel in part, so does what lies before it. Depth is the mean of what is seen; it moves as the
    still world does.
    """
    out = Buffers.empty(*view.size)
    fallen = footfalls(agents, row, LIFE_S, raised.stand)
    puffs = puffs_of(fallen, agents.ids, raised.amounts, raised.wind_mps)
    puffs = shaded(puffs, raised.to_sun)
    if raised.hiding is not None:
        puffs = replace(puffs, lit=puffs.lit * (1 - _hidden(puffs, raised.hiding)))
    puffs = gathered(puffs, view.centre)
    clouds, ends = _seen(puffs, view)
    window = _window(clouds)
    if nothing(window):
        return out
    part = replace(view, rays=np.ascontiguousarray(view.rays[window]))
    clouds = replace(clouds, boxes=clouds.boxes - np.repeat([window[1].start, window[0].start], 2).astype(np.int32))
    cover = np.clip(crowd.rgba[window][..., 3], 0, 1)
    far = ground_depth(part, raised.meet, _touched(clouds, part.size) & (cover < 1))
    far = np.where(built.rgba[window][..., 3] > 0.5, np.minimum(far, built.depth[window]), far)
    sums = np.zeros((PARTS, *part.size), np.float32)
    near_m, cover = np.ascontiguousarray(crowd.depth[window]), np.ascontiguousarray(cover)
    optical_depth(part.rays, clouds, _f32(view.pose[:3, 1]), ends, near_m, cover, np.ascontiguousarray(far), sums)
    _fill(out, window, part, sums, cover, raised)
    return out


def _hidden(puffs: Puffs, hiding: SunMaps) -> Floats:
    """(N,) how much of each puff the sun does not reach: of a square two deviations wide."""
    right, up = np.cross(UP, hiding.to_sun), UP
    right = right / max(float(np.linalg.norm(right)), 1e-9)
    return hiding.hidden(puffs.middles, 2 * puffs.wide_m[:, None] * right, 2 * puffs.high_m[:, None] * up)


def _fill(out: Buffers, window: Window, part: View, sums: Floats, cover: Floats, raised: Raised) -> None:
    """Light the dust of a window, whose sums are those of optical_depth."""
    alpha = cover * (1 - np.exp(-sums[0])) + (1 - cover) * (1 - np.exp(-sums[1]))
    there = alpha >= LEAST_ALPHA
    near, behind, depth, lit = sums[:, there].astype(np.float64)
    whole = np.maximum(cover[there] * near + (1 - cover[there]) * behind, 1e-9)
    sun, sky, own = (np.array(light) for light in (raised.sun_rgb, raised.sky_rgb, raised.rgb))
    colours = own * (SUN_SHARE * sun * (lit / whole)[:, None] + sky)
    out.rgba[window][there] = alpha[there][:, None] * np.concatenate([colours, np.ones((len(colours), 1))], axis=1)
    reached = (depth / whole)[:, None]
    out.depth[window][there] = reached[:, 0]
    points = (np.concatenate([part.rays[there] * reached, reached], axis=1) - part.pose[:3, 3]) @ part.pose[:3, :3]
    out.motion[window][there] = part.motion(points, points)


def _seen(puffs: Puffs, view: View) -> tuple[Clouds, Floats]:
    """Those ahead of the camera, in its axes, and at how many deviations each ends."""
    camera = view.to_camera(puffs.middles)
    masses = puffs.masses * np.clip((camera[:, 2] - NEAREST_M) / (CLEAR_M - NEAREST_M), 0, 1)
    ends = reach(masses, puffs.wide_m, puffs.high_m)
    some = ends > 0
    size = ends[some, None] * np.stack([puffs.wide_m, puffs.high_m, puffs.wide_m], axis=1)[some]
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    boxes = view.boxes(puffs.middles[some, None] + signs * size[:, None], margin_px=1.0)
    clouds = Clouds(
        middles=_f32(camera[some]),
        wide_m=_f32(puffs.wide_m[some]),
        high_m=_f32(puffs.high_m[some]),
        masses=_f32(masses[some]),
        lit=_f32(puffs.lit[some]),
        boxes=boxes,
    )
    return clouds, _f32(ends[some])


def _window(clouds: Clouds) -> Window:
    """Rows and columns that hold all boxes."""
    boxes = clouds.boxes[(clouds.boxes[:, 0] < clouds.boxes[:, 1]) & (clouds.boxes[:, 2] < clouds.boxes[:, 3])]
    if not len(boxes):
        return slice(0, 0), slice(0, 0)
    low, high = boxes[:, [2, 0]].min(axis=0), boxes[:, [3, 1]].max(axis=0)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _touched(clouds: Clouds, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(H, W) where any puff's box lies."""
    some = (clouds.boxes[:, 0] < clouds.boxes[:, 1]) & (clouds.boxes[:, 2] < clouds.boxes[:, 3])
    left, right, top, bottom = clouds.boxes[some].T
    steps = np.zeros((size[0] + 1, size[1] + 1), np.int32)
    for y, x, step in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
        np.add.at(steps, (y, x), step)
    return np.asarray(steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0)


def _f32(values: Array) -> Floats:
    return np.ascontiguousarray(values, np.float32)
