"""All that a delivery is made of: the receipts of every stage, their figures in one tree, the verdicts on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pipeline.io.timecode import later
from pipeline.review import figures
from pipeline.sections import ShotInfo
from pipeline.types import (
    CameraTrack,
    CharacterAtlas,
    Comp,
    CrowdLayout,
    DepthMaps,
    Grades,
    Ground,
    Layers,
    Look,
    Mattes,
    Plate,
    PlateLight,
    SetPaintings,
    SkyLayer,
    TrackReport,
)

Array = np.ndarray[Any, Any]
SURE = 3.0  # standard errors that chance explains


@dataclass(frozen=True)
class Sources:
    """Everything that is delivered or reported."""

    shot: ShotInfo
    plate: Plate
    track: CameraTrack
    judged: TrackReport
    depth: DepthMaps
    mattes: Mattes
    crowd: CrowdLayout
    atlas: CharacterAtlas
    paintings: SetPaintings
    look: Look
    ground: Ground
    layers: Layers
    comp: Comp
    identity: dict[str, Any] = field(default_factory=dict)  # by character, how alike it is across views and shots
    light: PlateLight | None = None
    grades: Grades | None = None
    sky: SkyLayer = SkyLayer(None, None)  # noqa: RUF009 (frozen)

    @property
    def name(self) -> str:
        return f"{self.shot.name}_comp_v{self.shot.version:03d}"

    def timecode(self, frame: int) -> str:
        return later(self.plate.timecode, frame - self.plate.files.frames.first, self.plate.rate)

    @property
    def subtitle(self) -> str:
        """One line on frames, rate, size and colour."""
        plate, frames = self.plate, self.comp.files.frames
        count = f"{len(frames)} frame" + ("s" if len(frames) > 1 else "")
        color = plate.colorspace if plate.colorspace == "ACEScg" else f"{plate.colorspace} to ACEScg"
        return f"frames {frames}, {count} at {plate.rate} · {plate.width} x {plate.height} · {color}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that still passes; of the grain beyond what chance explains, for a small layer holds few grains."""

    reprojection_limit_px: float = 1.0
    depth_limit: float = 0.1  # median error as a share of the distance
    grain_limit: float = 0.3  # how far the grain's strength in the layers may be from the plate's, as a share
    repeat_limit: float = 0.2  # correlation of the grain with that of the frame before
    fringe_limit: float = 0.05  # of the level along an edge
    black_limit: float = 0.02  # scene-linear, under the plate's black
    white_limit: float = 1.0  # stops above the plate's white


@dataclass(slots=True)
class Watched:
    """What the one pass over the finished frames noted. shown: display pictures of the frames of the sheet."""

    broken: dict[int, int] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    pixels: dict[int, str] = field(default_factory=dict)
    shown: dict[int, Array] = field(default_factory=dict)
    lost: dict[int, float] = field(default_factory=dict)  # by a lossy compression, the most that a value changed

    @property
    def frozen(self) -> list[int]:
        """Frames whose picture is that of the frame before."""
        return [f for f, digest in self.pixels.items() if self.pixels.get(f - 1) == digest]


def measured(sources: Sources, watched: Watched, compression: str) -> dict[str, Any]:
    """Every figure of every stage, ready for JSON. compression: of the frames handed on."""
    s, frames = sources, sources.comp.files.frames
    agents = figures.read_json(s.crowd.agents)
    comp_frames = figures.read_frames(s.comp.figures, frames)
    depth_frames = figures.read_frames(s.depth.figures, frames)
    layer_frames = figures.read_frames(s.layers.figures, frames)
    return {
        "shot": {"name": s.shot.name, "version": s.shot.version, "frames": str(frames), "rate": str(s.plate.rate)},
        "plate": {
            "size_px": [s.plate.width, s.plate.height],
            "pixel_aspect": s.plate.pixel_aspect,
            "timecode": s.plate.timecode,
            "colorspace": s.plate.colorspace,
            "metadata": s.plate.metadata,
        },
        "camera": {
            "reprojection_error_px": s.track.reprojection_error_px,
            "scale_from": s.track.scale_from,
            "lens": asdict(s.track.lens),
            "solve": figures.read_json(s.track.figures),
        },
        "depth": {"error_m": s.depth.error_m, "frames": depth_frames, "summary": figures.summary(depth_frames)},
        "mattes": {"source": s.mattes.source},
        "crowd": {
            "count": s.crowd.count,
            **{key: dict(Counter(str(a.get(key, "?")) for a in agents)) for key in ("zone", "character", "motion")},
        },
        "identity": s.identity,
        "generation": {
            "crowd": _origin(s.atlas) | {"sprites": len(np.load(s.atlas.sprites, mmap_mode="r"))},
            "set": _origin(s.paintings) | {"paintings": len(figures.read_json(s.paintings.index))},
        },
        "ground": figures.read_json(s.ground.figures),
        "sky": figures.read_frames(s.sky.figures, frames),
        "look": figures.read_json(s.look.figures) | _light_and_grades(s),
        "layers": {"frames": layer_frames, "summary": figures.summary(layer_frames)},
        "comp": {
            "frames": comp_frames,
            "summary": figures.summary(comp_frames),
            "broken_values": watched.broken,
            "frozen_frames": watched.frozen,
        },
        "delivery": {
            "compression": compression,
            "most_lost_by_compression": max(watched.lost.values(), default=0.0),
        },
    }


def _light_and_grades(s: Sources) -> dict[str, Any]:
    """The plate's sun and shadows; per layer its grade and how sure it is."""
    told: dict[str, Any] = {"light": figures.read_json(s.light.figures)} if s.light else {}
    if s.grades:
        content = figures.read_json(s.grades.figures)
        told["exposure"] = {"over time": content["stray"]["note"]}
        for layer, match in content["layers"].items():
            told[f"grade of {layer}"] = match["tones"] | {"sure of the exposure within": match["doubt"]["exposure_ev"]}
    return told


def _origin(made: CharacterAtlas | SetPaintings) -> dict[str, Any]:
    return {"provider": made.provider, "model_digest": made.model_digest, "licence": made.licence}


def checked(sources: Sources, measured: dict[str, Any], watched: Watched, limits: Limits) -> tuple[figures.Check, ...]:
    """The verdicts, bad frames by number."""
    comp, depth_frames = measured["comp"]["frames"], measured["depth"]["frames"]
    touched = [f for f, found in comp.items() if found.get("outside_bit_identical") is False]
    broken = [f for f, count in watched.broken.items() if count]
    error = figures.median(depth_frames, "median_relative_error")
    checks = [
        figures.none_of("NaN or infinite values", broken, "none in any frame"),
        figures.none_of("frozen frames", watched.frozen, "no frame repeats the one before"),
        figures.none_of("plate outside the layers", touched, "the camera original, bit for bit"),
        figures.at_most("reprojection error", sources.track.reprojection_error_px, limits.reprojection_limit_px, "px"),
        figures.at_most("depth error over distance, median", error, limits.depth_limit),
    ]
    judged = (
        ("fringes along edges, share of the level", "fringe", limits.fringe_limit),
        ("layers darker than the plate's black, by", "black", limits.black_limit),
        ("layers brighter than the plate's white, stops", "white", limits.white_limit),
        ("grain in the layers against the plate's, off beyond chance by", "grain", limits.grain_limit),
        ("grain that stands still, correlation beyond chance", "repeats", limits.repeat_limit),
    )
    worst = {frame: judge(found) for frame, found in comp.items()}
    for name, figure, limit in judged:
        values = {frame: found[figure] for frame, found in worst.items() if np.isfinite(found[figure])}
        if values:  # a shot without a layer has neither edges nor grain of ours
            checks.append(figures.each_at_most(name, values, limit))
    return tuple(checks)


def judge(found: dict[str, Any]) -> dict[str, float]:
    """What is judged of one frame of the comp: the worst over layers, channels and levels; NaN where there is nothing."""
    plate, layers = found.get("plate", {}), found.get("layers", {}).values()

    def pairs(name: str) -> list[tuple[float, float]]:
        """Of each layer's and channel's figure with the plate's."""
        known = [layer[name] for layer in layers if name in layer] if name in plate else []
        return [pair for values in known for pair in zip(values, plate[name], strict=True)]

    ratios = {"all": found.get("grain_ratio", []), **found.get("grain_bins", {})}
    chances = {name: SURE * chance for name, chance in found.get("grain_chance", {}).items()}
    standing = abs(found.get("grain_repeats", np.nan)) - SURE * found.get("grain_repeats_chance", 0.0)
    every = {
        "fringe": [v for layer in layers for v in layer.get("fringe", [])],
        "black": [their - own for own, their in pairs("black")],
        "white": [float(np.log2(max(own, 1e-6) / max(their, 1e-6))) for own, their in pairs("white")],
        "grain": [max(abs(v - 1) - chances.get(name, 0), 0) for name, ratio in ratios.items() for v in ratio],
        "repeats": [max(standing, 0)] if "grain_repeats" in found else [],
    }
    return {name: max(values, default=float("nan")) for name, values in every.items()}
