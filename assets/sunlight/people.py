"""People as the sun sees them, before set pieces and people of the plate: their outlines in maps of depths along the sun."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from assets.near.shades import TEXEL_M, Shades, facing
from assets.sprites.atlas import Atlas
from assets.sprites.cards import UP, Agents, Stance, stance
from assets.sprites.shown import Shown, shadow_sprites
from assets.sunlight.maps import SunMaps, sun_axes
from pipeline.kernels.sunmap import DepthMap

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
CELL_M = 0.025
_MOST_CELLS = 1 << 24  # of a map; a wider one is coarser
_SLACK_M = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Somebody as the sun sees him. share: (h, w) float32 0..1; corner: (3,) world, the picture's upper left; right, down: (3,)
    world, from pixel to pixel; nearer: (h, w) float32 metres towards the sun of the picture's plane, or None."""

    share: Floats
    corner: Array
    right: Array
    down: Array
    nearer: Floats | None = None

    def box(self) -> Array:
        """(4, 3) world corners."""
        height, width = self.share.shape
        return np.array([self.corner + x * self.right + y * self.down for x in (0, width) for y in (0, height)])


@dataclass(frozen=True, slots=True, eq=False)
class Everybody:
    """The crowd of one frame as the sun sees it. axes: (3, 3) of sun_axes; boxes: (N, 4, 3) in these, of everybody's whole picture,
    those who are near first; outlines: of these; far: agents of the others."""

    axes: Array
    boxes: Array
    outlines: tuple[Outline, ...]
    far: npt.NDArray[np.intp]
    agents: Agents
    atlas: Atlas
    cards: Stance
    sprites: npt.NDArray[np.int32]

    @classmethod
    def of(
        cls, to_sun: Array, agents: Agents, atlas: Atlas, row: int, shown: Shown, shades: Shades | None = None
    ) -> Everybody:
        """On the layout's frame `row`. shades: the near people, whom their own meshes tell; everybody else is his sprite as the sun
        sees it."""
        axes = sun_axes(to_sun)
        near = tuple(_near_outlines(shades, to_sun)) if shades is not None else ()
        known = shades.ids if shades is not None else np.zeros(0, np.int64)
        cards = stance(agents.positions[row].astype(np.float64), agents.positions[row] + 1e4 * to_sun, 0.0)
        far = np.flatnonzero(~np.isin(agents.ids, known))
        boxes = np.array([each.box() for each in near]).reshape(-1, 4, 3)
        reach = _reach(agents, atlas, cards.roots, cards.rights)[far]
        sprites = shadow_sprites(agents, atlas, shown, row, to_sun)
        return cls(axes, np.concatenate([boxes, reach]) @ axes.T, near, far, agents, atlas, cards, sprites)

    def map_of(self, which: npt.NDArray[np.intp]) -> DepthMap | None:
        """Of some of them, by their places in `boxes`; None of nobody."""
        here = [
            self.outlines[k]
            if k < len(self.outlines)
            else _outline(self.agents, self.atlas, self.cards, self.sprites, int(self.far[k - len(self.outlines)]))
            for k in which.tolist()
        ]
        return _map(here, self.axes) if here else None


def people_before(maps: SunMaps, everybody: Everybody | None) -> dict[int, DepthMap]:
    """Of each piece that people's shadows may fall on, by number, a map of these people."""
    found: dict[int, DepthMap] = {}
    if everybody is None:
        return found
    for map_, number in zip(maps.maps, maps.numbers, strict=True):
        mine = everybody.map_of(np.flatnonzero(_before(map_, everybody.boxes))) if number in maps.pieces else None
        if mine is not None:
            found[number] = mine
    return found


def _outline(agents: Agents, atlas: Atlas, cards: Stance, sprites: npt.NDArray[np.int32], k: int) -> Outline:
    metres, (x, y) = atlas.metres_per_px * float(agents.scales[k]), atlas.root_px
    share = np.asarray(atlas.sprites[sprites[k], ..., 3], np.float32)
    corner = cards.roots[k] - x * metres * cards.rights[k] + y * metres * UP
    return Outline(share, corner, metres * cards.rights[k], -metres * UP)


def _near_outlines(shades: Shades, to_sun: Array) -> Iterator[Outline]:
    right, up, _ = facing(to_sun)
    for k, root in enumerate(shades.roots):
        x, y = shades.sun_corners[k]
        share, nearer = shades.sun[k].astype(np.float32) / 255, shades.sun_relief[k].astype(np.float32)
        yield Outline(share, root + x * right + y * up, TEXEL_M * right, -TEXEL_M * up, nearer)


def _reach(agents: Agents, atlas: Atlas, roots: Array, rights: Array) -> Array:
    """(N, 4, 3) world corners of everybody's whole card."""
    _, height, width, _ = atlas.sprites.shape
    (x, y), metres = atlas.root_px, atlas.metres_per_px * agents.scales[:, None]
    return np.stack([
        roots + metres * (u * rights + v * UP) for u in (-x, width - x) for v in (y - height, y)
    ], axis=1)  # fmt: skip


def _before(map_: DepthMap, boxes: Array) -> npt.NDArray[np.bool_]:
    """(N,) whose boxes (N, 4, 3), in the sun's axes, lie before anything of a map."""
    low, high = boxes.min(axis=1), boxes.max(axis=1)
    origin = -map_.to_map[:2, 3] * map_.cell_m
    height, width = map_.depth.shape
    end = origin + map_.cell_m * np.array([width, height])
    deepest = float(map_.lows[np.isfinite(map_.lows)].max(initial=-np.inf)) + map_.slack_m + 4 * map_.cell_m
    return np.asarray((high[:, :2] > origin).all(axis=1) & (low[:, :2] < end).all(axis=1) & (low[:, 2] < deepest))


def _map(people: list[Outline], axes: Array) -> DepthMap:
    """Cells lie where they lie on every frame, so that who stands still throws a still shadow."""
    boxes = np.array([each.box() for each in people]) @ axes.T
    cell = CELL_M
    while np.prod(np.ptp(boxes[..., :2].reshape(-1, 2), axis=0) / cell + 2) > _MOST_CELLS:
        cell *= 2
    low = np.floor(boxes[..., :2].min(axis=(0, 1)) / cell).astype(int) - 1
    width, height = (np.ceil(boxes[..., :2].max(axis=(0, 1)) / cell).astype(int) + 1 - low).tolist()
    to_map = np.ascontiguousarray(np.column_stack([axes / np.array([[cell], [cell], [1.0]]), [-low[0], -low[1], 0.0]]))
    depth = np.full((height, width), np.inf, np.float32)
    for each in people:
        _draw(each, to_map, depth)
    return DepthMap.of(depth, to_map, cell, _SLACK_M)


def _draw(one: Outline, to_map: Array, depth: Floats) -> None:
    """Draw somebody's outline into a map's depth."""
    to_cells = to_map[:, :3] @ np.stack([one.right, one.down], axis=1)
    corner = to_map[:, :3] @ one.corner + to_map[:, 3]
    cells = one.box() @ to_map[:2, :3].T + to_map[:2, 3]
    x0, y0 = np.floor(cells.min(axis=0)).astype(int).tolist()
    x1, y1 = np.ceil(cells.max(axis=0)).astype(int).tolist()
    warp = np.column_stack([to_cells[:2], to_cells[:2] @ (0.5, 0.5) + corner[:2] - 0.5 - (x0, y0)])
    covered = cv2.warpAffine(one.share, warp, (x1 - x0, y1 - y0)) > 0.5
    y, x = np.nonzero(covered)
    at = np.stack([x + 0.5 + x0 - corner[0], y + 0.5 + y0 - corner[1]], axis=1) @ np.linalg.inv(to_cells[:2]).T
    found = corner[2] + at @ to_cells[2]
    if one.nearer is not None:
        height, width = one.nearer.shape
        i, j = np.clip(at[:, 0].astype(int), 0, width - 1), np.clip(at[:, 1].astype(int), 0, height - 1)
        found = found - one.nearer[j, i]
    part = depth[y0:y1, x0:x1]
    part[y, x] = np.minimum(part[y, x], found)
