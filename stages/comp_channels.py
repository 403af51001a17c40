"""The channels of a finished frame, by the names that Nuke expects. No stage.

R G B; per layer NAME.R G B A and NAME.id; holdout.NAME; matte.A, touched.A, shadow.A; depth.Z; forward.u forward.v;
CryptoObject00.R ... (docs/comp.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import lens_at
from calibration.lens import coefficients, fold_radius
from pipeline.errors import StageError, StoreError
from pipeline.io import cryptomatte, exr
from pipeline.kernels.bounds import around
from pipeline.kernels.cameramotion import camera_motion
from pipeline.types import SKY, VEIL, CameraTrack, Layers
from stages.comp_figures import Frame
from stages.comp_inputs import Placed, Shot
from stages.seen import view_of

CRYPTOMATTE = "CryptoObject"


@dataclass(frozen=True, slots=True)
class Cast:
    """All that the layers hold. names: LAYER/NAME by a number of its own; first: what each layer's own ids are raised by."""

    names: dict[int, str]
    first: dict[str, int]


def channels(done: Frame, placed: list[Placed], shot: Shot, light: np.ndarray, motion: np.ndarray) -> dict[str, Any]:
    """Every plane but the Cryptomatte's. light: (H, W) what shadows leave; motion: (H, W, 2) of the plate, pixels."""
    planes: dict[str, Any] = {name: np.ascontiguousarray(done.final[..., i]) for i, name in enumerate("RGB")}
    nearest, moved = shot.depth_m, motion
    for layer in placed:
        planes |= exr.rgba_channels(layer.rgba, f"{layer.name}.")
        if layer.name != SKY:
            planes[f"{layer.name}.id"] = layer.ids
        planes[f"holdout.{layer.name}"] = exr.half(1 - layer.visible)
        there = layer.rgba[..., 3] >= 0.5
        moved = np.where(there[..., None], layer.motion, moved)
        nearest = np.where(there, np.minimum(layer.depth_m, nearest), nearest)
    planes["matte.A"] = exr.half(shot.matte)
    planes["touched.A"] = exr.half(1 - done.kept.astype(np.float32))
    planes["shadow.A"] = exr.half(1 - light)
    planes["depth.Z"] = nearest.astype(np.float32)
    planes["forward.u"] = exr.half(moved[..., 0])
    planes["forward.v"] = exr.half(-moved[..., 1])  # Nuke's y grows upwards
    return planes


def plate_motion(track: CameraTrack, depth_m: np.ndarray, frame: int) -> np.ndarray:
    """Pixels (H, W, 2) float32 that the still world of the plate moves until the next frame, by camera and depth.

    At the shot's last frame: what it moved since the one before.
    """
    view = view_of(track, frame)
    out = np.zeros((*depth_m.shape, 2), np.float32)
    if view.ahead:
        between = view.other @ np.linalg.inv(view.pose)
        depth, lens = np.ascontiguousarray(depth_m), lens_at(track, frame + view.ahead)
        camera_motion(
            view.rays, depth, between[:3, :3], between[:3, 3].copy(), coefficients(lens), fold_radius(lens), out
        )
        out *= np.float32(view.ahead)
    return out


def cast_of(layers: Layers) -> Cast:
    """The names of every layer's things, from their manifests. Raises StoreError for a damaged one."""
    names: dict[int, str] = {}
    first: dict[str, int] = {}
    for layer in layers.layers:
        first[layer.name] = start = max(names, default=0)
        try:
            manifest = json.loads(layer.manifest.read_text("utf-8"))
            names |= {start + int(number): f"{layer.name}/{name}" for number, name in manifest.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise StoreError(f"{layer.manifest}: no manifest ({error}). Run match_look again.") from error
    return Cast(names, first)


def mattes_by_thing(placed: list[Placed], cast: Cast) -> dict[str, npt.NDArray[Any]]:
    """The Cryptomatte's planes: who covers how much of each pixel, the largest share first. A veil takes nobody's share.

    Raises StageError for an id that its layer's manifest does not name.
    """
    placed = [layer for layer in placed if layer.name not in (VEIL, SKY)]
    size = placed[0].depth_m.shape
    window = around(np.logical_or.reduce([(layer.rgba[..., 3] > 0) | (layer.numbers > 0) for layer in placed]))
    through = np.ones(size, np.float32)[window]
    ranks: list[tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]] = []
    for layer in reversed(placed):  # the nearest first
        alpha, shown = np.clip(layer.rgba[..., 3][window], 0, 1), layer.numbers[window]
        numbers = _spread(shown) + np.uint32(cast.first[layer.name])
        known = (alpha > 0) & bool(shown.any())
        ranks.append((np.where(known, numbers, np.uint32(0)), np.where(known, alpha * through, np.float32(0))))
        through = through * (1 - alpha)
    if len(ranks) % 2:
        ranks.append((np.zeros_like(ranks[0][0]), np.zeros_like(ranks[0][1])))
    ids, coverage = (np.stack(planes, axis=2) for planes in zip(*ranks, strict=True))
    order_of = np.argsort(-coverage, axis=2, kind="stable")
    ids, coverage = np.take_along_axis(ids, order_of, axis=2), np.take_along_axis(coverage, order_of, axis=2)
    try:
        found = cryptomatte.channels(CRYPTOMATTE, ids, coverage, cast.names)
    except KeyError as error:
        raise StageError(f"id {error} of a layer has no name in its manifest. Run render_layers again.") from error
    planes = {name: np.zeros(size, np.float32) for name in found}
    for name, plane in found.items():
        planes[name][window] = plane
    return planes


def _spread(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """`numbers` with every empty pixel given its nearest neighbour's: blurred edges reach past the rendered ids."""
    empty = (numbers == 0).astype(np.uint8)
    if not empty.any() or empty.all():
        return numbers
    _, labels = cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    by_label = np.zeros(int(labels.max()) + 1, np.uint32)
    there = empty == 0
    by_label[labels[there]] = numbers[there]
    return np.asarray(by_label[labels], np.uint32)
