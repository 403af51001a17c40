"""A small dolly shot for tests of stages: a bent lens, flat ground, a few people on their cards, and nothing built."""

import json

import numpy as np

from assets.sprites.atlas import VIEWS, phases_of
from calibration.cameras import load_poses, look_at, to_camera
from calibration.lens import project
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.sections import LightFacts
from pipeline.types import CameraTrack, CharacterAtlas, CrowdLayout, Ground, Lens, Mattes, SetLayout, SetPaintings
from stages.render_layers import Params, render_layers
from tests.layers import nobody_near
from tests.looks import HAND_LIGHT

LENS = Lens(240, 136, 210.0, 210.0, 121.0, 67.0, -0.12, 0.03, 5e-4, -3e-4)
FRAMES = FrameRange(1001, 1004)
ROOT = (8.0, 28.0)
PER_PX = 2.4 / 32


def track_of(folder):
    """A dolly that moves, pans and rolls a little."""
    poses = []
    for i in range(len(FRAMES)):
        eye = np.array([0.12 * i, 1.8 + 0.02 * i, 0.1 * i])
        roll = np.array([0.02 * i, 1.0, 0.0])
        poses.append(look_at(eye, (0.05 * i, 1.0, -12.0), roll / np.linalg.norm(roll)))
    np.save(folder / "poses.npy", np.stack(poses))
    file = folder / "none"
    return CameraTrack(folder / "poses.npy", file, file, file, file, FRAMES, LENS, 0.1, "truth")


def ground_of(folder):
    np.save(folder / "heights.npy", np.zeros((3, 3), np.float32))
    return Ground(folder / "heights.npy", -50.0, -50.0, 50.0, folder / "none")


def layout_of(folder, positions, scale=1.0):
    """Idle legionaries at positions (F, N, 3) or (N, 3)."""
    folder.mkdir(parents=True, exist_ok=True)
    positions = np.broadcast_to(np.asarray(positions, np.float32), (len(FRAMES), *np.shape(positions)[-2:]))
    count = positions.shape[1]
    agents = [
        {"id": 100_001 + i, "name": f"north.{i + 1:05d}", "zone": "north", "character": "legionary", "motion": "idle",
         "scale": scale, "seed": 17 * i + 1}
        for i in range(count)
    ]  # fmt: skip
    (folder / "agents.json").write_text(json.dumps(agents))
    np.save(folder / "positions.npy", positions)
    np.save(folder / "yaws.npy", np.zeros((len(FRAMES), count), np.float32))
    np.save(folder / "phases.npy", np.zeros((len(FRAMES), count), np.float32))
    np.save(folder / "motions.npy", np.zeros((len(FRAMES), count), np.uint8))
    files = [folder / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")]
    return CrowdLayout(folder / "agents.json", *files, FRAMES, count, ("idle",))


def atlas_of(folder, sprite, elevation=0.05, motion="idle"):
    """Every view and phase shows the one sprite (32, 16, 4)."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = [
        {"character": "legionary", "motion": motion, "phase": p, "view": v, "variant": 0}
        for p in range(phases_of(motion))
        for v in range(VIEWS)
    ]
    np.save(folder / "sprites.npy", np.broadcast_to(sprite, (len(listed), *sprite.shape)).astype(np.float16))
    np.save(folder / "reliefs.npy", np.zeros((len(listed), *sprite.shape[:2]), np.float16))
    index = {"metres_per_px": PER_PX, "root_px": ROOT, "elevation_rad": elevation, "variants": 1, "sprites": listed}
    (folder / "index.json").write_text(json.dumps(index))
    files = [folder / name for name in ("sprites.npy", "reliefs.npy", "index.json", "sheet.png")]
    return CharacterAtlas(*files, "truth", "", "")


def nothing_built(folder):
    (folder / "meshes").mkdir(parents=True, exist_ok=True)
    (folder / "pieces.json").write_text("[]")
    (folder / "index.json").write_text("[]")
    return (
        SetLayout(folder / "meshes", folder / "pieces.json"),
        SetPaintings(folder, folder / "index.json", folder / "sheet.png", "truth", "", ""),
    )


def dot():
    """A bright square centred on the root."""
    sprite = np.zeros((32, 16, 4), np.float32)
    sprite[26:30, 6:10] = 1
    return sprite


def figure(colour=(0.3, 0.2, 0.1)):
    sprite = np.zeros((32, 16, 4), np.float32)
    sprite[4:28, 4:12] = (*colour, 1)
    return sprite


def nobody_before(folder, size=(LENS.height, LENS.width)):
    """Mattes of a plate without people."""
    files = FrameFiles(folder, "matte.%04d.exr", FRAMES)
    for frame in FRAMES:
        exr.write(files.path(frame), {"A": np.zeros(size, np.float16), "Z": np.full(size, np.inf, np.float32)})
    return Mattes(files, "supplied")


def shot_of(tmp_path):
    """Everything that render_layers takes, by name: one legionary on a plain."""
    built, paintings = nothing_built(tmp_path / "set")
    return {
        "track": track_of(tmp_path),
        "atlas": atlas_of(tmp_path / "atlas", figure()),
        "near": nobody_near(tmp_path / "near"),
        "layout": layout_of(tmp_path / "crowd", [[0.0, 0.0, -12.0]]),
        "set_layout": built,
        "paintings": paintings,
        "ground": ground_of(tmp_path),
        "light": LightFacts(),
        "plate_light": HAND_LIGHT,
        "mattes": nobody_before(tmp_path / "mattes"),
        "params": Params(brightness=0, hue=0, crowding=0),
        "frames": FRAMES,
        "out": tmp_path / "layers",
    }


def channels(shot, name, frame, **changes):
    made = render_layers(**{**shot, "frames": FrameRange(frame, frame), **changes})
    return exr.read(next(layer for layer in made.layers if layer.name == name).files.path(frame)).channels


def seen_at(shot, point, frame):
    pose = load_poses(shot["track"])[FRAMES.index(frame)]
    return project(to_camera(np.atleast_2d(point), pose), LENS)[0]
