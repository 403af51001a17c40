"""Lay the generated layers into the plate: holdouts, shadows, light wrap, over, and grain last.

The whole order, in scene-linear ACEScg, premultiplied; match_look does the first three to each layer, this stage the rest:
colour, haze by depth, defocus and motion blur; holdouts by matte and depth (comp_inputs.place); shadows on the solved
ground (comp_shadow) and on the plate's people (comp_people); per layer, farthest first: light wrap (comp_edges; dust
has no edge), glow and lens, over; what of the set stands before the crowd over it (comp_order); grain on all that is new.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.ground.heightfield import Heightfield
from calibration.look.measured import LookFigures, read_look
from calibration.mattes.pulled import light_of
from pipeline.errors import ConfigError, StageError
from pipeline.far_sections import FarCards
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import cryptomatte, exr
from pipeline.io.files import write_bytes
from pipeline.kernels import check, fused, fused_torch, merge
from pipeline.kernels.color import LUMINANCE, RGB
from pipeline.optics_sections import NOTHING_SAID, LensFacts
from pipeline.output_sections import OUTPUT, OutputBrief
from pipeline.overlap import overlapped
from pipeline.stage import Finished, stage, unheard
from pipeline.types import (
    SKY,
    VEIL,
    CameraTrack,
    CleanPlate,
    Comp,
    Ground,
    Layers,
    Look,
    Mattes,
    Plate,
    PlateLight,
    SetLayout,
    SkyLayer,
    SkyMattes,
)
from stages import comp_channels, comp_inputs
from stages.comp_cover import in_cover
from stages.comp_edges import cleaned, wrapped
from stages.comp_figures import Frame, figures_of
from stages.comp_inputs import Holdout, Shot, place, shot_of
from stages.comp_lens import NO_LENS, LensOver, add_glow, lay_over
from stages.comp_order import CROWD, SET, Order, order_of
from stages.comp_people import shaded, sunlight_of
from stages.comp_shadow import ground_depth, light_left, may_fall, once, shaded_ground, shadow_powers, veil
from stages.comp_sky import Edges, placed_sky
from stages.seen import view_of

LOST = 0.99  # share of the plate's signal that is left where a screen's light was taken off people


@dataclass(frozen=True, slots=True)
class Params:
    tolerance_m: float = (
        0.5  # the plate may be this much nearer before it hides a layer, a layer before it hides people
    )
    tolerance: float = 0.05  # ... and this share of the distance ...
    doubt: float = 0.15  # ... and up to this share more where the depth is uncertain
    edge_px: int = 0  # how far a holdout's edge may move to the plate's own; 0: a 320th of its width, at least 3
    cover_m: float = 0.05  # how high grass reaches before what stands in it, where the plate's ground is green
    shadow: float = 1.0  # strength
    light_wrap: float = 0.6  # of the plate's light beside a layer, at its edge
    light_wrap_px: float = 0.0  # how far; 0: a 400th of the plate's width
    grain: float = 1.0  # times the plate's
    seed: int = 1
    device: str = "cpu"  # where grain is made: cpu, or a GPU's cuda or mps; within a half's last place

    def __post_init__(self) -> None:
        if self.device not in ("cpu", "cuda", "mps"):
            raise ConfigError(f'composite.device is "{self.device}", must be "cpu", "cuda" or "mps".')
        for name in (f.name for f in fields(self) if f.name not in ("seed", "device")):
            most = 100 if name.endswith(("_px", "_m")) else 10
            if not 0 <= getattr(self, name) <= most:
                raise ConfigError(f"composite.{name} is {getattr(self, name)}, must be 0 to {most}.")

    def holdout(self, width: int) -> Holdout:
        """For a plate of this width in pixels."""
        edge_px = self.edge_px or max(3, round(width / 320))
        return Holdout(self.tolerance_m, self.tolerance, self.doubt, edge_px)


@stage
def composite(
    plate: Plate,
    mattes: Mattes,
    clean: CleanPlate,
    layers: Layers,
    look: Look,
    light_told: PlateLight,
    track: CameraTrack,
    ground: Ground,
    params: Params,
    frames: FrameRange,
    out: Path,
    said: LensFacts = NOTHING_SAID,
    output: OutputBrief = OUTPUT,
    finished: Finished = unheard,
    sky: SkyLayer = SkyLayer(None, None),  # noqa: B008 (frozen)
    sky_matte: SkyMattes = SkyMattes(None),  # noqa: B008 (frozen)
    set_layout: SetLayout = SetLayout(Path(), Path()),  # noqa: B008 (frozen)
    far: FarCards = FarCards(),  # noqa: B008 (frozen)
) -> Comp:
    """Farthest layer first. Plate pixels that no layer and no shadow reaches leave bit-identical.

    A frame is written, and the next one read, while another is computed.
    """
    if params.device != "cpu" and params.device not in fused_torch.devices():
        there = " or ".join(f'"{name}"' for name in fused_torch.devices())
        raise ConfigError(f'composite.device is "{params.device}", but torch finds none on this machine: use {there}.')
    measured, heights, cast = read_look(look.figures), Heightfield.read(ground), comp_channels.cast_of(layers)
    holdout = params.holdout(plate.width)
    lens, powers = LensOver.of(said, measured.optics, track.lens), shadow_powers(light_told)
    manifest = cryptomatte.metadata(comp_channels.CRYPTOMATTE, cast.names)

    def comp_of(some: FrameRange) -> Comp:
        return Comp(FrameFiles(out, "comp.%04d.exr", some), FrameFiles(out, "comp.%04d.json", some))

    def read(frame: int) -> comp_inputs.Read:
        return comp_inputs.read(plate, mattes, clean, layers, sky_matte, sky, frame)

    def make(frame: int, given: comp_inputs.Read) -> _Finished:
        shot = shot_of(given, frame)
        if layers.sun is not None and shot.matte.any():
            sunlight = sunlight_of(layers.sun, set_layout, light_told, far, track)
            fallen = given.shadow.channels.get("people")
            by_crowd = None if fallen is None else 1 - fallen.astype(np.float32)
            shot = shaded(shot, sunlight, view_of(track, frame), measured, params.shadow, by_crowd)
        placed = [place(name, picture, shot, holdout, frame) for name, picture in given.layers.items()]
        placed = [in_cover(one, shot, heights, track, frame, params.cover_m) for one in placed]
        if given.sky is not None and shot.cut is not None:
            placed.insert(0, placed_sky(given.sky, shot.cut))
        light, sun = (given.shadow.channels[c].astype(np.float32) for c in ("Y", "sun"))
        ground_m = ground_depth(may_fall(light, shot, params.shadow), heights, track, frame)
        dark = shaded_ground(ground_m, shot, measured, heights, track, frame, light_told.shadow_rgb)
        light = once(light, sun, dark, light_told.shadow_rgb)
        light = light_left(light, ground_m, shot, holdout, params.shadow)
        order = order_of(placed)
        done = merged(shot, order, light, powers, measured, params, frame, lens)
        _refuse_broken(done, frame)
        found = figures_of(done, measured.grain, params.seed, frame)
        if not found["outside_bit_identical"]:
            raise StageError(f"frame {frame}: the plate is changed where nothing is added. This is a bug in composite.")
        found["plate"] |= given.plate_figures
        if shot.cut is not None:
            shot = replace(shot, depth_m=shot.cut.depth(shot.depth_m))
        motion = comp_channels.plate_motion(track, shot.depth_m, frame)
        light = light if shot.lit is None else light * shot.lit
        planes = comp_channels.channels(done, order.seen, shot, light, motion)
        return _Finished(planes | comp_channels.mattes_by_thing(order.seen, cast), shot.metadata | manifest, found)

    def write(frame: int, done: _Finished) -> None:
        files = comp_of(FrameRange(frame, frame))
        exr.write(files.files.path(frame), done.planes, compression=output.master, metadata=done.metadata)
        write_bytes(files.figures.path(frame), json.dumps(done.figures, indent=1, sort_keys=True).encode())

    for frame in overlapped(frames, read, make, write):
        finished(frame, comp_of(FrameRange(frame, frame)))
    return comp_of(frames)


@dataclass(frozen=True, slots=True)
class _Finished:
    """A frame ready to be written."""

    planes: dict[str, Any]
    metadata: dict[str, Any]
    figures: dict[str, Any]


def merged(
    shot: Shot,
    order: Order,
    light: np.ndarray,
    powers: RGB,
    measured: LookFigures,
    params: Params,
    frame: int,
    lens: LensOver = NO_LENS,
) -> Frame:
    """Shadow on the plate, each layer with wrap over it, what of the set stands before the crowd over that, glow, grain where
    the plate's is lost, the plate's bits elsewhere.
    """
    picture, kept = np.empty_like(shot.rgb), fused.held(light if shot.lit is None else light * shot.lit)
    merge.multiply_shadow(shot.rgb, light, veil(shot, measured, light < 1), picture, powers)
    white = float(np.dot(measured.tone.white, LUMINANCE))
    surroundings = light_of([layer.rgba for layer in order.placed])
    if shot.pulled is not None and shot.pulled.keyed:
        changed = shot.pulled.despilled
        picture = shot.pulled.despill(picture, surroundings)
        kept[changed] = np.minimum(kept[changed], LOST)
    laid: list[np.ndarray] = []
    edges: Edges | None = None
    before: np.ndarray | None = None
    for layer in order.placed:
        if layer.name == SKY:
            assert shot.cut is not None
            edges = Edges(shot.cut, layer, shot, picture, params.light_wrap, params.light_wrap_px, white)
            picture = edges.start(picture)
            lay_over(layer.rgba, picture, kept, NO_LENS)  # its matte is the plate's own, seen through the lens
        elif layer.rgba[..., 3].any():
            lit = layer.rgba
            if layer.name != VEIL:
                picture = cleaned(picture, layer, shot, surroundings)
                lit = wrapped(layer, picture, params.light_wrap, params.light_wrap_px, white)
            if edges is not None:
                picture = edges.before(picture, layer)
            under = lit
            if layer.name == SET:
                under, before = order.parted(lit)
            lay_over(under, picture, kept, lens)
            laid.append(under)
            if edges is not None:
                edges.after(layer, lit)
            if before is not None and layer.name == CROWD:
                lay_over(before, picture, kept, lens)
                laid.append(before)
    add_glow(laid, picture, kept, lens)
    grain = replace(measured.grain, sigmas=measured.grain.sigmas * np.float32(params.grain))
    given = shot.half, picture, kept, grain, params.seed, frame
    grained, final = fused.finish(*given) if params.device == "cpu" else fused_torch.finish(*given, params.device)
    return Frame(shot.half, final, picture, grained, kept, {p.name: p.rgba for p in order.seen})


def _refuse_broken(done: Frame, frame: int) -> None:
    picture = done.final.astype(np.float32)
    broken = check.count_broken(picture)
    if broken:
        x, y = check.first_broken(picture)
        raise StageError(
            f"frame {frame}: {broken} NaN or infinite values, the first at {x}, {y}, from depth, matte or shadow. "
            "Run those stages again."
        )
