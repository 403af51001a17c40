"""The demo plate as a plate for colour matching: pixels by class, and people of its own renderer, in its own light."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from assets.demo.actors import Actor, pose, radiance
from assets.demo.film import LOG
from assets.demo.sky import SUN, TO_SUN, sky_directions
from assets.demo.terrain import height_m
from benchmarks.colour_scenes import NAMES, PEOPLE, STANDING, Picture
from calibration.ground.heightfield import Heightfield
from calibration.look.arriving import arriving
from calibration.look.classes import class_pixels, height_above
from calibration.look.color import Sample
from calibration.look.haze import fit_haze
from pipeline.io import exr, images
from pipeline.io.color import to_acescg
from pipeline.io.decode import read_frames
from pipeline.kernels.color import RGB
from pipeline.types import Lens

Array = np.ndarray
HERE = Path(__file__).parent.parent / "assets/demo"
EXPOSURE = 0.37  # brings a white in the demo's sun and sky to about 1
FRAMES = (1001, 1024, 1048)
OTHERS = ("legionary", "officer", "peasant", "archer", "spearman", "villager")


def lights() -> dict[str, RGB]:
    """What arrives, per class, at that exposure."""
    directions, sky = sky_directions(64)
    open_sky = (sky * directions[:, 1:2]).sum(0) / np.pi
    sun, above = (tuple(float(v) for v in EXPOSURE * light) for light in (SUN / np.pi, open_sky))
    return arriving(TO_SUN, sun, above)  # type: ignore[arg-type]


@cache
def plate() -> Picture:
    """Three frames of the shipped plate, air taken out, true depth and mattes."""
    truth = json.loads((HERE / "truth/camera.json").read_text())
    lens = Lens(**truth["lens"])
    x, z = np.meshgrid(np.arange(-150, 150, 0.5), np.arange(-400, 10, 0.5))
    heights = Heightfield(height_m(x.ravel(), -z.ravel(), 0.5).reshape(x.shape), -150.0, -400.0, 0.5)
    samples = []
    for number, coded in enumerate(read_frames(HERE / "plate.mov")):
        frame = 1001 + number
        if frame not in FRAMES:
            continue
        rgb = EXPOSURE * to_acescg(np.ascontiguousarray(coded, np.float32), LOG)
        depth = exr.read(HERE / f"truth/depth/depth.{frame:04d}.exr").channels["Z"].astype(np.float32)
        matte = images.read_png(HERE / f"truth/mattes/matte.{frame:04d}.png")
        matte = matte if matte.ndim == 2 else matte[..., 0]
        sample = Sample(rgb, depth, np.isfinite(depth).astype(np.float32), matte)
        samples.append((sample, height_above(depth, lens, np.array(truth["camera_from_world"][str(frame)]), heights)))
    found = class_pixels(samples, fit_haze(s for s, _ in samples))
    rgb = np.concatenate([found[name] for name in NAMES]).astype(np.float64)
    return Picture(rgb, np.repeat(np.arange(len(NAMES)), [len(found[name]) for name in NAMES]))


@cache
def person(number: int) -> Picture:
    """The visible points of one person who is not in the plate, in the demo's light, facing anywhere."""
    actor = Actor(OTHERS[number % len(OTHERS)], 50 + number, 1.0, 12.0, 77.0 * number, 0.31 * number % 1)
    body, eye = pose(actor, 1001), np.array([0.0, 2.5, 3.0])
    shown = (body.normals * (eye - body.vertices)).sum(1) > 0.1
    rgb = EXPOSURE * radiance(body, np.ones(len(body.vertices), np.float32), eye)[shown][::3]
    return Picture(rgb.astype(np.float64), np.full(len(rgb), PEOPLE))


@cache
def half(right: bool) -> Picture:
    """What stands in one half of the plate's samples."""
    whole = plate().of(STANDING)
    mine = whole[len(whole) // 2 :] if right else whole[: len(whole) // 2]
    return Picture(mine, np.full(len(mine), STANDING))
