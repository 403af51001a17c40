"""`battleplate train character`: from a folder of pictures to a costume that the built-in model wears."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from assets.people.characters import Character, load_character, spoken
from assets.people.mesh import posed_mesh
from assets.people.parts import Part
from assets.providers.builtin import Builtin
from assets.providers.costumes import CARD, WEIGHTS
from assets.providers.request import Light
from assets.train.costume import Lesson, teach
from assets.train.fitting import fitted_light, fitted_palette
from assets.train.found import LEAST_IOU, bank_of, find_stance
from assets.train.people import asked
from assets.train.pictures import Picture, Stance, laid_over, read_pictures
from assets.train.samples import Sample
from pipeline.errors import AssetError
from pipeline.io.files import write_bytes

NEAR_PX = 200  # a picture whose figure is so high is learnt from at twice the size, too


@dataclass(frozen=True, slots=True)
class Rights:
    """Who allowed the pictures' use, and under which licence what is learnt from them may be passed on."""

    consent: str
    licence: str

    def __post_init__(self) -> None:
        for name in ("consent", "licence"):
            if not getattr(self, name).strip():
                raise AssetError(f"train character: {name} is empty. Say who allowed the use of the pictures, and how.")


@dataclass(frozen=True, slots=True)
class Seen:
    """How a picture was used: the stance told or found, the IoU of the silhouette with ours (NaN when told)."""

    picture: Picture
    stance: Stance
    iou: float = field(default=float("nan"))


def train_character(
    name: str, folder: Path, out: Path, rights: Rights, lesson: Lesson, tell: Callable[[str], None] = print
) -> Path:
    """Teach the model that ships what `name` wears in FOLDER's pictures; returns OUT/NAME, the costume.

    name: as `load_character` knows it, of a show's own too (assets.people.recipes); NAME is what people say.
    OUT is what [providers.NAME] kind = "builtin" takes as its folder; costumes of other characters there are left alone.
    Raises AssetError when the character, a picture or its pose is not known.
    """
    # What a costume has of colours no palette says: it is learnt, and painted, without keeping to one.
    character, model, name = load_character(name), replace(Builtin.open(), keeps_palette=False), spoken(name)
    used = stances_of(character, read_pictures(folder), tell)
    samples = [sample for each in used for sample in samples_of(character, each)]
    light = fitted_light(samples)
    samples = [Sample(replace(sample.request, light=light), sample.truth) for sample in samples]
    palette = fitted_palette(model, samples)
    tell("colours of " + ", ".join(Part(part).name.lower() for part in sorted(palette)))
    weights = teach(model, character, samples, palette, lesson, tell) if lesson.steps else {}
    costume = out / name
    costume.mkdir(parents=True, exist_ok=True)
    _write_weights(costume / WEIGHTS, weights)
    card = {
        "character": name,
        "base": model.model_digest,
        "palette": {str(part): list(colour) for part, colour in sorted(palette.items())},
        "consent": rights.consent,
        "licence": rights.licence,
        "pictures": [_told(each) for each in used],
        "lesson": {each: getattr(lesson, each) for each in Lesson.__dataclass_fields__},
    }
    write_bytes(costume / CARD, (json.dumps(card, indent=1, sort_keys=True) + "\n").encode())
    return costume


def stances_of(character: Character, pictures: Sequence[Picture], tell: Callable[[str], None] = print) -> list[Seen]:
    """The pictures of which the pose is told or found. Raises AssetError when there is none."""
    used, bank = [], None
    for picture in pictures:
        if picture.stance:
            used.append(Seen(picture, picture.stance))
            continue
        bank = bank or bank_of(character)
        stance, iou = find_stance(picture, bank)
        if iou >= LEAST_IOU:
            used.append(Seen(picture, stance, iou))
            tell(f"{picture.name}: {stance.motion}, turned by {stance.yaw_deg:.0f} degrees (IoU {iou:.2f})")
        else:
            tell(f"{picture.name}: left out, no pose of ours fits (IoU {iou:.2f}). Say it in pictures.toml.")
    if not used:
        raise AssetError(
            f"train character {character.name}: no pose of ours fits a picture. Say motion, phase and yaw_deg of each in "
            "pictures.toml, or take a character of the same kit."
        )
    return used


def samples_of(character: Character, used: Seen) -> list[Sample]:
    """A picture as a sample: our guides in its stance, and its pixels over them. Large ones at both sizes."""
    stance, samples = used.stance, []
    mesh = posed_mesh(character, stance.motion, stance.phase)
    yaw, elevation = np.radians((stance.yaw_deg, stance.elevation_deg))
    for near in (1, 2) if used.picture.rgba.shape[0] >= NEAR_PX else (1,):
        request = asked(mesh, character, float(yaw), float(elevation), Light(), near)
        samples.append(Sample(request, laid_over(used.picture, request.guides.given()["coverage"][0])))
    return samples


def _write_weights(file: Path, weights: dict[str, Any]) -> None:
    from safetensors.torch import save

    write_bytes(file, save(weights))


def _told(used: Seen) -> dict[str, Any]:
    stance = used.stance
    return {
        "name": used.picture.name,
        "sha256": used.picture.digest,
        "motion": stance.motion,
        "phase": stance.phase,
        "yaw_deg": stance.yaw_deg,
        "pose": "told" if used.picture.stance else f"found, IoU {used.iou:.2f}",
    }
