"""How near an unknown grade is met, beside the usual ways, in one run: `make bench-colour`.

A plate went through a grade that nobody knows; a layer was made in the same light without it. Each way grades the layer;
the truth is the layer under the very grade. Figures are CIEDE2000 over the layer's pixels, and in how many cases a way
does better than leaving the layer alone. Scenes, palettes, lights and grades are held out: `--learn` reads other ones, and
the demo plate none at all. Peers are shown the plate's pixels of the layer's class where there are any, else all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from assets.train.differences import delta_e_2000, lab_of
from benchmarks import colour_demo
from benchmarks.colour_peers import PEERS
from benchmarks.colour_scenes import NAMES, PEOPLE, STANDING, Picture, director, light_of, picture
from calibration.look.arriving import arriving
from calibration.look.match import HYPOTHESES, KNOWN, LEAST_PIXELS, Known, apartness, match_tones
from calibration.look.tonestats import tone_stats
from pipeline.io.files import write_bytes
from pipeline.kernels.color import RGB

Array = np.ndarray
LEARNT, HELD_OUT, OTHER = 1000, 5000, 90_000  # first seeds
LEARNT_SCENES = 160
KINDS = {
    "same": "same scene, another take",
    "alike": "same materials, another place",
    "other": "other materials, another place",
    "demo people": "demo plate, people not in it",
    "demo stones": "demo plate, its other half",
}


@dataclass(frozen=True)
class Case:
    """kind of KINDS, number of the scene, class of the layer, and whether the plate shows that class."""

    kind: str
    number: int
    layer: int
    shown: bool = True


def lights_of(scene: int) -> dict[str, RGB]:
    light = light_of(scene)
    return arriving(np.array(light.sun_direction) * (1, -1, -1), light.sun_rgb, light.sky_rgb)


def pair(case: Case) -> tuple[Picture, Picture, dict[str, RGB]]:
    """Plate and layer before the grade, and their light."""
    n = case.number
    if case.kind == "demo people":
        return colour_demo.plate(), colour_demo.person(n), colour_demo.lights()
    if case.kind == "demo stones":
        return colour_demo.half(False), colour_demo.half(True), colour_demo.lights()
    layer = {"same": (n, n, n, 1), "alike": (n + 50_000, n, n), "other": (n + OTHER, n + OTHER, n)}[case.kind]
    return picture(n, n, n), picture(*layer), lights_of(n)


def judge(case: Case) -> tuple[str, dict[str, float]] | None:
    """deltaE of every way, "none" among them; None where the layer is not seen."""
    plate, layer, lights = pair(case)
    grade = director(7919 * case.number + case.layer)
    own = layer.of(case.layer)
    if len(own) < LEAST_PIXELS:
        return None
    shown = {NAMES[k]: grade(plate.of(k)) for k in range(len(NAMES)) if case.shown or k != case.layer}
    alike = shown.get(NAMES[case.layer], np.zeros((0, 3)))
    for_peers = alike if len(alike) >= LEAST_PIXELS else np.concatenate(list(shown.values()))
    truth = lab_of(grade(own))
    ours = match_tones(shown, {NAMES[case.layer]: own}, lights).tones
    ways = {"none": own, "ours": ours.applied(own)} | {name: way(own, for_peers) for name, way in PEERS.items()}
    return case.kind, {name: float(delta_e_2000(lab_of(rgb), truth).mean()) for name, rgb in ways.items()}


def learn() -> None:
    """Read FIGURES of ungraded pictures, then how far apart colours stay under grades, and write the known tones."""
    scenes = range(LEARNT, LEARNT + LEARNT_SCENES)
    with ProcessPoolExecutor() as pool:
        content = _tables(list(pool.map(_figures, scenes, chunksize=8)))
        rows = list(pool.map(partial(_apart, content), scenes, chunksize=8))
    content["apart"] = {}
    for name in NAMES:
        apart = [np.array([row[kind, name] for row in rows if (kind, name) in row]) for kind in HYPOTHESES]
        content["apart"][name] = [[round(float(a.mean()), 4), round(float(a.std()) + 0.15, 4)] for a in apart]
    write_bytes(KNOWN, (json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n").encode())


def _tables(rows: list[Any]) -> dict[str, dict[str, Any]]:
    """All of the known tones but `apart`, from what _figures returns of every scene."""
    content: dict[str, dict[str, Any]] = {"usual": {}, "same": {}, "alike": {}}
    for k, name in enumerate(NAMES):
        usual = np.array([s for row in rows for s in (row[k][0], row[k][3]) if s is not None])
        content["usual"][name] = {
            "mean": usual.mean(0).round(4).tolist(),
            "covariance": np.cov(usual.T).round(5).tolist(),
        }
        for kind, other in (("same", 1), ("alike", 2)):
            apart = np.array(
                [row[k][other] - row[k][0] for row in rows if row[k][0] is not None and row[k][other] is not None]
            )
            most = 4 * np.median(np.abs(apart), axis=0) + 1e-3
            held = np.clip(apart, -most, most)
            covariance = held.T @ held / len(held) + 1e-4 * np.eye(held.shape[1])
            content[kind][name] = covariance.round(5).tolist()
    return content


def _apart(content: Mapping[str, dict[str, Any]], n: int) -> dict[tuple[str, str], float]:
    """Of a graded scene and ungraded layers of each kind and class: how far apart their colours stay."""
    usual = {k: (np.array(v["mean"]), np.array(v["covariance"])) for k, v in content["usual"].items()}
    same, alike = ({k: np.array(v) for k, v in content[part].items()} for part in ("same", "alike"))
    prior = Known(usual, same, alike, {})
    found = {}
    for kind in HYPOTHESES:
        for k, name in enumerate(NAMES):
            plate, layer, lights = pair(Case(kind, n, k))
            grade, own = director(7919 * n + k), layer.of(k)
            if min(len(own), len(plate.of(k))) >= LEAST_PIXELS:
                shown = {NAMES[c]: grade(plate.of(c)) for c in range(len(NAMES))}
                found[kind, name] = apartness(shown, {name: own}, lights, prior)[name]
    return found


def _figures(n: int) -> list[list[Array | None]]:
    """Per class: of a scene, of another take of it, of its materials elsewhere, of another scene."""
    lights = lights_of(n)
    shown = picture(n, n, n), picture(n, n, n, 1), picture(n + 50_000, n, n), picture(n + OTHER, n + OTHER, n)

    def told(seen: Picture, k: int) -> Array | None:
        mine = seen.of(k)
        return tone_stats(mine, lights[NAMES[k]]) if len(mine) >= LEAST_PIXELS else None

    return [[told(seen, k) for seen in shown] for k in range(len(NAMES))]


def cases(count: int) -> list[Case]:
    scenes = range(HELD_OUT, HELD_OUT + count)
    found = [Case(kind, n, k) for kind in ("same", "alike") for n in scenes for k in (STANDING, PEOPLE)]
    found += [Case("other", n, k, shown=(n + k) % 2 == 0) for n in scenes for k in (STANDING, PEOPLE)]
    found += [Case("demo people", n, PEOPLE) for n in range(min(count, 12))]
    return found + [Case("demo stones", n, STANDING) for n in range(min(count, 12))]


def table(found: Mapping[str, list[dict[str, float]]]) -> str:
    lines = [f"{'mean deltaE2000 (better than none)':34}" + "".join(f"{n:>18}" for n in ("none", "ours", *PEERS))]
    for kind, rows in found.items():
        none = np.array([row["none"] for row in rows])
        line = f"{KINDS[kind]:28} n={len(rows):3} {none.mean():18.2f}"
        for name in ("ours", *PEERS):
            mine = np.array([row[name] for row in rows])
            line += f"{mine.mean():11.2f} ({(mine < none).mean():4.0%})"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--learn", action="store_true", help="learn the known tones again instead")
    chosen = parser.parse_args()
    if chosen.learn:
        learn()
        return
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    with ProcessPoolExecutor() as pool:
        for judged in pool.map(judge, cases(chosen.scenes), chunksize=4):
            if judged:
                found[judged[0]].append(judged[1])
    print(table({kind: rows for kind, rows in found.items() if rows}))
    targets = (("same", 2.0, 1.0), ("alike", 2.0, 0.9), ("other", 5.0, 0.9), ("demo people", 5.0, 0.9))
    for kind, most, share in targets:
        ours, none = (np.array([row[name] for row in found[kind]]) for name in ("ours", "none"))
        met = ours.mean() <= most and (ours < none).mean() >= share
        print(f"{KINDS[kind]}: at most {most}, better in {share:.0%}: {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
