"""One shot's mattes frame by frame: from a key, a difference or a roto, joined, with the colours at their edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.mattes.edges import refine
from calibration.mattes.foreground import separate
from calibration.mattes.key import Despill, pull_key, without_screen
from calibration.mattes.pull import find_matte
from calibration.mattes.pulled import Pulled
from calibration.mattes.quiet import plate_frame, quiet_frame
from calibration.mattes.roto import at_plate_size, files_of, join, read_matte
from calibration.mattes.screen import Paint, Screen, bare_screen, find_paint, likely_paint
from calibration.mattes.steady import Edge, steadied
from pipeline.errors import ConfigError
from pipeline.io import pictures
from pipeline.sections import MatteSource
from pipeline.types import CameraTrack, DepthMaps, Plate

Floats = npt.NDArray[np.float32]
_MUCH = 0.15  # of the picture: a screen as large is named although nobody asked for a key


@dataclass(frozen=True, slots=True)
class Params:
    width_px: int = 480  # the search runs at this width; edges are drawn to the plate's afterwards
    reach_frames: int = 60  # how far before and after the background is looked for
    looks: int = 12  # frames that vote on the background
    sure: float = 5.0  # deviations that make a difference certain: lower finds more, and more that is none
    edge_px: int = 1  # by how much the edge may move to the plate's, in pixels of the search
    steady_frames: int = 1  # before and after, that the soft edges of keys and differences are averaged with; 0: none
    despill: float = 1.0  # how much of the screen's light comes off people
    despill_limit: float = 0.5  # 0: the primary may reach the larger of the other channels, 1: their mean
    keep_light: float = 1.0  # how much of the light that is taken comes back as that of the new surroundings

    def __post_init__(self) -> None:
        if not 64 <= self.width_px <= 4096:
            raise ConfigError(f"pull_mattes.width_px is {self.width_px}, must be 64 to 4096. 480 suits most plates.")
        if self.reach_frames < 1 or self.looks < 2 or self.sure <= 0 or self.edge_px < 1:
            raise ConfigError("pull_mattes: reach_frames, sure and edge_px must be above 0, looks at least 2.")
        if not 0 <= self.steady_frames <= 4:
            raise ConfigError(f"pull_mattes.steady_frames is {self.steady_frames}, must be 0 to 4. 1 suits most shots.")
        for name in ("despill", "despill_limit", "keep_light"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"pull_mattes.{name} is {getattr(self, name)}, must be 0 to 1.")


@dataclass(frozen=True)
class Puller:
    """Pulls single frames. Raises CalibrationError on a missing screen and on files that do not fit."""

    plate: Plate
    track: CameraTrack
    depth: DepthMaps
    source: MatteSource
    params: Params
    _files: dict[str, dict[int, Path]] = field(init=False, default_factory=dict)
    _found: dict[int, Floats] = field(init=False, default_factory=dict)  # single frames' mattes, the last few

    def __post_init__(self) -> None:
        source = self.source
        for name in ("path", "garbage", "holdout", "clean_plate"):
            path = getattr(source, name)
            first = source.first if name == "path" else 0
            self._files[name] = files_of(path, self.plate.files.frames, first) if path else {}

    @cached_property
    def paint(self) -> Paint:
        """The screen's colour, found in the middle of the shot, so that every frame is keyed off the same."""
        return find_paint(quiet_frame(self.plate.files, self._middle), self.source.screen)

    @property
    def _middle(self) -> int:
        frames = self.plate.files.frames
        return (frames.first + frames.last) // 2

    @cached_property
    def method(self) -> str:
        """In words, for the report: how mattes are found, what was joined to them, and a screen that nobody keys."""
        source, said = self.source, self.source.method
        words = {"roto": "supplied", "difference": "automatic"}.get(said) or f"key, {self.paint.name} screen"
        if said != "roto" and source.path:
            words += f", joined with the supplied ones by {source.combine}"
        words += "".join(f", {name} applied" for name in ("holdout", "garbage") if getattr(source, name))
        if said == "difference":
            seen = likely_paint(quiet_frame(self.plate.files, self._middle))
            if seen.share > _MUCH:
                words += f'; {seen.share:.0%} look like a {seen.name} screen: [mattes] kind = "key" would key it'
        return words

    def pull(self, frame: int) -> Pulled:
        """Matte and edge colours of a frame, at plate size."""
        quiet = quiet_frame(self.plate.files, frame)
        screen = self._screen(frame) if self.source.method == "key" else None
        alpha = self.alpha(frame)
        return coloured(plate_frame(self.plate.files, frame), quiet, alpha, screen, self._garbage(frame), self._how)

    def alpha(self, frame: int) -> Floats:
        """(H, W) float32 0..1: found, steadied by its neighbours, and joined with what was supplied."""
        method, reach = self.source.method, self.params.steady_frames
        roto, holdout, garbage = self._supplied("path", frame), self._supplied("holdout", frame), self._garbage(frame)
        if method == "roto":
            assert roto is not None
            alpha = roto
        else:
            beside = [f for d in range(1, reach + 1) for f in (frame - d, frame + d) if f in self.plate.files.frames]
            alpha = steadied(self._edge(frame), [self._edge(f) for f in beside])
            alpha = alpha if roto is None else join(alpha, roto, self.source.combine)
        if garbage is not None:
            alpha = join(alpha, 1 - garbage, "multiply")
        return alpha if holdout is None else join(alpha, holdout, "max")

    def _edge(self, frame: int) -> Edge:
        """A frame's matte by itself; each is found once, for itself and for its neighbours."""
        quiet = quiet_frame(self.plate.files, frame)
        if frame not in self._found:
            keyed = self.source.method == "key"
            self._found[frame] = self._keyed(frame, quiet) if keyed else self._difference(frame, quiet)
            for old in sorted(self._found)[: -2 * self.params.steady_frames - 1]:
                del self._found[old]
        return Edge(quiet, self._found[frame])

    def _keyed(self, frame: int, quiet: Floats) -> Floats:
        return pull_key(quiet, self._screen(frame), self._supplied("holdout", frame), self._garbage(frame))

    @property
    def _how(self) -> Despill:
        p = self.params
        return Despill(p.despill_limit, p.despill, p.keep_light)

    def _screen(self, frame: int) -> Screen:
        garbage, clean = self._garbage(frame), None
        if self._files["clean_plate"]:
            path = self._files["clean_plate"][frame]
            clean = at_plate_size(pictures.read(path).rgb, self.plate.width, self.plate.height, path)
        return bare_screen(
            quiet_frame(self.plate.files, frame), self.paint, None if garbage is None else garbage > 0.5, clean
        )

    def _garbage(self, frame: int) -> Floats | None:
        return self._supplied("garbage", frame)

    def _supplied(self, name: str, frame: int) -> Floats | None:
        if not self._files[name]:
            return None
        path = self._files[name][frame]
        matte = read_matte(path, self.source.channel if name == "path" else "")
        return at_plate_size(matte, self.plate.width, self.plate.height, path)

    def _difference(self, frame: int, quiet: Floats) -> Floats:
        p = self.params
        matte = find_matte(
            self.plate,
            self.track,
            self.depth,
            frame,
            width_px=p.width_px,
            reach=p.reach_frames,
            count=p.looks,
            sure=p.sure,
        )
        radius = max(1, round(p.edge_px * self.plate.width / matte.shape[1]))
        return refine(matte, quiet, radius)


def coloured(
    picture: Floats, quiet: Floats, alpha: Floats, screen: Screen | None, garbage: Floats | None, how: Despill
) -> Pulled:
    """The colours that mix at the edges of `alpha` (H, W): people's with the plate's grain, without a screen's light.

    picture, quiet: (H, W, 3) scene-linear with and without grain. garbage: (H, W), where no screen counts.
    """
    front, behind = separate(quiet, alpha, None if screen is None else screen.bare)
    share = alpha[..., None]
    if screen is None:
        return Pulled(alpha, np.where(share >= 1, picture, share * (front + picture - quiet)).astype(np.float32))
    front, light = without_screen(front, screen, how)
    returned, left = alpha * light, screen.left(quiet)
    if garbage is not None:
        left *= 1 - garbage
    whole = (share >= 1) & (returned[..., None] == 0)
    front = np.where(whole, picture, share * (front + picture - quiet)).astype(np.float32)
    return Pulled(alpha, front, ((1 - share) * behind).astype(np.float32), returned, left)
