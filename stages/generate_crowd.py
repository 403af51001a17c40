"""Paint the sprites that the shot's crowd needs, through the provider that the brief names."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assets.atlas import VIEWS, bin_phase
from assets.characters import load_character
from assets.contact import contact_sheet
from assets.demand import Demand, Scene, Wanted, demand
from assets.guides import ROOT_M
from assets.motions import learn_captures
from assets.providers.base import Light, Provider, Request, open_provider
from assets.sprites import HEIGHT_PX, METRES_PER_PX, WIDTH_PX, Sight, sprite_request, sun_seen
from pipeline.errors import ConfigError
from pipeline.io.files import replacing, write_bytes
from pipeline.io.images import write_png
from pipeline.sections import CrowdBrief, LightFacts
from pipeline.stage import Progress, silent, stage
from pipeline.types import CameraTrack, CharacterAtlas, CrowdLayout

Array = np.ndarray[Any, Any]
BATCH = 32  # sprites asked for at once: bounds memory, and keeps the progress bar moving


@dataclass(frozen=True, slots=True)
class Params:
    """How much work goes into a sprite. variants: how many different persons of each character."""

    steps: int = 2
    variants: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        limits = (("steps", 1, 50), ("variants", 1, 64), ("seed", 0, 2**31))
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"generate_crowd.{name} is {getattr(self, name)}, must be {low} to {high}. Change it."
                )


@stage(data=("assets/characters", "assets/models/battleplate-sprites"))
def generate_crowd(
    brief: CrowdBrief,
    track: CameraTrack,
    layout: CrowdLayout,
    light: LightFacts,
    params: Params,
    out: Path,
    progress: Progress = silent,
) -> CharacterAtlas:
    """An atlas with each sprite that some agent shows on some frame: one identity, painted once.

    Raises ProviderError when the provider cannot do it, AssetError for an unknown character or motion.
    """
    needed = demand(_scene(track, layout), params.variants)
    provider = open_provider(brief.provider)
    sprites, reliefs = out / "sprites.npy", out / "reliefs.npy"
    digests: list[str] = []
    with replacing(sprites) as sprites_file, replacing(reliefs) as reliefs_file:
        digests = _paint(provider, needed, light, params, sprites_file, reliefs_file, progress)
    write_bytes(out / "index.json", _index(needed, params, digests))
    write_png(out / "contact_sheet.png", contact_sheet(np.load(sprites, mmap_mode="r"), needed.wanted))
    return CharacterAtlas(
        sprites=sprites,
        reliefs=reliefs,
        index=out / "index.json",
        contact_sheet=out / "contact_sheet.png",
        provider=provider.name,
        model_digest=provider.model_digest,
        licence=provider.licence,
    )


def _scene(track: CameraTrack, layout: CrowdLayout) -> Scene:
    learn_captures(layout.captures)
    agents, lens = json.loads(layout.agents.read_text()), track.lens
    return Scene(
        characters=[agent["character"] for agent in agents],
        motion_names=layout.motion_names,
        motions=np.load(layout.motions),
        seeds=np.array([agent["seed"] for agent in agents], np.uint64),
        positions=np.load(layout.positions),
        yaws=np.load(layout.yaws),
        phases=np.load(layout.phases),
        camera_from_world=np.load(track.poses),
        tangents=(lens.width / 2 / lens.focal_x_px, lens.height / 2 / lens.focal_y_px),
    )


def _paint(
    provider: Provider,
    needed: Demand,
    light: LightFacts,
    params: Params,
    sprites_file: Path,
    reliefs_file: Path,
    progress: Progress,
) -> list[str]:
    """Fill both arrays, a batch at a time; returns the digest of each sprite's request."""
    count, digests = len(needed.wanted), []
    sprites, reliefs = (
        _array(sprites_file, (count, HEIGHT_PX, WIDTH_PX, 4)),
        _array(reliefs_file, (count, HEIGHT_PX, WIDTH_PX)),
    )
    for first in range(0, count, BATCH):
        requests = [_request(wanted, needed, light, params) for wanted in needed.wanted[first : first + BATCH]]
        for row, (request, result) in enumerate(zip(requests, provider.generate(requests), strict=True), first):
            sprites[row] = result.takes[0, 0]
            reliefs[row] = request.guides.given()["depth"][0]
            digests.append(result.request_digest)
        progress(min(first + BATCH, count), count, "sprites")
    for array in (sprites, reliefs):
        if isinstance(array, np.memmap):
            array.flush()
    return digests


def _array(path: Path, shape: tuple[int, ...]) -> Array:
    """A float16 .npy on disk to fill (an empty one cannot be mapped)."""
    if shape[0] == 0:
        np.save(path, np.zeros(shape, np.float16))
        return np.zeros(shape, np.float16)
    return np.asanyarray(np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape))


def _request(wanted: Wanted, needed: Demand, light: LightFacts, params: Params) -> Request:
    """Everyone of a view is lit as its mean; the noise is one for all, so that a figure does not flicker as it moves."""
    sun = sun_seen(
        math.radians(light.sun_azimuth_deg),
        math.radians(light.sun_elevation_deg),
        round(float(needed.headings_rad[wanted.view]), 3),
        round(needed.elevation_rad, 3),
    )
    return sprite_request(
        load_character(wanted.character, wanted.variant),
        wanted.motion,
        float(bin_phase(wanted.motion, wanted.phase)),
        Sight(2 * math.pi * wanted.view / VIEWS, round(needed.elevation_rad, 3)),
        Light(sun, light.sun_rgb, light.sky_rgb),
        seed=params.seed,
        steps=params.steps,
    )


def _index(needed: Demand, params: Params, digests: list[str]) -> bytes:
    index = {
        "metres_per_px": METRES_PER_PX,
        "root_px": [WIDTH_PX / 2, HEIGHT_PX - ROOT_M / METRES_PER_PX],
        "views": VIEWS,
        "elevation_rad": round(needed.elevation_rad, 3),
        "variants": params.variants,
        "sprites": [
            {
                "character": wanted.character,
                "motion": wanted.motion,
                "phase": wanted.phase,
                "request": digest,
                "variant": wanted.variant,
                "view": wanted.view,
            }
            for wanted, digest in zip(needed.wanted, digests, strict=True)
        ],
    }
    return (json.dumps(index, indent=1, sort_keys=True) + "\n").encode()
