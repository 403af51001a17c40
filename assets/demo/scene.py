"""The whole static scene in one mesh."""

from __future__ import annotations

from assets.demo.mesh import SceneMesh, join
from assets.demo.plants import build_plants
from assets.demo.rocks import build_rocks
from assets.demo.ruins import build_ruins
from assets.demo.terrain import build_terrain


def build_scene(detail: float = 1.0) -> SceneMesh:
    """Ground, rocks, ruins, plants. detail: 1 for the full-size plate, less for quick stills."""
    return join([build_terrain(detail), *build_rocks(detail), *build_ruins(detail), *build_plants(detail)])
