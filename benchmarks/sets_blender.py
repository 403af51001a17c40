"""Blender's Cycles with the same mesh wearing the same projected painting, in a process of its own, for benchmarks/sets.py.

The painting is projected in the shader, from each shading point, as ours is, but without asking what stands in its way; emission
alone, four samples a pixel, one bounce, a pinhole. Its time is that of a second frame: the scene and its kernels are loaded.
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
from numpy.typing import NDArray

from assets.sets.projection import Piece, Projector
from pipeline.types import Lens

SAMPLES = 4


def report(piece: Piece, picture: Path, entry: dict[str, Any], pose: NDArray, lens: Lens, ours: float) -> str:
    """One line. picture: the painting's EXR; entry: of the paintings' index; pose: camera_from_world; ours: seconds."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("BPY_PATH", ""), *sys.path])}
    if subprocess.run(
        [sys.executable, "-c", "import bpy"], env=environment, capture_output=True, check=False
    ).returncode:
        return "Blender: bpy cannot be imported (a folder that holds it can be named in BPY_PATH)"
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder) / "scene.npz"
        projector = Projector.from_entry(entry)
        size = np.array([projector.lens.width, projector.lens.height, lens.width, lens.height, lens.focal_x_px])
        np.savez(
            scene, vertices=piece.vertices, triangles=piece.triangles, matrix=projector.matrix, pose=pose, size=size
        )
        command = [sys.executable, "-m", "benchmarks.sets_blender", str(scene), str(picture)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"Blender: failed ({(done.stderr.strip().splitlines() or ['no message'])[-1]})"
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return (
        f"the wall alone: ours {ours:.2f} s; Blender {told['version']}, Cycles, CPU, {SAMPLES} samples: {told['seconds']:.2f} s "
        f"= {told['seconds'] / ours:.1f}x"
    )


def main(scene_file: str, picture: str) -> None:
    """Print {"version", "seconds"} of one frame, best of three."""
    import bpy
    from mathutils import Matrix

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    with np.load(scene_file) as held:
        given = {name: held[name] for name in held.files}
    wide, high, width, height, focal = (float(v) for v in given["size"])
    mesh = bpy.data.meshes.new("piece")
    mesh.from_pydata(given["vertices"].tolist(), [], given["triangles"].tolist())
    thing = bpy.data.objects.new("piece", mesh)
    scene.collection.objects.link(thing)
    mesh.materials.append(_projected(bpy, picture, given["matrix"], wide, high))
    camera = bpy.data.cameras.new("camera")
    camera.sensor_width, camera.lens, camera.clip_end = 36.0, focal * 36.0 / width, 1e4
    eye = bpy.data.objects.new("camera", camera)
    eye.matrix_world = Matrix((np.linalg.inv(given["pose"]) @ np.diag([1.0, -1.0, -1.0, 1.0])).tolist())
    scene.collection.objects.link(eye)
    scene.camera = eye
    scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", SAMPLES
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = 0
    scene.render.use_persistent_data = scene.render.film_transparent = True
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = (
        int(width),
        int(height),
        100,
    )
    times = []
    for _ in range(4):
        start = time.perf_counter()
        bpy.ops.render.render()
        times.append(time.perf_counter() - start)
    print(json.dumps({"version": bpy.app.version_string, "seconds": min(times[1:])}))


def _projected(bpy: Any, picture: str, matrix: NDArray, width: float, height: float) -> Any:
    """A material that shows `picture` where `matrix` (3, 4) throws it."""
    material = bpy.data.materials.new("painting")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()

    def node(kind: str, **settings: Any) -> Any:
        made = tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(made, name, value)
        return made

    def number(operation: str, a: Any, b: Any) -> Any:
        made = node("ShaderNodeMath", operation=operation)
        for socket, value in zip(made.inputs, (a, b), strict=False):
            if isinstance(value, float):
                socket.default_value = value
            else:
                tree.links.new(value, socket)
        return made.outputs[0]

    place = node("ShaderNodeNewGeometry").outputs["Position"]
    rows = []
    for row in matrix:
        dot = node("ShaderNodeVectorMath", operation="DOT_PRODUCT")
        tree.links.new(place, dot.inputs[0])
        dot.inputs[1].default_value = row[:3].tolist()
        rows.append(number("ADD", dot.outputs["Value"], float(row[3])))
    across = number("DIVIDE", number("DIVIDE", rows[0], rows[2]), width)
    down = number("SUBTRACT", 1.0, number("DIVIDE", number("DIVIDE", rows[1], rows[2]), height))
    at = node("ShaderNodeCombineXYZ")
    tree.links.new(across, at.inputs[0])
    tree.links.new(down, at.inputs[1])
    image = node("ShaderNodeTexImage", image=bpy.data.images.load(picture), extension="EXTEND")
    tree.links.new(at.outputs[0], image.inputs["Vector"])
    shining = node("ShaderNodeEmission")
    tree.links.new(image.outputs["Color"], shining.inputs["Color"])
    end = node("ShaderNodeOutputMaterial")
    tree.links.new(shining.outputs[0], end.inputs["Surface"])
    return material


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
