"""How fast a crowd is laid out, simulated and drawn as guides, beside peers, in one run: `make bench-crowd`.

A phalanx on uneven ground, all of it before a lens with barrel distortion, at 1920 x 1080. Figures are the best of
several runs. CPU figures count this process's processor time, which a shared machine does not stretch; "2 processes"
is wall time with a frame in each, and needs two free cores to mean anything. `--counts 1000,2000` changes the crowds.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context

import numpy as np

from assets.crowd.formations import Body, chance, gauss, places
from assets.guides.crowd_guides import WANTED, CrowdGuides, crowd_guides
from assets.guides.crowd_people import Moment, People
from assets.guides.optics import Optics, optics
from assets.view import View
from calibration.lens import project, rays
from pipeline.types import Lens

Array = np.ndarray
LENS = Lens(1920, 1080, 1700.0, 1700.0, 966.0, 536.0, -0.16, 0.03, 0.001, -0.0007)
CHARACTERS, WEIGHTS = ("legionary", "spearman", "archer", "peasant"), (0.5, 0.3, 0.1, 0.1)
MOTIONS = ("march", "brace")
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "depth + id + pose": ((), ("controlnet",)),
    "all guides": (("normals", "parts", "motion"), ("controlnet",)),
    "all and soft mattes": (WANTED, ("controlnet",)),
}


def best(work: Callable[[], object], runs: int = 3) -> tuple[float, float]:
    """(wall, CPU) seconds of the fastest of `runs`, after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(t[0] for t in times), min(t[1] for t in times)


def ground(x: Array, z: Array) -> Array:
    return 0.9 * np.sin(x / 23) * np.cos(z / 17) + 0.35 * np.sin(x / 7.1 + z / 9.3)


def rise(x: Array, z: Array) -> Array:
    step = 1e-3
    return np.stack([ground(x + step, z) - ground(x, z), ground(x, z + step) - ground(x, z)], axis=1) / step


def lay_out(count: int) -> tuple[Array, float]:
    """(count, 2) places in plan, and how far the camera stands before the front rank."""
    wide = 1.05 * np.sqrt(3.0 * count)
    deep = 1.5 * 1.1 * 1.1 * count / wide + 6
    corners = np.array([(-wide / 2, 0), (wide / 2, 0), (wide / 2, deep), (-wide / 2, deep)])
    return places(Body("line", "phalanx", corners, np.pi, count, 1.05, 1)).plan, 0.95 * wide


def people(count: int) -> tuple[People, View]:
    plan, away = lay_out(count)
    plan = plan - [0, plan[:, 1].min() - away]
    numbers = np.arange(count)
    wears = np.searchsorted(np.cumsum(WEIGHTS), chance(1, "line", numbers, "character"), side="right").clip(0, 3)
    doing = (chance(1, "line", numbers, "motion") < 0.15).astype(np.intp)
    yaws = np.pi + 0.06 * gauss(1, "line", numbers, "yaw")

    def moment(time_s: float) -> Moment:
        x, z = plan[:, 0], plan[:, 1] - 1.3 * time_s * (doing == 0)
        phases = (0.16 * gauss(1, "line", numbers, "phase") + time_s / 1.08) % 1
        return Moment(np.stack([x, ground(x, z), z], axis=1), yaws, phases, doing, rise(x, z))

    ids, scales = (100_001 + numbers).astype(np.uint32), 1 + 0.02 * gauss(1, "line", numbers, "size")
    high = 2.5 + 0.06 * away
    pitch = np.arctan2(high - 1.0, 1.6 * away)
    c, s = np.cos(pitch), np.sin(pitch)
    pose = np.diag([-1.0, -1.0, 1.0, 1.0])
    pose[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ pose[:3, :3]
    pose[:3, 3] = -pose[:3, :3] @ (0, high, 0)
    other = pose.copy()
    other[0, 3] += 0.03
    view = View(lens().rays, lambda points: project(points, LENS), pose, other, 1)
    return People(ids, CHARACTERS, wears, MOTIONS, scales, moment(0), moment(1 / 24)), view


@lru_cache(maxsize=1)
def lens() -> Optics:
    return optics(rays(LENS), lambda points: project(points, LENS))


def frames(count: int, kind: str, number: int) -> int:
    """Draw `number` frames in a process of its own; who is seen on the last."""
    crowd, view = _kept(count)
    for _ in range(number):
        guides = crowd_guides(crowd, view, lens(), *KINDS[kind])
    return int(np.isfinite(guides.depth).sum())


@lru_cache(maxsize=1)
def _kept(count: int) -> tuple[People, View]:
    return people(count)


def simulated(count: int) -> str:
    if importlib.util.find_spec("assets.crowd.simulation") is None:
        return "absent"
    from assets.crowd.simulation import Steering, simulate

    starts, _ = lay_out(count)
    times = np.arange(13) / 24
    slots = starts[None] - np.stack([np.zeros(13), 1.3 * times], axis=1)[:, None]
    nobody = np.zeros(count, np.intp)
    try:
        wall, cpu = best(lambda: simulate(starts, slots, np.full(count, 0.25), times, Steering(), (), nobody), 1)
    except TypeError as wrong:
        return f"not run ({wrong})"
    return f"{12 / cpu:.0f} frames/s CPU, {12 / wall:.0f} wall"


def peers(crowd: People, view: View, guides: CrowdGuides, ours_s: float) -> None:
    """What others need for less: flat ids by OpenCV, rays against all triangles by embree."""
    import cv2

    from assets.guides.crowd_drawn import Drawn
    from assets.guides.crowd_people import camera_from_people

    drawn = Drawn(crowd, guides.levels.astype(int))
    scene = drawn.scene(camera_from_people(crowd, crowd.now, view.pose), lens().table)
    worn = np.repeat(np.arange(len(scene.ids)), scene.triangle_counts)
    within = np.arange(len(worn)) - np.repeat(
        np.cumsum(scene.triangle_counts) - scene.triangle_counts, scene.triangle_counts
    )
    triangles = scene.firsts[worn][:, None] + scene.triangles[scene.first_triangles[worn] + within]
    corners = np.round(np.nan_to_num(scene.pixels[triangles], nan=-99)).astype(np.int32)
    order = np.argsort(-scene.vertices[triangles[:, 0], 2])
    canvas = np.zeros(view.size, np.int32)
    ids = scene.ids.astype(int).tolist()

    def flat() -> None:
        for row in order:
            cv2.fillConvexPoly(canvas, corners[row], ids[worn[row]])

    _, cpu = best(flat, 1)
    print(
        f"  {len(triangles):,} triangles. OpenCV fillConvexPoly, ids without depth: {1e3 * cpu:.0f} ms CPU = {cpu / ours_s:.1f}x ours"
    )
    if importlib.util.find_spec("embreex") is None or importlib.util.find_spec("trimesh") is None:
        print("  embree: absent")
        return
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    ways = np.concatenate([view.rays, np.ones((*view.size, 1), np.float32)], axis=2).reshape(-1, 3)
    mesh = trimesh.Trimesh(scene.vertices, triangles, process=False)
    _, cpu = best(lambda: RayMeshIntersector(mesh).intersects_first(np.zeros_like(ways), ways), 1)
    print(f"  embree, building and first hits only: {1e3 * cpu:.0f} ms CPU = {cpu / ours_s:.1f}x ours")


def report(count: int) -> None:
    (crowd, view), laid = people(count), best(lambda: lay_out(count), 1)[1]
    begun = time.process_time()
    guides = crowd_guides(crowd, view, lens())
    print(f"first frame: {time.process_time() - begun:.1f} s CPU; less when the meshes are in the user's cache")
    covered = int(np.isfinite(guides.depth).sum())
    shown = int((guides.levels >= 0).sum())
    print(
        f"{count:,} agents ({shown:,} before the lens) on {covered:,} pixels; layout {1e3 * laid:.0f} ms CPU; simulation {simulated(count)}"
    )
    ours_s = 0.0
    for kind, (wanted, families) in KINDS.items():
        wall, cpu = best(lambda a=wanted, f=families: crowd_guides(crowd, view, lens(), a, f))
        ours_s = ours_s or cpu
        line = f"  {kind:20} {1e3 * cpu:6.0f} ms CPU = {1 / cpu:5.1f}/s a core, {2 / cpu:5.1f}/s on two free ones;"
        print(f"{line} wall {1 / wall:5.1f}/s; {1e9 * cpu / covered:5.0f} ns a covered pixel")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for kind in KINDS:
            list(pool.map(frames, [count] * 2, [kind] * 2, [1] * 2))
            start = time.perf_counter()
            list(pool.map(frames, [count] * 2, [kind] * 2, [3] * 2))
            print(f"  {kind:20} 2 processes: wall {6 / (time.perf_counter() - start):.1f}/s")
    peers(crowd, view, guides, ours_s)


def distances(count: int) -> None:
    """Whether time grows as the pixels that are covered: the camera goes up to the front rank."""
    crowd, far = people(count)
    print(f"{count:,} agents, the camera going nearer:")
    for share in (1.0, 0.5, 0.2, 0.05):
        view = nearer(crowd, far, share)
        guides = crowd_guides(crowd, view, lens(), (), ())
        covered, shown = int(np.isfinite(guides.depth).sum()), int((guides.levels >= 0).sum())
        times = [best(lambda k=kind, v=view: crowd_guides(crowd, v, lens(), *KINDS[k]), 2)[1] for kind in KINDS]
        told = ", ".join(f"{kind} {1e3 * cpu:.0f} ms" for kind, cpu in zip(KINDS, times, strict=True))
        print(f"  {share:4.0%} of the way: {shown:6,} before the lens on {covered:9,} pixels; CPU: {told}")


def nearer(crowd: People, view: View, share: float) -> View:
    """The camera at `share` of its distance from the front rank, at 2.2 m or more over the ground."""
    front = float(crowd.now.positions[:, 2].min()) * (1 - share)

    def moved(pose: Array) -> Array:
        pose, centre = pose.copy(), -pose[:3, :3].T @ pose[:3, 3]
        centre[2] += front
        centre[1] = max(2.2, share * centre[1] + float(ground(np.float64(0), np.float64(front))))
        pose[:3, 3] = -pose[:3, :3] @ centre
        return pose

    return replace(view, pose=moved(view.pose), other=moved(view.other))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="1000,2000,10000")
    counts = [int(v) for v in parser.parse_args().counts.split(",")]
    print(
        f"{LENS.width} x {LENS.height}, frames/s; targets on two free cores: depth + id + pose 10 at 10,000 and 25 at 2,000; mattes 5"
    )
    for count in counts:
        report(count)
    distances(counts[-1])


if __name__ == "__main__":
    main()
