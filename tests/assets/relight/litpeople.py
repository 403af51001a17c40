"""The same people rendered under any light: the truth that relighting is held against."""

from functools import lru_cache

import numpy as np

from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.providers.request import Light
from assets.sprites.likeness import lab_of
from assets.train.people import seen

YAWS_DEG = (0, 75, 180, 290)


def light(azimuth_deg, elevation_deg, sun=(0.90, 0.80, 0.66), sky=(0.20, 0.23, 0.29)):
    """Azimuth 0 is behind the camera, 90 from the right."""
    turn, up = np.radians(azimuth_deg), np.radians(elevation_deg)
    towards = np.cos(up) * np.sin(turn), -np.sin(up), -np.cos(up) * np.cos(turn)
    return Light(tuple(float(v) for v in towards), sun, sky)


LIGHTS = {
    "left": light(-60, 35),
    "right": light(55, 30),
    "low": light(90, 15, (1.0, 0.7, 0.4), (0.15, 0.2, 0.3)),
    "behind": light(160, 30),
    "overcast": light(0, 60, (0.05, 0.05, 0.05), (0.75, 0.77, 0.80)),
}


@lru_cache(maxsize=8)
def people(name, under):
    """Requests and true pictures of somebody who walks, seen from several sides."""
    who = load_character(name, 1)
    mesh = _mesh(name)
    return [seen(mesh, who, float(np.radians(yaw)), 0.05, LIGHTS[under]) for yaw in YAWS_DEG]


@lru_cache(maxsize=4)
def _mesh(name):
    return posed_mesh(load_character(name, 1), "walk", 0.3)


def off(picture, truth):
    """Mean CIE 1976 difference inside the figure."""
    inside = truth[..., 3] > 0.5
    straight = [each[inside][:, :3] / each[inside][:, 3:] for each in (picture, truth)]
    return float(np.linalg.norm(lab_of(straight[0]) - lab_of(straight[1]), axis=-1).mean())


def apart_deg(one, other):
    return float(np.degrees(np.arccos(np.clip(np.dot(one, other), -1, 1))))
