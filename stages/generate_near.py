"""Paint the people near the camera on every frame, each in his own pose and perspective, through the brief's provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.near.areas import load_members
from assets.near.bodies import Bodies, Placed
from assets.near.heroes import Moving, load_heroes
from assets.near.layer import Near, lay_back
from assets.near.requests import HEIGHTS_PX, Chosen, Seen, choose, own_camera, own_request
from assets.near.shades import shades_of, throwing
from assets.providers.asking.counter import Asker
from assets.providers.asking.desk import Desk, open_desk
from assets.providers.request import Light
from assets.relight.answers import Lights, in_asked_light, read_lights
from assets.sprites.atlas import load_atlas
from assets.sprites.cards import Agents, load_agents
from assets.takes.telling import tellings
from assets.takes.told import Telling
from assets.view import View
from calibration.cameras import load_poses
from calibration.ground.heightfield import Heightfield
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.provider_sections import CrowdProviders
from pipeline.sections import CrowdPicks
from pipeline.stage import stage
from pipeline.types import CameraTrack, CharacterAtlas, CrowdLayout, Ground, HeroPeople, NearPeople, SunLight
from stages.seen import focal_px, tangents, view_of

AT_ONCE_PX = 1 << 20  # of pictures asked for together: bounds memory, and lets people of one size go through together


@dataclass(frozen=True, slots=True)
class Params:
    """Who is near, and how much work goes into one painting."""

    near_px: float = 72.0  # height in the picture, at its largest, from which a person is painted on every frame
    most: int = 40  # of them in one frame; the nearest win
    tallest_px: int = 256  # a picture of 2.7 m is at most so high; who stands taller is scaled up
    steps: int = 2
    seed: int = 1

    def __post_init__(self) -> None:
        limits = (("near_px", 8, 1e6), ("most", 0, 2000), ("tallest_px", HEIGHTS_PX[0], HEIGHTS_PX[-1]),
                  ("steps", 1, 50), ("seed", 0, 2**31))  # fmt: skip
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"generate_near.{name} is {getattr(self, name)}, must be {low} to {high}. Change it.")


@stage(data=("assets/characters", "assets/models/battleplate-sprites"))
def generate_near(
    providers: CrowdProviders,
    track: CameraTrack,
    layout: CrowdLayout,
    atlas: CharacterAtlas,
    ground: Ground,
    heroes: HeroPeople,
    light: SunLight,
    params: Params,
    frames: FrameRange,
    out: Path,
    shared: Path,
    picks: CrowdPicks = CrowdPicks(),  # noqa: B008 (frozen)
) -> NearPeople:
    """The near people of each frame as one layer, heroes among them; nobody near: nothing is painted, no model is loaded.

    Raises ProviderError when the provider cannot do it, AssetError for an unknown character, motion or take.
    """
    agents, chosen = load_agents(layout), _chosen(layout, track, params, heroes)
    people = out / "people.json"
    write_bytes(people, _json(_listed(agents, chosen)))
    if not len(chosen.rows):
        return NearPeople(people, None, None, None, providers.entries[0].name, "", "")
    names = ("near.%04d.exr", "requests.%04d.json", "shades.%04d.npz")
    files, requests, shades = (FrameFiles(out, name, frames) for name in names)
    provider, bodies = _desk(_Asked(providers, repr(providers)), shared, Asker.of(out)), _bodies(layout, atlas, ground)
    told = _told(tuple(sorted({agents.characters[row] for row in chosen.rows})), picks, provider, params)
    for frame in frames:
        view, row = view_of(track, frame), track.frames.index(frame)
        near = Near.empty(*view.size)
        throws = throwing(view, agents.positions[row, chosen.rows].astype(np.float64), np.array(light.to_sun))
        placed = {int(k): bodies.placed(chosen.rows[k], row) for k in np.flatnonzero(chosen.shown[row] | throws)}
        lights, moving = read_lights(atlas.index), _moving(heroes)
        digests = _paint(provider, view, frame, row, bodies, placed, chosen, moving, light, told, params, near, lights)
        exr.write(files.path(frame), _channels(near), compression="zips")
        write_bytes(requests.path(frame), _json(digests))
        ids, standing = [int(agents.ids[chosen.rows[k]]) for k in placed], list(placed.values())
        taken = shades_of(ids, standing, np.array(light.to_sun), bodies.height, bodies.normal)
        write_bytes(shades.path(frame), taken.packed())
    return NearPeople(people, files, requests, shades, provider.name, provider.model_digest, provider.licence)


@lru_cache(maxsize=2)  # once per worker
def _chosen(layout: CrowdLayout, track: CameraTrack, params: Params, heroes: HeroPeople) -> Chosen:
    agents, poses = load_agents(layout), load_poses(track)
    known = _moving(heroes)
    seen, always = Seen(focal_px(track), tangents(track)), frozenset(known)
    chosen = choose(agents, poses, seen, params.near_px, params.most, params.tallest_px, always)
    for k, number in enumerate(agents.ids[chosen.rows].tolist()):
        if number in known:
            chosen.pictures[k] = known[number].size
    return chosen


def _moving(heroes: HeroPeople) -> dict[int, Moving]:
    """Who is painted in moving pictures, by id."""
    return {**load_members(heroes), **load_heroes(heroes)}


@lru_cache(maxsize=2)
def _bodies(layout: CrowdLayout, atlas: CharacterAtlas, ground: Ground) -> Bodies:
    heights, rate = Heightfield.read(ground), float(layout.rate.fraction)
    return Bodies(load_agents(layout), load_atlas(atlas).variants, heights.height, heights.normal, rate)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Providers as a key: their settings hold tables, which have no hash, so what they say in words counts."""

    providers: CrowdProviders = field(compare=False)
    said: str


@lru_cache(maxsize=2)
def _desk(asked: _Asked, shared: Path, asker: Asker) -> Desk:
    # Nobody near looks so in another shot: at tens of kilobytes each, on every frame, sharing them would pay nowhere.
    return open_desk(asked.providers.entries, shared, asker=asker, share=False)


@lru_cache(maxsize=2)
def _told(names: tuple[str, ...], picks: CrowdPicks, desk: Desk, params: Params) -> dict[str, Telling]:
    return tellings(set(names), picks, replace(desk, share=True), desk.shared, seed=params.seed, steps=params.steps)


def _listed(agents: Agents, chosen: Chosen) -> dict[str, Any]:
    near = [
        {"id": int(agents.ids[row]), "height_px": int(height), "width_px": int(width)}
        for row, (height, width) in zip(chosen.rows, chosen.pictures, strict=True)
    ]
    return {"near": near, "passed_over": chosen.passed_over}


def _paint(
    provider: Desk,
    view: View,
    frame: int,
    row: int,
    bodies: Bodies,
    placed: Mapping[int, Placed],
    chosen: Chosen,
    moving: Mapping[int, Moving],
    light: SunLight,
    told: Mapping[str, Telling],
    params: Params,
    near: Near,
    lights: Lights,
) -> list[dict[str, Any]]:
    """Paint everyone of one frame, nearest first, heroes from their moving pictures; returns id and request digest of each."""
    agents = bodies.agents
    roots = view.to_camera(agents.positions[row, chosen.rows].astype(np.float64))
    order = [k for k in np.lexsort((agents.ids[chosen.rows], roots[:, 2])) if chosen.shown[row, k]]
    towards = view.pose[:3, :3] @ np.array(light.to_sun)
    seen = Light((float(towards[0]), float(towards[1]), float(towards[2])), light.sun_rgb, light.sky_rgb)
    there = int(np.clip(row + view.ahead, 0, len(agents.positions) - 1))
    entries: list[dict[str, Any]] = []
    for batch in _batches(order, chosen):
        own = [
            own_camera(roots[k], view.pose[:3, 1], agents.scales[chosen.rows[k]], tuple(chosen.pictures[k]))
            for k in batch
        ]
        numbers = [int(agents.ids[chosen.rows[k]]) for k in batch]
        requests = {
            number: told[agents.characters[chosen.rows[k]]].told(
                own_request(placed[k], bodies.character(chosen.rows[k]), view.pose, camera, seen, steps=params.steps)
            )
            for k, camera, number in zip(batch, own, numbers, strict=True)
            if number not in moving
        }
        answers = provider.generate(list(requests.values())) if requests else []
        results = {
            number: in_asked_light(provider, requests[number], answer, lights, light.relight_strength)
            for number, answer in zip(requests, answers, strict=True)
        }
        for k, camera, number in zip(batch, own, numbers, strict=True):
            matrix = camera.matrix
            if number in moving:
                (picture, matrix), digest = moving[number].seen(frame, matrix), moving[number].request(frame)
            else:
                picture, digest = results[number].takes[0, 0], results[number].request_digest
            if picture[..., 3].any():
                lay_back(near, view, placed[k], bodies.placed(chosen.rows[k], there), matrix, picture, number)
            entries.append({"id": number, "request": digest})
    return sorted(entries, key=lambda entry: int(entry["id"]))


def _batches(order: list[int], chosen: Chosen) -> list[list[int]]:
    """Everyone in order, in groups that are asked for together."""
    batches: list[list[int]] = []
    room = 0
    for k in order:
        size = int(chosen.pictures[k].prod())
        if size > room or not batches:
            batches.append([])
            room = AT_ONCE_PX
        batches[-1].append(k)
        room -= size
    return batches


def _channels(near: Near) -> dict[str, npt.NDArray[Any]]:
    pixels = near.pixels
    return {
        **exr.rgba_channels(pixels.rgba),
        "Z": pixels.depth,
        "id": pixels.ids.astype(np.uint32),
        "owner": near.owner.astype(np.uint32),
        "cover": exr.half(near.cover),
        "motion.x": exr.half(pixels.motion[..., 0]),
        "motion.y": exr.half(pixels.motion[..., 1]),
    }


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()
