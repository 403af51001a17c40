"""Which guides a sample brings: all of them, a pose map alone, depth alone, or any that would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from assets.people.characters import load_character
from assets.people.looks import worn
from assets.people.mesh import dressed
from assets.providers.request import Request
from assets.train.recipe import Recipe

ENOUGH_FOR_PEOPLE, ENOUGH_FOR_SETS = ("pose", "depth"), ("depth",)
_SETS_FROM = 32


def bring(request: Request, names: Iterable[str]) -> Request:
    """The request with these of its guides only; without part ids a person is told by what he wears."""
    names, identity = set(names), request.identity
    if "parts" not in names and not _is_set(request):
        identity = worn(identity, worn_parts(identity.name.split()[0]))
    return replace(request, guides=request.guides.only(names), identity=identity)


def bring_some(request: Request, recipe: Recipe, rng: np.random.Generator) -> Request:
    """The request as a user might send it: with every guide, or with few."""
    enough = ENOUGH_FOR_SETS if _is_set(request) else ENOUGH_FOR_PEOPLE
    usual: dict[tuple[str, ...], float] = {("depth",): recipe.depth_alone}
    if not _is_set(request):
        usual |= {("pose",): recipe.pose_alone, ("pose", "depth"): recipe.pose_and_depth}
    pick = rng.random()
    for names, share in usual.items():
        if pick < share:
            return bring(request, names)
        pick -= share
    return bring(request, _any(enough, rng) if pick < recipe.any_guides else _nearly_all(recipe, rng))


@lru_cache(maxsize=64)
def worn_parts(character: str) -> frozenset[int]:
    """Parts that a character's mesh has."""
    return frozenset(int(part) for part in np.unique(dressed(load_character(character)).parts))


def _any(enough: tuple[str, ...], rng: np.random.Generator) -> set[str]:
    others = {name for name in ("coverage", "depth", "normals", "parts", "pose") if rng.random() < 0.5}
    return others | {str(rng.choice(enough))}


def _nearly_all(recipe: Recipe, rng: np.random.Generator) -> set[str]:
    chances = {"pose": recipe.hide_pose, "depth": recipe.hide_depth, "normals": recipe.hide_normals}
    return {"coverage", "parts"} | {name for name, chance in chances.items() if rng.random() >= chance}


def _is_set(request: Request) -> bool:
    return any(look.part >= _SETS_FROM for look in request.identity.looks)
