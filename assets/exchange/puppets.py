"""Our people as puppets for other programs: a light body on our joints, its poses, and when an agent strikes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from assets.guides.lod import Level, chain, merged
from assets.motion.motions import load_motion
from assets.people.bodies import vertex_normals
from assets.people.characters import Character, albedos, load_character
from assets.people.mesh import Figure, dressed, posed_mesh
from assets.people.skeleton import solve
from pipeline.io.color import from_acescg
from pipeline.io.usd import Surface
from pipeline.io.usdpeople import Gestures, Puppet

Array = npt.NDArray[np.float64]
STEPS = 128  # poses kept of a cycle: between them joints move in straight lines, within half a millimetre of the arc
LIGHT = 3000  # vertices at most of a body that is shown many times over
_MEASURED = 4  # every so manieth pose says how high the body stands and where a shaft has slid to
_END = 0.999  # the last phase of a motion that does not loop
_SHOWN = "Linear Rec.709 (sRGB)"  # what viewports take display colours for


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """times: frames since the first, rising; steps: the pose of each; moves: of which motion."""

    times: Array
    moves: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]


def light_body(character: str) -> Surface:
    """A character standing as in "idle", light enough to be shown ten thousand times, in the colours of its recipe."""
    person = load_character(character)
    mesh, level = posed_mesh(person, "idle", 0.0), light_level(person)
    return Surface(merged(level, mesh), level.triangles, _colours(person, level))


@lru_cache(maxsize=32)
def puppet(character: str) -> Puppet:
    """The light body of a character on its joints; a shaft that slides through the hand hangs on a joint of its own."""
    person = load_character(character)
    figure, level = dressed(person), light_level(person)
    assert level.merge is not None
    ways = level.merge @ vertex_normals(figure.vertices, figure.triangles)
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-9)
    vertices = level.merge @ figure.vertices + level.push[:, None] * ways
    shafts = np.flatnonzero(figure.slides.any(axis=1))  # a banner's cloth, too: it goes stiffly with its pole
    weights = figure.weights.tolil()
    weights.resize(len(figure.vertices), len(figure.body.skeleton.names) + 1)
    weights[shafts] = 0
    weights[shafts, -1] = 1
    shares = (level.merge @ weights.tocsr()).toarray()
    many = int((shares > 1e-4).sum(axis=1).max())
    strongest = np.argsort(-shares, axis=1, kind="stable")[:, :many]
    kept = np.take_along_axis(shares, strongest, axis=1)
    skeleton = figure.body.skeleton
    parents = (*skeleton.parents, skeleton.index("wrist.R"))
    paths: list[str] = []
    for name, parent in zip((*skeleton.names, "shaft"), parents, strict=True):
        paths.append((paths[parent] + "/" if parent >= 0 else "") + name.replace(".", "_").replace("-", "_"))
    return Puppet(
        Surface(vertices, level.triangles, _colours(person, level)),
        tuple(paths),
        parents,
        np.concatenate([skeleton.heads, [skeleton.head("wrist.R")]]),
        strongest,
        kept / kept.sum(axis=1, keepdims=True),
    )


@lru_cache(maxsize=64)
def gestures(character: str, motion: str) -> Gestures:
    """STEPS + 1 poses over a cycle of `motion`, ends included; joints against their parents, the first on the ground."""
    figure = dressed(load_character(character))
    skeleton, move = figure.body.skeleton, load_motion(motion)
    phases = np.minimum(np.arange(STEPS + 1) / STEPS, _END) if not loops(motion) else np.arange(STEPS + 1) / STEPS % 1
    solved = [solve(skeleton, move.pose(float(phase), figure.build, figure.grip)) for phase in phases]
    turns, heads = np.stack([one[0] for one in solved]), np.stack([one[1] for one in solved])
    rows = np.arange(0, STEPS + 1, _MEASURED)
    seen = [_measured(figure, character, motion, float(phases[row]), turns[row], heads[row]) for row in rows]
    steps = np.arange(STEPS + 1)
    heads[..., 1] += np.interp(steps, rows, [one[0] for one in seen])[:, None]
    shaft = np.stack([np.interp(steps, rows, [one[1][axis] for one in seen]) for axis in range(3)], axis=1)
    parents = np.array(skeleton.parents)
    child = parents >= 0
    local, there = turns.copy(), heads.copy()
    local[:, child] = turns[:, parents[child]].transpose(0, 1, 3, 2) @ turns[:, child]
    there[:, child] = np.einsum("pjba,pjb->pja", turns[:, parents[child]], heads[:, child] - heads[:, parents[child]])
    local = np.concatenate([local, np.broadcast_to(np.eye(3), (len(steps), 1, 3, 3))], axis=1)
    quaternions = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(*local.shape[:2], 4)
    return Gestures(np.concatenate([there, shaft[:, None]], axis=1).astype(np.float32), quaternions.astype(np.float32))


def _measured(
    figure: Figure, character: str, motion: str, phase: float, turns: Array, heads: Array
) -> tuple[float, Array]:
    """(how far the posed mesh stands above its solved bones, where the shaft has slid to in the right hand's space)."""
    mesh, rest = posed_mesh(load_character(character), motion, phase), figure.body.skeleton.heads
    bones = np.concatenate([turns, (heads - np.einsum("jab,jb->ja", turns, rest))[..., None]], axis=2).reshape(-1, 12)
    shafts, sole = np.flatnonzero(figure.shaft), np.flatnonzero(figure.soles)[:1]
    rows = np.concatenate([sole, shafts])
    blended = (figure.weights[rows] @ bones).reshape(-1, 3, 4)
    skinned = np.einsum("vab,vb->va", blended[..., :3], figure.vertices[rows]) + blended[..., 3]
    gone = mesh.vertices[rows] - skinned
    lift = float(gone[0, 1])
    if not len(shafts):
        return lift, np.zeros(3)
    slid = (gone[1:] - [0, lift, 0]).mean(axis=0)
    return lift, turns[figure.body.skeleton.index("wrist.R")].T @ slid


def beats(motion_names: tuple[str, ...], motions: npt.NDArray[np.uint8], phases: npt.NDArray[np.float32]) -> Beats:
    """When an agent's (F,) motions and phases pass through the kept poses: between two frames as often as they do."""
    changes = np.flatnonzero(np.diff(motions.astype(np.int64))) + 1
    times, moves, steps = [], [], []
    for run in np.split(np.arange(len(motions)), changes):
        number = int(motions[run[0]])
        cyclic = loops(motion_names[number])
        at = phases[run].astype(np.float64) * STEPS
        if cyclic:
            at = np.unwrap(at, period=STEPS)
        for time, step in _passed(run.astype(np.float64), at, first=run[0] == 0, last=run[-1] == len(motions) - 1):
            times.append(time)
            moves.append(number)
            steps.append(step % STEPS if cyclic else min(max(step, 0), STEPS))
    return Beats(np.array(times), np.array(moves, np.int64), np.array(steps, np.int64))


def _passed(frames: Array, at: Array, first: bool, last: bool) -> list[tuple[float, int]]:
    """(time, step) of every whole step on the line `at` over `frames`; where it ends, the shot's ends reach one past."""
    passed: dict[float, int] = {}
    rates = np.diff(at)
    begin = _beyond(frames[0], at[0], rates[0], -1) if first and len(rates) else (frames[0], round(at[0]))
    end = _beyond(frames[-1], at[-1], rates[-1], 1) if last and len(rates) else (frames[-1], round(at[-1]))
    passed[begin[0]] = begin[1]
    for i, rate in enumerate(rates):
        if abs(rate) < 1e-6:
            passed[frames[i]] = passed[frames[i + 1]] = round(at[i])
            continue
        low, high = sorted((at[i], at[i + 1]))
        whole = np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
        for step in whole if rate > 0 else whole[::-1]:
            passed[frames[i] + min(max((step - at[i]) / rate, 0.0), 1.0)] = int(step)
    passed.setdefault(end[0], end[1])
    return sorted(passed.items())


def _beyond(frame: float, at: float, rate: float, way: int) -> tuple[float, int]:
    """The next whole step after `frame` (way 1) or before it (-1) as (time, step), while `rate` steps pass a frame."""
    if abs(rate) < 1e-6:
        return frame, round(at)
    step = int(np.ceil(at) if rate * way > 0 else np.floor(at))
    return frame + (step - at) / rate, step


def light_level(character: Character) -> Level:
    """The finest mesh of a character's chain that has at most LIGHT vertices."""
    coarser = [level for level in chain(character) if level.merge is not None]
    return next((level for level in coarser if level.vertices <= LIGHT), coarser[-1])


def _colours(person: Character, level: Level) -> npt.NDArray[np.float32]:
    colours = from_acescg(albedos(person)[None], _SHOWN)[0][level.parts]
    return np.clip(colours, 0, 1).astype(np.float32)


def loops(motion: str) -> bool:
    return load_motion(motion).loops
