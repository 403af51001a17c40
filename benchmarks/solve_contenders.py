"""One solver on one plate in a process of its own, for `benchmarks.solve`: `python -m benchmarks.solve_contenders WHO FOLDER`.

FOLDER holds job.json, the plate as PNG under images/, and takes result.json: frames (those placed), poses of them
(camera_from_world), focal_px (one, or one for each), error_px (mean) and pieces (models that hold five frames or more).
Blender's process loads no NumPy: bpy brings a build of its own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

FEWEST = 5  # frames of a model that counts as a piece


def ours(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    from calibration import cameras
    from calibration.solve.solved import Solve
    from pipeline import codec
    from pipeline.sections import CameraFacts, MatteSource
    from pipeline.solve_sections import SolveBrief
    from pipeline.stage import silent
    from pipeline.types import Plate
    from pipeline.world_sections import WorldFacts
    from stages.solve_camera import Params, solve_camera

    plate = codec.build(Plate, job["plate"], "plate")
    mattes = MatteSource(Path(job["mattes"]) if job["mattes"] else None)
    brief, params = SolveBrief(), Params(**job["params"])
    track = solve_camera(
        plate=plate, facts=CameraFacts(), brief=brief, world=WorldFacts(), mattes=mattes, params=params,
        out=folder / "track", progress=silent,
    )  # fmt: skip
    poses, seen = cameras.load_poses(track), np.load(track.observations).astype(np.float64)
    seen[:, 0] -= plate.files.frames.first
    errors = Solve(poses, track.lens, np.load(track.points).astype(np.float64), seen, np.array(track.zoom)).errors_px()
    told = json.loads(track.figures.read_text())
    return {
        "frames": list(plate.files.frames),
        "poses": poses.tolist(),
        "focal_px": told.get("zoom", {}).get("focal_px") or track.lens.focal_x_px,
        "error_px": float(errors.mean()),
        "pieces": 1,
        "move": told["move"]["is"],
    }


def colmap(folder: Path, job: dict[str, Any], matching: str) -> dict[str, Any]:
    """COLMAP as its documentation has it: features, sequential or exhaustive matches, incremental mapping, defaults; one camera."""
    from calibration.solve.child import import_pycolmap

    pycolmap = import_pycolmap(1)
    import numpy as np

    database = folder / f"{matching}.db"
    device = pycolmap.Device.cpu
    pycolmap.extract_features(database, folder / "images", camera_mode=pycolmap.CameraMode.SINGLE, device=device)
    getattr(pycolmap, f"match_{matching}")(database, device=device)
    output = folder / matching
    output.mkdir()
    models = pycolmap.incremental_mapping(database, folder / "images", output)
    if not models:
        return {"frames": [], "poses": [], "focal_px": 0.0, "error_px": None, "pieces": 0}
    model = max(models.values(), key=lambda one: one.num_reg_images())
    model.update_point_3d_errors()
    placed = sorted((int(Path(model.image(i).name).stem), model.image(i)) for i in model.reg_image_ids())
    poses = [np.vstack([image.cam_from_world().matrix(), [0, 0, 0, 1]]).tolist() for _, image in placed]
    return {
        "frames": [frame for frame, _ in placed],
        "poses": poses,
        "focal_px": float(next(iter(model.cameras.values())).mean_focal_length()),
        "error_px": float(model.compute_mean_reprojection_error()),
        "pieces": sum(one.num_reg_images() >= FEWEST for one in models.values()),
    }


def blender(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Blender's own operators: detect, track, again every tenth frame, clean; solved with no, focal, and focal and radial
    refinement, keyframes chosen by itself; the solve of least error is kept."""
    import bpy

    names = sorted((folder / "images").iterdir())
    first = int(names[0].stem)
    clip = bpy.data.movieclips.load(str(names[0]))
    width = clip.size[0]
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, len(names)
    scene.active_clip = clip
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "CLIP_EDITOR"
    area.spaces.active.clip, area.spaces.active.mode = clip, "TRACKING"
    region = next(region for region in area.regions if region.type == "WINDOW")
    camera, settings = clip.tracking.camera, clip.tracking.settings
    camera.sensor_width, camera.units, camera.focal_length = 36.0, "MILLIMETERS", 43.0  # 1.2 of the width, as COLMAP's
    settings.use_tripod_solver = False
    settings.use_keyframe_selection = True
    settings.default_correlation_min, settings.default_motion_model = 0.8, "LocRot"
    with bpy.context.temp_override(window=window, area=area, region=region):
        for start in range(1, len(names), 10):
            area.spaces.active.clip_user.frame_current = start
            scene.frame_set(start)
            bpy.ops.clip.detect_features(
                placement="FRAME", margin=16, threshold=0.1, min_distance=max(16, int(width / 24))
            )
            for track in clip.tracking.tracks:
                track.select = len(track.markers) == 1
            bpy.ops.clip.track_markers(backwards=False, sequence=True)
        bpy.ops.clip.clean_tracks(frames=8, error=0, action="DELETE_TRACK")
        best: dict[str, Any] = {"frames": [], "poses": [], "focal_px": 0.0, "error_px": None, "pieces": 0}
        for refined in ((False, False), (True, False), (True, True)):
            camera.focal_length, camera.k1, camera.k2 = 43.0, 0.0, 0.0
            settings.refine_intrinsics_focal_length, settings.refine_intrinsics_radial_distortion = refined
            bpy.ops.clip.solve_camera()
            found = _blender_result(clip, first, width)
            if found["frames"] and (best["error_px"] is None or found["error_px"] < best["error_px"]):
                best = found
    return {**best, "version": bpy.app.version_string}


def _blender_result(clip: Any, first: int, width: int) -> dict[str, Any]:
    camera, made = clip.tracking.camera, clip.tracking.reconstruction
    frames, poses = [], []
    for found in made.cameras:
        matrix = found.matrix.inverted()
        rows = [[float(matrix[r][c]) * (1 if r in (0, 3) else -1) for c in range(4)] for r in range(4)]
        frames.append(first + int(found.frame) - 1)
        poses.append(rows)
    return {
        "frames": frames if made.is_valid else [],
        "poses": poses if made.is_valid else [],
        "focal_px": camera.focal_length / camera.sensor_width * width,
        "error_px": made.average_error,
        "pieces": int(made.is_valid),
    }


def main() -> int:
    who, folder = sys.argv[1], Path(sys.argv[2])
    job = json.loads((folder / "job.json").read_text())
    try:
        found = blender(folder, job) if who == "blender" else (
            ours(folder, job) if who.startswith("ours") else colmap(folder, job, who.split()[-1])
        )  # fmt: skip
    except Exception as error:
        found = {"frames": [], "poses": [], "focal_px": 0.0, "error_px": None, "pieces": 0}
        found["refused"] = f"{type(error).__name__}: {error}"
    (folder / "result.json").write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # past the wheels' own ways of ending
