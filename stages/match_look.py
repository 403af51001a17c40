"""Give the layers the plate's colour, air, motion blur and softness."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assets.view import Buffers
from calibration.look.grades import read_grades
from calibration.look.measured import read_look
from calibration.look.optics import settled
from pipeline.errors import ConfigError, StageError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.kernels import blur, check
from pipeline.kernels.planes import to_pixels
from pipeline.optics_sections import LensFacts
from pipeline.output_sections import WORK, WorkFiles
from pipeline.sections import CameraFacts
from pipeline.stage import stage
from pipeline.types import CameraTrack, Grades, Layer, Layers, Look, RawLayers
from stages.layer_grade import GradeParams, graded
from stages.layer_optics import LENS_SETTINGS, LensParams, Through
from stages.steadiness import layer_flicker


@dataclass(frozen=True, slots=True)
class Params(GradeParams, LensParams):
    """How the plate's look is laid on: the settings of stages.layer_grade.GradeParams, and of the blurs."""

    def __post_init__(self) -> None:
        GradeParams.__post_init__(self)
        for name in ("haze", *LENS_SETTINGS):
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
    through = Through.of(optics, said, track, params)
    earlier: dict[str, Buffers] = {}
    for frame in frames:
        numbers: dict[str, Any] = {
            "shutter": through.shutter,
            "softness_px": through.softness_px,
            "lens": optics.sources,
        }
        if through.iris_px_m:
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
            rgba = graded(rgba, air, source.name, found, measured.haze, strayed, params)
            rgba, depth = through.seen(rgba, depth, moved, frame)
            written = {**exr.rgba_channels(rgba), "Z": depth, "id": ids}
            written |= {f"motion.{c}": exr.half(moved[..., i]) for i, c in enumerate("xy")}
            exr.write(target.files.path(frame), written, compression=work.compression)
            numbers[source.name] = _levels(rgba) | steady | {"grade": asdict(tones)}
        _soften_shadow(raw.shadow.path(frame), shadow.path(frame), through.softness_px, work.compression)
        write_bytes(figures.path(frame), json.dumps(numbers, indent=1, sort_keys=True).encode())
    sun = out / raw.sun.name if raw.sun is not None else None
    if sun is not None and raw.sun is not None:
        write_bytes(sun, raw.sun.read_bytes())
    return Layers(layers, shadow, figures, sun)


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


def _layer(channels: dict[str, np.ndarray], name: str, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RGBA (H, W, 4), depth (H, W) and motion (H, W, 2), float32; a broken render stops here, by name."""
    missing = [c for c in ("R", "G", "B", "A", "Z", "id") if c not in channels]
    if missing:
        raise StageError(f"frame {frame}: layer {name} has no channel {', '.join(missing)}. Run render_layers again.")
    rgba = to_pixels([channels[c] for c in "RGBA"])
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


def _soften_shadow(source: Path, target: Path, softness: float, compression: str) -> None:
    softened = dict(exr.read(source).channels)
    for name in ("Y", "sun"):  # what falls on people ends with their own edges
        plane = softened[name]
        light = np.ascontiguousarray(plane, dtype=np.float32)[..., None]
        soft = np.empty_like(light)
        blur.gaussian(light, softness, soft)
        soft[soft > 0.999] = 1  # a far tail of 0.1% would touch plate pixels that nobody sees changed
        softened[name] = exr.half(soft[..., 0])
    exr.write(target, softened, compression=compression)


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
