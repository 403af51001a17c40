"""Lay the generated layers into the plate: shadows, holdouts, light wrap, over, and grain last."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.cameras import pose_at, to_camera
from calibration.depth.still import still_depth
from calibration.ground.heightfield import Heightfield
from calibration.look.measured import LookFigures, read_look
from calibration.mattes.holdout import past_figures, visible_share, without_spill
from calibration.solve.quality import Frame, figures_of
from pipeline.errors import ConfigError, PlateError, StageError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.kernels import blur, check, merge
from pipeline.kernels.grain import add_grain
from pipeline.stage import stage
from pipeline.types import CameraTrack, Comp, DepthMaps, Ground, Layers, Look, Mattes, Plate
from stages.steadiness import plate_flicker

LEAST_ALPHA = 1e-3  # under half a code value of an 8-bit matte: nothing is there


@dataclass(frozen=True, slots=True)
class Params:
    tolerance_m: float = (
        0.5  # the plate may be this much nearer before it hides a layer, a layer before it hides people
    )
    tolerance: float = 0.05  # ... and this share of the distance ...
    doubt: float = 0.15  # ... and up to this share more where the depth is uncertain
    edge_px: int = 3  # how far a holdout's edge may move to the plate's own edge
    shadow: float = 1.0  # strength
    light_wrap: float = 0.35
    light_wrap_px: float = 2.5
    grain: float = 1.0  # times the plate's
    seed: int = 1

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self) if f.name != "seed"):
            most = 100 if name.endswith(("_px", "_m")) else 10
            if not 0 <= getattr(self, name) <= most:
                raise ConfigError(f"composite.{name} is {getattr(self, name)}, must be 0 to {most}.")


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


@dataclass(frozen=True, slots=True)
class Placed:
    """One layer as it stands in the plate: (H, W, 4) float32 after holdouts, depth, ids.

    alpha: (H, W) before holdouts; visible: (H, W) what the plate's nearer things leave of it.
    """

    name: str
    rgba: np.ndarray
    alpha: np.ndarray
    visible: np.ndarray
    depth_m: np.ndarray
    ids: np.ndarray


@stage
def composite(
    plate: Plate,
    mattes: Mattes,
    depth: DepthMaps,
    layers: Layers,
    look: Look,
    track: CameraTrack,
    ground: Ground,
    params: Params,
    frames: FrameRange,
    out: Path,
) -> Comp:
    """Farthest layer first. Plate pixels that no layer and no shadow reaches leave bit-identical."""
    measured, heights = read_look(look.figures), Heightfield.read(ground)
    files = FrameFiles(out, "comp.%04d.exr", frames)
    numbers = FrameFiles(out, "comp.%04d.json", frames)
    for frame in frames:
        shot = _read_shot(plate, mattes, still_depth(plate, track, depth, frame), frame)
        placed = [_place(layer.name, layer.files.path(frame), shot, params, frame) for layer in layers.layers]
        shadow = exr.read(layers.shadow.path(frame)).channels["Y"].astype(np.float32)
        light = _shadow(shadow, ground_depth(shadow < 1, heights, track, frame), shot, params)
        done = merged(shot, placed, light, measured, params, frame)
        _refuse_broken(done.final, frame)
        exr.write(files.path(frame), _channels(done.final, placed, shot), compression="zip", metadata=shot.metadata)
        found = figures_of(done, measured.grain)
        found["plate"] |= plate_flicker(plate, mattes, depth, track, frame)
        write_bytes(numbers.path(frame), json.dumps(found, indent=1, sort_keys=True).encode())
    return Comp(files, numbers)


def merged(
    shot: Shot, placed: list[Placed], light: np.ndarray, measured: LookFigures, params: Params, frame: int
) -> Frame:
    """Shadow on the plate, each layer with wrap over it, grain where the plate's is lost, the plate's bits elsewhere."""
    picture, kept = np.empty_like(shot.rgb), light.copy()
    merge.multiply_shadow(shot.rgb, light, _veil(shot, measured), picture)
    for layer in placed:
        alpha = layer.rgba[..., 3]
        if alpha.any():
            picture = without_spill(picture, layer.alpha, layer.visible)
            wrapped = _wrapped(layer.rgba, picture, params)
            merge.over_plate(wrapped, picture, picture)
            kept *= 1 - np.minimum(alpha, 1)
    grained = np.empty_like(picture)
    grain = replace(measured.grain, sigmas=measured.grain.sigmas * np.float32(params.grain))
    add_grain(shot.rgb, picture, kept, grain, params.seed, frame, grained)
    touched = kept < 1
    final = shot.half.copy()  # not computed back: a minus zero or a NaN's payload would lose its bits
    final[touched] = exr.half(grained)[touched]
    return Frame(shot.half, final, picture, grained, kept, {p.name: p.rgba for p in placed})


def _read_shot(plate: Plate, mattes: Mattes, still: tuple[np.ndarray, np.ndarray], frame: int) -> Shot:
    image = exr.read(plate.files.path(frame))
    half = np.stack([exr.half(image.channels[c]) for c in "RGB"], axis=2)
    z, confidence = still
    people = exr.read(mattes.files.path(frame)).channels
    matte, figures = people["A"].astype(np.float32), people["Z"].astype(np.float32)
    planes = {"depth": z, "matte": matte}
    for name, plane in planes.items():
        if plane.shape != half.shape[:2]:
            size, wanted = (f"{s[1]} x {s[0]}" for s in (plane.shape, half.shape))
            raise StageError(f"frame {frame}: the {name} is {size}, the plate {wanted}. Make it at the plate's size.")
    rgb = half.astype(np.float32)
    if broken := check.count_broken(rgb):
        x, y = check.first_broken(rgb)
        raise PlateError(
            f"frame {frame}: {broken} NaN or infinite values, the first at {x}, {y}. Mend the plate's frame."
        )
    return Shot(half, rgb, z, confidence, np.ascontiguousarray(matte), np.ascontiguousarray(figures), image.metadata)


def _place(name: str, path: Path, shot: Shot, params: Params, frame: int) -> Placed:
    """Read a layer and take away what the plate's foreground and nearer things hide."""
    channels = exr.read(path).channels
    rgba = np.stack([channels[c] for c in "RGBA"], axis=2).astype(np.float32)
    z = np.ascontiguousarray(channels["Z"], dtype=np.float32)
    ids = channels["id"].astype(np.uint32)
    if check.count_broken(rgba):  # even where the alpha is 0: a broken layer must not pass because nothing shows it
        x, y = check.first_broken(rgba)
        raise StageError(f"frame {frame}: layer {name} holds NaN, the first at {x}, {y}. Run match_look again.")
    alpha, visible = rgba[..., 3].copy(), np.ones_like(z)
    if alpha.any():
        tolerances = {"tolerance_m": params.tolerance_m, "tolerance": params.tolerance}
        visible *= past_figures(z, shot.matte, shot.figures_m, **tolerances)
        visible *= visible_share(
            z,
            shot.rgb,
            shot.depth_m,
            shot.confidence,
            doubt=params.doubt,
            edge_px=params.edge_px,
            **tolerances,
        )
        merge.hold_out(rgba, visible, rgba)
        rgba[rgba[..., 3] < LEAST_ALPHA] = 0
    z = np.where(rgba[..., 3] > 0, z, np.float32(np.inf))
    return Placed(name, rgba, alpha, visible, z, np.where(rgba[..., 3] >= 0.5, ids, np.uint32(0)))


def ground_depth(where: np.ndarray, heights: Heightfield, track: CameraTrack, frame: int) -> np.ndarray:
    """Depth along camera z of the bare ground, (H, W) float32 metres, at the pixels of `where` (H, W) bool; else +inf."""
    depth = np.full(where.shape, np.inf, np.float32)
    y, x = np.nonzero(where)
    if len(y):
        pose = pose_at(track, frame)
        z = to_camera(heights.meet_ground(np.stack([x, y], axis=1) + 0.5, track.lens, pose), pose)[:, 2]
        depth[y, x] = np.where(np.isfinite(z), z, np.inf)
    return depth


def _shadow(light: np.ndarray, ground_m: np.ndarray, shot: Shot, params: Params) -> np.ndarray:
    """The crowd's shadow where it meets ground: not on people, not on things before the ground, not on the sky."""
    lies_on = np.empty_like(light)
    settings = {"tolerance_m": params.tolerance_m, "tolerance": params.tolerance, "doubt": params.doubt}
    merge.visible_by_depth(ground_m, shot.depth_m, shot.confidence, lies_on, **settings)
    lies_on *= np.isfinite(shot.depth_m) * np.isfinite(ground_m) * (1 - np.clip(shot.matte, 0, 1))
    taken = (1 - light) * lies_on * np.float32(params.shadow)
    return np.asarray(1 - np.where(taken < LEAST_ALPHA, 0, np.clip(taken, 0, 1)), np.float32)


def _veil(shot: Shot, measured: LookFigures) -> np.ndarray:
    """Radiance of the air before each pixel of the plate, (H, W, 3): a far shadow leaves it."""
    haze = measured.haze
    air = 1 - np.exp(-np.float32(haze.extinction_per_m) * np.minimum(shot.depth_m, np.float32(1e6)))
    return np.asarray(air[..., None] * np.array(haze.colour, np.float32), np.float32)


def _wrapped(rgba: np.ndarray, behind: np.ndarray, params: Params) -> np.ndarray:
    """The layer with the light of what is beside it creeping over its edge."""
    if params.light_wrap == 0 or params.light_wrap_px == 0:
        return rgba
    through = 1 - np.minimum(rgba[..., 3:], 1)
    outside = np.concatenate([behind * through, through], axis=2)
    blur.gaussian(outside, params.light_wrap_px, outside)
    share = outside[..., 3:]
    light = np.ascontiguousarray(outside[..., :3] / np.maximum(share, 1e-4))
    edge = np.ascontiguousarray(np.clip(2 * share[..., 0], 0, 1) ** 2)
    wrapped = np.empty_like(rgba)
    merge.light_wrap(rgba, light, edge, params.light_wrap, wrapped)
    return wrapped


def _refuse_broken(final: np.ndarray, frame: int) -> None:
    picture = final.astype(np.float32)
    broken = check.count_broken(picture)
    if broken:
        x, y = check.first_broken(picture)
        raise StageError(
            f"frame {frame}: {broken} NaN or infinite values, the first at {x}, {y}, from depth, matte or shadow. "
            "Run those stages again."
        )


def _channels(final: np.ndarray, placed: list[Placed], shot: Shot) -> dict[str, np.ndarray]:
    """R G B; per layer NAME.R G B A and NAME.id; matte.A; depth.Z of the nearest thing that is mostly there."""
    channels = {name: np.ascontiguousarray(final[..., i]) for i, name in enumerate("RGB")}
    nearest = shot.depth_m
    for layer in placed:
        channels |= exr.rgba_channels(layer.rgba, f"{layer.name}.")
        channels[f"{layer.name}.id"] = layer.ids
        nearest = np.where(layer.rgba[..., 3] >= 0.5, np.minimum(layer.depth_m, nearest), nearest)
    channels["matte.A"] = exr.half(shot.matte)
    channels["depth.Z"] = nearest.astype(np.float32)
    return channels
