"""What one frame of the comp is made of: plate, mattes and layers read, checked, and held out. No stage."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calibration.mattes.holdout import past_figures, visible_share
from calibration.mattes.pulled import Pulled, read_pulled
from calibration.mattes.skycut import SkyCut
from pipeline.errors import PlateError, StageError
from pipeline.io import exr
from pipeline.io.exr import ExrImage
from pipeline.kernels import check, merge
from pipeline.kernels.bounds import Window
from pipeline.kernels.planes import to_pixels
from pipeline.types import CleanPlate, Layers, Mattes, Plate, SkyLayer, SkyMattes

LEAST_SCREEN = 0.05  # of a keyed screen: where as much of it shows, it is taken away
LEAST_ALPHA = 1e-3  # under half a code value of an 8-bit matte: nothing is there


@dataclass(frozen=True, slots=True)
class Holdout:
    """When the plate hides a layer: the settings of visible_by_depth and visible_share."""

    tolerance_m: float
    tolerance: float
    doubt: float
    edge_px: int


@dataclass(frozen=True, slots=True)
class Read:
    """The files of one frame as they were read; layers: by name, farthest first."""

    plate: ExrImage
    people: ExrImage
    still: ExrImage  # the depth of what stands still
    layers: dict[str, ExrImage]
    shadow: ExrImage
    plate_figures: dict[str, Any]
    sky: ExrImage | None = None  # the new one, and the matte of the plate's own
    sky_matte: ExrImage | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """One plate frame in memory. half: (H, W, 3) float16, the plate's own bits; rgb: the same as float32."""

    half: np.ndarray
    rgb: np.ndarray
    depth_m: np.ndarray
    confidence: np.ndarray
    matte: np.ndarray
    figures_m: np.ndarray  # (H, W) how far the people of the matte stand, +inf where nobody does
    metadata: dict[str, Any]
    pulled: Pulled | None = None  # people's own colour; None: the mattes hold none
    cut: SkyCut | None = None  # the plate's sky, where it is replaced
    lit: np.ndarray | None = None  # (H, W) share of their light that people keep in a set's shadow; None: all


@dataclass(frozen=True, slots=True)
class Placed:
    """One layer as it stands in the plate: (H, W, 4) float32 after holdouts, depth, ids, motion.

    alpha: (H, W) before holdouts; visible: (H, W) what the plate's nearer things leave of it; held: (H, W) what people take.
    numbers: (H, W) uint32 as rendered; ids: the same where the layer is mostly there. motion: (H, W, 2) float32, pixels
    until the next frame.
    """

    name: str
    rgba: np.ndarray
    alpha: np.ndarray
    visible: np.ndarray
    depth_m: np.ndarray
    ids: np.ndarray
    numbers: np.ndarray
    motion: np.ndarray
    held: np.ndarray


def read(
    plate: Plate,
    mattes: Mattes,
    clean: CleanPlate,
    layers: Layers,
    sky_matte: SkyMattes,
    sky: SkyLayer,
    frame: int,
) -> Read:
    """Read a frame's files and nothing else: it runs beside the frame before."""
    pictures = {layer.name: exr.read(layer.files.path(frame)) for layer in layers.layers}
    sources = plate.files, mattes.files, clean.depth, layers.shadow
    shot, people, still, shadow = (exr.read(files.path(frame)) for files in sources)
    figures = json.loads(clean.figures.path(frame).read_text("utf-8"))
    if sky.layer is None or sky_matte.files is None:
        return Read(shot, people, still, pictures, shadow, figures)
    above, cut = (exr.read(files.path(frame)) for files in (sky.layer.files, sky_matte.files))
    return Read(shot, people, still, pictures, shadow, figures, above, cut)


def shot_of(given: Read, frame: int) -> Shot:
    """The plate's frame, checked.

    Raises StageError where a size differs from the plate's, PlateError for NaN or infinity in the plate.
    """
    shot = [exr.half(given.plate.channels[c]) for c in "RGB"]
    half = np.stack(shot, axis=2)
    z, confidence = (np.ascontiguousarray(given.still.channels[c], np.float32) for c in "ZC")
    people = given.people.channels
    matte, figures = people["A"].astype(np.float32), people["Z"].astype(np.float32)
    cut = _cut(given.sky_matte)
    planes = {"depth": z, "matte": matte} | ({"sky's matte": cut.alpha} if cut else {})
    for name, plane in planes.items():
        if plane.shape != half.shape[:2]:
            size, wanted = (f"{s[1]} x {s[0]}" for s in (plane.shape, half.shape))
            raise StageError(f"frame {frame}: the {name} is {size}, the plate {wanted}. Make it at the plate's size.")
    rgb = to_pixels(shot)
    if broken := check.count_broken(rgb):
        x, y = check.first_broken(rgb)
        raise PlateError(
            f"frame {frame}: {broken} NaN or infinite values, the first at {x}, {y}. Mend the plate's frame."
        )
    told = dict(given.plate.metadata)
    if given.plate.pixel_aspect != 1:
        told["pixelAspectRatio"] = given.plate.pixel_aspect
    pulled = read_pulled(people)
    if pulled is not None and pulled.keyed:  # a screen is no wall: layers stand behind it, and the matte holds people
        gone = (pulled.screen > LEAST_SCREEN) | (matte > 0)
        z, confidence = np.where(gone, np.float32(np.inf), z), np.where(gone, np.float32(1), confidence)
    return Shot(
        half,
        rgb,
        z,
        confidence,
        np.ascontiguousarray(matte),
        np.ascontiguousarray(figures),
        told,
        pulled,
        cut,
    )


def _cut(matte: ExrImage | None) -> SkyCut | None:
    if matte is None:
        return None
    own = to_pixels([matte.channels[c] for c in "RGB"])
    return SkyCut(np.ascontiguousarray(matte.channels["A"], np.float32), own)


def place(name: str, picture: ExrImage, shot: Shot, holdout: Holdout, frame: int) -> Placed:
    """Take from a layer what the plate's foreground and nearer things hide. Raises StageError for a broken layer."""
    channels = picture.channels
    rgba = to_pixels([channels[c] for c in "RGBA"])
    z = np.ascontiguousarray(channels["Z"], dtype=np.float32)
    numbers = channels["id"].astype(np.uint32)
    still = np.zeros(z.shape, np.float16)
    motion = np.stack([channels.get(f"motion.{c}", still) for c in "xy"], axis=2).astype(np.float32)
    if check.count_broken(rgba):  # even where the alpha is 0: a broken layer must not pass because nothing shows it
        x, y = check.first_broken(rgba)
        raise StageError(f"frame {frame}: layer {name} holds NaN, the first at {x}, {y}. Run match_look again.")
    alpha, visible, held = rgba[..., 3].copy(), np.ones_like(z), np.zeros_like(z)
    if alpha.any():
        tolerances = {"tolerance_m": holdout.tolerance_m, "tolerance": holdout.tolerance}
        visible *= past_figures(z, shot.matte, shot.figures_m, **tolerances)
        held = 1 - visible
        visible *= visible_share(
            z,
            shot.rgb,
            shot.depth_m,
            shot.confidence,
            doubt=holdout.doubt,
            edge_px=holdout.edge_px,
            **tolerances,
        )
        if shot.cut is not None:
            visible = shot.cut.seen_past(visible, z, shot.depth_m, shot.confidence)
        merge.hold_out(rgba, visible, rgba)
        rgba[rgba[..., 3] < LEAST_ALPHA] = 0
    z = np.where(rgba[..., 3] > 0, z, np.float32(np.inf))
    ids = np.where(rgba[..., 3] >= 0.5, numbers, np.uint32(0))
    return Placed(name, rgba, alpha, visible, z, ids, numbers, motion, held)


def held_back(layer: Placed, left: np.ndarray, window: Window = np.s_[:, :]) -> Placed:
    """What a share `left` (h, w) float32 keeps of the part `window` of a layer; its depth and ids end where it does."""
    rgba, depth_m, ids = layer.rgba.copy(), layer.depth_m.copy(), layer.ids.copy()
    part = rgba[window] * left[..., None]
    part[part[..., 3] < LEAST_ALPHA] = 0
    rgba[window] = part
    depth_m[window][part[..., 3] <= 0] = np.inf
    ids[window][part[..., 3] < 0.5] = 0
    return replace(layer, rgba=rgba, depth_m=depth_m, ids=ids)
