"""The crowd of one frame as a layer: cards drawn near to far, and the shadows that they throw on the ground."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.sprites.atlas import Atlas
from assets.sprites.cards import Agents, Stance, cover, crowding, foot_leans, stance, tints
from assets.sprites.shade import in_the_shade
from assets.sprites.shown import FARTHEST_LEAN_M, Shown, shadow_sprites
from assets.sunlight.maps import LOWEST_SUN
from assets.sunlight.share import Sunlight
from assets.view import Buffers, View
from pipeline.kernels.shadow import cast_shadows, contact_shadows
from pipeline.kernels.splat import Cards, Pyramid, pyramid, splat

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Indices = npt.NDArray[np.intp]
IdNumbers = npt.NDArray[np.int64]
NOBODY: IdNumbers = np.zeros(0, np.int64)
AT_ONCE = 256  # cards whose sprites are in memory together
NEAREST_M = 0.6  # who stands closer to the lens is not drawn: a card would fill the picture


@dataclass(frozen=True, slots=True)
class Looks:
    """How agents differ, and how they darken each other and the ground. Shares, 0..1, unless another unit is named."""

    brightness: float = 0.12
    hue: float = 0.05
    crowding: float = 0.45  # of the light at the feet that a full ring of neighbours takes
    sun_shadow: float = 0.6  # of the ground's light that the sun's shadow takes
    contact: float = 0.55  # of the ground's light that is lost between the feet
    contact_m: float = 0.42  # radius
    softness: float = 0.03  # metres of penumbra per metre of way from the sun


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """Shares (H, W) float32 of the ground's light that are covered, 0 lit .. 1: the sun's, and that from all sides."""

    sun: Floats
    contact: Floats

    @classmethod
    def nothing(cls, size: tuple[int, int]) -> Taken:
        return cls(np.zeros(size, np.float32), np.zeros(size, np.float32))


def draw_crowd(
    view: View,
    agents: Agents,
    atlas: Atlas,
    row: int,
    shown: Shown,
    looks: Looks,
    left_out: IdNumbers = NOBODY,
    light: Sunlight | None = None,
) -> Buffers:
    """The crowd's layer on the layout's frame `row`. left_out: ids of those whom someone else draws. light: where what hides the
    sun takes it from people; None: everybody is as he was painted."""
    buffers = Buffers.empty(*view.size)
    positions = agents.positions[row].astype(np.float64)
    cards = stance(positions, view.centre, atlas.elevation_rad)
    distance = view.to_camera(positions)[:, 2]
    dress = _Dress(
        tints(agents, looks.brightness, looks.hue),
        looks.crowding * crowding(positions),
        _motions(view, agents, row, cards, atlas.elevation_rad),
        foot_leans(shown.feet[row], cards, atlas.elevation_rad),
    )
    order = np.lexsort((agents.ids, distance))
    order = order[(distance[order] > NEAREST_M) & ~np.isin(agents.ids[order], left_out)]
    scene = _Scene(view, agents, atlas, shown.sprites[row], cards, dress)
    for batch in _batches(order):
        scene.lay(batch, _images(atlas, scene.sprites[batch]), buffers)
    if light is not None:
        _shade(scene, order, light, buffers)
    return buffers


def _shade(scene: _Scene, order: Indices, light: Sunlight, into: Buffers) -> None:
    """Draw those whom the sun does not reach once more, as they look in the shade, and mix that in as far as it is hidden."""
    hidden = light.maps.hidden_from(scene.view, into.depth)
    shaded = hidden > 0
    if not shaded.any():
        return
    in_it, own = np.unique(into.ids[shaded]), np.unique(into.ids)
    dark = np.isin(scene.agents.ids, in_it) | ~np.isin(
        scene.agents.ids, own
    )  # who fills no pixel goes with what is around
    again = Buffers.empty(*scene.view.size)
    again.rgba[..., 3] = ~shaded  # full: nothing is drawn there
    for batch in _batches(order[scene.touching(order, shaded)]):
        images = _images(scene.atlas, scene.sprites[batch], _Shade(scene.cards, batch, light, dark[batch]))
        scene.lay(batch, images, again)
    share, colours = hidden[shaded][:, None], into.rgba[shaded][:, :3]
    into.rgba[shaded, :3] = colours + share * (again.rgba[shaded][:, :3] - colours)


def draw_shadow(
    view: View,
    agents: Agents,
    atlas: Atlas,
    row: int,
    shown: Shown,
    to_sun: Array,
    ground_normal: Callable[[Array, Array], Array],
    looks: Looks,
    taken: Taken | None = None,
    left_out: IdNumbers = NOBODY,
) -> Floats:
    """(H, W) float32: what the crowd leaves of the ground's light, 1 = untouched. ground_normal: x, z to (N, 3) unit.

    taken: what others have taken already; drawn into. left_out: ids of those whose shadows are in it.
    """
    taken = taken or Taken.nothing(view.size)
    positions = agents.positions[row].astype(np.float64)
    normals = ground_normal(positions[:, 0], positions[:, 2])
    rotation = view.pose[:3, :3]
    near = np.flatnonzero((view.to_camera(positions)[:, 2] > NEAREST_M) & ~np.isin(agents.ids, left_out))
    square = _square_around(positions[near], normals[near], looks.contact_m * agents.scales[near])
    contact_shadows(
        view.rays,
        _f32(view.to_camera(positions[near])),
        _f32(normals[near] @ rotation.T),
        _f32(looks.contact_m * agents.scales[near]),
        view.boxes(square),
        taken.contact,
    )
    if to_sun[1] > LOWEST_SUN:
        cards = stance(positions, positions + 1e4 * to_sun, 0.0)
        seen_by_sun = shadow_sprites(agents, atlas, shown, row, to_sun)
        for batch in _batches(near):
            images = _images(atlas, seen_by_sun[batch])
            corners = _corners(cards, batch, images.reach * agents.scales[batch, None])
            boxes = view.boxes(_fallen(corners, positions[batch], normals[batch], to_sun))
            drawn = _cards(view, cards, batch, agents, atlas, images.used, boxes, None)
            sun, ground = _f32(rotation @ to_sun), _f32(normals[batch] @ rotation.T)
            cast_shadows(view.rays, drawn, images.pyramid, images.root_px, ground, sun, looks.softness, taken.sun)
    return (1 - np.float32(looks.sun_shadow) * taken.sun) * (1 - np.float32(looks.contact) * taken.contact)


@dataclass(frozen=True, slots=True, eq=False)
class _Dress:
    """Per agent: tints (N, 3), dims (N,), motions (N, 6), leans (N, 2), as in Cards."""

    tints: Array
    dims: Array
    motions: Array
    leans: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    """Of N sprites: their rows in a pyramid, the pyramid, as wide as the widest, where the root is in it, and (N, 4) metres
    left, right, below, above the root that each one covers."""

    used: Ints
    pyramid: Pyramid
    root_px: tuple[float, float]
    reach: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Shade:
    """The light on N sprites: all cards, those of the sprites (N,), and which of them (N,) stand in the shade."""

    cards: Stance
    of: Indices
    light: Sunlight
    dark: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A frame's crowd. sprites: (N,) of each agent."""

    view: View
    agents: Agents
    atlas: Atlas
    sprites: Ints
    cards: Stance
    dress: _Dress

    def lay(self, batch: Indices, images: _Images, into: Buffers) -> None:
        """Lay a batch of cards under what is there."""
        wider = np.abs(self.dress.leans[batch])[:, [0, 0, 1, 1]] * [-1, 1, -1, 1]
        reach = images.reach * self.agents.scales[batch, None] + wider
        boxes = self.view.boxes(_corners(self.cards, batch, reach))
        drawn = _cards(self.view, self.cards, batch, self.agents, self.atlas, images.used, boxes, self.dress)
        splat(self.view.rays, drawn, images.pyramid, images.root_px, into.rgba, into.depth, into.ids, into.motion)

    def touching(self, order: Indices, where: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(N,) which of N agents may show in a pixel of `where` (H, W)."""
        _, height, width, _ = self.atlas.sprites.shape
        (x, y), metres = self.atlas.root_px, self.atlas.metres_per_px
        reach = metres * np.array([-x, width - x, y - height, y]) + FARTHEST_LEAN_M * np.array([-1, 1, -1, 1])
        boxes = self.view.boxes(_corners(self.cards, order, reach * self.agents.scales[order, None]))
        sums = np.pad(where.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        left, right, top, bottom = boxes.T
        right, bottom = np.maximum(left, right), np.maximum(top, bottom)
        return np.asarray(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] > 0)


def _batches(order: Indices) -> Iterator[Indices]:
    for first in range(0, len(order), AT_ONCE):
        yield order[first : first + AT_ONCE]


def _images(atlas: Atlas, sprites: Ints, shade: _Shade | None = None) -> _Images:
    """What N sprites show, in the shade or as they were painted."""
    unique, used = (sprites, np.arange(len(sprites))) if shade else np.unique(sprites, return_inverse=True)
    margin = (atlas.sprites.shape[2] - int(atlas.widths_px[unique].max())) // 2
    own = slice(margin, atlas.sprites.shape[2] - margin)
    pixels = np.asarray(atlas.sprites[unique, :, own], np.float32)
    reliefs = np.asarray(atlas.reliefs[unique, :, own], np.float32)
    if shade:
        of, dark = shade.of[shade.dark], shade.dark
        pixels[dark] = in_the_shade(pixels[dark], reliefs[dark], shade.cards, of, atlas.metres_per_px, shade.light)
    root_px = (atlas.root_px[0] - margin, atlas.root_px[1])
    reach = cover(pixels, root_px, atlas.metres_per_px)[used]
    return _Images(used.astype(np.int32), pyramid(pixels, reliefs), root_px, reach)


def _corners(cards: Stance, batch: Indices, reach: Array) -> Array:
    """(N, 4, 3) world corners of what N cards show; reach (N, 4): metres left, right, below, above the root."""
    return np.stack(
        [
            cards.roots[batch] + u[:, None] * cards.rights[batch] + v[:, None] * cards.ups[batch]
            for u in (reach[:, 0], reach[:, 1])
            for v in (reach[:, 2], reach[:, 3])
        ],
        axis=1,
    )


def _cards(
    view: View,
    cards: Stance,
    batch: Indices,
    agents: Agents,
    atlas: Atlas,
    used: Ints,
    boxes: Ints,
    dress: _Dress | None,
) -> Cards:
    rotation, count = view.pose[:3, :3].T, len(batch)
    return Cards(
        roots=_f32(view.to_camera(cards.roots[batch])),
        rights=_f32(cards.rights[batch] @ rotation),
        ups=_f32(cards.ups[batch] @ rotation),
        normals=_f32(cards.normals[batch] @ rotation),
        metres_per_px=_f32(atlas.metres_per_px * agents.scales[batch]),
        sprites=used,
        boxes=np.ascontiguousarray(boxes),
        tints=_f32(dress.tints[batch]) if dress else np.ones((count, 3), np.float32),
        dims=_f32(dress.dims[batch]) if dress else np.zeros(count, np.float32),
        leans=_f32(dress.leans[batch]) if dress else np.zeros((count, 2), np.float32),
        ids=agents.ids[batch].astype(np.int32),
        motions=_f32(dress.motions[batch]) if dress else np.zeros((count, 6), np.float32),
    )


def _motions(view: View, agents: Agents, row: int, cards: Stance, elevation_rad: float) -> Array:
    """(N, 6) of Cards: where root, a metre beside it and a metre above it go until the next frame."""
    there = np.clip(row + view.ahead, 0, len(agents.positions) - 1)
    other = stance(agents.positions[there].astype(np.float64), view.other_centre, elevation_rad)
    root = view.motion(cards.roots, other.roots)
    beside = view.motion(cards.roots + cards.rights, other.roots + other.rights)
    above = view.motion(cards.roots + cards.ups, other.roots + other.ups)
    return np.concatenate([root, beside - root, above - root], axis=1)


def _square_around(points: Array, normals: Array, radii: Array) -> Array:
    """(N, 4, 3) corners of squares on the ground planes through points (N, 3)."""
    ahead = np.cross(normals, [1.0, 0.0, 0.0])
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    beside = np.cross(ahead, normals)
    reach = radii[:, None]
    return np.stack([points + reach * (a * ahead + b * beside) for a in (-1, 1) for b in (-1, 1)], axis=1)


def _fallen(corners: Array, roots: Array, normals: Array, to_sun: Array) -> Array:
    """World corners (N, 4, 3) sent down the sun's rays to the ground planes through roots (N, 3)."""
    above = ((corners - roots[:, None]) * normals[:, None]).sum(axis=-1)
    rate = np.maximum(normals @ to_sun, LOWEST_SUN)
    return np.asarray(corners - (above / rate[:, None])[..., None] * to_sun)


def _f32(array: Array) -> Floats:
    return np.ascontiguousarray(array, np.float32)
