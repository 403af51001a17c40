"""Who stands in front of every layer: a key, what moves against the solved background, or the supplied roto."""

from __future__ import annotations

from pathlib import Path

from calibration.mattes.edges import figure_depth
from calibration.mattes.puller import Params, Puller
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.sections import MatteSource
from pipeline.stage import Finished, stage, unheard
from pipeline.types import CameraTrack, DepthMaps, Mattes, Plate


@stage
def pull_mattes(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    source: MatteSource,
    params: Params,
    frames: FrameRange,
    out: Path,
    finished: Finished = unheard,
) -> Mattes:
    """A: 1 = in front of every layer. Z: how far that figure stands, metres, by the ground under it; +inf elsewhere.

    A matte claims what moves in front. Where a layer ought to stand before a person, Z tells. The other channels are what
    calibration.mattes.pulled needs to lay layers behind people's edges.
    """
    puller = Puller(plate, track, depth, source, params)

    def mattes_of(some: FrameRange) -> Mattes:
        return Mattes(FrameFiles(out, "matte.%04d.exr", some), puller.method)

    for frame in frames:
        pulled, made = puller.pull(frame), mattes_of(FrameRange(frame, frame))
        maps = exr.read(depth.files.path(frame)).channels
        far = figure_depth(pulled.alpha, maps["Z"], maps["C"])
        exr.write(made.files.path(frame), {**pulled.channels(), "Z": far}, compression="zip")
        finished(frame, made)
    return mattes_of(frames)
