"""Hero areas of a shot: who belongs to one, and its clip from guides of the whole crowd. No step: a part of generate_hero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.crowd.shapes import inside
from assets.guides.crowd_bodies import ever_near, people_at
from assets.guides.crowd_guides import crowd_guides
from assets.near.area_camera import Framing, Room, Whereabouts, frame_people
from assets.near.area_guides import Drawings, draw_area, guides_of, over_plate, owned
from assets.near.area_words import Party, parties
from assets.near.areas import write_frame
from assets.near.bodies import Bodies
from assets.near.heroes import runs, sequence_request
from assets.near.requests import HEIGHTS_PX, Chosen, Seen, choose
from assets.providers.asking.desk import Desk
from assets.providers.base import Watch
from assets.providers.request import Light, Request
from assets.providers.windows import generate_in_windows
from assets.relight.answers import frames_in_asked_light
from assets.sprites.sprite import reach_m
from assets.takes.told import Telling
from calibration.cameras import lens_at, load_poses
from pipeline.codec import NAME
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.io.reel import Reel
from pipeline.types import CameraTrack, SunLight
from stages.crowd_sequence import angles_px, lens_of
from stages.seen import focal_px, tangents, view_of

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Tell = Callable[[set[str]], Mapping[str, Telling]]
LEAST_PLATE_PX = 24  # shorter side of an area in the plate: who is smaller is as good as sprites
MOST_PEOPLE = 250


@dataclass(frozen=True, slots=True)
class HeroArea:
    """One of `[[stages.generate_hero.areas]]`: people who are painted together.

    polygon_px: of the plate on `frame`: whoever shows most of himself in it. zone: a crowd zone's people. Neither: everybody.
    people, leave_out: ids of who belongs to it, or does not, wherever he stands. prompt: words said before those of the
    characters. plate: the plate goes to the provider, as the picture into which the people are painted.
    """

    name: str
    polygon_px: tuple[tuple[float, float], ...] = ()
    frame: int = 0
    zone: str = ""
    people: tuple[int, ...] = ()
    leave_out: tuple[int, ...] = ()
    prompt: str = ""
    plate: bool = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigError(f"hero area {self.name!r}: a name has letters, digits, '.', '_' and '-'. Change it.")
        wrong = [
            (bool(self.polygon_px) and bool(self.zone), "has polygon_px and zone. Write one of them."),
            (
                bool(self.polygon_px) and len(self.polygon_px) < 3,
                f"polygon_px has {len(self.polygon_px)} corners, needs 3.",
            ),
            (bool(self.polygon_px) != bool(self.frame), "polygon_px and frame go together. Write both, or neither."),
            (
                bool(set(self.people) & set(self.leave_out)),
                "people and leave_out name the same id. Take it out of one.",
            ),
        ]
        for bad, complaint in wrong:
            if bad:
                raise ConfigError(f"hero area {self.name}: {complaint}")


@dataclass(frozen=True, slots=True)
class Care:
    """How areas are painted. people_px: who is never so tall stays a sprite; most_px: longer side of a picture at most."""

    people_px: float
    most_px: int
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class AreaShot:
    """What every area needs. plate: the plate's frames; folder: of pictures."""

    desk: Desk
    bodies: Bodies
    track: CameraTrack
    light: SunLight
    plate: FrameFiles
    care: Care
    folder: Path

    def chosen(self, least_px: float, always: frozenset[int]) -> Chosen:
        """Who is seen, of those at least so tall and those who are named."""
        agents = self.bodies.agents
        most = len(agents.ids) if np.isfinite(least_px) else 0
        seen = Seen(focal_px(self.track), tangents(self.track))
        return choose(agents, load_poses(self.track), seen, least_px, most, HEIGHTS_PX[0], always)


def members_of_all(areas: tuple[HeroArea, ...], shot: AreaShot, taken: frozenset[int]) -> dict[str, Ids]:
    """Ids of each area's people, by its name; nobody is in two. taken: ids of who is in none."""
    found: dict[str, Ids] = {}
    for area in areas:
        found[area.name] = members_of(area, shot, taken)
        taken |= set(found[area.name].tolist())
    return found


def members_of(area: HeroArea, shot: AreaShot, taken: frozenset[int]) -> Ids:
    """Ids of an area's people, ascending, without those who are `taken`. Raises ConfigError when the area fits nobody."""
    agents, where = shot.bodies.agents, f"hero area {area.name}"
    if unknown := sorted({*area.people, *area.leave_out} - set(agents.ids.tolist())):
        raise ConfigError(f"{where}: {unknown[0]} is not in the crowd. Take ids of crowd preview or pick.")
    found = {int(agents.ids[row]) for row in shot.chosen(shot.care.people_px, frozenset(area.people)).rows}
    if unseen := sorted(set(area.people) - found):
        raise ConfigError(f"{where}: {unseen[0]} is never in the picture. Leave him out of people.")
    found &= _within(area, shot) | set(area.people)
    found -= {*area.leave_out, *taken}
    if not found:
        tall = f"{shot.care.people_px:g} px tall or more (generate_hero.area_people_px)"
        raise ConfigError(f"{where}: nobody {tall} is in it. Make it larger, or name people.")
    if len(found) > MOST_PEOPLE:
        raise ConfigError(
            f"{where}: holds {len(found)} people, limit {MOST_PEOPLE}. Raise generate_hero.area_people_px."
        )
    return np.array(sorted(found), np.int64)


def _within(area: HeroArea, shot: AreaShot) -> set[int]:
    """Ids of who stands in the area's zone or polygon."""
    agents, frames, track = shot.bodies.agents, shot.track.frames, shot.track
    if area.zone:
        zones = [name.rsplit(".", 1)[0] for name in agents.names]
        if area.zone not in zones:
            known = ", ".join(dict.fromkeys(zones))
            raise ConfigError(f"hero area {area.name}: zone {area.zone!r} has nobody. Zones: {known}.")
        return {int(number) for number, zone in zip(agents.ids, zones, strict=True) if zone == area.zone}
    if not area.polygon_px:
        return set(agents.ids.tolist())
    if area.frame not in frames:
        raise ConfigError(f"hero area {area.name}: frame {area.frame} is not of the shot ({frames}). Change it.")
    corners = np.array(area.polygon_px, np.float64)
    width, height = track.lens.width, track.lens.height
    if (corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= (width, height)).any():
        size = f"{width} x {height}"
        raise ConfigError(f"hero area {area.name}: its polygon lies outside the plate, {size} px. Move it.")
    view, row = view_of(track, area.frame), frames.index(area.frame)
    optics = lens_of(lens_at(track, area.frame))
    near = ever_near(agents.positions, agents.scales, load_poses(track), angles_px(track))
    ids = crowd_guides(people_at(shot.bodies, row, 0, near), view, optics, (), ()).ids.astype(np.int64)
    rows, columns = np.nonzero(ids)
    numbers = ids[rows, columns]
    shows, inverse = np.unique(numbers, return_inverse=True)
    within = inside(np.stack([columns + 0.5, rows + 0.5], axis=1).astype(np.float64), corners)
    share = np.bincount(inverse, within) / np.bincount(inverse)
    return set(shows[share > 0.5].tolist())


def paint_area(area: HeroArea, members: Ids, shot: AreaShot, tell: Tell, watch: Watch) -> dict[str, Any]:
    """Have an area painted, write its pictures; returns what explains them.

    Raises ConfigError when it is too small or the provider cannot be told all of it, ProviderError as the provider does.
    """
    able = shot.desk.capabilities
    if area.plate and not {"init", "mask"} <= able.guides:
        raise ConfigError(f"hero area {area.name}: {shot.desk.name} reads no init and mask. Set plate = false.")
    if area.prompt and not able.reads_prompt:
        raise ConfigError(f"hero area {area.name}: {shot.desk.name} reads no words. Leave out prompt.")
    chosen = shot.chosen(np.inf, frozenset(members.tolist()))
    agents = shot.bodies.agents
    told = tell({agents.characters[row] for row in chosen.rows})
    asked = parties(shot.bodies, members, told, area.prompt, able)
    made, sizes = [], []
    for start, stop in runs(np.asarray(chosen.shown.any(axis=1))):
        framing = _framing(area, shot, chosen, range(start, stop))
        sizes.append(framing.cameras[0].size)
        made.append(_painted(area, asked, shot, framing, start, watch))
    height, width = max(sizes)
    return {"name": area.name, "people": members.tolist(), "height_px": height, "width_px": width, "runs": made}


def _framing(area: HeroArea, shot: AreaShot, chosen: Chosen, rows: range) -> Framing:
    agents, who = shot.bodies.agents, chosen.rows
    motions = [{agents.motion_names[number] for number in set(agents.motions[rows.start : rows.stop, k])} for k in who]
    reaches = [
        max(reach_m(agents.characters[k], name) for name in names) for k, names in zip(who, motions, strict=True)
    ]
    people = Whereabouts(
        agents.positions[rows.start : rows.stop, who].astype(np.float64), np.array(reaches), agents.scales[who],
        chosen.shown[rows.start : rows.stop],
    )  # fmt: skip
    able = shot.desk.capabilities
    views = [view_of(shot.track, shot.track.frames.first + row) for row in rows]
    room = Room(min(shot.care.most_px, able.max_side_px), able.multiple_px)
    framing = frame_people(views, people, focal_px(shot.track)[rows.start : rows.stop], shot.bodies.rate_hz, room)
    if min(framing.plate_px) < LEAST_PLATE_PX:
        size = f"{framing.plate_px[1]:.0f} x {framing.plate_px[0]:.0f} px"
        raise ConfigError(
            f"hero area {area.name}: spans {size} of the plate, needs {LEAST_PLATE_PX}. Leave it to sprites."
        )
    return framing


def _painted(
    area: HeroArea, asked: list[Party], shot: AreaShot, framing: Framing, start: int, watch: Watch
) -> dict[str, Any]:
    """One stretch of frames: drawn, asked for, its pictures written. Clips wait on disk: a few frames are held at a time."""
    first = shot.track.frames.first + start
    drawings = Drawings(shot.folder)
    near = np.isin(shot.bodies.agents.ids, [number for party in asked for number in party.people])
    for frame, own in enumerate(framing.cameras, start=first):
        people = people_at(shot.bodies, shot.track.frames.index(frame), 0, near)
        drawings.add(draw_area(people, view_of(shot.track, frame), own))
    pictures: Iterable[Floats] = (np.zeros((*own.size, 4), np.float32) for own in framing.cameras)
    entries = []
    for party in asked:
        stills = _stills(area, party, shot, framing, first, drawings)
        request = party.telling.told(sequence_request(stills, shot.folder))
        answer = generate_in_windows(shot.desk, request, watch, shot.folder, shot.desk.at_once)
        frames, made = frames_in_asked_light(shot.desk, request, answer, shot.light.relight_strength)
        pictures = _added(pictures, frames, shot.folder)
        entries.append({"people": list(party.people), "request": answer.request_digest, "made": made})
    for frame, (picture, drawing) in enumerate(zip(pictures, drawings, strict=True), start=first):
        write_frame(shot.folder, area.name, frame, picture, owned(drawing))
    matrices = [own.matrix.tolist() for own in framing.cameras]
    return {"first": first, "last": first + len(matrices) - 1, "matrices": matrices, "asked": entries}


def _stills(
    area: HeroArea, party: Party, shot: AreaShot, framing: Framing, first: int, drawings: Drawings
) -> Iterator[Request]:
    """What a party's request shows on each frame."""
    members = None if party.everybody else np.array(party.people)
    for frame, (own, drawing) in enumerate(zip(framing.cameras, drawings, strict=True), start=first):
        view, guides = view_of(shot.track, frame), guides_of(drawing, own, members)
        if area.plate:
            guides = over_plate(guides, exr.read_rgb(shot.plate.path(frame)), view, own)
        light = _light(shot.light, own.rotation @ view.pose[:3, :3])
        yield Request(guides, party.identity, framing.metres_per_px, light, steps=shot.care.steps)


def _added(pictures: Iterable[Floats], more: Iterable[Floats], folder: Path) -> Floats:
    """(F, h, w, 4) sums, frame by frame."""
    sums = Reel(folder)
    for picture, other in zip(pictures, more, strict=True):
        sums.add((picture + other)[None])
    return sums.array()


def _light(light: SunLight, camera_from_world: npt.NDArray[np.float64]) -> Light:
    x, y, z = (float(np.float32(value)) for value in camera_from_world @ np.array(light.to_sun))
    return Light((x, y, z), light.sun_rgb, light.sky_rgb)
