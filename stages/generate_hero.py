"""Have heroes painted as moving pictures by a provider of video, one each or areas of them together; generate_near puts them
where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from assets.near.bodies import Bodies
from assets.near.heroes import file_of, runs, sequence_request
from assets.near.requests import HEIGHTS_PX, Chosen, Seen, choose, own_camera, own_request
from assets.providers.asking.counter import Asker
from assets.providers.asking.desk import Desk, open_desk
from assets.providers.base import Watch
from assets.providers.request import Light, Request
from assets.providers.windows import generate_in_windows
from assets.relight.answers import frames_in_asked_light
from assets.sprites.atlas import load_atlas
from assets.sprites.cards import Agents, load_agents
from assets.takes.telling import tellings
from assets.takes.told import Telling
from calibration.cameras import load_poses
from calibration.ground.heightfield import Heightfield
from pipeline.errors import ConfigError
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.provider_sections import CrowdProviders, ProviderEntry
from pipeline.sections import CrowdPicks
from pipeline.stage import Progress, silent, stage
from pipeline.types import CameraTrack, CharacterAtlas, CrowdLayout, Ground, HeroPeople, Plate, SunLight
from stages.hero_areas import AreaShot, Care, HeroArea, members_of_all, paint_area
from stages.seen import focal_px, tangents, view_of


@dataclass(frozen=True, slots=True)
class Params:
    """Who is a hero, by whom he is painted, and how large.

    people: ids, as `battleplate crowd preview` and `crowd pick` tell them; each is painted alone. areas: whose people are
    painted together; who is named in both is painted alone, who belongs to two areas in the first. provider: one of
    [crowd] provider; "": the first.
    """

    people: tuple[int, ...] = ()
    areas: tuple[HeroArea, ...] = ()
    provider: str = ""
    tall_px: int = 512  # height of a picture of 2.7 m, of one person alone
    area_px: int = 1280  # longer side of an area's pictures at most
    area_people_px: float = 32.0  # who is never so tall in the plate stays a sprite in an area
    steps: int = 20
    seed: int = 1

    def __post_init__(self) -> None:
        for name, low, high in (
            ("tall_px", 64, 2048),
            ("area_px", 128, 4096),
            ("area_people_px", 4, 1e4),
            ("steps", 1, 200),
            ("seed", 0, 2**31),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"generate_hero.{name} is {getattr(self, name)}, must be {low} to {high}. Change it.")
        if self.tall_px % 64:
            raise ConfigError(f"generate_hero.tall_px is {self.tall_px}, must divide by 64. Change it.")
        if len(set(self.people)) != len(self.people):
            raise ConfigError("generate_hero.people names somebody twice. Name each once.")
        if len({area.name for area in self.areas}) != len(self.areas):
            raise ConfigError("generate_hero.areas has a name twice. Name each differently.")


@stage(data=("assets/characters", "assets/models/battleplate-sprites"))
def generate_hero(
    providers: CrowdProviders,
    plate: Plate,
    track: CameraTrack,
    layout: CrowdLayout,
    atlas: CharacterAtlas,
    ground: Ground,
    light: SunLight,
    params: Params,
    out: Path,
    shared: Path,
    picks: CrowdPicks = CrowdPicks(),  # noqa: B008 (frozen)
    progress: Progress = silent,
) -> HeroPeople:
    """Every stretch of frames on which a hero, or anybody of an area, is in the picture as one request, in windows where the
    model paints fewer.

    Nobody is a hero: no provider is opened. Raises ConfigError for an id that is not there or a provider that paints no
    video, ProviderError when it cannot do it.
    """
    index, areas, paintings = out / "heroes.json", out / "areas.json", out / "paintings"
    paintings.mkdir(exist_ok=True)
    if not params.people and not params.areas:
        write_bytes(index, b"[]\n")
        write_bytes(areas, b"[]\n")
        return HeroPeople(index, areas, paintings, "", "", "")
    desk = open_desk((_entry(providers, params),), shared, asker=Asker.of(out))
    if not desk.capabilities.video:
        raise ConfigError(
            f"generate_hero: {desk.name} paints single pictures. Set generate_hero.provider to one of video."
        )
    agents, heights = load_agents(layout), Heightfield.read(ground)
    bodies = Bodies(agents, load_atlas(atlas).variants, heights.height, heights.normal, float(layout.rate.fraction))
    chosen = _heroes(agents, track, params)
    tell = partial(tellings, picks=picks, provider=desk, shared=shared, seed=params.seed, steps=params.steps)
    care = Care(params.area_people_px, params.area_px, params.steps)
    shot = AreaShot(desk, bodies, track, light, plate.files, care, paintings)
    members = members_of_all(params.areas, shot, frozenset(params.people))
    told = tell({agents.characters[row] for row in chosen.rows})
    entries, total = [], len(chosen.rows) + len(params.areas)
    for k, row in enumerate(chosen.rows):
        number = int(agents.ids[row])
        progress(k, total, f"hero {number}")
        asked = _sequences(bodies, track, chosen, k, light, told[agents.characters[row]], params, paintings)
        watch = Watch(partial(_told, progress, k, total))
        way = light.relight_strength
        painted = [_paint(desk, request, first, paintings, number, watch, way) for first, request in asked]
        height, width = (int(side) for side in chosen.pictures[k])
        entries.append({"id": number, "height_px": height, "width_px": width, "runs": painted})
    together = []
    for k, area in enumerate(params.areas, start=len(chosen.rows)):
        progress(k, total, f"hero area {area.name}")
        together.append(paint_area(area, members[area.name], shot, tell, Watch(partial(_told, progress, k, total))))
    write_bytes(index, _json(entries))
    write_bytes(areas, _json(together))
    return HeroPeople(index, areas, paintings, desk.name, desk.model_digest, desk.licence)


def _entry(providers: CrowdProviders, params: Params) -> ProviderEntry:
    named = {entry.name: entry for entry in providers.entries}
    if not params.provider:
        return providers.entries[0]
    if params.provider not in named:
        raise ConfigError(
            f"generate_hero.provider {params.provider!r} is none of [crowd] provider ({', '.join(named)}). Add it there."
        )
    return named[params.provider]


def _heroes(agents: Agents, track: CameraTrack, params: Params) -> Chosen:
    """The heroes, in pictures of the height that is asked for. Raises ConfigError when one is not there to be seen."""
    people = frozenset(params.people)
    if lacking := sorted(people - set(agents.ids.tolist())):
        raise ConfigError(
            f"generate_hero.people: {_words(lacking)} not in the crowd. Take ids of crowd preview or pick."
        )
    seen = Seen(focal_px(track), tangents(track))
    chosen = choose(agents, load_poses(track), seen, np.inf, 0, HEIGHTS_PX[0], people)
    if unseen := sorted(people - set(agents.ids[chosen.rows[chosen.shown.any(axis=0)]].tolist())):
        raise ConfigError(f"generate_hero.people: {_words(unseen)} never in the picture. Leave out who is not seen.")
    return replace(chosen, pictures=params.tall_px * chosen.pictures // chosen.pictures[:, :1])


def _sequences(
    bodies: Bodies,
    track: CameraTrack,
    chosen: Chosen,
    k: int,
    light: SunLight,
    told: Telling,
    params: Params,
    folder: Path,
) -> Iterator[tuple[int, Request]]:
    """First frame and request of each stretch on which the hero is shown; its guides wait in `folder`."""
    agent = int(chosen.rows[k])
    height, width = (int(side) for side in chosen.pictures[k])
    scale, character = float(bodies.agents.scales[agent]), bodies.character(agent)

    def still(row: int) -> Request:
        view = view_of(track, track.frames.first + row)
        root = view.to_camera(bodies.agents.positions[row, agent].astype(np.float64))
        own = own_camera(root, view.pose[:3, 1], scale, (height, width))
        x, y, z = (float(v) for v in view.pose[:3, :3] @ np.array(light.to_sun))
        seen = Light((x, y, z), light.sun_rgb, light.sky_rgb)
        return own_request(bodies.placed(agent, row), character, view.pose, own, seen, steps=params.steps)

    for start, stop in runs(chosen.shown[:, k]):
        yield track.frames.first + start, told.told(sequence_request(map(still, range(start, stop)), folder))


def _told(progress: Progress, done: int, total: int, _done: int, _total: int, note: str) -> None:
    """What is said while one hero is painted, as a part of the whole."""
    progress(done, total, note)


def _paint(
    desk: Desk, request: Request, first: int, folder: Path, number: int, watch: Watch, relight: float
) -> dict[str, Any]:
    """Ask for a stretch, write its frames; returns what explains it."""
    result = generate_in_windows(desk, request, watch, folder, desk.at_once)
    pictures, made = frames_in_asked_light(desk, request, result, relight)
    for frame, picture in enumerate(pictures, start=first):
        exr.write(file_of(folder, number, frame), exr.rgba_channels(picture), compression="zips")
    return {"first": first, "last": first + request.frames - 1, "request": result.request_digest, "made": made}


def _json(entries: list[dict[str, Any]]) -> bytes:
    return (json.dumps(entries, indent=1, sort_keys=True) + "\n").encode()


def _words(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) + (" is" if len(numbers) == 1 else " are")
