"""Put the crowd on the ground: who stands where, when, in which motion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.crowd.avoidance import Marching, avoided, marching
from assets.crowd.brief import changes_of, check_brief, check_override_zones
from assets.crowd.layout import entries, gathered, imported, write
from assets.crowd.members import Site, Variety, muster
from assets.crowd.shapes import headings, long_axis, middle
from assets.crowd.walks import forget, in_parts
from assets.mocap.shot import bake, renamed
from assets.motion.motions import learn_captures
from assets.people.recipes import bring, learn_recipes
from calibration.cameras import camera_centre, lens_at, load_poses
from calibration.ground.heightfield import Heightfield
from pipeline.crowd_sections import CrowdBrief, Points, Zone
from pipeline.errors import ConfigError
from pipeline.own_characters import OwnCharacters
from pipeline.stage import Kept, NothingKept, Progress, silent, stage
from pipeline.types import CameraTrack, CrowdLayout, Ground, Plate

Array = npt.NDArray[np.float64]
FARTHEST_M = 1500.0  # a pixel of the horizon would put people farther than anyone is seen


@dataclass(frozen=True, slots=True)
class Params(Variety):
    """How much the members of a body differ: the settings of assets.crowd.members.Variety."""


@stage(data=("assets/characters",))
def lay_out_crowd(
    brief: CrowdBrief,
    track: CameraTrack,
    ground: Ground,
    plate: Plate,
    params: Params,
    out: Path,
    own: OwnCharacters = OwnCharacters(),  # noqa: B008 (frozen)
    progress: Progress = silent,
    kept: Kept = NothingKept(),  # noqa: B008 (it holds nothing)
) -> CrowdLayout:
    """Agents in world space on every frame, on the ground.

    Raises ConfigError when a zone's polygon is not on the ground, AssetError when its people do not fit or are unknown.
    """
    heights, pose = Heightfield.read(ground), load_poses(track)[0]
    rate = float(plate.rate.fraction)
    times_s = np.arange(len(track.frames)) / rate
    recipes = bring(own.files, out / "characters")
    names = learn_recipes(recipes)
    check_brief(brief, names)
    captures = bake(brief, out / "captures")
    learn_captures(captures)
    brief = renamed(brief, captures)
    if brief.layout is not None:
        laid = imported(brief, track.frames, plate.rate, names)
        return write(laid, track.frames, out, plate.rate, captures, recipes)
    check_override_zones(brief)
    drawn = _Drawing(heights, track, pose)
    keep_out = tuple(drawn.plan(area.polygon_px, area.polygon_m, f"crowd {area.name}", 3) for area in brief.keep_out)
    agents: list[dict[str, object]] = []
    bodies: list[Marching] = []
    for number, zone in enumerate(brief.zones, start=1):
        seed = brief.seed * 1_000_003 + zone.seed
        site = site_of(zone, drawn, keep_out)
        if zone.start_frame is not None:
            site = replace(site, start_s=(zone.start_frame - track.frames.first) / rate)
        everyone = muster(zone, site, seed, params)
        changes = changes_of(brief, number, dict.fromkeys(map(int, everyone.numbers)))
        bodies.append(marching(zone, site, everyone, changes, times_s, seed, params))
        progress(number, len(brief.zones), zone.name)
    travels = avoided(bodies, times_s, keep_out, in_parts(out / "walk", kept))
    for number, (body, done) in enumerate(zip(bodies, travels, strict=True), start=1):
        agents += entries(body.zone, number, body.members, done)
    laid = gathered(agents, travels, heights.stand, track.frames)
    layout = write(laid, track.frames, out, plate.rate, captures, recipes)
    forget(out / "walk")
    return layout


@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    """What was drawn on the first frame, and the ground under it."""

    heights: Heightfield
    track: CameraTrack
    pose: Array

    @property
    def camera_m(self) -> Array:
        """(2,) where the first frame's camera stands, in plan."""
        return np.asarray(camera_centre(self.pose)[[0, 2]])

    def plan(self, points_px: Points, points_m: Points, where: str, least: int) -> Array:
        """(P, 2) x, z metres of corners drawn in pixels or given in metres; `least` of them are needed.

        Raises ConfigError when one is not on the ground.
        """
        corners = points_px or points_m
        if len(corners) < least:
            word = "path" if least == 2 else "polygon"
            raise ConfigError(
                f"{where}: its {word} has {len(corners)} corners, {least} are needed. Write {word}_px or {word}_m."
            )
        if not points_px:
            return np.array(corners, np.float64)
        points = self.heights.meet_ground(
            np.array(corners, np.float64), lens_at(self.track, self.track.frames.first), self.pose
        )
        away = np.linalg.norm(points - camera_centre(self.pose), axis=1)
        for (x, y), distance in zip(corners, away, strict=True):
            if not distance < FARTHEST_M:  # also: NaN, the ray never meets the ground
                raise ConfigError(
                    f"{where}: corner ({x:g}, {y:g}) px looks over the ground, or farther than "
                    f"{FARTHEST_M:g} m. Draw it lower in the picture."
                )
        return np.asarray(points[:, [0, 2]])


def site_of(zone: Zone, drawn: _Drawing, keep_out: tuple[Array, ...]) -> Site:
    """The zone's words on the ground. Raises ConfigError when what was drawn is not on it, or not enough."""
    where, nowhere = f"crowd zone {zone.name}", np.zeros((0, 2))
    along = zone.formation == "path"
    path = drawn.plan(zone.path_px, zone.path_m, where, 2) if along or zone.path_px or zone.path_m else nowhere
    if along and (zone.polygon_px or zone.polygon_m):
        raise ConfigError(f"{where}: formation 'path' stands along its path. Remove the polygon, or choose another.")
    polygon = nowhere if along else drawn.plan(zone.polygon_px, zone.polygon_m, where, 3)
    ripple = None
    if zone.ripple:
        px, m = zone.ripple.from_px, zone.ripple.from_m
        ripple = drawn.plan((px,) if px else (), (m,) if m else (), f"{where} ripple", 1)[0]
    heading = heading_of(zone, polygon, path, drawn.camera_m)
    return Site(polygon, heading, drawn.camera_m, path, keep_out, ripple)


def heading_of(zone: Zone, polygon: Array, path: Array, camera_m: Array) -> float:
    """Radians about Y. When the zone names none: along its path; a column along its zone, a line across it; the others
    towards the camera of the first frame."""
    if zone.facing_deg is not None:
        return float(np.radians(zone.facing_deg))
    if len(path):
        return float(headings(path[1] - path[0]))
    towards = camera_m - middle(polygon)
    if zone.facing != "camera" and zone.formation in ("column", "line"):
        along = long_axis(polygon)
        way = along if zone.formation == "column" else np.array([along[1], -along[0]])
        towards = way if way @ towards > 0 else -way
    return float(headings(towards))
