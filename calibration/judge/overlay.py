"""The matchmove artist's picture: tracks, ground, cones and the world's axes over a frame of the plate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre
from calibration.judge.cones import Cones, draw_cones, place_cones
from calibration.judge.eye import Eye, Picture, cross, dot, strokes
from calibration.judge.groundgrid import draw_axes, draw_grid, mesh_m
from calibration.judge.taken import EXPLAINED, LEFT_OUT, Followed
from calibration.solve.solved import Solve
from pipeline.review import slate

Array = npt.NDArray[np.float64]

TRAIL = 8  # frames
FINE_PX, BAD_PX = 0.5, 2.0  # green up to the one, red from the other
RAMP = ((90, 220, 112), (238, 214, 70), (246, 66, 58))  # green, yellow, red
OUT_INK, SHORT_INK, DARK = (236, 84, 236), (150, 156, 162), (18, 18, 18)
ALARM = (255, 96, 84)
STEPS_BACK = 0.82  # the plate's brightness under what is drawn


@dataclass(frozen=True, slots=True)
class Told:
    """What stands under a picture. left, middle, right: of the first line; alarm: why the frame is looked at again, or nothing."""

    left: str
    middle: str
    right: str
    alarm: str = ""


@dataclass(frozen=True, eq=False)
class Artist:
    """Draws frames of one shot. mesh_m: of the fine grid."""

    solve: Solve
    tracks: Followed
    cones: Cones
    mesh_m: float

    @classmethod
    def of(cls, solve: Solve, tracks: Followed) -> Artist:
        """What is drawn stands in the world and is chosen once for the shot."""
        height = float(np.median(np.abs(camera_centre(solve.poses)[:, 1])))
        return cls(solve, tracks, place_cones(solve), mesh_m(height))

    @property
    def legend(self) -> str:
        """What is drawn, in words."""
        cones = self.cones
        away = ", ".join(f"{d:.3g}" for d in cones.distances_m)
        grid = f"grid {self.mesh_m:g} m / {10 * self.mesh_m:g} m"
        return (
            f"{grid}   cones {cones.height_m:g} m high, {away} m away"
            if len(cones.feet)
            else f"{grid}   no ground seen"
        )

    def draw(self, shown: Picture, row: int, told: Told) -> Picture:
        """`shown` (H, W, 3) uint8 of the frame in `row`, drawn over, with a band of two lines below: (H + band, W, 3)."""
        picture = np.asarray(np.rint(shown * np.float32(STEPS_BACK)), np.uint8)
        height, width = picture.shape[:2]
        eye = Eye.of(self.solve, row, width, height)
        size, lens = np.array([width, height]), np.array([self.solve.lens.width, self.solve.lens.height])
        draw_grid(picture, eye, self.mesh_m)
        _draw_tracks(picture, self.tracks, row, size / lens)
        draw_cones(picture, eye, self.cones)
        draw_axes(picture, eye, self.mesh_m)
        return _banded(picture, told, self.legend)


def ink_of(error_px: float) -> tuple[int, int, int]:
    """Green up to FINE_PX, by yellow at twice that, to red from BAD_PX."""
    at = math.log2(max(error_px, 1e-6) / FINE_PX) / math.log2(BAD_PX / FINE_PX) * 2
    low = min(1, max(0, math.floor(at)))
    share = min(1.0, max(0.0, at - low))
    r, g, b = (round(x + share * (y - x)) for x, y in zip(RAMP[low], RAMP[low + 1], strict=True))
    return r, g, b


INKS = tuple(ink_of(BAD_PX * step / 40) for step in range(41))  # of errors from 0 to BAD_PX


def _draw_tracks(picture: Picture, tracks: Followed, row: int, factor: Array) -> None:
    """Explained ones as dots by their error, with the way they came; left-out ones as crosses; short ones faint."""
    size = picture.shape[1] / 960
    here = tracks.at(row)
    told = here[tracks.state[here] != 0]
    back = np.maximum(told[:, None] - np.arange(TRAIL + 1), tracks.starts[told][:, None])
    trails = tracks.pixels[back] * factor
    pieces = np.stack([trails[:, :-1], trails[:, 1:]], axis=2)
    for state, ink in ((EXPLAINED, (70, 150, 90)), (LEFT_OUT, (150, 60, 150))):
        strokes(picture, pieces[tracks.state[told] == state].reshape(-1, 2, 2), ink)
    levels = (
        np.rint(np.nan_to_num(tracks.errors_px[here]).clip(0, BAD_PX) / BAD_PX * (len(INKS) - 1)).astype(int).tolist()
    )
    for (x, y), state, level in zip((tracks.pixels[here] * factor).tolist(), tracks.state[here], levels, strict=True):
        if state == EXPLAINED:
            dot(picture, x, y, 2.6 * size, DARK)
            dot(picture, x, y, 1.9 * size, INKS[level])
        elif state == LEFT_OUT:
            cross(picture, x, y, 3.2 * size, OUT_INK, max(1, round(size)))
        else:
            dot(picture, x, y, 1.0 * size, SHORT_INK)


def _banded(picture: Picture, told: Told, legend: str) -> Picture:
    """The picture with two lines of words and a legend of inks below."""
    height, width = picture.shape[:2]
    line = max(20, round(0.042 * height))
    band = 2 * line + (height + 2 * line) % 2
    out = np.empty((height + band, width, 3), np.uint8)
    out[:height], out[height:] = picture, slate.PAPER
    size, margin = round(0.62 * line), round(0.5 * line)
    first, second = height + round(0.74 * line), height + line + round(0.68 * line)
    slate.write(out, told.left, margin, first, size)
    middle_ink = ALARM if told.alarm else slate.INK
    at = (width - slate.width_of(told.middle, size, slate.BOLD)) // 2
    slate.write(out, told.middle, at, first, size, middle_ink, slate.BOLD)
    right = f"{told.alarm}   {told.right}" if told.alarm else told.right
    slate.write(out, right, width - margin - slate.width_of(right, size), first, size, middle_ink)
    small = round(0.54 * line)
    slate.write(out, legend, margin, second, small, slate.FAINT)
    x, y = width - margin, second - 0.36 * small
    marks = (
        ("left out", None),
        (f"> {BAD_PX:g} px", RAMP[2]),
        (f"{2 * FINE_PX:g}", RAMP[1]),
        (f"< {FINE_PX:g}", RAMP[0]),
    )
    for words, ink in marks:
        x -= slate.width_of(words, small)
        slate.write(out, words, x, second, small, slate.FAINT)
        x -= round(0.7 * small)
        if ink is None:
            cross(out, x, y, 0.3 * small, OUT_INK)
        else:
            dot(out, x, y, 0.28 * small, ink)
        x -= round(0.8 * small)
    return out
