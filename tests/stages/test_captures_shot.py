"""A shot with mocap of one's own, through the runner: made, painted, drawn; made again when a byte of the file changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from assets.motion.motions import Grip, load_motion
from calibration.cameras import look_at
from pipeline.config import load_shot
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.log import Reporter
from pipeline.run import Wish, run
from pipeline.sections import ShotInfo
from pipeline.stage import stage
from pipeline.types import (
    CameraTrack,
    CharacterAtlas,
    CrowdLayout,
    Ground,
    Lens,
    Mattes,
    Plate,
    PlateLight,
    RawLayers,
    SetLayout,
    SetPaintings,
)
from stages.choose_light import choose_light
from stages.generate_crowd import generate_crowd
from stages.generate_hero import generate_hero
from stages.generate_near import generate_near
from stages.lay_out_crowd import lay_out_crowd
from stages.render_layers import render_layers
from tests import mocaprigs as rigs

FRAMES = FrameRange(1001, 1004)
SHOT = """
[shot]
name = "mini"
[plate]
path = "none.mov"
[crowd.captures]
salute = "mocap/salute.bvh"
stroll = { file = "mocap/stroll.bvh", start_s = 0.2, loop = true }
[[crowd.zones]]
name = "guard"
count = 2
polygon_m = [[-2, -9], [2, -9], [2, -6], [-2, -6]]
characters = { legionary = 1 }
motions = { salute = 1, stroll = 1 }
[stages.generate_crowd]
variants = 1
steps = 1
"""


@stage
def shoot(shot: ShotInfo, out: Path) -> Plate:
    """Nothing to see."""
    files = FrameFiles(out, "p.%04d.exr", FRAMES)
    for file in files:
        file.write_bytes(b"")
    return Plate(files, 240, 136, 1.0, FrameRate(24), "", "ACEScg")


@stage
def track(plate: Plate, out: Path) -> CameraTrack:
    """A camera that stands."""
    pose = look_at((0.0, 1.7, 0.0), (0.0, 1.0, -8.0))
    np.save(out / "poses.npy", np.tile(pose, (len(FRAMES), 1, 1)))
    for name in ("points", "observations", "tracks", "figures"):
        (out / name).write_text("")
    lens = Lens(240, 136, 210.0, 210.0, 120.0, 68.0)
    rest = [out / name for name in ("points", "observations", "tracks", "figures")]
    return CameraTrack(out / "poses.npy", *rest, FRAMES, lens, 0.1, "truth")


@stage
def pull(plate: Plate, out: Path) -> Mattes:
    """Nobody stands in front."""
    files, size = FrameFiles(out, "matte.%04d.exr", FRAMES), (plate.height, plate.width)
    for frame in FRAMES:
        exr.write(files.path(frame), {"A": np.zeros(size, np.float16), "Z": np.full(size, np.inf, np.float32)})
    return Mattes(files, "supplied")


@stage
def survey(track: CameraTrack, out: Path) -> Ground:
    """Level ground."""
    np.save(out / "heights.npy", np.zeros((3, 3), np.float32))
    (out / "figures").write_text("{}")
    return Ground(out / "heights.npy", -50.0, -50.0, 50.0, out / "figures")


@stage
def shade(track: CameraTrack, out: Path) -> PlateLight:
    """A plate that tells nothing of its light."""
    (out / "light.json").write_text("{}")
    return PlateLight(out / "light.json", (0.4, 0.4, 0.4))


@stage
def build(track: CameraTrack, out: Path) -> SetLayout:
    """Nothing is built."""
    (out / "meshes").mkdir()
    (out / "pieces.json").write_text("[]")
    return SetLayout(out / "meshes", out / "pieces.json")


@stage
def paint(built: SetLayout, out: Path) -> SetPaintings:
    """Nothing is painted."""
    (out / "paintings").mkdir()
    (out / "index.json").write_text("[]")
    (out / "sheet.png").write_bytes(b"")
    return SetPaintings(out / "paintings", out / "index.json", out / "sheet.png", "truth", "", "")


STAGES = (
    shoot,
    track,
    pull,
    survey,
    shade,
    choose_light,
    build,
    paint,
    lay_out_crowd,
    generate_crowd,
    generate_hero,
    generate_near,
    render_layers,
)


def go(folder: Path):
    shot = load_shot(folder / "shot.toml")
    with Reporter(Console(quiet=True), shot.build / "logs") as report:
        return run(shot, STAGES, Wish("", None, workers=2), report)


def told(folder: Path, *kinds: str) -> list[str]:
    newest = max((folder / "build/mini/logs").glob("*.jsonl"), key=lambda f: f.stat().st_mtime_ns)
    lines = [json.loads(line) for line in newest.read_text().splitlines()]
    return [e["text"] if e["event"] == "note" else e["stage"] for e in lines if e["event"] in kinds]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    (folder / "mocap").mkdir()
    (folder / "shot.toml").write_text(SHOT)
    for name, motion in (("salute", "cheer"), ("stroll", "walk")):
        ours = load_motion(motion)
        phases = np.arange(45) / rigs.RATE / ours.cycle_s % 1.0
        poses = [ours.pose(float(phase), rigs.build(), Grip()) for phase in phases]
        rigs.write_bvh(folder / "mocap" / f"{name}.bvh", rigs.take(poses, ours.speed_mps))
    return folder, go(folder)


def test_captured_people_are_painted_and_seen(made):
    """Both are drawn where they stand: each one's feet within the picture, and his own id on him."""
    folder, results = made
    layout, atlas, drawn = (results[kind] for kind in (CrowdLayout, CharacterAtlas, RawLayers))
    index = json.loads(atlas.index.read_text())

    assert {name.partition(".")[0] for name in layout.motion_names} == {"salute", "stroll"}
    assert {sprite["motion"] for sprite in index["sprites"]} == set(layout.motion_names)
    crowd = next(layer for layer in drawn.layers if layer.name == "crowd")
    seen = exr.read(crowd.files.path(1003)).channels
    for number in (100_001, 100_002):
        mine = seen["id"] == number
        assert mine.sum() > 150
        assert seen["A"][mine].mean() > 0.5
    assert str(folder) not in atlas.index.read_text()
    assert any("salute repeats every 1.10 s, on the spot" in note for note in told(folder, "note"))


def test_only_a_changed_capture_is_made_again(made):
    folder, _ = made
    file = folder / "mocap/stroll.bvh"
    original = file.read_bytes()

    file.write_bytes(original)  # written anew, unchanged
    go(folder)
    assert told(folder, "began") == []

    lines = original.decode().splitlines()
    lines[-1] = lines[-1].replace("0", "1", 1)
    file.write_text("\n".join(lines) + "\n")
    go(folder)
    assert told(folder, "began") == [
        "lay_out_crowd",
        "generate_crowd",
        "generate_hero",
        "generate_near",
        "render_layers",
    ]
