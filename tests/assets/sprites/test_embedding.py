"""Points of people, kept in an index and read back: what is the same is at 0, and only what is alike is compared."""

from __future__ import annotations

import numpy as np
import pytest

from assets.sprites.atlas import VIEWS
from assets.sprites.demand import Wanted
from assets.sprites.embedding import apart, from_references, packed_all, points_of
from assets.sprites.identity import compared


def wanted(character, motion, view, variant=0, phase=0):
    return Wanted(character, motion, variant, view, phase)


def direction(pictures):
    """An encoder that sees the colour of a picture's first pixel."""
    points = np.stack([picture[0, 0, :3] for picture in pictures])
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def sprites(*colours):
    return np.stack([np.full((4, 4, 4), (*colour, 1.0), np.float16) for colour in colours])


def turned(deg):
    return np.cos(np.radians(deg)), np.sin(np.radians(deg)), 0.0


def test_each_motion_and_side_has_the_mean_of_its_middle_sprites():
    """Views 0 and 1 look at the front, 3 at its edge; half a turn is the back. The show's own go by their names."""
    name = "guard.3fa9c21b70de"
    rows = [wanted(name, "idle", 3), wanted(name, "idle", 0), wanted(name, "idle", 1), wanted(name, "idle", VIEWS // 2)]

    found = points_of(rows, sprites(turned(90), turned(0), turned(20), turned(60)), direction)

    [points] = [found["guard", "0"]]
    assert set(points) == {"idle 0", "idle 2"}
    expected = packed_all(np.array([turned(10), turned(60)]))
    assert apart(points, {"idle 0": expected[0]}) == pytest.approx(0, abs=1e-3)
    assert apart(points, {"idle 2": expected[1]}) == pytest.approx(0, abs=1e-3)


def test_the_distance_is_one_minus_cosine_where_both_were_seen():
    front, quarter, back = packed_all(np.array([turned(0), turned(60), turned(90)]))

    assert apart({"idle 0": front}, {"idle 0": front, "march 0": back}) == 0
    assert apart({"idle 0": front}, {"idle 0": quarter}) == pytest.approx(0.5, abs=1e-3)
    assert apart({"idle 0": front, "idle 1": front}, {"idle 0": quarter, "idle 1": back}) == pytest.approx(
        0.75, abs=1e-3
    )
    assert apart({"idle 0": front}, {"march 0": front}) is None
    assert from_references({"idle 0": front, "idle 2": back}, [quarter, back]) == pytest.approx(0.25, abs=1e-3)
    assert from_references({"idle 0": front}, []) is None


def test_shots_are_compared_by_one_encoder_only():
    front, quarter, back = packed_all(np.array([turned(0), turned(60), turned(90)]))

    def entry(point, encoder="e1", references=()):
        seen = {"encoder": encoder, "persons": {"0": {"idle 0": point}}, "references": list(references)}
        person = {"parts": {}, "shape": {}}
        return {"version": 1, "recipe": "r", "take": "", "seed": 1, "persons": {"0": person}, "seen": seen}

    own = {"guard": entry(front, references=[quarter]), "archer": entry(back)}
    found = compared(own, {"a": {"guard": entry(quarter)}, "b": {"guard": entry(front, "e2")}})["guard"]

    assert found["shots"]["a"]["seen"] == pytest.approx(0.5, abs=1e-3)
    assert "seen" not in found["shots"]["b"]
    assert found["seen"] == {"references": pytest.approx(0.5, abs=1e-3), "nearest_other": pytest.approx(1.0, abs=1e-3)}
