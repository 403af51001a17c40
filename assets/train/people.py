"""People to learn from: our own, in any pose, view, palette and light; and those kept back for the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assets.motion.motions import MOTIONS
from assets.people.characters import Character, Part, albedos, character_names, load_character, recoloured
from assets.people.looks import character_identity
from assets.people.mesh import Mesh, posed_mesh
from assets.providers.conditioning import ground_light
from assets.providers.request import Guides, Light, Request
from assets.sprites.guides import Light as DrawnLight
from assets.sprites.guides import beauty, sprite_guides
from assets.sprites.sprite import FRAME_M, HEIGHT_PX, WIDTH_PX, frame_width_px, request_guides
from assets.train.samples import Sample, sample_light

VIEWS_PER_POSE = 4  # a pose costs more than a view of it
BODIES = 5  # persons of each character
KEPT_CHARACTER = "traveller"  # never trained on
KEPT_PHASES = (0.40, 0.50)  # of every motion
KEPT_YAWS_DEG = (105.0, 285.0)  # and within 4 degrees of them
_CLOSE = 0.12  # share seen from twice as near


def motions_in(width_px: int) -> list[str]:
    """The motions whose sprites are painted in frames of that width."""
    return [motion for motion in sorted(MOTIONS) if frame_width_px(motion) == width_px]


def people_samples(rng: np.random.Generator, width_px: int = WIDTH_PX, near: int = 1) -> list[Sample]:
    """One pose in several views, palettes and lights, in frames of one width; near: 2 for whole ones at twice the size."""
    names = [name for name in character_names() if name != KEPT_CHARACTER]
    character = load_character(str(rng.choice(names)), int(rng.integers(BODIES)))
    low, high = KEPT_PHASES
    phase = (high + rng.uniform(0, 1 - (high - low))) % 1.0
    mesh = posed_mesh(character, str(rng.choice(motions_in(width_px))), phase)
    close = _CLOSE if near == 1 else 0.0
    return [_sample(mesh, character, _yaw(rng), rng, close, width_px, near) for _ in range(VIEWS_PER_POSE)]


def kept_back(rng: np.random.Generator, width_px: int = WIDTH_PX, near: int = 1) -> Sample:
    """A sample of the test: a phase and a view that were never trained, one in three times a person, too.

    near: 2 shows the same person at twice the size, HEIGHT_PX and width_px doubled.
    """
    character = _kept_character(rng)
    mesh = posed_mesh(character, str(rng.choice(motions_in(width_px))), rng.uniform(*KEPT_PHASES))
    return _sample(mesh, character, _kept_yaw(rng), rng, close=0.0, width_px=width_px, near=near)


def kept_views(rng: np.random.Generator, near: int = 1) -> list[Sample]:
    """One person in one moment, in colours that were never trained, from both views that were kept back and between."""
    character = _kept_character(rng)
    worn = _dyed(character, rng)
    mesh = posed_mesh(character, str(rng.choice(motions_in(WIDTH_PX))), rng.uniform(*KEPT_PHASES))
    light, elevation = sample_light(rng), float(rng.uniform(-0.02, 0.2))
    yaws = np.radians([deg + turn for deg in KEPT_YAWS_DEG for turn in (-3.5, 3.5)])
    return [seen(mesh, worn, float(yaw), elevation, light, near=near) for yaw in yaws]


def kept_pair(rng: np.random.Generator) -> tuple[Sample, Sample]:
    """The same person in the same view, light and colours, all kept back, in two motions: only the pose differs.

    Both are of the width of most sprites, whatever the motions: pictures that are compared are of one size.
    """
    character = _kept_character(rng)
    worn = _dyed(character, rng) if rng.random() < 0.6 else character
    yaw = _kept_yaw(rng)
    light, elevation = sample_light(rng), float(rng.uniform(-0.02, 0.2))
    first, second = (
        seen(posed_mesh(character, str(motion), rng.uniform(*KEPT_PHASES)), worn, yaw, elevation, light)
        for motion in rng.choice(sorted(MOTIONS), 2, replace=False)
    )
    return first, second


def drawn_light(light: Light) -> DrawnLight:
    """The same light in the axes of assets.sprites.guides (x right, y up, z towards the viewer), with what the ground returns."""
    x, y, z = light.sun_direction
    return DrawnLight((x, -y, -z), light.sun_rgb, light.sky_rgb, ground_light(light))


def _sample(
    mesh: Mesh,
    character: Character,
    yaw: float,
    rng: np.random.Generator,
    close: float = _CLOSE,
    width_px: int = WIDTH_PX,
    near: int = 1,
) -> Sample:
    light, elevation = (
        sample_light(rng),
        float(rng.uniform(-0.08, 0.6) if rng.random() < 0.5 else rng.uniform(-0.02, 0.2)),
    )
    worn = _dyed(character, rng) if rng.random() < 0.6 else character
    if rng.random() >= close:
        return seen(mesh, worn, yaw, elevation, light, near=near, width_px=width_px)
    whole = seen(mesh, worn, yaw, elevation, light, near=2, width_px=width_px)
    covered = np.zeros(1, bool)
    while not covered.any():  # a wide frame's corners are often empty
        top, left = int(rng.integers(HEIGHT_PX + 1)), int(rng.integers(width_px + 1))
        window = slice(top, top + HEIGHT_PX), slice(left, left + width_px)
        covered = whole.truth[window][..., 3] > 0
    guides = Guides.image(**{name: guide[0][window] for name, guide in whole.request.guides.given().items()})
    return Sample(replace(whole.request, guides=guides), np.ascontiguousarray(whole.truth[window]))


def asked(
    mesh: Mesh, worn: Character, yaw: float, elevation: float, light: Light, near: int = 1, width_px: int = WIDTH_PX
) -> Request:
    """What is asked of a generator for a person in a frame of HEIGHT_PX x width_px, or `near` times as large."""
    guides = request_guides(sprite_guides(mesh, yaw, elevation, HEIGHT_PX * near, width_px * near))
    scale = FRAME_M / (HEIGHT_PX * near)
    return Request(guides=guides, identity=character_identity(worn), metres_per_px=scale, light=light)


def seen(
    mesh: Mesh, worn: Character, yaw: float, elevation: float, light: Light, near: int = 1, width_px: int = WIDTH_PX
) -> Sample:
    """The same and its true picture."""
    request = asked(mesh, worn, yaw, elevation, light, near, width_px)
    truth = beauty(mesh, worn, yaw, elevation, drawn_light(light), HEIGHT_PX * near, width_px * near)
    return Sample(request, np.ascontiguousarray(truth))


def _dyed(character: Character, rng: np.random.Generator) -> Character:
    """The same person in other colours: any hue for cloth and paint, other shades for the rest."""
    table, chosen = albedos(character), {}
    for part in Part:
        if part is Part.EMPTY:
            continue
        colour = table[part].astype(float) * np.exp(rng.normal(0, 0.25)) * np.exp(rng.normal(0, 0.08, 3))
        if part not in (Part.SKIN, Part.HAIR, Part.EYES) and rng.random() < 0.5:
            grey = np.exp(rng.uniform(np.log(0.03), np.log(0.55)))
            colour = grey * np.exp(rng.normal(0, 0.55, 3))
        red, green, blue = np.clip(colour, 0.01, 0.85)
        chosen[part.name.lower()] = (float(red), float(green), float(blue))
    return recoloured(character, **chosen)


def _kept_character(rng: np.random.Generator) -> Character:
    """Another body than any that was trained; one in three times a character that never was."""
    names = character_names() if rng.random() < 0.67 else [KEPT_CHARACTER]
    return load_character(str(rng.choice(names)), BODIES)


def _kept_yaw(rng: np.random.Generator) -> float:
    return float(np.radians(rng.choice(KEPT_YAWS_DEG) + rng.uniform(-4, 4)))


def _yaw(rng: np.random.Generator) -> float:
    while True:
        yaw = rng.uniform(0, 360)
        if all(abs(yaw - kept) > 4 for kept in KEPT_YAWS_DEG):
            return float(np.radians(yaw))
