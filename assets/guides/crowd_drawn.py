"""Who wears which mesh, and where its vertices lie before the camera: a crowd gathered for the raster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.guides import lod
from assets.guides.crowd_people import Leaving, Moment, People, local_slopes
from assets.guides.mesh_chain import Level
from assets.guides.mesh_chunks import SIDES
from assets.people.characters import Character
from assets.people.mesh import Mesh
from pipeline.kernels.crowdplace import LensTable, Turning, place, to_pixels
from pipeline.kernels.crowdraster import Scene

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Drawn:
    """The same for positions, normals and the other frame. levels: (N,) mesh of the chain, -1: not shown; turned: (N,)
    float32 how far each has turned into the next mesh, None: not at all."""

    def __init__(self, people: People, levels: NDArray[np.int64], turned: Floats | None = None) -> None:
        self.people = people
        self.turned = np.zeros(len(levels), np.float32) if turned is None else turned
        shown = np.flatnonzero(levels >= 0)
        meshes, mesh = np.unique(people.wears[shown] * 16 + levels[shown], return_inverse=True)
        self.meshes = [(people.character(int(code // 16)), int(code % 16)) for code in meshes]
        self.worn = [shown[mesh == number] for number in range(len(meshes))]
        self.chains = [people.chain(int(code // 16)) for code in meshes]
        worn_levels = [chain[level] for chain, (_, level) in zip(self.chains, self.meshes, strict=True)]
        self.number = np.full(len(people.ids), -1)
        self.number[shown] = mesh
        sizes = np.array([level.vertices for level in worn_levels] + [0])
        ends = np.cumsum(sizes[self.number])
        self.total = int(ends[-1]) if len(ends) else 0
        self.firsts = (ends - sizes[self.number]).astype(np.int32)
        self.triangles = _joined([level.triangles for level in worn_levels], (0, 3), np.int32)
        self.parts = _joined([level.parts for level in worn_levels], (0,), np.uint8)
        self.fronts = _joined([level.fronts for level in worn_levels], (0,), np.int8)
        self.counts = np.array([len(level.triangles) for level in worn_levels] + [0], np.int32)
        self.levels = worn_levels

    def scene(self, frames: Array, table: LensTable) -> Scene:
        """Everyone for crowdraster.draw. frames: (N, 3, 4) camera from each person."""
        vertices = self.placed(self.people.now, frames, "vertices")
        mirrored = (np.linalg.det(frames[:1, :, :3]) < 0).any()  # the camera: it is everybody's
        fronts = np.zeros_like(self.fronts) if mirrored else self.fronts
        chunks, corners, orders, first_orders = self._chunks()
        chunk_counts = np.array([len(level.chunks.ends) for level in self.levels] + [0], np.int32)
        first_triangles = np.concatenate([[0], np.cumsum(self.counts)])[:-1].astype(np.int32)
        first_triangles[-1:] = 0
        return Scene(
            vertices, to_pixels(vertices, table), self.triangles, self.parts, fronts, self.firsts,
            first_triangles[self.number], self.counts[self.number], np.ascontiguousarray(self.people.ids, np.uint32),
            chunks, corners, orders,
            (first_orders[self.number] + chunk_counts[self.number] * _side(frames)).astype(np.int32),
            chunk_counts[self.number],
        )  # fmt: skip

    def placed(self, moment: Moment, frames: Array, what: str) -> Floats:
        """(V, 3) float32 "vertices" or "normals" of everyone shown, at a moment, in camera axes."""
        out = np.empty((self.total, 3), np.float32)
        slopes = local_slopes(moment) if what == "vertices" else np.zeros((len(frames), 2), np.float32)
        for (character, level), chain, agents in zip(self.meshes, self.chains, self.worn, strict=True):
            alone = np.isin(agents, list(moment.own))
            for agent in agents[alone]:
                self._place_own(chain, level, moment.own[int(agent)], int(agent), what, frames, slopes, out)
            self._place_kept(character, level, agents[~alone], moment.doing, moment.phases, what, frames, slopes, out)
        if moment.leaving is not None and moment.leaving.shares.any():
            self._fade(moment, moment.leaving, frames, slopes, what, out)
        return out

    def _place_kept(
        self, character: Character, level: int, agents: NDArray[np.int64], doing: NDArray[np.integer], phases: Array,
        what: str, frames: Array, slopes: Floats, out: Floats,
    ) -> None:  # fmt: skip
        """Those of a mesh who share the kept poses of their motions."""
        for motion in np.unique(doing[agents]):
            mine = agents[doing[agents] == motion]
            name = self.people.motions[motion]
            bins, shares = lod.moments(name, phases[mine])
            poses, turning = getattr(lod.poses(character, name, level), what), None
            if self.turned[mine].any():
                other = getattr(lod.poses(character, name, level + 1), what)
                turning = Turning(other, lod.chain(character)[level].parents, self.turned[mine])
            place(poses, bins, shares, frames[mine], slopes[mine], self.firsts[mine], out, turning)

    def _fade(self, moment: Moment, leaving: Leaving, frames: Array, slopes: Floats, what: str, out: Floats) -> None:
        """Whoever has just begun a motion lies between its kept poses and those of the motion before."""
        before = np.empty_like(out)
        some = leaving.shares > 0
        some[list(moment.own)] = False
        for (character, level), chain, agents in zip(self.meshes, self.chains, self.worn, strict=True):
            mine = agents[some[agents]]
            self._place_kept(character, level, mine, leaving.doing, leaving.phases, what, frames, slopes, before)
            count = chain[level].vertices
            for agent in mine:
                rows = slice(self.firsts[agent], self.firsts[agent] + count)
                out[rows] += leaving.shares[agent] * (before[rows] - out[rows])

    def _place_own(
        self, chain: tuple[Level, ...], level: int, mesh: Mesh, agent: int, what: str, frames: Array, slopes: Floats,
        out: Floats,
    ) -> None:  # fmt: skip
        one, turning, turned = slice(agent, agent + 1), None, self.turned[agent : agent + 1]
        if turned[0] > 0:
            turning = Turning(lod.coarse(chain[level + 1], mesh, what)[None], chain[level].parents, turned)
        bins, shares = np.zeros((1, 2), np.int32), np.zeros(1, np.float32)
        poses = lod.coarse(chain[level], mesh, what)[None]
        place(poses, bins, shares, frames[one], slopes[one], self.firsts[one], out, turning)

    def _chunks(self) -> tuple[Ints, Ints, Ints, Ints]:
        """(chunks, corners, orders as Scene has them, first row of `orders` of each mesh)."""
        rows, orders, firsts, corners, chunk, entry = [], [], [0], 0, 0, 0
        for level in self.levels:
            ends, corner_ends = level.chunks.ends, level.chunks.corner_ends
            begins = np.concatenate([[0], ends[:-1]]), np.concatenate([[0], corner_ends[:-1]]) + corners
            rows.append(np.stack([begins[0], ends, begins[1], corner_ends + corners], axis=1).astype(np.int32))
            orders.append((level.chunks.orders + chunk).ravel().astype(np.int32))
            chunk, corners, entry = chunk + len(ends), corners + len(level.chunks.corners), entry + SIDES * len(ends)
            firsts.append(entry)
        firsts[-1:] = [0]
        joined = _joined([level.chunks.corners for level in self.levels], (0,), np.int32)
        return _joined(rows, (0, 4), np.int32), joined, _joined(orders, (0,), np.int32), np.array(firsts, np.int32)


def _side(frames: Array) -> NDArray[np.int64]:
    """(N,) from which of SIDES azimuths, 0: from ahead, the camera looks at each person."""
    eye = -np.einsum("nij,ni->nj", frames[:, :, :3], frames[:, :, 3])  # scaled, which turns nothing
    return np.round(np.arctan2(eye[:, 0], eye[:, 2]) / (2 * np.pi / SIDES)).astype(np.int64) % SIDES


def _joined(arrays: list[NDArray], shape: tuple[int, ...], dtype: type) -> NDArray:
    return np.ascontiguousarray(np.concatenate(arrays or [np.zeros(shape, dtype)]), dtype)
