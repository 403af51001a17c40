"""A shot's whole crowd, gathered from the zones of the brief or from another program's file, and written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.crowd.members import ID_BLOCK, Members
from assets.crowd.shapes import Array
from assets.crowd.travel import Travel
from assets.exchange.layouts import read_crowd
from assets.mocap.shot import said
from assets.people.recipes import Names
from pipeline.crowd_sections import CrowdBrief, Zone
from pipeline.errors import ConfigError
from pipeline.frames import FrameRange, FrameRate
from pipeline.io.files import replacing, write_bytes
from pipeline.types import CrowdLayout


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """The arrays of a CrowdLayout in memory; agents: its JSON list."""

    agents: list[dict[str, object]]
    positions: npt.NDArray[np.floating]
    yaws: npt.NDArray[np.floating]
    phases: npt.NDArray[np.floating]
    motions: npt.NDArray[np.uint8]
    motion_names: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what a foreign crowd's reader took for granted


def entries(zone: Zone, number: int, members: Members, done: Travel) -> list[dict[str, object]]:
    """What agents.json says of the members of zone `number`, counted from 1."""
    return [
        {
            "id": number * ID_BLOCK + place + 1,
            "name": f"{zone.name}.{place + 1:05d}",
            "zone": zone.name,
            "character": members.characters[i],
            "motion": done.motion_names[done.motions[0, i]],
            "scale": round(float(members.scales[i]), 5),
            "seed": int(members.seeds[i]),
        }
        for i, place in enumerate(map(int, members.numbers))
    ]


def gathered(
    agents: list[dict[str, object]],
    travels: Sequence[Travel],
    stand: Callable[[Array, Array], Array],
    frames: FrameRange,
) -> Laid:
    """All zones' people as one crowd. stand: plan x, z to points on the ground (..., 3)."""
    empty = np.zeros((len(frames), 0))
    plan = np.concatenate([t.plan for t in travels] or [empty[..., None].repeat(2, axis=-1)], axis=1)
    names = tuple(sorted({name for t in travels for name in t.motion_names}))
    common = [np.array([names.index(name) for name in t.motion_names])[t.motions] for t in travels]
    return Laid(
        agents=agents,
        positions=stand(plan[..., 0], plan[..., 1]),
        yaws=np.concatenate([t.yaws for t in travels] or [empty], axis=1),
        phases=np.concatenate([t.phases for t in travels] or [empty], axis=1),
        motions=np.concatenate(common or [empty], axis=1).astype(np.uint8),
        motion_names=names,
    )


def imported(brief: CrowdBrief, frames: FrameRange, rate: FrameRate, own: Names) -> Laid:
    """The crowd of `brief.layout`, a USD file, where that file has it, with the brief's overrides on top. own: the show's own
    characters.

    Raises ConfigError for words that go with zones only or an override of an unknown id; FormatError and AssetError as
    assets.exchange.layouts.read_crowd.
    """
    if brief.layout is None or brief.zones or brief.keep_out:
        raise ConfigError("crowd: layout takes the place of zones and keep_out. Remove one or the other.")
    crowd = read_crowd(brief.layout, frames, rate, brief.layout_characters, brief.layout_motions, own=own)
    agents: list[dict[str, object]] = [
        {
            "id": int(crowd.ids[i]),
            "name": crowd.names[i],
            "zone": crowd.zones[i],
            "character": crowd.characters[i],
            "motion": crowd.motion_names[crowd.motions[0, i]],
            "scale": round(float(crowd.scales[i]), 5),
            "seed": int(crowd.seeds[i]),
        }
        for i in range(len(crowd.ids))
    ]
    laid = Laid(agents, crowd.positions, crowd.yaws, crowd.phases, crowd.motions, crowd.motion_names, crowd.notes)
    return _changed(laid, brief)


def write(
    laid: Laid,
    frames: FrameRange,
    out: Path,
    rate: FrameRate,
    captures: tuple[Path, ...] = (),
    recipes: tuple[Path, ...] = (),
) -> CrowdLayout:
    """Write the layout's files into `out`, where its captures and recipes are already."""
    layout = CrowdLayout(
        agents=out / "agents.json",
        positions=out / "positions.npy",
        yaws=out / "yaws.npy",
        phases=out / "phases.npy",
        motions=out / "motions.npy",
        frames=frames,
        count=len(laid.agents),
        motion_names=laid.motion_names,
        rate=rate,
        captures=captures,
        recipes=recipes,
        notes=(*laid.notes, *map(said, captures)),
    )
    write_bytes(layout.agents, (json.dumps(laid.agents, indent=1, sort_keys=True) + "\n").encode())
    for path, array in ((layout.positions, laid.positions), (layout.yaws, laid.yaws), (layout.phases, laid.phases)):
        _save(path, array, np.float32)
    _save(layout.motions, laid.motions, np.uint8)
    return layout


def _changed(laid: Laid, brief: CrowdBrief) -> Laid:
    """An imported crowd with overrides: its motion is as it came, or feet would slide."""
    rows = {agent["id"]: row for row, agent in enumerate(laid.agents)}
    agents = [dict(agent) for agent in laid.agents]
    positions = laid.positions.copy()
    stay = np.ones(len(agents), bool)
    for change in brief.overrides:
        if change.id not in rows:
            raise ConfigError(f"crowd override {change.id}: nobody in {brief.layout} has this id. Correct the id.")
        if change.motion or change.facing_deg is not None:
            raise ConfigError(
                f"crowd override {change.id}: motion and facing_deg are for zones, an imported agent moves as it came. "
                "Change them in the file."
            )
        row = rows[change.id]
        stay[row] = not change.remove
        positions[:, row] += np.array([change.move_m[0], 0, change.move_m[1]], np.float32)
        agents[row]["character"] = change.character or agents[row]["character"]
        agents[row]["scale"] = change.scale or agents[row]["scale"]
    return Laid(
        [agent for agent, kept in zip(agents, stay, strict=True) if kept],
        positions[:, stay],
        laid.yaws[:, stay],
        laid.phases[:, stay],
        laid.motions[:, stay],
        laid.motion_names,
        laid.notes,
    )


def _save(path: Path, array: npt.NDArray[Any], kind: npt.DTypeLike) -> None:
    with replacing(path) as temporary:
        np.save(temporary, np.ascontiguousarray(array, kind))
