"""Proxy geometry of set pieces by kind: which there are, in what sizes they can be built, and building one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assets.sets.camp import camp
from assets.sets.cover import rocks, scrub
from assets.sets.fortifications import fortress, gate, lone_keep, lone_tower, wall
from assets.sets.houses import street
from assets.sets.masonry import Mesh
from assets.sets.ridge import ridge, terrain
from assets.sets.site import Foot, Site, flat
from pipeline.errors import AssetError

__all__ = ["KINDS", "Foot", "Kind", "Mesh", "build", "flat"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A builder and the sizes that it builds, metres, least and most."""

    builder: Callable[[Site, float, float], None]
    width_m: tuple[float, float]
    height_m: tuple[float, float]


KINDS: dict[str, Kind] = {
    "fortress": Kind(fortress, (24, 2000), (7, 300)),
    "wall": Kind(wall, (3, 2000), (3.5, 300)),
    "tower": Kind(lone_tower, (3, 2000), (5, 300)),
    "keep": Kind(lone_keep, (6, 2000), (8, 300)),
    "gate": Kind(gate, (8, 60), (7, 60)),
    "camp": Kind(camp, (15, 400), (2, 8)),
    "street": Kind(street, (15, 60), (6, 20)),
    "ridge": Kind(ridge, (50, 20_000), (5, 3000)),
    "terrain": Kind(terrain, (20, 20_000), (1, 500)),
    "rocks": Kind(rocks, (2, 400), (0.1, 8)),
    "scrub": Kind(scrub, (2, 400), (0.2, 5)),
}


def build(kind: str, width_m: float, height_m: float, *, seed: int = 1, foot: Foot = flat, sink_m: float = 2.0) -> Mesh:
    """The mesh of a set piece in its own axes; height_m reaches from the ground under it to its highest point.

    Raises AssetError for an unknown kind and for sizes that it cannot be built in.
    """
    if kind not in KINDS:
        raise AssetError(f"set piece of kind {kind!r} is not known. Use one of {', '.join(KINDS)}.")
    known = KINDS[kind]
    (narrow, wide), (low, high) = known.width_m, known.height_m
    if not (narrow <= width_m <= wide and low <= height_m <= high):
        raise AssetError(
            f"a {kind} of {width_m:g} x {height_m:g} m cannot be built: width_m must be {narrow:g} to {wide:g}, "
            f"height_m {low:g} to {high:g}. Change the set piece."
        )
    site = Site(foot, sink_m, seed)
    known.builder(site, width_m, height_m)
    return site.mason.mesh()
