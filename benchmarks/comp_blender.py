"""Blender's compositor on the same over and grade, in a process of its own, for benchmarks/comp.py.

Its time is that of a node tree less that of one that only shows the plate: without loading and without showing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.io import exr
from pipeline.kernels.color import Grade


def report(front: np.ndarray, plate: np.ndarray, by: Grade, ours: dict[str, float]) -> str:
    """One line; front (H, W, 4), plate (H, W, 3) float32; ours: milliseconds of "merge" and "grade"."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("BPY_PATH", ""), *sys.path])}
    probe = [sys.executable, "-c", "import bpy"]
    if subprocess.run(probe, env=environment, capture_output=True, check=False).returncode:
        return "Blender's compositor: bpy cannot be imported (a folder that holds it can be named in BPY_PATH)"
    with tempfile.TemporaryDirectory() as folder:
        exr.write(Path(folder) / "front.exr", {c: np.ascontiguousarray(front[..., i]) for i, c in enumerate("RGBA")})
        exr.write(Path(folder) / "plate.exr", {c: np.ascontiguousarray(plate[..., i]) for i, c in enumerate("RGB")})
        size = [str(v) for v in plate.shape[1::-1]]
        command = [sys.executable, "-m", "benchmarks.comp_blender", folder, *size, _settings(by)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"Blender's compositor: failed ({(done.stderr.strip().splitlines() or ['no message'])[-1]})"
    ms = json.loads(done.stdout.strip().splitlines()[-1])
    parts = ", ".join(f"{k} {ms[k]:.0f} ms = {ms[k] / ours[k]:.1f}x" for k in ("merge", "grade"))
    return f"Blender {ms['version']}'s compositor, CPU, full precision: {parts}"


def _settings(by: Grade) -> str:
    slope = [s * 2**by.exposure_ev for s in by.slope]
    colours = {"Color Slope": slope, "Color Offset": by.offset, "Color Power": by.power}
    return json.dumps({"balance": {n: [*c, 1] for n, c in colours.items()}, "saturation": by.saturation})


def main(folder: str, width: int, height: int, by: dict[str, Any]) -> None:
    """Print {"version", "merge", "grade"}: milliseconds, best of three. by: as _settings gives it."""
    import bpy

    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
    scene.render.compositor_device, scene.render.compositor_precision = "CPU", "FULL"
    scene.render.use_sequencer = False
    images = [bpy.data.images.load(f"{folder}/{name}.exr") for name in ("front", "plate")]

    def seconds(build) -> float:  # type: ignore[no-untyped-def]
        tree = bpy.data.node_groups.new("comp", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        nodes = []
        for image in images:
            nodes.append(tree.nodes.new("CompositorNodeImage"))
            nodes[-1].image = image
        end = tree.nodes.new("NodeGroupOutput")
        tree.links.new(build(tree, *(n.outputs["Image"] for n in nodes)), end.inputs[0])
        times = []
        for _ in range(4):
            start = time.perf_counter()
            bpy.ops.render.render()
            times.append(time.perf_counter() - start)
        return min(times[1:])

    def over(tree, front, plate):  # type: ignore[no-untyped-def]
        node = tree.nodes.new("CompositorNodeAlphaOver")
        colours = [s for s in node.inputs if s.type == "RGBA"]
        tree.links.new(plate, colours[0])
        tree.links.new(front, colours[1])
        return node.outputs[0]

    def grade(tree, front, plate):  # type: ignore[no-untyped-def]
        """To straight colour, CDL, saturation, and back: each node with values that it cannot leave out."""
        steps = [
            ("CompositorNodePremulKey", {"Type": "To Straight"}),
            ("CompositorNodeColorBalance", {"Type": "Offset/Power/Slope (ASC-CDL)", **by["balance"]}),
            ("CompositorNodeHueSat", {"Saturation": by["saturation"]}),
            ("CompositorNodePremulKey", {"Type": "To Premultiplied"}),
        ]
        picture = front
        for kind, settings in steps:
            node = tree.nodes.new(kind)
            for name, value in settings.items():
                next(s for s in node.inputs if name in (s.identifier, s.name)).default_value = value
            tree.links.new(picture, next(s for s in node.inputs if s.name == "Image"))
            picture = node.outputs[0]
        return picture

    shown = seconds(lambda tree, front, plate: plate)
    shown_front = seconds(lambda tree, front, plate: front)
    found = {"merge": 1e3 * (seconds(over) - shown), "grade": 1e3 * (seconds(grade) - shown_front)}
    print(json.dumps({"version": bpy.app.version_string, **found}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))
