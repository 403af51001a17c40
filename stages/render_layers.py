"""Render crowd, set and dust through the solved camera and its lens: colour, depth, ids, motion, and their shadow."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.dust.layer import DRY_EARTH, Raised, draw_dust
from assets.near.layer import Near
from assets.near.merge import add_near, add_shadows
from assets.near.shades import Shades
from assets.sets.cards import draw_cards
from assets.sets.layer import draw_set
from assets.sets.paintings import load_paintings
from assets.sets.projection import read_pieces
from assets.sets.shadow import SetShadow
from assets.sprites.atlas import load_atlas
from assets.sprites.cards import load_agents
from assets.sprites.layer import NOBODY, Looks, Taken, draw_crowd, draw_shadow
from assets.sprites.shown import shown_by
from assets.sunlight.by_crowd import hidden_by_crowd
from assets.sunlight.kept import write_sun
from assets.sunlight.maps import LOWEST_SUN, SunMaps
from assets.sunlight.on_pieces import LightOnPieces
from assets.sunlight.people import Everybody, people_before
from assets.sunlight.relief import Relief
from assets.sunlight.share import Sunlight
from assets.view import Buffers, View
from calibration.cameras import camera_centre, lens_at, load_poses
from calibration.ground.heightfield import Heightfield
from pipeline.crowd_sections import CrowdDust
from pipeline.errors import ConfigError
from pipeline.far_sections import FarCards
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.kernels.color import LUMINANCE
from pipeline.output_sections import WORK, WorkFiles
from pipeline.stage import stage
from pipeline.types import (
    FAR,
    VEIL,
    CameraTrack,
    CharacterAtlas,
    CrowdLayout,
    Ground,
    Layer,
    Mattes,
    NearPeople,
    PlateLight,
    RawLayers,
    SetLayout,
    SetPaintings,
    SunLight,
)
from stages.far_cards import placed_cards
from stages.seen import rays_of, view_of

Planes = dict[str, npt.NDArray]


@dataclass(frozen=True, slots=True)
class Params(Looks):
    """How the crowd is drawn: the settings of assets.sprites.layer.Looks."""

    sun_shadow: float = 1.0  # times what the plate's shadows take
    set_shadow: bool = True  # set pieces throw one, too
    relief_shadow: bool = True  # and hills and walls of the plate, on people and set pieces

    def __post_init__(self) -> None:
        for name in ("brightness", "hue", "crowding", "sun_shadow", "contact"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"render_layers.{name} is {getattr(self, name)}, must be 0 to 1. Change it.")
        for name, low, high in (("contact_m", 0.05, 5), ("softness", 0, 2)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"render_layers.{name} is {getattr(self, name)}, must be {low} to {high}. Change it.")


@stage
def render_layers(
    track: CameraTrack,
    layout: CrowdLayout,
    atlas: CharacterAtlas,
    near: NearPeople,
    set_layout: SetLayout,
    paintings: SetPaintings,
    ground: Ground,
    light: SunLight,
    plate_light: PlateLight,
    mattes: Mattes,
    params: Params,
    frames: FrameRange,
    out: Path,
    dust: CrowdDust = CrowdDust(),  # noqa: B008 (frozen)
    far: FarCards = FarCards(),  # noqa: B008 (frozen)
    work: WorkFiles = WORK,
) -> RawLayers:
    """The layers and the shadow in the plate's own distorted pixels; near people stand where their sprites would.

    Set, crowd, and cards and dust where any are asked for.
    """
    agents, sprites = load_agents(layout), load_atlas(atlas)
    pieces = read_pieces(set_layout)
    names = {"set": {p.number: p.name for p in pieces}, "crowd": dict(zip(agents.ids, agents.names, strict=True))}
    cards = placed_cards(far, track)
    names = ({FAR: {card.number: card.name for card in cards}} if cards else {}) | names
    names |= {VEIL: {}} if dust.some else {}
    layers = tuple(_layer(name, out, frames, names[name]) for name in names)
    shadow = FrameFiles(out, "shadow.%04d.exr", frames)
    heights = Heightfield.read(ground)
    centres = tuple(tuple(map(float, centre)) for centre in camera_centre(load_poses(track)))
    shown = shown_by(layout, atlas, centres)  # type: ignore[arg-type]
    painted = np.array([person["id"] for person in json.loads(near.people.read_text())["near"]], np.int64)
    to_sun = np.array(light.to_sun)
    taken_by_sun = params.sun_shadow * (1 - float(np.dot(plate_light.shadow_rgb, LUMINANCE)))
    looks = replace(params, sun_shadow=taken_by_sun)
    hiding = _hiding(set_layout, ground, light, params, far, track) if params.set_shadow else None
    thrown = None if hiding is None else _thrown(set_layout, ground, hiding, params.contact_m, far, track)
    sunlight = None if hiding is None else Sunlight(hiding, plate_light.shadow_rgb, params.sun_shadow)
    shone_on = len(agents.ids) > 0 and to_sun[1] > LOWEST_SUN
    sun = out / "sun.json" if thrown is not None or shone_on else None
    if sun is not None:
        bare = Sunlight(SunMaps(to_sun, params.softness, (), ()), plate_light.shadow_rgb, params.sun_shadow)
        write_sun(sun, sunlight or bare)
    raised = _raised(dust, layout, light, heights, hiding)
    for frame in frames:
        view, row, lens = view_of(track, frame), track.frames.index(frame), lens_at(track, frame)
        focal_px = max(lens.focal_x_px, lens.focal_y_px)
        shades = None if near.shades is None else Shades.read(near.shades.path(frame))
        everybody = Everybody.of(to_sun, agents, sprites, row, shown, shades) if shone_on else None
        on_set = None if sunlight is None else LightOnPieces(sunlight, people_before(sunlight.maps, everybody))
        built = draw_set(
            view, partial(rays_of, lens), pieces, load_paintings(paintings), focal_px, heights.height, on_set
        )
        crowd = draw_crowd(view, agents, sprites, row, shown, params, painted, sunlight)
        if near.files is not None:
            add_near(crowd, _near(near.files.path(frame)), view, agents, row, params, sunlight)
        veils = [draw_dust(view, agents, row, raised, crowd, built)] if dust.some else []
        planes = [_channels(buffers) for buffers in (built, crowd, *veils)]
        if cards:
            distant, air = draw_cards(view, partial(rays_of, lens), cards, focal_px)
            planes.insert(0, {**_channels(distant), "air": air})
        for layer, written in zip(layers, planes, strict=True):
            exr.write(layer.files.path(frame), written, compression=work.compression)
        taken, throwing = Taken.nothing(view.size), NOBODY
        if thrown is not None:
            thrown.take(view, heights.meet_rays, taken)
        if shades is not None:
            add_shadows(taken, shades, view, to_sun, params)
            throwing = shades.ids
        shade = draw_shadow(view, agents, sprites, row, shown, to_sun, heights.normal, looks, taken, throwing)
        by_sun = 1 - np.float32(looks.sun_shadow) * taken.sun
        left = {"Y": exr.half(shade), "sun": exr.half(by_sun)}
        left |= _light_on_plate(mattes, frame, view, everybody, params.softness)
        exr.write(shadow.path(frame), left, compression=work.compression)
    return RawLayers(layers=layers, shadow=shadow, sun=sun)


@lru_cache(maxsize=2)  # once per worker
def _hiding(
    set_layout: SetLayout, ground: Ground, light: SunLight, params: Params, far: FarCards, track: CameraTrack
) -> SunMaps | None:
    """None where there is nothing that may hide the sun."""
    pieces, field = read_pieces(set_layout), Heightfield.read(ground)
    tops = np.load(ground.tops, allow_pickle=False) if ground.tops is not None else None
    corner = field.origin_x_m, field.origin_z_m
    relief = Relief(field.heights, corner, field.cell_m, tops) if params.relief_shadow else None
    found = SunMaps.of(pieces, np.array(light.to_sun), params.softness, relief, placed_cards(far, track))
    return found if pieces or found.maps else None


@lru_cache(maxsize=2)
def _thrown(
    set_layout: SetLayout, ground: Ground, hiding: SunMaps, contact_m: float, far: FarCards, track: CameraTrack
) -> SetShadow | None:
    stand, cards = Heightfield.read(ground).stand, placed_cards(far, track)
    return SetShadow.of(read_pieces(set_layout), stand, hiding, contact_m, cards)


def _light_on_plate(mattes: Mattes, frame: int, view: View, everybody: Everybody | None, softness: float) -> Planes:
    """The channel of people of the plate that the crowd takes the sun from; nothing where it does not."""
    if everybody is None:
        return {}
    people = exr.read(mattes.files.path(frame)).channels
    matte, away_m = (np.ascontiguousarray(people[c], np.float32) for c in "AZ")
    hidden = hidden_by_crowd(view, matte, away_m, everybody, softness)
    return {} if hidden is None else {"people": exr.half(1 - hidden)}


def _raised(
    dust: CrowdDust, layout: CrowdLayout, light: SunLight, heights: Heightfield, hiding: SunMaps | None
) -> Raised:
    """What the crowd's dust is made of, by each one's zone."""
    own, zones = dict(dust.zones), [agent["zone"] for agent in json.loads(layout.agents.read_text())]
    return Raised(
        amounts=np.array([own.get(zone, dust.amount) for zone in zones], np.float64),
        rgb=dust.rgb or DRY_EARTH,
        wind_mps=dust.wind_mps,
        to_sun=np.array(light.to_sun),
        sun_rgb=light.sun_rgb,
        sky_rgb=light.sky_rgb,
        stand=heights.stand,
        meet=heights.meet_rays,
        hiding=hiding,
    )


def _near(path: Path) -> Near:
    """A frame of generate_near."""
    planes = exr.read(path).channels
    rgba, motion = (
        np.stack([planes[name] for name in names], axis=-1).astype(np.float32)
        for names in ("RGBA", ("motion.x", "motion.y"))
    )
    pixels = Buffers(rgba, planes["Z"], planes["id"].astype(np.int32), motion)
    return Near(pixels, planes["owner"].astype(np.int32), planes["cover"].astype(np.float32))


def _layer(name: str, out: Path, frames: FrameRange, names: dict[int, str]) -> Layer:
    """A layer's receipt; every frame writes the same manifest, so that each can be made alone."""
    manifest = out / f"{name}.json"
    entries = {str(number): names[number] for number in sorted(names)}
    write_bytes(manifest, (json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())
    return Layer(name, FrameFiles(out, f"{name}.%04d.exr", frames), manifest)


def _channels(buffers: Buffers) -> Planes:
    return {
        **exr.rgba_channels(buffers.rgba),
        "Z": buffers.depth,
        "id": buffers.ids.astype(np.uint32),
        "motion.x": exr.half(buffers.motion[..., 0]),
        "motion.y": exr.half(buffers.motion[..., 1]),
    }
