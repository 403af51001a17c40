"""What the plate would be without the people in it: its depth there, and how steady it is."""

from __future__ import annotations

import json
from pathlib import Path

from calibration.depth.still import WIDTH_PX, still_depth
from calibration.depth.votes import Votes
from calibration.ground.heightfield import Heightfield
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.overlap import overlapped
from pipeline.stage import Finished, stage, unheard
from pipeline.types import CameraTrack, CleanPlate, DepthMaps, Ground, Mattes, Plate
from stages.steadiness import plate_flicker


@stage
def clean_plate(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    mattes: Mattes,
    ground: Ground,
    frames: FrameRange,
    out: Path,
    finished: Finished = unheard,
) -> CleanPlate:
    """Made once for all versions of a comp: what stands still neither moves with a layer nor with a setting of the comp."""
    heights, votes = Heightfield.read(ground), Votes(plate, track, depth, mattes, WIDTH_PX)

    def made_of(some: FrameRange) -> CleanPlate:
        return CleanPlate(FrameFiles(out, "clean.%04d.exr", some), FrameFiles(out, "clean.%04d.json", some))

    def make(frame: int, _read: None) -> tuple[dict[str, exr.Array], dict[str, object]]:
        z, confidence = still_depth(plate, track, votes.depth(frame), heights, frame)
        return {"Z": z, "C": confidence}, plate_flicker(plate, mattes, depth, track, frame)

    def write(frame: int, done: tuple[dict[str, exr.Array], dict[str, object]]) -> None:
        made = made_of(FrameRange(frame, frame))
        exr.write(made.depth.path(frame), done[0], compression="zip")
        write_bytes(made.figures.path(frame), json.dumps(done[1], indent=1, sort_keys=True).encode())

    for frame in overlapped(frames, lambda _: None, make, write):
        finished(frame, made_of(FrameRange(frame, frame)))
    return made_of(frames)
