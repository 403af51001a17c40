"""Our camera solve beside plain COLMAP and Blender's tracker, in one run: `make bench-solve`.

Each solver runs in a process of its own on the same plate, and its CPU time is that of the process and its children. ATE is the root
mean square distance of camera centres from the truth after the best similarity, as a share of the path, over the frames that a
solver's largest model holds; rotations are compared after the best turn of the world, median and worst. bpy is no dependency: its
folder is named in BPY_PATH. Real plates are looked for in ../shared/plates or BATTLEPLATE_PLATES.

`--plates free,people` chooses plates, `--with ours,sequential,exhaustive,blender` solvers, `--frames 48` the rendered plates' length.
`people` is solved twice by us: as it is, and masked by its true mattes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.solve_plates import PLATES, Known
from calibration.cameras import camera_centre
from calibration.solve import evaluate
from calibration.solve.trackview import open_view
from pipeline import codec
from pipeline.io import images
from pipeline.sections import MatteSource

SOLVERS = ("ours", "sequential", "exhaustive", "blender")
USUAL = "ours,sequential,blender"
TITLES = ("plate", "solver", "placed", "pieces", "ATE % path", "rot deg", "worst", "focal %", "mean px", "seconds", "CPU s", "CPU/ours")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What one solver did: its result.json, wall and CPU seconds."""

    found: dict[str, Any]
    wall_s: float
    cpu_s: float


def solve(known: Known, who: str, folder: Path, mattes: Path | None = None) -> Run:
    """Run one solver on `known`; folder/images hold its pictures already."""
    job = {"plate": codec.plain(known.plate), "mattes": str(mattes) if mattes else None, "params": {}}
    (folder / "job.json").write_text(json.dumps(job))
    (folder / "result.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "track", ignore_errors=True)
    environment = dict(os.environ)
    if who == "blender":
        environment["PYTHONPATH"] = os.pathsep.join([os.environ.get("BPY_PATH", ""), *sys.path])
    command = [sys.executable, "-m", "benchmarks.solve_contenders", who, str(folder)]
    start = time.perf_counter()
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    wall = time.perf_counter() - start
    result = folder / "result.json"
    died = {"frames": [], "poses": [], "focal_px": 0.0, "error_px": None, "pieces": 0, "refused": "its process died"}
    return Run(json.loads(result.read_text()) if result.exists() else died, wall, used.ru_utime + used.ru_stime)


def row(known: Known, who: str, run: Run, ours_cpu_s: float) -> str:
    found, frames = run.found, list(known.plate.files.frames)
    cells = [known.name, who, f"{len(found['frames'])}/{len(frames)}", str(found["pieces"])]
    cells += _against_truth(known, found) if found["frames"] else [""] * 4
    cells.append(f"{found['error_px']:.3f}" if found["error_px"] is not None else "")
    cells += [f"{run.wall_s:.0f}", f"{run.cpu_s:.0f}", f"{run.cpu_s / ours_cpu_s:.2f}x" if ours_cpu_s else ""]
    said = found.get("refused") or found.get("move") or found.get("version") or ""
    return _line(cells) + f"  {said[:160]}"


def _against_truth(known: Known, found: dict[str, Any]) -> list[str]:
    """ATE, median and worst rotation, focal length."""
    if known.poses is None:
        return [""] * 4
    rows = [frame - known.plate.files.frames.first for frame in found["frames"]]
    solved, truth = np.array(found["poses"]), known.poses[rows]
    focal = ""
    if known.focal_px is not None:
        focal = f"{100 * np.abs(np.asarray(found['focal_px']) / known.focal_px[rows] - 1).max():.2f}"
    if np.ptp(camera_centre(known.poses), axis=0).max() < 1e-6:
        median, worst = evaluate.turns_apart_deg(solved, truth)
        return ["", f"{median:.3f}", f"{worst:.3f}", focal]
    if len(rows) < 3:
        return [""] * 4
    got = evaluate.compare(solved, truth)
    return [f"{100 * got.ate_of_path:.3f}", f"{got.rotation_deg:.3f}", f"{got.rotation_worst_deg:.3f}", focal]


def _line(cells: tuple[str, ...] | list[str]) -> str:
    widths = (16, 14, 8, 7, 11, 8, 8, 8, 8, 8, 7, 9)
    return "".join(f"{cell:>{width}}" if k > 1 else f"{cell:<{width}}" for k, (cell, width) in enumerate(zip(cells, widths, strict=True)))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plates", default=",".join(PLATES))
    parser.add_argument("--with", dest="solvers", default=USUAL)
    parser.add_argument("--frames", type=int, default=48)
    wanted = parser.parse_args()
    solvers = [name for name in SOLVERS if name in wanted.solvers.split(",")]
    if "blender" in solvers and not _blender():
        print("Blender's tracker: bpy cannot be imported (a folder that holds it can be named in BPY_PATH)")
        solvers.remove("blender")
    print(_line(TITLES), flush=True)
    totals: dict[str, float] = {}
    for name in wanted.plates.split(","):
        with tempfile.TemporaryDirectory(prefix="bench-solve.") as temporary:
            folder = Path(temporary)
            try:
                known = PLATES[name](folder, wanted.frames)
            except FileNotFoundError as error:
                print(f"{name}: skipped: {error}")
                continue
            view = open_view(known.plate, MatteSource(), None, 1920)
            for frame in known.plate.files.frames:
                images.write_png(folder / "images" / f"{frame:06d}.png", view.grey(frame))
            ours_cpu_s = 0.0
            asked: list[tuple[str, Path | None]] = [(who, None) for who in solvers]
            if known.mattes and "ours" in solvers:
                asked.insert(1, ("ours, masked", known.mattes))
            for who, mattes in asked:
                run = solve(known, who, folder, mattes)
                ours_cpu_s = ours_cpu_s or (run.cpu_s if who == "ours" else 0.0)
                totals[who] = totals.get(who, 0.0) + run.cpu_s
                print(row(known, who, run, ours_cpu_s), flush=True)
    if totals.get("ours"):
        print(
            "CPU over all plates: " + ", ".join(f"{w} {s:.0f} s = {s / totals['ours']:.2f}x" for w, s in totals.items())
        )


def _blender() -> bool:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("BPY_PATH", ""), *sys.path])}
    probe = [sys.executable, "-c", "import bpy"]
    return not subprocess.run(probe, env=environment, capture_output=True, check=False).returncode


if __name__ == "__main__":
    main()
