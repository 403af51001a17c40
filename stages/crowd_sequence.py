"""Write a crowd's guides frame by frame: joins camera, ground and layout. No stage: nothing later takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.guides.crowd_bodies import ever_near, people_at
from assets.guides.crowd_guides import CrowdGuides, crowd_guides
from assets.guides.guide_sheet import contact_sheet, four_views
from assets.guides.openpose import stroke_of
from assets.guides.optics import Optics, optics
from assets.near.bodies import Bodies
from assets.people.characters import Part
from assets.sprites.cards import load_agents
from calibration.cameras import lens_at, load_poses, zoom_of
from calibration.ground.heightfield import Heightfield
from calibration.lens import project, rays
from pipeline.errors import ConfigError
from pipeline.frames import FrameRange
from pipeline.io import cryptomatte, exr
from pipeline.io.images import write_png
from pipeline.io.video import write_review
from pipeline.stage import Progress
from pipeline.types import CameraTrack, CrowdLayout, Ground, Lens, Plate
from stages.seen import view_of

LAYER = "CryptoCrowd"
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. exr, pose: patterns with %04d."""

    exr: Path
    pose: Path
    movie: Path
    sheet: Path
    frames: FrameRange


@dataclass(frozen=True, slots=True)
class Shooting:
    """What every frame needs; sent to the workers."""

    track: CameraTrack
    layout: CrowdLayout
    ground: Ground
    stroke: str
    out: Path


def write_guides(
    made: Mapping[type, Any], frames: FrameRange | None, family: str, out: Path, workers: int, progress: Progress
) -> Written:
    """Write guides.%04d.exr, pose.%04d.png, guides.mp4 and guides.png into `out`. made: results by type.

    frames: None for all. family: of assets.guides.openpose.STROKES. workers: processes, 0 for one per core.
    Raises ConfigError for frames that the layout lacks or a crowd of nobody, AssetError for an unknown family.
    """
    track, layout, ground, plate = made[CameraTrack], made[CrowdLayout], made[Ground], made[Plate]
    if not layout.count:
        raise ConfigError("crowd guides: the shot has nobody in it. Add a [[crowd.zones]] to the shot file.")
    wanted = frames or layout.frames
    if wanted.first not in layout.frames or wanted.last not in layout.frames:
        raise ConfigError(f"--frames {wanted}: the crowd has frames {layout.frames}. Choose frames inside them.")
    out.mkdir(parents=True, exist_ok=True)
    shooting = Shooting(track, layout, ground, stroke_of(family), out)
    # Spawned: a fork after kernels' threads have started kills the child.
    pool = ProcessPoolExecutor(min(workers or cpu_count() or 1, len(wanted)), mp_context=get_context("spawn"))
    pictures: list[Picture] = []
    with pool:
        for picture in pool.map(write_frame, [shooting] * len(wanted), list(wanted)):
            pictures.append(picture)
            progress(len(pictures), len(wanted), "")
    write_review(out / "guides.mp4", iter(pictures), plate.rate)
    write_png(out / "guides.png", contact_sheet(pictures, list(wanted)))
    return Written(out / "guides.%04d.exr", out / "pose.%04d.png", out / "guides.mp4", out / "guides.png", wanted)


def write_frame(shooting: Shooting, frame: int) -> Picture:
    """Write one frame's files; (h, w, 3) uint8 of it to look at."""
    guides = guides_of(shooting, frame)
    agents = load_agents(shooting.layout)
    names = dict(zip(agents.ids.tolist(), agents.names, strict=True))
    parts = {str(int(part)): part.name.lower() for part in Part}
    metadata = {**cryptomatte.metadata(LAYER, names), "battleplate/parts": json.dumps(parts, sort_keys=True)}
    exr.write(shooting.out / f"guides.{frame:04d}.exr", _channels(guides, names), compression="zip", metadata=metadata)
    pose = guides.poses[shooting.stroke]
    write_png(shooting.out / f"pose.{frame:04d}.png", pose)
    return four_views(guides, pose)


def guides_of(shooting: Shooting, frame: int) -> CrowdGuides:
    """Everything that is known of the crowd on one frame."""
    layout, heights, track = shooting.layout, _heights(shooting.ground), shooting.track
    view, agents, lens = view_of(track, frame), load_agents(layout), lens_of(lens_at(track, frame))
    bodies = Bodies(agents, 1, heights.height, heights.normal, float(layout.rate.fraction))
    near = ever_near(agents.positions, agents.scales, load_poses(track), angles_px(track))
    people = people_at(bodies, layout.frames.index(frame), view.ahead, near)
    return crowd_guides(people, view, lens, families=(shooting.stroke,))


@lru_cache(maxsize=2)
def lens_of(lens: Lens) -> Optics:
    """The lens, prepared once for every worker; of a zoom, once for every frame."""
    return optics(rays(lens), lambda points: project(points, lens))


def angles_px(track: CameraTrack) -> npt.NDArray[np.float64]:
    """(F,) x/z from one pixel to the next, on average, on each frame."""
    return np.asarray(lens_of(track.lens).angle_px / zoom_of(track))


@lru_cache(maxsize=1)
def _heights(ground: Ground) -> Heightfield:
    return Heightfield.read(ground)


def _channels(guides: CrowdGuides, names: Mapping[int, str]) -> dict[str, npt.NDArray[Any]]:
    assert guides.normals is not None
    assert guides.parts is not None
    assert guides.motion is not None
    assert guides.matte_ids is not None
    assert guides.matte_coverage is not None
    return {
        "Z": guides.depth,
        **{f"N.{axis}": guides.normals[..., i] for i, axis in enumerate("XYZ")},
        "part": guides.parts.astype(np.uint32),
        "id": guides.ids,
        "motion.x": guides.motion[..., 0],
        "motion.y": guides.motion[..., 1],
        **cryptomatte.channels(LAYER, guides.matte_ids, guides.matte_coverage, names),
    }
