"""Whose pose is his own in a crowd's guides: who changes his motion, and who stands near enough to be looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assets.guides.crowd_people import Moment, People, people_of
from assets.near.bodies import Bodies
from assets.people.characters import load_character
from assets.people.mesh import mesh_of

NEAR_PX = 150.0  # who is ever so tall in the shot breathes, looks about and stands with each foot on the ground


def people_at(bodies: Bodies, row: int, ahead: int, near: NDArray[np.bool_]) -> People:
    """The crowd of `bodies` on the layout's frame `row`. ahead: as View.ahead; near: (N,) who has his own pose, and is the
    person of his sprites; all others are the first of their character."""

    def slope(x: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
        normal = bodies.normal(x, z)
        return np.asarray(-normal[:, [0, 2]] / normal[:, 1:2])

    there = int(np.clip(row + ahead, 0, len(bodies.agents.yaws) - 1))
    people = _as_persons(people_of(bodies.agents, row, ahead, slope), bodies, near)
    return with_own(people, bodies, near, (row, there))


def _as_persons(people: People, bodies: Bodies, near: NDArray[np.bool_]) -> People:
    """`people` in which those who are near are the persons that they are on their sprites."""
    characters, variants, wears = list(people.characters), [0] * len(people.characters), people.wears.copy()
    known = {(name, 0): worn for worn, name in enumerate(characters)}
    for agent in np.flatnonzero(near):
        person = bodies.agents.characters[agent], bodies.variant(int(agent))
        if person not in known:
            known[person] = len(characters)
            characters.append(person[0])
            variants.append(person[1])
        wears[agent] = known[person]
    return replace(people, characters=tuple(characters), variants=tuple(variants), wears=wears)


def with_own(people: People, bodies: Bodies, near: NDArray[np.bool_], rows: tuple[int, int]) -> People:
    """`people` with the own poses of some. near: (N,) who is near in the shot; rows: of the layout, now and there."""
    now = _own(people.now, bodies, near, rows[0])
    there = now if rows[0] == rows[1] else _own(people.there, bodies, near, rows[1])
    return replace(people, now=now, there=there)


def _own(moment: Moment, bodies: Bodies, near: NDArray[np.bool_], row: int) -> Moment:
    own, slopes = {}, moment.slopes.copy()
    for agent in range(len(near)):
        if near[agent]:
            own[agent] = bodies.placed(agent, row).mesh
            slopes[agent] = 0  # his feet stand on it already
        elif (pose := bodies.crossed(agent, row)) is not None:
            own[agent] = mesh_of(load_character(bodies.agents.characters[agent]), pose)
    return replace(moment, slopes=slopes, own=own)


def ever_near(
    positions: NDArray[np.floating],
    scales: NDArray[np.float64],
    poses: NDArray[np.float64],
    angles_px: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """(N,) who is NEAR_PX tall on any frame. positions: (F, N, 3) world; poses: (F, 4, 4) camera_from_world; angles_px: (F,)
    x/z from one pixel to the next."""
    away = np.einsum("fk,fnk->fn", poses[:, 2, :3], positions.astype(np.float64)) + poses[:, 2, 3:4]
    tall = 1.75 * scales / (np.maximum(away, 1e-3) * angles_px[:, None])
    return np.asarray(((away > 0) & (tall > NEAR_PX)).any(axis=0))
