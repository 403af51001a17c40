"""A whole shot on disk as the stages before `deliver` would leave it, and a reader of its page."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from assets.sprites.embedding import packed_all
from calibration.look.tonestats import Tones
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr, images
from pipeline.sections import DeliveryBrief, ShotInfo
from pipeline.types import (
    CharacterAtlas,
    Comp,
    CrowdLayout,
    Delivery,
    DepthMaps,
    Ground,
    Layer,
    Layers,
    Look,
    Mattes,
    PlateLight,
    SetPaintings,
    TrackReport,
)
from stages.deliver import Params, deliver
from tests.looks import write_hand_grades
from tests.scenes import Scene, write_shot

FRAMES = 6
DIGEST = "c0ffee" * 10


@dataclass
class Made:
    """A shot on disk, and where `deliver` writes."""

    given: dict[str, Any]
    out: Path

    def deliver(self, **changes: Any) -> Delivery:
        return deliver(**{**self.given, "params": Params(sheet_frames=3), "out": self.out, **changes})


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def cast_entry(red: float, recipe: str) -> dict[str, Any]:
    """A character of one part in an atlas's index."""
    part = {"rgb": [red, 0.2, 0.1], "lab": [50.0, 20.0, 30.0], "spread": 1.5, "px": 900}
    person = {"parts": {"tunic": part}, "shape": {"march": {"0": [1.7, 0.6]}}}
    [point] = packed_all(np.array([[red, np.sqrt(1 - red**2)]]))
    seen = {"encoder": "e", "persons": {"0": {"march 0": point}}, "references": packed_all(np.array([[1.0, 0.0]]))}
    return {"version": 3, "recipe": recipe, "take": "t02", "seed": 2, "persons": {"0": person}, "seen": seen}


def picture(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write_png(path, np.full((40, 60, 3), level, np.uint8))
    return path


def crowd_of(folder: Path, frames: FrameRange) -> CrowdLayout:
    agents = [
        {"id": i + 1, "zone": "left" if i < 2 else "right", "character": "legionary", "motion": "march"}
        for i in range(5)
    ]
    for name in ("positions", "yaws", "phases", "motions"):
        np.save(folder / f"{name}.npy", np.zeros((len(frames), 5)))
    return CrowdLayout(
        write_json(folder / "agents.json", agents),
        *(folder / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")),
        frames,
        5,
        ("march",),
    )


def flicker_of(frame: int, mean: float) -> dict[str, float]:
    return {"mean": mean, "most": 5 * mean, "whole": 0.001 * (frame % 2), "followed": 0.6}


def layers_of(folder: Path, frames: FrameRange) -> Layers:
    numbers = FrameFiles(folder, "layers.%04d.json", frames)
    for frame in frames:
        write_json(
            numbers.path(frame), {"crowd": {"exposure_stops": 0.1 * (frame % 2), "flicker": flicker_of(frame, 0.07)}}
        )
    files = FrameFiles(folder, "crowd.%04d.exr", frames)
    return Layers((Layer("crowd", files, folder / "ids.json"),), files, numbers)


def comp_of(folder: Path, plate: FrameFiles, scene: Scene) -> Comp:
    files = FrameFiles(folder, "comp.%04d.exr", plate.frames)
    numbers = FrameFiles(folder, "comp.%04d.json", plate.frames)
    for frame in plate.frames:
        rgb = exr.read_rgb(plate.path(frame))
        rgb[60:120, 100 + frame - 1001 : 140 + frame - 1001] = (0.4, 0.1, 0.05)
        planes = {n: exr.half(rgb[..., i]) for i, n in enumerate("RGB")}
        exr.write(files.path(frame), planes | {"depth.Z": scene.depth_m(frame)})
        found = {
            "outside_bit_identical": True,
            "nan": 0,
            "grain_ratio": [1.02, 0.97, 1.0 + 0.01 * (frame % 3)],
            "layers": {"crowd": {"coverage": 0.04 + 0.001 * (frame - 1001)}},
            "plate": {"key": 0.18, "flicker": flicker_of(frame, 0.045)},
        }
        write_json(numbers.path(frame), found)
    return Comp(files, numbers)


def whole_shot(folder: Path) -> dict[str, Any]:
    """Every receipt that deliver takes, its files in `folder`."""
    scene = Scene(width=320, height=180, frames=FRAMES, actor=True)
    shot = write_shot(scene, folder / "shot")
    frames = shot.plate.files.frames
    depth = FrameFiles(folder / "depth", "depth.%04d.exr", frames)
    numbers = FrameFiles(folder / "depth", "depth.%04d.json", frames)
    mattes = FrameFiles(folder / "mattes", "matte.%04d.exr", frames)
    for frame in frames:
        z = scene.depth_m(frame)
        exr.write(depth.path(frame), {"Z": z, "C": np.ones_like(z)})
        exr.write(mattes.path(frame), {"A": exr.half(scene.matte(frame))})
        write_json(numbers.path(frame), {"median_relative_error": 0.01 + 0.001 * (frame % 4), "share_sky": 0.2})
    (folder / "atlas").mkdir()
    other = folder / "build/sh_0020/generate_crowd"
    write_json(other / "abc/index.json", {"characters": {"legionary": cast_entry(0.34, "another")}})
    write_json(other / "abc/receipt.json", {})
    write_json(other / "latest.json", {"fingerprint": "abc"})
    write_json(folder / "atlas/index.json", {"characters": {"legionary": cast_entry(0.30, "this")}})
    np.save(folder / "atlas/sprites.npy", np.zeros((7, 4, 4, 4), np.float16))
    atlas = CharacterAtlas(
        folder / "atlas/sprites.npy",
        folder / "atlas/reliefs.npy",
        folder / "atlas/index.json",
        picture(folder / "atlas/sheet.png", 90),
        provider="builtin",
        model_digest=DIGEST,
        licence="Apache-2.0",
    )
    paintings = SetPaintings(
        folder / "set",
        write_json(folder / "set/index.json", [{"piece": "wall"}]),
        picture(folder / "set/sheet.png", 120),
        provider="builtin",
        model_digest=DIGEST,
        licence="Apache-2.0",
    )
    look = Look(
        write_json(folder / "look/look.json", {"grain": {"sigmas": [[0.1]], "note": "moving"}, "tone": {"key": 0.18}}),
        picture(folder / "look/swatch.png", 60),
    )
    return {
        "shot": ShotInfo("ridge_010", version=3),
        "brief": DeliveryBrief(),
        "plate": replace(shot.plate, timecode="01:00:00:22"),
        "track": shot.track,
        "judged": TrackReport(
            write_json(folder / "judged/track.html", "a page"),
            write_json(folder / "judged/track.mp4", "a movie"),
            picture(folder / "judged/track.png", 90),
            write_json(folder / "judged/track.json", {}),
        ),
        "depth": DepthMaps(depth, figures=numbers),
        "mattes": Mattes(mattes, "supplied"),
        "crowd": crowd_of(folder / "shot", frames),
        "atlas": atlas,
        "paintings": paintings,
        "look": look,
        "light": PlateLight(
            write_json(folder / "light/light.json", {"azimuth_deg": 274.0, "disagreement_deg": 3.5}),
            (0.3, 0.35, 0.45),
        ),
        "grades": write_hand_grades(folder / "grades", frames, Tones(exposure_ev=0.31)),
        "ground": Ground(folder / "g.npy", 0, 0, 1, write_json(folder / "ground/figures.json", {"residual_m": 0.02})),
        "layers": layers_of(folder / "layers", frames),
        "comp": comp_of(folder / "comp", shot.plate.files, scene),
        "shared": folder / "build/_show",
    }


class Page(HTMLParser):
    """What a browser would load, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [v or "" for k, v in attrs if k in ("src", "href", "poster")]
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(delivery: Delivery) -> Page:
    page = Page()
    page.feed(delivery.page.read_text())
    assert page.open == []
    return page
