"""A crowd's guides as pictures to look at: four beside each other, and a contact sheet of frames."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from assets.guides.crowd_guides import CrowdGuides

Picture = npt.NDArray[np.uint8]
_SHEET_FRAMES, _SHEET_PX = 6, 640
_BAR_PX = 28


def four_views(guides: CrowdGuides, pose: Picture) -> Picture:
    """(h, w, 3) uint8 RGB at about the plate's size: who, how far, facing where, in which pose."""
    height, width = guides.depth.shape
    size = width // 4 * 2, height // 4 * 2
    # INTER_AREA: thin poses and far people would sparkle.
    views = [id_colours(guides.ids), near_is_white(guides.depth), facing(guides), pose]
    small = [cv2.resize(view, size, interpolation=cv2.INTER_AREA) for view in views]
    return np.asarray(np.concatenate([np.concatenate(small[:2], axis=1), np.concatenate(small[2:], axis=1)]), np.uint8)


def id_colours(ids: npt.NDArray[np.uint32]) -> Picture:
    """(H, W, 3): a colour of its own for every id, black where empty."""
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    shifts = np.array([40, 48, 56], np.uint64)
    colours = ((mixed[..., None] >> shifts) & np.uint64(0xFF)).astype(np.uint8) // 2 + 100
    return np.asarray(np.where((ids > 0)[..., None], colours, 0), np.uint8)


def near_is_white(depth: npt.NDArray[np.float32]) -> Picture:
    """(H, W, 3): inverse depth, as conditioned models read it; the nearest of this frame is white."""
    covered = np.isfinite(depth)
    near = float(depth[covered].min()) if covered.any() else 1.0
    grey = np.where(covered, 255 * (near / np.where(covered, depth, 1.0)), 0)
    return np.asarray(np.repeat(np.rint(grey)[..., None], 3, axis=2), np.uint8)


def facing(guides: CrowdGuides) -> Picture:
    """(H, W, 3): normals as colours, black where empty."""
    if guides.normals is None:
        return np.zeros((*guides.depth.shape, 3), np.uint8)
    shown = np.rint(127.5 + 127.5 * guides.normals * [1.0, -1.0, -1.0])  # as is usual: up is green, towards us is blue
    return np.asarray(np.where((guides.ids > 0)[..., None], shown, 0), np.uint8)


def contact_sheet(pictures: Sequence[Picture], frames: Sequence[int]) -> Picture:
    """Up to six frames, evenly taken, with their numbers below."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(_SHEET_FRAMES, len(frames))).astype(int))
    tiles = []
    for number in chosen:
        picture = pictures[number]
        high = round(picture.shape[0] * _SHEET_PX / picture.shape[1])
        tile = np.zeros((high + _BAR_PX, _SHEET_PX, 3), np.uint8)
        tile[:high] = cv2.resize(picture, (_SHEET_PX, high), interpolation=cv2.INTER_AREA)
        place = (8, high + _BAR_PX - 8)
        cv2.putText(tile, str(frames[number]), place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (220,) * 3, 1, cv2.LINE_AA)
        tiles.append(tile)
    across = min(3, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % across)
    rows = [np.concatenate(tiles[i : i + across], axis=1) for i in range(0, len(tiles), across)]
    return np.asarray(np.concatenate(rows), np.uint8)
