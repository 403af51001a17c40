"""[solve] of the shot file: a camera that somebody else solved, and what our own solve is told by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.frames import frames_in

MOVES = ("auto", "free", "turn", "still")
FOCALS = ("auto", "fixed", "zoom")
ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


@dataclass(frozen=True, slots=True)
class SolveBrief:
    """[solve]: how the camera is solved, or where it comes from instead. Paths are relative to the shot file.

    move: how it moves: "free" (it travels), "turn" (a pan or tilt on a tripod), "still" (locked off); "auto": by the plate.
    focal: "fixed", one focal length; "zoom", one for each frame; "auto": by the plate.
    track: a Nuke .chan, a USD file with a camera, or the folder of a COLMAP model, one pose per frame of the shot.
    frame_offset: is added to the track's frame numbers. rotation_order: of a .chan, which axis it turns about first.
    metres_per_unit: 0: what the file says, else 1. up: "Y" or "Z"; empty: what the file says, else Y.
    world: "track": its ground is y = 0 and its unit is known; "plate": both are found as for a solve of our own (COLMAP's
    always are). distortion: k1, k2, p1, p2 of COLMAP's OPENCV camera, centre_px: the lens's, for files that say none.

    ignore: PNG or EXR frames, white where nothing is to be tracked. locked: a file as track's may be, with the poses of
    locked_frames ("1001, 1040-1042"), which our own solve then holds: its world is theirs. lens: a file of
    `battleplate calibrate-lens`, held in the solve; it goes before focal_mm in [camera] and a track's own lens. smooth: 0 to 1, how
    much of the jitter that the points do not contradict is taken out of our own solve (calibration.solve.smooth).
    """

    move: str = "auto"
    focal: str = "auto"
    track: Path | None = None
    camera: str = ""  # a USD camera's path; empty: the only one
    frame_offset: int = 0
    rotation_order: str = "ZXY"
    metres_per_unit: float = 0.0
    up: str = ""
    world: str = "track"
    distortion: tuple[float, float, float, float] | None = None
    centre_px: tuple[float, float] | None = None
    ignore: Path | None = None
    locked: Path | None = None
    locked_frames: str = ""
    lens: Path | None = None
    smooth: float = 0.0

    def __post_init__(self) -> None:
        if self.move not in MOVES:
            raise ConfigError(f"move is {self.move!r}, must be one of {', '.join(MOVES)}. Change it.")
        if self.focal not in FOCALS:
            raise ConfigError(f"focal is {self.focal!r}, must be one of {', '.join(FOCALS)}. Change it.")
        if self.rotation_order not in ORDERS:
            raise ConfigError(
                f"rotation_order is {self.rotation_order!r}, must be one of {', '.join(ORDERS)}. Change it."
            )
        if self.up not in ("", "Y", "Z"):
            raise ConfigError(f"up is {self.up!r}, must be Y or Z; empty: what the track says. Change it.")
        if self.world not in ("track", "plate"):
            raise ConfigError(f"world is {self.world!r}, must be track or plate. Change it.")
        if not 0 <= self.smooth <= 1:
            raise ConfigError(f"smooth is {self.smooth:g}, must be from 0 to 1. Change it.")
        if self.smooth and self.track is not None:
            raise ConfigError("both track and smooth are given: a track is taken as it is. Remove one.")
        if self.metres_per_unit < 0:
            raise ConfigError(f"metres_per_unit is {self.metres_per_unit:g}, must be above 0. A centimetre is 0.01.")
        if (self.locked is None) != (frames_in(self.locked_frames) == ()):
            raise ConfigError(
                "locked and locked_frames belong together: a file with poses, and the frames that it holds fast."
            )
        if self.locked is not None and self.track is not None:
            raise ConfigError("both track and locked are given: a track poses every frame. Remove one.")
