"""A crowd's layout and motion as USD and back, so that another program's crowd can stand in for ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from assets.exchange.foreign import LABELS, Part, agent_ids, character_table, pick, prototype_names, time_codes
from assets.exchange.puppets import beats, gestures, light_body, puppet
from assets.motion.motions import learn_captures
from assets.people.characters import spoken
from assets.people.recipes import Names, called, learn_recipes
from pipeline.errors import AssetError
from pipeline.frames import FrameRange, FrameRate
from pipeline.io import usd, usdpeople
from pipeline.io.usdread import read_instancers
from pipeline.types import CrowdLayout, Lens

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
SENSOR_MM = 36.0  # full frame: where nobody wrote the sensor's width down


@dataclass(frozen=True, slots=True, eq=False)
class ImportedCrowd:
    """Who stands where on every frame of the shot, in this project's world (metres, Y up).

    ids (N,) int64, 1 or more, unique; names, zones, characters: N each. motion_names: what `motions` (F, N) uint8 count in.
    positions (F, N, 3), yaws (F, N), phases (F, N) cycles in [0, 1): float32. scales (N,) float32 of body height.
    seeds (N,) int64. notes: what was assumed, one sentence each. An agent that a frame does not show stands at
    y = HIDDEN_M there; one that no frame shows is left out.
    """

    ids: npt.NDArray[np.int64]
    names: tuple[str, ...]
    zones: tuple[str, ...]
    characters: tuple[str, ...]
    motion_names: tuple[str, ...]
    positions: Floats
    yaws: Floats
    phases: Floats
    motions: npt.NDArray[np.uint8]
    scales: Floats
    seeds: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()


def read_crowd(
    path: Path,
    frames: FrameRange,
    rate: FrameRate,
    characters: Mapping[str, str] | None = None,
    motions: Mapping[str, str] | None = None,
    interpolation: str = "linear",
    own: Names = MappingProxyType({}),
) -> ImportedCrowd:
    """Read every PointInstancer of a USD stage onto the shot's frames.

    characters, motions: what a prototype or clip of the file is here, `{"soldierA*": "legionary"}`; a name that is one of
    ours needs no entry. Frame numbers are time codes when the stage runs at the shot's rate and reaches its first frame,
    else the stage's start is the shot's first frame. interpolation: "linear" or "held" between samples. own: the show's own characters. Without motions
    people idle, walk or run by their speed; without phases the distance walked turns the cycle, so that feet do not slide.
    Raises FormatError when the file cannot be read, AssetError when it names unknown characters or motions, or holds NaN.
    """
    if interpolation not in ("linear", "held"):
        raise AssetError(f'{path}: interpolation {interpolation!r} is not known. Write "linear" or "held".')
    notes: list[str] = []
    scene = read_instancers(path, lambda clock: time_codes(clock, frames, rate, notes), LABELS)
    table = character_table(path, scene, characters or {}, own)
    parts = [Part(path, scene, one, rate, interpolation == "held", motions or {}) for one in scene.instancers]
    ids, seen = agent_ids(scene, notes), [part.shown.any(axis=0) for part in parts]
    scales = np.concatenate([part.scales for part in parts])
    middle = float(np.median(scales)) if len(scales) else 1.0
    if not 0.25 < middle < 4:
        notes.append(f"prototypes are in another unit (scale {middle:.4g}): sizes are taken relative to each other")
        scales = scales / middle
    seen_all = np.concatenate(seen)
    names = tuple(dict.fromkeys(name for part in parts for name in part.moves.names))
    merged = [
        np.array([names.index(name) for name in part.moves.names], np.uint8)[part.moves.motions] for part in parts
    ]
    kept = np.flatnonzero(seen_all)
    return ImportedCrowd(
        ids=ids[kept],
        names=pick([name for part in parts for name in part.names], kept),
        zones=pick([zone for part in parts for zone in part.zones], kept),
        characters=pick([table[p] for one in scene.instancers for p in prototype_names(one)], kept),
        motion_names=names,
        positions=np.concatenate([part.standing() for part in parts], axis=1)[:, kept],
        yaws=np.concatenate([part.yaws for part in parts], axis=1)[:, kept],
        phases=np.concatenate([part.moves.phases for part in parts], axis=1)[:, kept],
        motions=np.concatenate(merged, axis=1)[:, kept],
        scales=scales[kept].astype(np.float32),
        seeds=np.concatenate([part.seeds for part in parts])[kept],
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ShotCamera:
    """camera_from_world: (F, 4, 4) and zoom: (F,) or None, as in CameraTrack. sensor_width_mm only sets the scale of the focal
    length."""

    camera_from_world: Array
    lens: Lens
    sensor_width_mm: float = SENSOR_MM
    zoom: Array | None = None


def write_crowd(
    layout: CrowdLayout, path: Path, rate: FrameRate, camera: ShotCamera | None = None, skinned: bool = False
) -> None:
    """Write a layout as USD: metres, Y up, one time code a frame.

    As a PointInstancer at /Shot/Crowd of one light body per character, which read_crowd reads back exactly; for thousands.
    skinned: as people who move (UsdSkel), one prim each, for up to a few hundred. camera: is written to /Shot/Camera.
    Raises FormatError when the file's ending is not one of USD's, StoreError when it cannot be written.
    """
    crowd = of_layout(layout)
    with usd.writing(path, layout.frames, rate) as stage:
        if camera is not None:
            usd.add_camera(
                stage, "/Shot/Camera", camera.camera_from_world, camera.lens, camera.sensor_width_mm, camera.zoom
            )
        if skinned:
            _add_people(stage, crowd, layout.frames)
        else:
            _add_points(stage, crowd)


def of_layout(layout: CrowdLayout) -> ImportedCrowd:
    """A layout's files as arrays."""
    learn_captures(layout.captures)
    names = learn_recipes(layout.recipes)
    agents = json.loads(layout.agents.read_text("utf-8"))

    def column(key: str) -> list:
        return [agent[key] for agent in agents]

    return ImportedCrowd(
        ids=np.array(column("id"), np.int64),
        names=tuple(column("name")),
        zones=tuple(column("zone")),
        characters=tuple(called(name, names) for name in column("character")),
        motion_names=layout.motion_names,
        positions=np.load(layout.positions),
        yaws=np.load(layout.yaws),
        phases=np.load(layout.phases),
        motions=np.load(layout.motions),
        scales=np.array(column("scale"), np.float32),
        seeds=np.array(column("seed"), np.int64),
    )


def _add_points(stage: object, crowd: ImportedCrowd) -> None:
    names = sorted(set(crowd.characters))
    places = [f"/Shot/Crowd/Prototypes/{name}" for name in usd.identifiers([spoken(name) for name in names])]
    for name, place in zip(names, places, strict=True):
        usd.say(usd.add_mesh(stage, place, light_body(name)).GetPrim(), "character", spoken(name))

    instancer = usd.add_instancer(
        stage,
        "/Shot/Crowd",
        places,
        np.array([names.index(name) for name in crowd.characters]),
        crowd.ids,
        crowd.positions,
        crowd.yaws,
        crowd.scales,
    )
    usd.add_words(stage, instancer, "agentname", usd.Words(crowd.names, np.arange(len(crowd.names))))
    for label, words in (("zone", crowd.zones), ("character", tuple(map(spoken, crowd.characters)))):
        known = tuple(dict.fromkeys(words))
        usd.add_words(stage, instancer, label, usd.Words(known, np.array([known.index(word) for word in words])))
    usd.add_words(stage, instancer, "motion", usd.Words(crowd.motion_names, crowd.motions))
    usd.add_numbers(stage, instancer, "phase", crowd.phases)
    usd.add_numbers(stage, instancer, "yaw_rad", crowd.yaws)
    usd.add_numbers(stage, instancer, "seed", crowd.seeds)


def _add_people(stage: object, crowd: ImportedCrowd, frames: FrameRange) -> None:
    characters = sorted(set(crowd.characters))
    done = sorted({(name, int(m)) for i, name in enumerate(crowd.characters) for m in np.unique(crowd.motions[:, i])})
    actors = []
    for i, character in enumerate(crowd.characters):
        when = beats(crowd.motion_names, crowd.motions[:, i], crowd.phases[:, i])
        facts = {"id": str(crowd.ids[i]), "zone": crowd.zones[i], "seed": str(crowd.seeds[i])}
        actors.append(
            usdpeople.Actor(
                name=crowd.names[i],
                puppet=characters.index(character),
                positions=crowd.positions[:, i],
                yaws=crowd.yaws[:, i],
                scale=float(crowd.scales[i]),
                times=when.times + frames.first,
                moves=np.array([done.index((character, int(move))) for move in when.moves]),
                steps=when.steps,
                facts=facts,
            )
        )
    moves = [gestures(character, crowd.motion_names[number]) for character, number in done]
    usdpeople.add_people(stage, "/Shot/Crowd", {spoken(name): puppet(name) for name in characters}, moves, actors)
