"""The crowd before anything is generated: grey people through the solved camera and its lens, drawn as the guides are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import chance
from assets.guides.crowd_guides import crowd_guides
from assets.guides.crowd_people import Leaving, people_of
from assets.guides.optics import Optics
from assets.sprites.cards import Agents, load_agents
from assets.view import View
from pipeline.types import CrowdLayout

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Slope = Callable[[Array, Array], Array]  # x, z (N,) to (N, 2): how the ground rises per metre along them

NEAREST_M = 0.3  # sizes on screen grow no more from there
BODY_M = 1.8
TO_LIGHT = np.array([-0.45, -0.65, -0.61], np.float32)  # camera axes, unit: from the upper left, behind the viewer
SKY, KEY = 0.34, 0.48  # shares of the display's white
NEIGHBOURS_DIFFER = 0.16  # largest change of a figure's grey
FINER = 0.7  # than the guides' meshes at that size: the ends of arrows and bows stay within a pixel
FADE_S = 0.4  # from one motion into the next: the guides' own crossings, foot by foot, cost a hundred times as much


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Crowd(Agents):
    """A layout in memory, with what a preview adds. zones: of each agent; greys: (N,) factors on the shade."""

    zones: list[str]
    greys: Array

    def motion(self, row: int, agent: int) -> str:
        return self.motion_names[self.motions[row, agent]]


def read_crowd(layout: CrowdLayout) -> Crowd:
    """The agents of a receipt. Raises AssetError when its files do not belong together."""
    agents = load_agents(layout)
    zones = [entry["zone"] for entry in json.loads(layout.agents.read_text("utf-8"))]
    greys = 1 + NEIGHBOURS_DIFFER * (2 * chance(7, "grey", agents.seeds, "level") - 1)
    return Crowd(**{f.name: getattr(agents, f.name) for f in fields(Agents)}, zones=zones, greys=greys)


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """One frame's people. depth: (H, W) float32 metres along camera z, +inf where empty; agents: (H, W) int32 row of
    the agent that is seen, -1 where empty; shade: (H, W) float32 grey, as the display codes it, 0..1."""

    depth: Floats
    agents: Ints
    shade: Floats


def draw_figures(
    view: View, crowd: Crowd, row: int, lens: Optics, samples: int = 1, slope: Slope | None = None
) -> Figures:
    """Everybody on the layout's frame `row`, as solid grey meshes in the plate's distorted pixels.

    lens: of `view`. samples: pixels of `view` along one side of a pixel that is shown in the end; figures are as coarse
    as that allows. slope: of the ground, which legs follow.
    """
    people = people_of(crowd, row, 0, slope)
    people = replace(people, now=replace(people.now, leaving=leaving(crowd, row)))
    drawn = crowd_guides(people, view, replace(lens, angle_px=FINER * samples * lens.angle_px), ("normals",), ())
    assert drawn.normals is not None
    covered = drawn.ids > 0
    agents, shade = np.full(view.size, -1, np.int32), np.zeros(view.size, np.float32)
    order = np.argsort(crowd.ids)
    seen = order[np.searchsorted(crowd.ids[order], drawn.ids[covered])]
    agents[covered] = seen
    shade[covered] = lit(drawn.normals[covered]) * crowd.greys.astype(np.float32)[seen]
    return Figures(drawn.depth, agents, shade)


def leaving(crowd: Agents, row: int) -> Leaving:
    """Who on frame `row` has begun a motion so lately that some of the one before is left, which goes on meanwhile."""
    motions, rows = crowd.motions, np.arange(len(crowd.motions))[:, None]
    changes = np.zeros(motions.shape, bool)
    changes[1:] = motions[1:] != motions[:-1]
    begun = np.where(changes, rows, 0)[: row + 1].max(axis=0)
    ends = np.where(changes, rows, len(motions))[row + 1 :].min(axis=0, initial=len(motions))
    # A fade is over before the next one begins, or that would jump.
    lasts = np.minimum(round(FADE_S * crowd.frames_per_second), ends - begun)
    time = np.minimum((row - begun + 1) / np.maximum(lasts, 1), 1)
    shares = np.where(begun > 0, 1 - time * time * (3 - 2 * time), 0)
    agents = np.arange(len(begun))
    last, earlier = np.maximum(begun - 1, 0), np.maximum(begun - 2, 0)
    phases = crowd.phases[last, agents].astype(np.float64)
    pace = (phases - crowd.phases[earlier, agents] + 0.5) % 1 - 0.5
    pace = np.where(motions[last, agents] == motions[earlier, agents], pace, 0)
    return Leaving(shares.astype(np.float32), phases + (row - begun + 1) * pace, motions[last, agents])


def px_per_m(view: View, points: Array) -> Array:
    """(N,) how many pixels a metre across covers at world points (N, 3) before the camera."""
    ends = view.project(np.array([[-5e-4, 0.0, 1.0], [5e-4, 0.0, 1.0]]))
    focal_px = float(np.linalg.norm(ends[1] - ends[0])) / 1e-3
    return np.asarray(focal_px / np.maximum(view.to_camera(points)[:, 2], NEAREST_M))


def lit(normals: Floats) -> Floats:
    """(N,) grey of surfaces with normals (N, 3) in camera axes that face the viewer: both sides of a sheet are lit."""
    sky = np.float32(SKY) * (np.float32(0.75) - np.float32(0.25) * normals[:, 1])
    return np.asarray(sky + np.float32(KEY) * np.maximum(normals @ TO_LIGHT, 0), np.float32)
