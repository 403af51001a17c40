"""Measure what the plate looks like, once per shot: grain, light, air, softness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.look.aberration import measure_aberration
from calibration.look.blurs import find_blurs
from calibration.look.coding import coding_of
from calibration.look.color import Sample, measure_tone
from calibration.look.glow import measure_glow
from calibration.look.grain import MeasuredGrain, measure_grain
from calibration.look.grainblocks import Array
from calibration.look.grainswatch import swatch
from calibration.look.haze import fit_haze
from calibration.look.measured import LookFigures, write_look
from calibration.look.optics import Optics
from calibration.look.plateedges import plate_edges
from calibration.look.sharpness import edge_sigma_px
from calibration.look.stock import GrainStock, beside, fitting, read_stock
from calibration.look.vignette import measure_vignette
from pipeline.errors import ConfigError
from pipeline.io import exr
from pipeline.io.color import to_display_8bit
from pipeline.io.images import write_png
from pipeline.kernels.grain import Grain
from pipeline.look_sections import NOTHING_KNOWN, LookFacts
from pipeline.stage import Progress, stage
from pipeline.types import CameraTrack, DepthMaps, Look, Mattes, Plate


@dataclass(frozen=True, slots=True)
class Params:
    frames: int = 6  # looked at, spread over the shot; grain compares each with its neighbour
    block_px: int = 0  # side of the grain's blocks; 0: by the plate's width

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= 64:
            raise ConfigError(f"measure_look.frames is {self.frames}, must be 1 to 64. 6 suits most shots.")
        if self.block_px and not 8 <= self.block_px <= 64:
            raise ConfigError(f"measure_look.block_px is {self.block_px}, must be 8 to 64, or 0 to choose by width.")


@stage
def measure_look(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    mattes: Mattes,
    params: Params,
    out: Path,
    progress: Progress,
    known: LookFacts = NOTHING_KNOWN,
) -> Look:
    """A handful of frames tell the grain's profile, the light's level and colour, the haze, how soft edges are, and what
    lens and shutter do. A grain profile that is known stands, and the plate's own is held against it."""
    chosen = spread(plate.files.frames.first, plate.files.frames.last - 1, params.frames)
    block_px = params.block_px or (16 if plate.width < 1500 else 32)
    stock = _stock(known, plate)
    progress(0, 4, "grain")
    measured = measure_grain(_pairs(plate, chosen), block_px, coding_of(plate.colorspace))
    progress(1, 4, "light")
    samples = [read_sample(plate, depth, mattes, frame) for frame in chosen]
    tone = measure_tone(samples)
    progress(2, 4, "air")
    haze = fit_haze(samples)
    progress(3, 4, "softness")
    sigma_px, edges = edge_sigma_px(s.rgb for s in samples)
    optics = _optics(dict(zip(chosen, samples, strict=True)), track)
    grain, note = _chosen_grain(stock, measured, samples[len(samples) // 2], block_px, len(chosen))
    look = Look(figures=out / "look.json", swatch=out / "grain.png")
    write_look(look.figures, LookFigures(grain, tone, haze, sigma_px, edges, note, optics))
    write_png(look.swatch, to_display_8bit(swatch(samples[len(samples) // 2].rgb, grain)))
    progress(4, 4, "done")
    return look


def _stock(known: LookFacts, plate: Plate) -> GrainStock | None:
    """The grain profile that the shot file names. Raises FormatError when it does not fit the plate."""
    if known.grain is None:
        return None
    stock = read_stock(known.grain)
    fitting(known.grain, stock, plate.width)
    return stock


def _chosen_grain(
    stock: GrainStock | None, measured: MeasuredGrain, sample: Sample, block_px: int, pairs: int
) -> tuple[Grain, str]:
    """The grain that the shot takes, and a line on where it comes from."""
    found = f"{measured.blocks} blocks of {block_px} px, {measured.clean_share:.0%} of all seen, from {pairs} pairs of frames"
    spread, side = measured.grain.patchiness
    if spread:
        found += f"; patchy as a codec leaves it: {np.expm1(spread):.0%} from place to place, {side:.0f} px wide"
    if measured.grain.texture.size:
        least, most = measured.grain.rise[[0, -1]]
        found += f", {most / least:.1f} times as strong on texture as where it is smooth"
    if stock is None:
        return measured.grain, found
    share = beside(stock.grain, measured.grain, sample.rgb[::4, ::4])
    return stock.grain, f"profile {stock.name}; the plate's own reads {share:.0%} of it ({found})"


def _optics(samples: dict[int, Sample], track: CameraTrack) -> Optics:
    return Optics(
        find_blurs(plate_edges(samples.items(), track)),
        measure_vignette(samples.items(), track),
        measure_aberration(samples.values(), track.lens),
        measure_glow(samples.values()),
    )


def spread(first: int, last: int, count: int) -> list[int]:
    """At most `count` different frames from `first` to `last`, evenly; one when `last` comes before `first`."""
    return sorted({int(f) for f in np.linspace(first, max(first, last), count).round()})


def _pairs(plate: Plate, chosen: list[int]) -> Iterator[tuple[Array, Array]]:
    for frame in chosen:
        if frame + 1 in plate.files.frames:
            yield exr.read_rgb(plate.files.path(frame)), exr.read_rgb(plate.files.path(frame + 1))


def read_sample(plate: Plate, depth: DepthMaps, mattes: Mattes, frame: int) -> Sample:
    """A frame of the plate with what is known of it."""
    seen = exr.read(depth.files.path(frame)).channels
    matte = exr.read(mattes.files.path(frame)).channels["A"].astype(np.float32)
    return Sample(
        exr.read_rgb(plate.files.path(frame)), seen["Z"].astype(np.float32), seen["C"].astype(np.float32), matte
    )
