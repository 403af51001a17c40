"""Put the crowd on the ground: who stands where, when, in which motion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.characters import load_character
from assets.crowd import ID_BLOCK, Members, Travel, Variety, muster, travel
from assets.formations import long_axis, middle
from calibration.cameras import camera_centre, load_poses
from calibration.ground import Heightfield
from pipeline.errors import ConfigError
from pipeline.io.files import replacing, write_bytes
from pipeline.stage import Progress, silent, stage
from pipeline.types import CameraTrack, CrowdBrief, CrowdLayout, Ground, Plate, Zone

Array = npt.NDArray[np.float64]
FARTHEST_M = 1500.0  # a pixel of the horizon would put people farther than anyone is seen


@dataclass(frozen=True, slots=True)
class Params(Variety):
    """How much the members of a body differ: the settings of assets.crowd.Variety."""


@stage(data=("assets/characters",))
def lay_out_crowd(
    brief: CrowdBrief,
    track: CameraTrack,
    ground: Ground,
    plate: Plate,
    params: Params,
    out: Path,
    progress: Progress = silent,
) -> CrowdLayout:
    """Agents in world space on every frame, on the ground.

    Raises ConfigError when a zone's polygon is not on the ground, AssetError when its people do not fit or are unknown.
    """
    heights, pose = Heightfield.read(ground), load_poses(track)[0]
    times_s = np.arange(len(track.frames)) / float(plate.rate.fraction)
    _check_names(brief)
    agents: list[dict[str, object]] = []
    travels: list[Travel] = []
    for number, zone in enumerate(brief.zones, start=1):
        seed = brief.seed * 1_000_003 + zone.seed
        polygon = ground_polygon(zone, heights, track, pose)
        heading = heading_of(zone, polygon, pose)
        members = muster(zone, polygon, heading, seed, params)
        travels.append(travel(zone, members, times_s, heading, seed, params))
        agents += _entries(zone, number, members)
        progress(number, len(brief.zones), zone.name)
    return _write(agents, travels, heights, track, out)


def ground_polygon(zone: Zone, heights: Heightfield, track: CameraTrack, pose: Array) -> Array:
    """The zone's corners in plan, (P, 2) x, z metres. Raises ConfigError when one is not on the ground."""
    corners = zone.polygon_px or zone.polygon_m
    if len(corners) < 3:
        raise ConfigError(
            f"crowd zone {zone.name}: its polygon has {len(corners)} corners, 3 are needed. Write polygon_px or polygon_m."
        )
    if not zone.polygon_px:
        return np.array(corners, np.float64)
    points = heights.meet_ground(np.array(corners, np.float64), track.lens, pose)
    away = np.linalg.norm(points - camera_centre(pose), axis=1)
    for (x, y), distance in zip(corners, away, strict=True):
        if not distance < FARTHEST_M:  # also: NaN, the ray never meets the ground
            raise ConfigError(
                f"crowd zone {zone.name}: corner ({x:g}, {y:g}) px looks over the ground, or farther than "
                f"{FARTHEST_M:g} m. Draw it lower in the picture."
            )
    return np.asarray(points[:, [0, 2]])


def heading_of(zone: Zone, polygon: Array, pose: Array) -> float:
    """Radians about Y; when the zone names none, towards the camera of the first frame, a column along its zone."""
    if zone.facing_deg is not None:
        return float(np.radians(zone.facing_deg))
    to_camera = camera_centre(pose)[[0, 2]] - middle(polygon)
    if zone.formation == "column":
        along = long_axis(polygon)
        to_camera = along if along @ to_camera > 0 else -along
    return float(np.arctan2(to_camera[0], to_camera[1]))


def _check_names(brief: CrowdBrief) -> None:
    names = [zone.name for zone in brief.zones]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"crowd: two zones are called {name!r}. Give each its own name.")
    for zone in brief.zones:
        if not 0 <= zone.count < ID_BLOCK or not zone.spacing_m > 0.2:
            raise ConfigError(
                f"crowd zone {zone.name}: count {zone.count} must be 0 to {ID_BLOCK - 1}, spacing_m {zone.spacing_m:g} "
                "above 0.2. Change it, or split the zone."
            )
        for character in zone.characters:
            load_character(character)


def _entries(zone: Zone, number: int, members: Members) -> list[dict[str, object]]:
    return [
        {
            "id": number * ID_BLOCK + i + 1,
            "name": f"{zone.name}.{i + 1:05d}",
            "zone": zone.name,
            "character": members.characters[i],
            "motion": zone.motion,
            "scale": round(float(members.scales[i]), 5),
            "seed": int(members.seeds[i]),
        }
        for i in range(zone.count)
    ]


def _write(
    agents: list[dict[str, object]], travels: list[Travel], heights: Heightfield, track: CameraTrack, out: Path
) -> CrowdLayout:
    empty = np.zeros((len(track.frames), 0))
    plan = np.concatenate([t.plan for t in travels] or [empty[..., None].repeat(2, axis=-1)], axis=1)
    layout = CrowdLayout(
        agents=out / "agents.json",
        positions=out / "positions.npy",
        yaws=out / "yaws.npy",
        phases=out / "phases.npy",
        motions=out / "motions.npy",
        frames=track.frames,
        count=len(agents),
        motion_names=tuple(sorted({str(agent["motion"]) for agent in agents})),
    )
    write_bytes(layout.agents, (json.dumps(agents, indent=1, sort_keys=True) + "\n").encode())
    _save(layout.positions, heights.stand(plan[..., 0], plan[..., 1]))
    _save(layout.yaws, np.concatenate([t.yaws for t in travels] or [empty], axis=1))
    _save(layout.phases, np.concatenate([t.phases for t in travels] or [empty], axis=1))
    doing = np.array([layout.motion_names.index(str(agent["motion"])) for agent in agents])
    _save(layout.motions, np.broadcast_to(doing, (len(track.frames), len(agents))), np.uint8)
    return layout


def _save(path: Path, array: npt.NDArray, kind: npt.DTypeLike = np.float32) -> None:
    with replacing(path) as temporary:
        np.save(temporary, np.ascontiguousarray(array, kind))
