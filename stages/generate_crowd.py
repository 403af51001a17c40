"""Paint the sprites that the shot's crowd needs, through the providers that the brief names."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from assets.motion.changes import pose_of
from assets.motion.motions import learn_captures
from assets.people.characters import Character, load_character
from assets.people.mesh import Mesh, dressed, mesh_of, posed_mesh
from assets.people.recipes import called, learn_recipes
from assets.providers.asking.counter import Asker
from assets.providers.asking.desk import Desk, open_desk
from assets.providers.base import Watch
from assets.providers.encoder import Encoder
from assets.providers.request import Light, Request, Result
from assets.relight.answers import Lights, entries
from assets.sprites.atlas import VIEWS, bin_phase
from assets.sprites.cast import Seen, cast_of
from assets.sprites.contact import contact_sheet
from assets.sprites.demand import Demand, Scene, Wanted, demand
from assets.sprites.guides import ROOT_M
from assets.sprites.likeness import sums_of
from assets.sprites.sprite import HEIGHT_PX, METRES_PER_PX, WIDTH_PX, Sight, figure_request, fitting_px, sun_seen
from assets.takes.telling import tellings
from assets.takes.told import Telling
from pipeline.errors import ConfigError
from pipeline.io.files import replacing, write_bytes
from pipeline.io.images import write_png
from pipeline.provider_sections import CrowdProviders, IdentityModel
from pipeline.sections import CrowdPicks
from pipeline.stage import Kept, NothingKept, Progress, silent, stage
from pipeline.types import CameraTrack, CharacterAtlas, CrowdLayout, SunLight
from stages.crowd_light import in_shot_light, say_relit
from stages.seen import tangents

Array = np.ndarray[Any, Any]
Painted = tuple[str, int, str]  # of a sprite: digest of its request, own width in pixels, who painted it
_COLUMNS = 16  # a sprite's columns are kept in blocks of so many, on each side
BATCH = 32  # sprites asked for at once: bounds memory, and keeps the progress bar moving


@dataclass(frozen=True, slots=True)
class Params:
    """How much work goes into a sprite. variants: how many different persons of each character. between: how many sprites,
    at most, show people midway between two motions; 0: motions are cut."""

    steps: int = 2
    variants: int = 3
    between: int = 1200
    seed: int = 1

    def __post_init__(self) -> None:
        limits = (("steps", 1, 50), ("variants", 1, 64), ("between", 0, 100_000), ("seed", 0, 2**31))
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"generate_crowd.{name} is {getattr(self, name)}, must be {low} to {high}. Change it."
                )


@stage(data=("assets/characters", "assets/models/battleplate-sprites"))
def generate_crowd(
    providers: CrowdProviders,
    track: CameraTrack,
    layout: CrowdLayout,
    light: SunLight,
    params: Params,
    out: Path,
    shared: Path,
    picks: CrowdPicks = CrowdPicks(),  # noqa: B008 (frozen)
    identity: IdentityModel = IdentityModel(),  # noqa: B008 (frozen)
    progress: Progress = silent,
    kept: Kept = NothingKept(),  # noqa: B008 (it holds nothing)
) -> CharacterAtlas:
    """An atlas with each sprite that some agent shows on some frame: one identity, painted once.

    A killed run goes on after its last finished batch.

    Raises ProviderError when the provider cannot do it, AssetError for an unknown character, motion or take.
    """
    progress(0, 1, "who is seen, and from where")
    needed = demand(_scene(track, layout), params.variants, params.between)
    desk = open_desk(providers.entries, shared, asker=Asker.of(out))
    names = {wanted.character for wanted in needed.wanted}
    told = tellings(names, picks, desk, shared, seed=params.seed, steps=params.steps)
    sprites, reliefs, batches = out / "sprites.npy", out / "reliefs.npy", out / "batches"
    request_of = partial(_request, needed=needed, light=light, told=told, params=params)
    _paint(desk, needed, request_of, batches, kept, progress)
    files = [_batch(batches, first) for first in range(0, len(needed.wanted), BATCH)]
    asked = [partial(request_of, wanted) for wanted in needed.wanted]
    files, lights = in_shot_light(desk, files, asked, light.relight_strength, progress)
    say_relit(desk, lights)
    painted = _gather(files, len(needed.wanted), sprites, reliefs)
    sums = _sums(files)
    seeds = {name: telling.seed for name, telling in told.items()}
    cast = cast_of(needed.wanted, sums, picks, seeds, _seen(identity, needed, sprites))
    write_bytes(out / "index.json", _index(needed, params, painted, cast, lights))
    write_png(out / "contact_sheet.png", contact_sheet(np.load(sprites, mmap_mode="r"), needed.wanted))
    shutil.rmtree(batches, ignore_errors=True)
    signed = desk.signature(painter for _, _, painter in painted)
    return CharacterAtlas(
        sprites=sprites,
        reliefs=reliefs,
        index=out / "index.json",
        contact_sheet=out / "contact_sheet.png",
        provider=signed.provider,
        model_digest=signed.model_digest,
        licence=signed.licence,
    )


def _seen(identity: IdentityModel, needed: Demand, sprites: Path) -> Seen | None:
    """Everyone as the show's image encoder sees them, where it has one."""
    if identity.model is None or not needed.wanted:
        return None
    return Seen.by(Encoder.open(identity.model), needed.wanted, np.load(sprites, mmap_mode="r"))


def _scene(track: CameraTrack, layout: CrowdLayout) -> Scene:
    learn_captures(layout.captures)
    names = learn_recipes(layout.recipes)
    agents = json.loads(layout.agents.read_text())
    return Scene(
        characters=[called(agent["character"], names) for agent in agents],
        motion_names=layout.motion_names,
        motions=np.load(layout.motions),
        seeds=np.array([agent["seed"] for agent in agents], np.uint64),
        positions=np.load(layout.positions),
        yaws=np.load(layout.yaws),
        phases=np.load(layout.phases),
        camera_from_world=np.load(track.poses),
        tangents=tangents(track),
        scales=np.array([agent["scale"] for agent in agents], np.float64),
        frames_per_second=float(layout.rate.fraction),
    )


def _paint(
    desk: Desk,
    needed: Demand,
    request_of: Callable[[Wanted], Request],
    folder: Path,
    kept: Kept,
    progress: Progress,
) -> None:
    """A file per batch in `folder`; those that an earlier, killed run finished stay as they are."""
    count = len(needed.wanted)
    for first in range(0, count, BATCH):
        path = _batch(folder, first)
        if path not in kept:
            batch = needed.wanted[first : first + BATCH]
            requests = []
            for number, each in enumerate(batch, first + 1):
                progress(first, count, f"posing {each.character}, sprite {number}")
                requests.append(request_of(each))
            painted = desk.generate(requests, Watch(_from(first, count, progress)))
            pictures = [_trimmed(*pair) for pair in zip(requests, painted, strict=True)]
            files: dict[str, Any] = {f"{i}": picture for i, picture in enumerate(pictures)}
            files["digests"] = [result.request_digest for result in painted]
            files["painters"] = [result.metadata["provider"] for result in painted]
            files["widths"] = [picture.shape[1] for picture in pictures]
            files["sums"] = [
                sums_of(request, result.takes[0, 0], ROOT_M) for request, result in zip(requests, painted, strict=True)
            ]
            with replacing(path) as temporary:
                np.savez(temporary, **files)
            kept.note(path)
        progress(min(first + BATCH, count), count, "sprites")


def _from(first: int, count: int, progress: Progress) -> Callable[[int, int, str], None]:
    """The progress of a batch as a part of the whole."""
    return lambda done, _, note: progress(first + done, count, note)


def _trimmed(request: Request, result: Result) -> Array:
    """(H, W, 5) float16 RGBA and relief, cut to the columns that show anything, as many on both sides of the root."""
    picture = np.concatenate([result.takes[0, 0], request.guides.given()["depth"][0][..., None]], axis=-1)
    columns = np.flatnonzero(picture[..., 3].any(axis=0))
    width = picture.shape[1]
    reach = int(np.maximum(columns + 1 - width / 2, width / 2 - columns).max()) if len(columns) else 1
    margin = max(0, width // 2 - -(-reach // _COLUMNS) * _COLUMNS)
    return np.asarray(picture[:, margin : width - margin], np.float16)


def _gather(files: list[Path], count: int, sprites_path: Path, reliefs_path: Path) -> list[Painted]:
    """All batches as two arrays, each sprite in the middle of a frame as wide as the widest."""
    painted = list[Painted]()
    for file in files:
        with np.load(file) as batch:
            painted += zip(*(batch[name].tolist() for name in ("digests", "widths", "painters")), strict=True)
    width = max((own for _, own, _ in painted), default=WIDTH_PX)
    with replacing(sprites_path) as sprites_file, replacing(reliefs_path) as reliefs_file:
        sprites = _array(sprites_file, (count, HEIGHT_PX, width, 4))
        reliefs = _array(reliefs_file, (count, HEIGHT_PX, width))
        for first, file in zip(range(0, count, BATCH), files, strict=True):
            with np.load(file) as batch:
                for row, (_, own, _) in enumerate(painted[first : first + BATCH]):
                    middle = slice((width - own) // 2, (width + own) // 2)
                    picture = batch[f"{row}"]
                    sprites[first + row, :, middle], reliefs[first + row, :, middle] = picture[..., :4], picture[..., 4]
        for array in (sprites, reliefs):
            if isinstance(array, np.memmap):
                array.flush()
    return painted


def _sums(files: list[Path]) -> list[Array]:
    """What each sprite's parts sum up to, from all batches."""
    sums: list[Array] = []
    for file in files:
        with np.load(file) as batch:
            sums += list(batch["sums"])
    return sums


def _batch(folder: Path, first: int) -> Path:
    return folder / f"{first:06d}.npz"


def _array(path: Path, shape: tuple[int, ...]) -> Array:
    """A float16 .npy on disk to fill (an empty one cannot be mapped)."""
    if shape[0] == 0:
        np.save(path, np.zeros(shape, np.float16))
        return np.zeros(shape, np.float16)
    return np.asanyarray(np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape))


def _request(wanted: Wanted, needed: Demand, light: SunLight, told: dict[str, Telling], params: Params) -> Request:
    """Everyone of a view is lit as its mean; the noise is one for all, so that a figure does not flicker as it moves."""
    sun = sun_seen(
        math.radians(light.sun_azimuth_deg),
        math.radians(light.sun_elevation_deg),
        round(float(needed.headings_rad[wanted.view]), 3),
        round(needed.elevation_rad, 3),
    )
    character = load_character(wanted.character, wanted.variant)
    mesh, sight = _mesh(character, wanted), Sight(2 * math.pi * wanted.view / VIEWS, round(needed.elevation_rad, 3))
    width_px, seen = fitting_px(wanted.width_px, mesh, sight.yaw_rad), Light(sun, light.sun_rgb, light.sky_rgb)
    return told[wanted.character].told(figure_request(character, mesh, width_px, sight, seen, steps=params.steps))


def _mesh(character: Character, wanted: Wanted) -> Mesh:
    if wanted.change is None:
        return posed_mesh(character, wanted.motion, float(bin_phase(wanted.motion, wanted.phase)))
    figure = dressed(character)
    return mesh_of(character, pose_of(wanted.change, wanted.step, figure.build, figure.grip))


def _index(needed: Demand, params: Params, painted: list[Painted], cast: dict[str, Any], lights: Lights) -> bytes:
    width = max((own for _, own, _ in painted), default=WIDTH_PX)
    index = {
        "metres_per_px": METRES_PER_PX,
        "root_px": [width / 2, HEIGHT_PX - ROOT_M / METRES_PER_PX],
        "views": VIEWS,
        "elevation_rad": round(needed.elevation_rad, 3),
        "variants": params.variants,
        "between": {
            "sprites": sum(wanted.change is not None for wanted in needed.wanted),
            "most": params.between,
            "unlike_m": round(needed.unlike_m, 3) if math.isfinite(needed.unlike_m) else None,
        },
        "characters": cast,
        "lights": entries(lights),
        "sprites": [_entry(wanted, *about) for wanted, about in zip(needed.wanted, painted, strict=True)],
    }
    return (json.dumps(index, indent=1, sort_keys=True) + "\n").encode()


def _entry(wanted: Wanted, digest: str, width_px: int, painter: str) -> dict[str, Any]:
    entry = {
        "character": wanted.character,
        "motion": wanted.motion,
        "painter": painter,
        "request": digest,
        "variant": wanted.variant,
        "view": wanted.view,
        "width_px": width_px,
    }
    if wanted.change is None:
        return entry | {"phase": wanted.phase}
    return entry | {"change": dataclasses.asdict(wanted.change), "step": wanted.step}
