"""How far a person's colours drift from picture to picture: python -m assets.train.drift [--views 8] [--model FOLDER].

Every shipped character is painted from all sides, from two seeds and at both sizes in one light. A part's own colour in
a picture is its palette's times (painted over true), so what the light does to it drops out, and what is left is the
network's. Beside it stands the report's own figure (assets/sprites/likeness.py), which knows no shadows, of painted and
of true pictures: what it says of these is the scene's.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from assets.people.characters import character_names, load_character
from assets.people.mesh import posed_mesh
from assets.providers.builtin import FOLDER, Builtin
from assets.providers.palette import inner_pixels
from assets.providers.request import Light
from assets.sprites.guides import ROOT_M
from assets.sprites.likeness import likeness, sums_of
from assets.sprites.sprite import sun_seen
from assets.train.differences import delta_e_2000, lab_of
from assets.train.heldout import PART_PX
from assets.train.people import seen
from assets.train.samples import Sample
from pipeline.kernels.color import LUMINANCE

Array = np.ndarray[Any, Any]
SEEDS, NEAR = (1, 2), (1, 2)  # near 1: 128 px high, 2: 256
EVENING = Light(sun_seen(1.2, 0.55, 0.0, 0.08), (0.93, 0.79, 0.63), (0.17, 0.20, 0.25))
_MOTION, _PHASE, _ELEVATION = "idle", 0.25, 0.08


@dataclass(frozen=True, slots=True)
class Seen:
    """A part's own colour in one picture, beside its palette's; linear ACEScg. shade: of its darker half alone."""

    who: str
    part: int
    palette: Array
    own: Array
    shade: bool


def from_all_sides(name: str, views: int, near: int) -> list[Sample]:
    """One person of a character as he turns in place, lit from the right."""
    who = load_character(name)
    mesh = posed_mesh(who, _MOTION, _PHASE)
    yaws = np.arange(views) * 2 * np.pi / views
    return [seen(mesh, who, float(yaw), _ELEVATION, EVENING, near=near) for yaw in yaws]


def colours_in(sample: Sample, picture: Array, who: str) -> list[Seen]:
    """Of each part that has enough inner pixels: its own colour, whole and in its darker half."""
    given = sample.request.guides.given()
    inner = inner_pixels(given["parts"][0], given["coverage"][0]) & (picture[..., 3] > 0.5)
    true, said = (image[..., :3] / np.maximum(image[..., 3:], 1e-3) for image in (sample.truth, picture))
    found = []
    for look in sample.request.identity.looks:
        here = inner & (given["parts"][0] == look.part)
        if here.sum() < 2 * PART_PX:
            continue
        palette, level = np.array(look.albedo), true[here] @ LUMINANCE
        for shade in (False, True):
            chosen = level <= np.median(level) if shade else np.ones(len(level), bool)
            ratio = said[here][chosen].mean(0) / np.maximum(true[here][chosen].mean(0), 1e-3)
            found.append(Seen(who, look.part, palette, palette * ratio, shade))
    return found


def off_palette(colours: Iterable[Seen], *, shade: bool) -> dict[str, float]:
    """CIEDE2000 from the palette: hue (at the palette's luminance) and colour; median, 90th percentile and worst.

    between_*: hue between any two pictures of one part of one person.
    """
    chosen = [each for each in colours if each.shade == shade]
    palette, own = np.array([each.palette for each in chosen]), np.array([each.own for each in chosen])
    level = own * (palette @ LUMINANCE / (own @ LUMINANCE))[:, None]
    lab, lab_own, lab_level = lab_of(palette), lab_of(own), lab_of(level)
    told = {"hue": delta_e_2000(lab_level, lab), "colour": delta_e_2000(lab_own, lab)}
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row, each in enumerate(chosen):
        groups[each.who, each.part].append(row)
    apart = []
    for rows in groups.values():
        first, second = np.triu_indices(len(rows), 1)
        apart.append(delta_e_2000(lab_level[rows][first], lab_level[rows][second]))
    told["between"] = np.concatenate(apart)
    shares = {"": 0.5, "_p90": 0.9, "_worst": 1.0}
    return {name + end: round(float(np.quantile(x, at)), 2) for name, x in told.items() for end, at in shares.items()}


def spread(samples: Sequence[Sample], pictures: Sequence[Array]) -> float:
    """The report's figure of one person over its pictures: CIELAB from the mean, by area."""
    sums = [sums_of(s.request, picture, ROOT_M) for s, picture in zip(samples, pictures, strict=True)]
    parts = likeness(sums, [(_MOTION, k) for k in range(len(samples))])["parts"].values()
    return float(np.average([part["spread"] for part in parts], weights=[part["px"] for part in parts]))


def drift(model: Builtin, names: Sequence[str], views: int = 8, sizes: Sequence[int] = NEAR) -> dict[str, Any]:
    """Figures of the network alone and as it ships, over `names`, views, seeds and sizes; and the report's own figure."""
    painters = {"network alone": replace(model, keeps_palette=False), "as shipped": model}
    colours: dict[str, list[Seen]] = {name: [] for name in painters}
    spreads: dict[str, list[float]] = defaultdict(list)
    for name in names:
        for near in sizes:
            samples = from_all_sides(name, views, near)
            spreads["true pictures"].append(spread(samples, [sample.truth for sample in samples]))
            for seed in SEEDS:
                asked = [replace(sample.request, seed=seed) for sample in samples]
                for painter, paints in painters.items():
                    pictures = [result.takes[0, 0] for result in paints.generate(asked)]
                    pairs = zip(samples, pictures, strict=True)
                    colours[painter] += [colour for pair in pairs for colour in colours_in(*pair, who=name)]
                    spreads[painter].append(spread(samples, pictures))
    return {
        "off palette": {
            f"{painter}{', in shade' if shade else ''}": off_palette(found, shade=shade)
            for painter, found in colours.items()
            for shade in (False, True)
        },
        "likeness": {name: (round(float(np.mean(x)), 2), round(max(x), 2)) for name, x in spreads.items()},
    }


def table(told: dict[str, Any]) -> str:
    """The figures as tables in Markdown."""
    lines = ["| | hue off the palette | between pictures | with brightness |", "| --- | --- | --- | --- |"]
    for name, row in told["off palette"].items():
        cells = [
            f"{row[kind]:.1f} ({row[kind + '_p90']:.1f}, {row[kind + '_worst']:.1f})"
            for kind in ("hue", "between", "colour")
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| the report's figure over views | mean | worst person |", "| --- | --- | --- |"]
    lines += [f"| {name} | {mean:.1f} | {worst:.1f} |" for name, (mean, worst) in told["likeness"].items()]
    return "\n".join(lines)


def main() -> None:
    """Print how far colours drift, of every character that ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--model", type=Path, default=FOLDER)
    asked = parser.parse_args()
    print(table(drift(Builtin.open(asked.model), character_names(), asked.views)))


if __name__ == "__main__":
    main()
