"""What a generator is shown of a hero area: the whole crowd, and the plate if wished, through the area's own camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets.guides.crowd_guides import crowd_guides
from assets.guides.crowd_people import People
from assets.guides.optics import optics
from assets.near.requests import Own
from assets.providers.request import Guides
from assets.view import View
from pipeline.io.reel import Reel

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
POSE = "controlnet"
_FINER = 0.5  # of a pixel, that decides which mesh somebody wears: the plate is laid over the very bodies
_AROUND_PX = 3  # beyond the people, in which a model that fills the plate may paint


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """The crowd on one frame, all fields as CrowdGuides has them; pose: (h, w, 3) uint8 RGB."""

    depth: Floats
    ids: NDArray[np.uint32]
    normals: Floats
    parts: NDArray[np.uint8]
    matte_ids: NDArray[np.uint32]
    matte_coverage: Floats
    pose: NDArray[np.uint8]


class Drawings:
    """Drawings of all frames, kept in `folder`, nameless, until these are gone."""

    def __init__(self, folder: Path) -> None:
        self._reels = {field.name: Reel(folder) for field in fields(Drawing)}

    def add(self, drawing: Drawing) -> None:
        for name, reel in self._reels.items():
            reel.add(getattr(drawing, name)[None])

    def __iter__(self) -> Iterator[Drawing]:
        """Frame by frame, read where it is looked at."""
        arrays = {name: reel.array() for name, reel in self._reels.items()}
        for pictures in zip(*arrays.values(), strict=True):
            yield Drawing(**dict(zip(arrays, pictures, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Owned:
    """Whose a picture's pixels are. ids: (h, w) int32, who covers most, 0: nobody; share: (h, w) float32, his part of what
    is covered."""

    ids: NDArray[np.int32]
    share: Floats


def area_view(view: View, own: Own) -> View:
    """The area's camera on a frame of the plate's: without distortion, of its own pixels; nothing moves in it."""
    height, width = own.size
    camera = own.matrix @ own.rotation.T
    focal, centre = np.array([camera[0, 0], camera[1, 1]]), camera[:2, 2]
    pixels = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    pose = view.pose.copy()
    pose[:3] = own.rotation @ view.pose[:3]

    def project(points: Array) -> Array:
        depth = np.where(points[..., 2:] > 1e-9, points[..., 2:], np.nan)
        return np.asarray(points[..., :2] / depth * focal + centre)

    return View(((pixels - centre) / focal).astype(np.float32), project, pose, pose, 0)


def draw_area(people: People, view: View, own: Own) -> Drawing:
    """The crowd as the area's camera sees it. view: of the plate."""
    seen = area_view(view, own)
    lens = optics(seen.rays, seen.project)
    finer = replace(lens, angle_px=_FINER * lens.angle_px)
    drawn = crowd_guides(people, seen, finer, ("normals", "parts", "mattes"), (POSE,))
    assert drawn.normals is not None
    assert drawn.parts is not None
    assert drawn.matte_ids is not None
    assert drawn.matte_coverage is not None
    return Drawing(
        drawn.depth, drawn.ids, drawn.normals, drawn.parts, drawn.matte_ids, drawn.matte_coverage, drawn.poses[POSE]
    )


def owned(drawn: Drawing) -> Owned:
    """Whose each pixel is."""
    covered = drawn.matte_coverage.sum(axis=-1)
    ids = np.where(covered > 0, drawn.matte_ids[..., 0], 0).astype(np.int32)
    return Owned(ids, drawn.matte_coverage[..., 0] / np.maximum(covered, 1e-6))


def guides_of(drawn: Drawing, own: Own, members: NDArray[np.int64] | None = None) -> Guides:
    """Guides of one frame as Request has them, relief from the plane that the camera looks at. members: ids of those who
    are shown, while the others still stand before them; None: everybody."""
    shares, there = drawn.matte_coverage, drawn.ids > 0
    if members is not None:
        shares, there = shares * np.isin(drawn.matte_ids, members), np.isin(drawn.ids, members)
    return Guides.image(
        coverage=np.minimum(shares.sum(axis=-1), 1),
        depth=np.where(there, np.float32(own.depth_m) - drawn.depth, 0),
        normals=drawn.normals * there[..., None],
        parts=np.where(there, drawn.parts, 0),
        pose=drawn.pose / np.float32(255) * (there[..., None] if members is not None else 1),
    )


def over_plate(guides: Guides, plate: Floats, view: View, own: Own) -> Guides:
    """The guides with the plate as the picture to start from, to be painted where people are. plate: (H, W, 3) float32
    scene-linear ACEScg, as shot; view: its camera."""
    seen = area_view(view, own)
    rays = np.concatenate([seen.rays, np.ones((*own.size, 1), np.float32)], axis=-1).astype(np.float64)
    at = (view.project((rays @ own.rotation).reshape(-1, 3)).reshape(*own.size, 2) - 0.5).astype(np.float32)
    at = np.nan_to_num(at, nan=-1e6)
    whole = np.dstack([plate, np.ones(plate.shape[:2], np.float32)])
    picture = cv2.remap(whole, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    assert guides.coverage is not None
    mask = ndimage.maximum_filter(guides.coverage[0] > 0, size=2 * _AROUND_PX + 1).astype(np.float32)
    return replace(guides, init=picture[None], mask=mask[None])
