"""One shot's sky mattes frame by frame: found, pulled, steadied, with the colour of what stands before the sky."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import pose_at
from calibration.depth.views import load_view
from calibration.mattes.band import disc
from calibration.mattes.foreground import separate
from calibration.mattes.quiet import plate_frame, quiet_frame
from calibration.mattes.skyline import not_sky
from calibration.mattes.skysearch import LOWEST, SkySearch, elevation
from calibration.mattes.steady import Edge, steadied
from pipeline.io import exr
from pipeline.types import CameraTrack, DepthMaps, Mattes, Plate

Floats = npt.NDArray[np.float32]
_MARGIN = 0.06  # of the picture's height, that is looked at below the horizon
_OWN_PX = 3  # at a width of 960: how far inside of an edge a thing has its own colours
_BRIGHTER = 1.05  # than the brightest of these nothing gets on the edge: it would be the old sky


@dataclass(frozen=True)
class SkyPuller:
    """Pulls single frames. width_px: of the search; steady: frames before and after that soft edges are averaged with."""

    plate: Plate
    track: CameraTrack
    depth: DepthMaps
    people: Mattes
    width_px: int
    steady: int
    despill: float
    _found: dict[int, tuple[Floats, Floats]] = field(init=False, default_factory=dict)  # the last few frames

    @cached_property
    def _search(self) -> SkySearch:
        return SkySearch(self.plate, self.track, self.depth, self.width_px)

    @cached_property
    def _rows(self) -> int:
        """So many upper rows hold all that may be sky, on any frame."""
        lowest = 0.0
        for frame in self.plate.files.frames:
            view = load_view(self.plate, self.track, self.plate.files.frames.first, self.width_px)
            turned = type(view)(frame, view.picture, view.lens, pose_at(self.track, frame))
            above = np.flatnonzero((elevation(turned) > LOWEST).any(axis=1))
            lowest = max(lowest, (above[-1] + 1) / view.lens.height if len(above) else 0.0)
        return min(self.plate.height, round((lowest + _MARGIN) * self.plate.height))

    def pull(self, frame: int) -> tuple[Floats, Floats]:
        """(H, W) alpha, exactly 1 where no sky shows; (H, W, 3) what stands before it, premultiplied, 0 where alpha is 0 or 1."""
        out = np.ones((self.plate.height, self.plate.width), np.float32)
        own = np.zeros((*out.shape, 3), np.float32)
        alpha, behind = self._alone(frame)
        if alpha.min() == 1:
            return out, own
        beside = [f for d in range(1, self.steady + 1) for f in (frame - d, frame + d) if f in self.plate.files.frames]
        alpha = steadied(self._edge(frame), [self._edge(f) for f in beside])
        alpha = alpha.astype(np.float16).astype(np.float32)  # as it is kept: what is 1 there has no colour of its own
        out[: self._rows] = alpha
        soft = (alpha > 0) & (alpha < 1)
        quiet, shot = self._quiet(frame), plate_frame(self.plate.files, frame)[: self._rows]
        front, _ = separate(quiet, alpha, behind)
        front = without_sky(front, quiet, alpha, self.despill, self.plate.width / 960)
        share = alpha[soft][:, None]
        own[: self._rows][soft] = share * np.maximum(front[soft] + shot[soft] - quiet[soft], 0)
        return out, own

    def _alone(self, frame: int) -> tuple[Floats, Floats]:
        """A frame's alpha by itself and the sky's colour behind it, upper rows; each is found once."""
        if frame not in self._found:
            people = exr.read(self.people.files.path(frame)).channels["A"].astype(np.float32)[: self._rows]
            sky = self._search.find(frame)[: self._rows]
            self._found[frame] = not_sky(self._quiet(frame), sky, people)
            for old in sorted(self._found, key=lambda f: abs(f - frame))[2 * self.steady + 1 :]:
                del self._found[old]
        return self._found[frame]

    def _edge(self, frame: int) -> Edge:
        return Edge(self._quiet(frame), self._alone(frame)[0])

    def _quiet(self, frame: int) -> Floats:
        return quiet_frame(self.plate.files, frame, self._rows)


def without_sky(front: Floats, picture: Floats, alpha: Floats, amount: float, scale: float) -> Floats:
    """`front` (H, W, 3) on soft edges no brighter than what is solid beside them: what is brighter is left of the old sky.

    amount: 0 .. 1 of what is over it. Where nothing solid is near (a twig alone), nothing is taken.
    """
    inside = max(1, round(_OWN_PX * scale))
    solid = cv2.erode((alpha >= 1).astype(np.uint8), disc(max(1, inside // 2)))
    most = cv2.dilate(np.where(solid[..., None] > 0, picture, np.float32(-1)), disc(2 * inside + 1))
    over = np.where(most > 0, np.maximum(front - np.float32(_BRIGHTER) * most, 0), 0)
    return np.asarray(front - np.float32(amount) * over, np.float32)
