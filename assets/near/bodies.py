"""The bodies of people near the camera, frame by frame: crossing between motions, on the slope, breathing, looking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from assets.motion.blending import planted
from assets.motion.crossing import Crossing, cross, cross_along
from assets.motion.footing import foot_points, on_ground
from assets.motion.footlock import locked
from assets.motion.gaits import smooth
from assets.motion.motions import Motion, load_motion
from assets.motion.secondary import LATE_S, enlivened, liveliness
from assets.people.characters import Character, load_character
from assets.people.figures import dressed
from assets.people.mesh import Mesh, mesh_of
from assets.people.skeleton import Pose
from assets.sprites.atlas import variant_of
from assets.sprites.cards import Agents

Array = NDArray[np.float64]
_PART_FRAMES, _BEYOND_FRAMES = 96, 24  # a foot is down for less than a second of a walk
_STANDS = 0.01  # metres and radians in a part of the shot, under which nobody has gone anywhere
Ground = Callable[[Array, Array], Array]  # x, z (N,) to heights (N,) or normals (N, 3)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A body in the world. mesh: in the person's space; world_from_person: (3, 4), its scale included."""

    mesh: Mesh
    world_from_person: Array

    def world(self) -> Array:
        """(V, 3) world metres of the mesh's vertices."""
        turned = self.world_from_person
        return np.asarray(self.mesh.vertices.astype(np.float64) @ turned[:, :3].T + turned[:, 3])


@dataclass(frozen=True, eq=False)
class Bodies:
    """Whoever of a layout is asked for, posed. variants: of each character, as the atlas has them; height, normal: of
    the ground; rate_hz: frames per second."""

    agents: Agents
    variants: int
    height: Ground
    normal: Ground
    rate_hz: float = 24.0
    _crossings: dict[tuple[int, int], Crossing | None] = field(default_factory=dict)
    _parts: dict[tuple[int, int], list[Pose]] = field(default_factory=dict)

    def character(self, agent: int) -> Character:
        """Who the agent is: the same person as on his sprites."""
        return load_character(self.agents.characters[agent], self.variant(agent))

    def variant(self, agent: int) -> int:
        """Which person of his character the agent is."""
        return int(variant_of(np.array([self.agents.seeds[agent]], np.uint64), self.variants)[0])

    def placed(self, agent: int, row: int) -> Placed:
        """The agent on the layout's frame `row`."""
        frame = self.frame(agent, row)
        figure = dressed(self.character(agent))
        pose = self.pose(agent, row)
        points = foot_points(pose)
        x, _, z = frame[:, :3] @ np.stack([points[:, 0], np.zeros(2), points[:, 1]]) + frame[:, 3:]
        scale = self.agents.scales[agent]
        heights = (self.height(x, z) - frame[1, 3]) / scale
        normals = self.normal(x, z) @ frame[:, :3] / scale
        stood = on_ground(pose, figure.build, heights.tolist(), normals.tolist())
        # Who lies rests on his back, not on his feet.
        return Placed(mesh_of(self.character(agent), replace(stood, terrain=1 - pose.lying)), frame)

    def frame(self, agent: int, row: int) -> Array:
        """(3, 4) world from the person's space."""
        yaw, scale = float(self.agents.yaws[row, agent]), float(self.agents.scales[agent])
        c, s = np.cos(yaw), np.sin(yaw)
        frame = np.empty((3, 4))
        frame[:, :3] = scale * np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        frame[:, 3] = self.agents.positions[row, agent]
        return frame

    def pose(self, agent: int, row: int) -> Pose:
        """The pose on level ground, in the person's space, planted feet on one spot of the world."""
        part = row // _PART_FRAMES
        if (agent, part) not in self._parts:
            self._parts[agent, part] = self._held(agent, part)
        return self._parts[agent, part][row - part * _PART_FRAMES]

    def _held(self, agent: int, part: int) -> list[Pose]:
        """The poses of one part of the shot. Parts begin on fixed frames and look over their ends: a frame made alone
        is the same as in a sequence."""
        first, count = part * _PART_FRAMES, len(self.agents.positions)
        rows = range(max(first - _BEYOND_FRAMES, 0), min(first + _PART_FRAMES + _BEYOND_FRAMES, count))
        steps = [self._step(agent, row) for row in rows]
        poses, down = [pose for pose, _ in steps], np.array([planted for _, planted in steps])
        window = slice(rows.start, rows.stop)
        plan = self.agents.positions[window, agent].astype(np.float64)[:, [0, 2]]
        yaws = np.unwrap(self.agents.yaws[window, agent].astype(np.float64))
        if len(plan) > 1 and np.ptp(plan, axis=0).max() + np.ptp(yaws) > _STANDS:
            doing = self.agents.motions[window, agent].astype(int).tolist()
            scale, build = float(self.agents.scales[agent]), dressed(self.character(agent)).build
            poses = locked(poses, down, plan, yaws, scale, build, doing)
        return poses[first - rows.start : first - rows.start + _PART_FRAMES]

    def _step(self, agent: int, row: int) -> tuple[Pose, tuple[bool, bool]]:
        """The pose as its motion has it, and whether the left and the right foot are planted."""
        figure, motion = dressed(self.character(agent)), self._motion(agent, row)
        begun = self._begun(agent, row)
        crossing = self._crossing(agent, begun) if begun else None
        seed, time_s = int(self.agents.seeds[agent]), row / self.rate_hz
        step = row - begun + 1  # a crossing's first frame is the last of the motion before
        if crossing is None or step >= len(crossing.poses):
            phase = float(self.agents.phases[row, agent])
            late = phase - LATE_S / motion.cycle_s
            earlier = motion.pose(late % 1.0 if motion.loops else max(late, 0.0), figure.build, figure.grip)
            now = motion.pose(phase, figure.build, figure.grip)
            down = planted(motion, phase, "L"), planted(motion, phase, "R")
            return enlivened(now, earlier, liveliness(motion), time_s=time_s, seed=seed), down
        before = max(step - round(LATE_S * self.rate_hz), 0)
        share = smooth(step / (len(crossing.poses) - 1))
        lively = liveliness(self._motion(agent, begun - 1)).towards(liveliness(motion), share)
        pose = enlivened(crossing.poses[step], crossing.poses[before], lively, time_s=time_s, seed=seed)
        return pose, crossing.planted[step]

    def crossed(self, agent: int, row: int) -> Pose | None:
        """The pose of someone who on that row goes from one motion to another, with nothing added; None: he does not."""
        begun = self._begun(agent, row)
        crossing = self._crossing(agent, begun) if begun else None
        step = row - begun + 1
        return crossing.poses[step] if crossing and step < len(crossing.poses) else None

    def _motion(self, agent: int, row: int) -> Motion:
        return load_motion(self.agents.motion_names[self.agents.motions[row, agent]])

    def _begun(self, agent: int, row: int) -> int:
        """The row on which the motion of `row` began; 0: before the shot."""
        motions = self.agents.motions[: row + 1, agent]
        changes = np.flatnonzero(motions[1:] != motions[:-1])
        return int(changes[-1]) + 1 if len(changes) else 0

    def _crossing(self, agent: int, begun: int) -> Crossing | None:
        """The steps into the motion that begins on row `begun`, on the way that the layout goes; None: it ends at once."""
        if (agent, begun) not in self._crossings:
            self._crossings[agent, begun] = self._cross(agent, begun)
        return self._crossings[agent, begun]

    def _cross(self, agent: int, begun: int) -> Crossing | None:
        figure, rows = dressed(self.character(agent)), self.agents.phases[:, agent]
        old, new = self._motion(agent, begun - 1), self._motion(agent, begun)
        phase = float(rows[begun - 1])
        wanted = len(cross(old, phase, new, figure.build, figure.grip, self.rate_hz).poses) - 1
        doing = self.agents.motions[begun:, agent]
        last = begun + int(np.argmax(doing != doing[0]) or len(doing)) - 1  # the next change, or the shot's end
        frames = min(wanted, last - begun + 1)
        if frames < 2:
            return None
        path = self.agents.positions[begun - 1 : begun + frames, agent].astype(np.float64)[:, [0, 2]]
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1) / self.agents.scales[agent]
        way = np.concatenate([[0.0], np.cumsum(steps)])
        ends = float(rows[begun + frames - 1])
        return cross_along(old, phase, new, ends, way, figure.build, figure.grip, self.rate_hz)
