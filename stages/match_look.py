"""Give the layers the plate's colour, air, motion blur and softness."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assets.view import Buffers
from calibration.look.focus import blur_radius_px
from calibration.look.grades import read_grades
from calibration.look.measured import read_look
from calibration.look.optics import settled
from calibration.look.vignette import vignette_gain
from pipeline.errors import ConfigError, StageError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.kernels import blur, check
from pipeline.kernels.defocus import defocus
from pipeline.optics_sections import LensFacts
from pipeline.output_sections import WORK, WorkFiles
from pipeline.sections import CameraFacts
from pipeline.stage import stage
from pipeline.types import CameraTrack, Grades, Layer, Layers, Look, RawLayers
from stages.layer_grade import GradeParams, graded
from stages.steadiness import layer_flicker

MOST_SOFTNESS_PX = 3.0


@dataclass(frozen=True, slots=True)
class Params(GradeParams):
    """How the plate's look is laid on: the settings of stages.layer_grade.GradeParams, and of the blurs."""

    motion_blur: float = 1.0  # times the shutter
    defocus: float = 1.0  # times the iris
    layer_sigma_px: float = 0.5  # how soft the renderer's own edges are

    def __post_init__(self) -> None:
        GradeParams.__post_init__(self)
        for name in ("haze", "motion_blur", "defocus", "layer_sigma_px"):
            if not 0 <= getattr(self, name) <= 10:
                raise ConfigError(f"match_look.{name} is {getattr(self, name)}, must be 0 to 10. 1 is as measured.")


@stage
def match_look(
    raw: RawLayers,
    facts: CameraFacts,
    said: LensFacts,
    track: CameraTrack,
    look: Look,
    grades: Grades,
    params: Params,
    frames: FrameRange,
    out: Path,
    work: WorkFiles = WORK,
) -> Layers:
    """Per layer: grade (measured, then said), haze by its depth, blur along its motion, depth of field, softness,
    vignette.

    The figures tell how much each layer flickered, as it was rendered, since the frame before.
    """
    measured, found = read_look(look.figures), read_grades(grades.figures)
    layers = tuple(_own(r, frames, out) for r in raw.layers)
    shadow = FrameFiles(out, "shadow.%04d.exr", frames)
    figures = FrameFiles(out, "match.%04d.json", frames)
    optics = settled(said, facts, measured.optics, measured.edge_sigma_px, track.lens)
    shutter = params.motion_blur * optics.shutter
    softness = softness_px(optics.sigma_px, params.layer_sigma_px)
    iris_px_m = params.defocus * optics.scale_px_m
    corners = vignette_gain(track.lens, *optics.vignette)[..., None] if any(optics.vignette) else None
    earlier: dict[str, Buffers] = {}
    for frame in frames:
        numbers: dict[str, Any] = {"shutter": shutter, "softness_px": softness, "lens": optics.sources}
        if iris_px_m:
            numbers["focus_m"] = optics.focus_m(frame)
        for source, target in zip(raw.layers, layers, strict=True):
            channels = exr.read(source.files.path(frame)).channels
            rgba, depth, moved = _layer(channels, source.name, frame)
            ids = channels["id"].astype(np.uint32)
            now = Buffers(rgba, depth, ids.astype(np.int32), moved)
            steady = _since_before(source, frame, earlier.get(source.name), now)
            earlier[source.name] = now
            tones, strayed = params.counted(source.name, found), params.strayed(found, frame)
            air = np.where(rgba[..., 3] > 0, channels.get("air", depth), np.float32(np.inf)).astype(np.float32)
            rgba = graded(rgba, air, tones, params.said(source.name), measured.haze, strayed, params)
            rgba, depth = _smeared(rgba, depth, moved, shutter, optics.late)
            if iris_px_m:
                rgba, depth = _defocused(rgba, depth, numbers["focus_m"], iris_px_m, said)
            rgba, depth = _softened(rgba, depth, softness)
            if corners is not None:
                rgba[..., :3] *= corners
            written = {**exr.rgba_channels(rgba), "Z": depth, "id": ids}
            written |= {f"motion.{c}": exr.half(moved[..., i]) for i, c in enumerate("xy")}
            exr.write(target.files.path(frame), written, compression=work.compression)
            numbers[source.name] = _levels(rgba) | steady | {"grade": asdict(tones)}
        _soften_shadow(raw.shadow.path(frame), shadow.path(frame), softness, work.compression)
        write_bytes(figures.path(frame), json.dumps(numbers, indent=1, sort_keys=True).encode())
    return Layers(layers, shadow, figures)


def _since_before(layer: Layer, frame: int, before: Buffers | None, now: Buffers) -> dict[str, Any]:
    """How much a layer flickered since the frame before, which is read where the loop has not seen it."""
    if frame - 1 not in layer.files.frames:
        return {}
    if before is None:
        channels = exr.read(layer.files.path(frame - 1)).channels
        rgba, depth, moved = _layer(channels, layer.name, frame - 1)
        before = Buffers(rgba, depth, channels["id"].astype(np.int32), moved)
    return layer_flicker(before, now)


def _own(layer: Layer, frames: FrameRange, out: Path) -> Layer:
    """The layer's receipt here; its manifest comes along, so that the result stands on its own."""
    write_bytes(out / layer.manifest.name, layer.manifest.read_bytes())
    return Layer(layer.name, FrameFiles(out, f"{layer.name}.%04d.exr", frames), out / layer.manifest.name)


def softness_px(plate_sigma_px: float, layer_sigma_px: float) -> float:
    """The blur that lacks: Gaussians add as squares."""
    return min(MOST_SOFTNESS_PX, math.sqrt(max(0.0, plate_sigma_px**2 - layer_sigma_px**2)))


def _layer(channels: dict[str, np.ndarray], name: str, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RGBA (H, W, 4), depth (H, W) and motion (H, W, 2), float32; a broken render stops here, by name."""
    missing = [c for c in ("R", "G", "B", "A", "Z", "id") if c not in channels]
    if missing:
        raise StageError(f"frame {frame}: layer {name} has no channel {', '.join(missing)}. Run render_layers again.")
    rgba = np.stack([channels[c] for c in "RGBA"], axis=2).astype(np.float32)
    broken = check.count_broken(rgba)
    if broken:
        x, y = check.first_broken(rgba)
        raise StageError(
            f"frame {frame}: layer {name} holds {broken} NaN, the first at {x}, {y}. Run render_layers again."
        )
    depth = np.ascontiguousarray(channels["Z"], dtype=np.float32)
    still = np.zeros(depth.shape, np.float32)
    moved = np.stack([channels.get("motion.x", still), channels.get("motion.y", still)], axis=2).astype(np.float32)
    return rgba, np.where(rgba[..., 3] > 0, depth, np.float32(np.inf)), moved


def _smeared(
    rgba: np.ndarray, depth: np.ndarray, moved: np.ndarray, shutter: float, late: float
) -> tuple[np.ndarray, np.ndarray]:
    out, out_depth = np.empty_like(rgba), np.empty_like(depth)
    blur.motion_blur(rgba, depth, moved, shutter, out, out_depth, late)
    return out, out_depth


def _defocused(
    rgba: np.ndarray, depth: np.ndarray, focus_m: float, iris_px_m: float, said: LensFacts
) -> tuple[np.ndarray, np.ndarray]:
    out, out_depth = np.empty_like(rgba), np.empty_like(depth)
    radius = blur_radius_px(depth, focus_m, iris_px_m)
    defocus(rgba, depth, radius, out, out_depth, blades=said.blades, rotation_deg=said.blades_deg)
    return out, out_depth


def _softened(rgba: np.ndarray, depth: np.ndarray, softness: float) -> tuple[np.ndarray, np.ndarray]:
    """What any lens does in focus; the depth grows along so that soft edges have one."""
    out = np.empty_like(rgba)
    blur.gaussian(rgba, softness, out)
    out[out[..., 3] < 1e-4] = 0
    return out, grown_depth(depth, out[..., 3])


def grown_depth(depth: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Depth for every pixel with alpha: where there was none, the nearest of its surroundings; +inf without alpha."""
    grown = depth
    while (lacking := (alpha > 0) & np.isinf(grown)).any():
        around = np.pad(grown, 1, constant_values=np.inf)
        near = np.min(
            [around[j : j + depth.shape[0], i : i + depth.shape[1]] for j in range(3) for i in range(3)], axis=0
        )
        if not np.isfinite(near[lacking]).any():
            break
        grown = np.where(lacking, near, grown)
    return np.where(alpha > 0, grown, np.float32(np.inf)).astype(np.float32)


def _soften_shadow(source: Path, target: Path, softness: float, compression: str) -> None:
    channels = exr.read(source).channels
    light = np.ascontiguousarray(channels["Y"], dtype=np.float32)[..., None]
    soft = np.empty_like(light)
    blur.gaussian(light, softness, soft)
    soft[soft > 0.999] = 1  # a far tail of 0.1% would touch plate pixels that nobody sees changed
    exr.write(target, {"Y": exr.half(soft[..., 0])}, compression=compression)


def _levels(rgba: np.ndarray) -> dict[str, Any]:
    """Black, mean and white of what the layer covers, scene-linear."""
    solid = rgba[rgba[..., 3] > 0.9]
    if not len(solid):
        return {"coverage": 0.0}
    rgb = solid[:, :3] / solid[:, 3:]
    return {
        "coverage": float(rgba[..., 3].mean()),
        "black": np.quantile(rgb, 0.005, axis=0).round(5).tolist(),
        "mean": rgb.mean(axis=0).round(5).tolist(),
        "white": np.quantile(rgb, 0.995, axis=0).round(5).tolist(),
    }
