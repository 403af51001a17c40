"""How near relit people come to the same people rendered in the asked light: `make bench-relight`.

Mean CIE 1976 difference inside the figures; pictures are rendered, nothing is painted. Beside ours, in the same run:
"times the normals" is what a compositor does by hand: the picture times the asked light on its normals, exposure kept;
"palette" throws the picture away and lights the looks' albedos, metal included; "told" is ours when the light it was painted
in is known instead of found.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.providers.conditioning import ground_light, paint_flat
from assets.providers.request import Light
from assets.providers.surfaces import light_on
from assets.relight.fit import fit
from assets.relight.light import HARMONICS, Found
from assets.relight.picture import relit
from assets.relight.sums import sums_of
from assets.sprites.likeness import lab_of
from assets.train.people import seen
from assets.train.samples import Sample
from pipeline.kernels.color import LUMINANCE

Array = np.ndarray[Any, Any]
PEOPLE = ("archer", "legionary", "officer", "peasant", "traveller")
YAWS_DEG = (0, 60, 135, 180, 250, 310)


def light(
    azimuth_deg: float, elevation_deg: float, sun: Any = (0.90, 0.80, 0.66), sky: Any = (0.20, 0.23, 0.29)
) -> Light:
    """Azimuth 0 is behind the camera, 90 from the right."""
    turn, up = np.radians(azimuth_deg), np.radians(elevation_deg)
    x, y, z = np.cos(up) * np.sin(turn), -np.sin(up), -np.cos(up) * np.cos(turn)
    return Light((float(x), float(y), float(z)), sun, sky)


LIGHTS = {
    "left": light(-60, 35),
    "right": light(55, 30),
    "front": light(10, 45),
    "behind": light(160, 30),
    "low right": light(90, 15, (1.0, 0.7, 0.4), (0.15, 0.2, 0.3)),
    "overcast": light(0, 60, (0.05, 0.05, 0.05), (0.75, 0.77, 0.80)),
}
PAIRS = (("left", "right"), ("front", "right"), ("low right", "left"), ("overcast", "left"), ("overcast", "low right"),
         ("left", "behind"), ("behind", "left"), ("left", "overcast"), ("left", "left"))  # fmt: skip


@lru_cache(maxsize=64)
def rendered(name: str, under: str) -> list[Sample]:
    who = load_character(name, 1)
    return [seen(_mesh(name), who, float(np.radians(yaw)), 0.05, LIGHTS[under]) for yaw in YAWS_DEG]


@lru_cache(maxsize=8)
def _mesh(name: str) -> Any:
    return posed_mesh(load_character(name, 1), "walk", 0.3)


def times_normals(wanted: Sample, painted: Array) -> Array:
    given = wanted.request.guides.given()
    gain = light_on(given["normals"][0], wanted.request.light)
    inside = painted[..., 3] > 0.5
    out = painted.copy()
    out[..., :3] *= gain / float((gain @ LUMINANCE)[inside].mean())
    return out


def palette(wanted: Sample, painted: Array) -> Array:
    given = wanted.request.guides.given()
    albedo, surface = paint_flat(given["parts"][0], wanted.request.identity)
    lit = albedo * light_on(given["normals"][0], wanted.request.light, surface[..., 0])
    return np.concatenate([lit * painted[..., 3:], painted[..., 3:]], axis=-1)


def known(painted_in: Light) -> Found:
    """The true light as a found one."""
    sky, ground = np.array(painted_in.sky_rgb), np.array(ground_light(painted_in))
    around = np.zeros((HARMONICS, 3))
    around[0], around[2] = (sky + ground) / 2, (sky - ground) / 2
    rows = tuple((float(r), float(g), float(b)) for r, g, b in around)
    return Found(painted_in.sun_direction, painted_in.sun_rgb, rows, 1.0, False)


def off(picture: Array, truth: Array) -> float:
    inside = truth[..., 3] > 0.5
    a, b = (lab_of(each[inside][:, :3] / each[inside][:, 3:]) for each in (picture, truth))
    return float(np.linalg.norm(a - b, axis=-1).mean())


def compare(before: str, after: str) -> tuple[dict[str, float], float]:
    """The difference of each way, and by how many degrees the sun was found elsewhere."""
    ways: dict[str, list[float]] = {}
    turns = []
    for name in PEOPLE:
        painted, wanted = rendered(name, before), rendered(name, after)
        sums = np.sum([sums_of(w.request, p.truth[None]) for p, w in zip(painted, wanted, strict=True)], axis=0)
        found, true = fit({LIGHTS[after]: sums}, painted[0].request.identity), known(LIGHTS[before])
        assert found is not None
        turns.append(np.degrees(np.arccos(np.clip(np.dot(found.to_sun, true.to_sun), -1, 1))))
        for p, w in zip(painted, wanted, strict=True):
            told = replace(true, right=before == after)
            pictures = {
                "as painted": p.truth,
                "ours": relit(w.request, 0, p.truth, found),
                "told": relit(w.request, 0, p.truth, told),
                "times the normals": times_normals(w, p.truth),
                "palette": palette(w, p.truth),
            }
            for way, picture in pictures.items():
                ways.setdefault(way, []).append(off(picture, w.truth))
    return {way: float(np.mean(values)) for way, values in ways.items()}, float(np.max(turns))


def main() -> None:
    rows = [(before, after, *compare(before, after)) for before, after in PAIRS]
    print("| painted in -> asked for |", " | ".join(rows[0][2]), "| sun found within |")
    print("|---" * (len(rows[0][2]) + 2) + "|")
    for before, after, ways, turn in rows:
        print(
            f"| {before} -> {after} |",
            " | ".join(f"{value:.1f}" for value in ways.values()),
            f"| {turn:.0f} deg |" if before != "overcast" else "| |",
        )


if __name__ == "__main__":
    main()
