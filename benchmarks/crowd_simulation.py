"""Our crowd simulation beside pyrvo (RVO2), in one run on one machine: `python -m benchmarks.crowd_simulation`.

16 bodies of 640 wheel by 40 degrees and march on, 24 s at 24 frames/s; then two armies meet. Figures are of the paths
that the stage gets. pyrvo is measured where it is installed (it is none of our requirements), on the same slots, without
keeping anybody from overlapping. Only ratios mean anything on a shared machine. `--agents 2560 --seconds 6` is quicker.
"""

from __future__ import annotations

import argparse
import importlib.util
import time

import numba
import numpy as np

from assets.crowd.drill import along, wheel
from assets.crowd.simulation import Steering, Walked, simulate
from pipeline.kernels.crowding import overlaps

RATE, SPACING_M, RADIUS_M = 24, 1.1, 0.25


def block(files: int, ranks: int) -> np.ndarray:
    """Offsets (N, 2) ahead, right."""
    file, rank = np.meshgrid(np.arange(files), np.arange(ranks))
    return np.stack([-rank.ravel() * SPACING_M, (file.ravel() - (files - 1) / 2) * SPACING_M], axis=1)


def wheeling(agents: int, times_s: np.ndarray) -> np.ndarray:
    """Sixteen bodies in a row of four by four, each wheeling about its own flank."""
    side = max(int(np.sqrt(agents / 16 / 1.6)), 2)
    body, apart = block(round(agents / 16 / side), side), 3.0 * SPACING_M * side + 30
    places = [(apart * (k % 4), apart * (k // 4)) for k in range(16)]
    turn = np.radians(40)
    return np.concatenate([wheel(body, times_s, start_m=p, turn_rad=turn, begin_s=3) for p in places], axis=1)


def columns(agents: int, times_s: np.ndarray) -> np.ndarray:
    """Columns of eight files along a road with two bends."""
    body = block(8, agents // 80)
    road = np.array([(0, 0), (0, 20), (15, 40), (15, 90)], float)
    return np.concatenate([along(road + np.array([30.0 * k, 0]), body, times_s) for k in range(10)], axis=1)


def armies(agents: int, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two armies ten ranks deep that march at each other from 12 m."""
    body = block(agents // 20, 10)
    ours, theirs = np.stack([body[:, 1], body[:, 0] - 6], 1), np.stack([body[:, 1] + 0.3, 6 - body[:, 0]], 1)
    gone = 1.4 * times_s[:, None, None] * np.array([0.0, 1.0])
    return np.concatenate([ours + gone, theirs - gone], axis=1), np.repeat([1, 2], len(body))


def report(name: str, walked: Walked, slots: np.ndarray, wall_s: float, cpu_s: float) -> float:
    """Print one scene's figures; returns steps per CPU-second."""
    radii = np.full(slots.shape[1], RADIUS_M)
    found = [overlaps(places, radii) for places in walked.plan]
    error = np.linalg.norm(walked.plan - slots, axis=-1)
    pull = np.linalg.norm(np.diff(walked.plan, 2, axis=0), axis=-1) * RATE**2
    steps = len(slots) - 1
    print(
        f"{name:9} {slots.shape[1]:6} agents {steps / wall_s:6.1f} steps/s ({steps / cpu_s:.1f} per CPU-second); pairs that overlap over 5 mm {sum(n for n, _ in found)}"
        f" (deepest {1e3 * max(d for _, d in found):.1f} mm); slot error {100 * np.sqrt((error**2).mean()) / SPACING_M:.1f}%"
        f" of spacing; acceleration 99% {np.percentile(pull, 99):.2f}, most {pull.max():.1f} m/s2"
    )
    return steps / cpu_s


def timed(slots: np.ndarray, times_s: np.ndarray, foes: np.ndarray | None, runs: int) -> tuple[Walked, float, float]:
    rng = np.random.default_rng(1)
    starts, radii = slots[0] + rng.normal(0, 0.05, slots[0].shape), np.full(slots.shape[1], RADIUS_M)
    simulate(starts, slots[:3], radii, times_s[:3], foes=foes)  # compiles
    wall_s = cpu_s = np.inf
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        walked = simulate(starts, slots, radii, times_s, foes=foes)
        wall_s, cpu_s = min(wall_s, time.perf_counter() - wall), min(cpu_s, time.process_time() - cpu)
    return walked, wall_s, cpu_s


def peer(slots: np.ndarray, frames: int = 48) -> float:
    """Steps per CPU-second of pyrvo, told everybody's preferred velocity by the same rule."""
    import pyrvo

    own = Steering()
    rvo = pyrvo.RVOSimulator()
    rvo.set_time_step(1 / RATE)
    rvo.set_agent_defaults(own.look_m, own.neighbours, own.horizon_s, own.horizon_s, RADIUS_M, own.fastest_mps)
    for x, z in slots[0]:
        rvo.add_agent((float(x), float(z)))
    spent = 0.0
    for f in range(1, min(frames, len(slots))):
        for i, (x, z) in enumerate((slots[f] - slots[f - 1]) * RATE):
            rvo.set_agent_pref_velocity(i, (float(x), float(z)))
        start = time.process_time()  # its steps alone, not the talking to it
        rvo.do_step()
        spent += time.process_time() - start
    return (min(frames, len(slots)) - 1) / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10240)
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--runs", type=int, default=2)
    given = parser.parse_args()
    times_s = np.arange(round(given.seconds * RATE)) / RATE
    print(f"{numba.get_num_threads()} thread(s)")
    slots = wheeling(given.agents, times_s)
    rate = report("wheeling", *_with(slots, times_s, None, given.runs))
    for name, made, foes in (
        ("marching", columns(given.agents, times_s), None),
        ("armies", *armies(given.agents, times_s)),
    ):
        report(name, *_with(made, times_s, foes, given.runs))
    if importlib.util.find_spec("pyrvo"):
        theirs = peer(slots)
        print(
            f"pyrvo     {slots.shape[1]:6} agents {theirs:6.1f} steps per CPU-second on the wheeling bodies; ours {rate / theirs:.1f}x"
        )
    else:
        print("pyrvo is not installed: pip install pyrvo into an environment of its own to compare")


def _with(
    slots: np.ndarray, times_s: np.ndarray, foes: np.ndarray | None, runs: int
) -> tuple[Walked, np.ndarray, float, float]:
    walked, wall_s, cpu_s = timed(slots, times_s, foes, runs)
    return walked, slots, wall_s, cpu_s


if __name__ == "__main__":
    main()
