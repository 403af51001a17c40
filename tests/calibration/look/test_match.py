"""A grade that nobody knows is met: wholly from like content, warily from unlike, never made up from nothing.

Scenes, palettes and grades are none of those that the known tones were learnt from.
"""

import numpy as np
import pytest

from assets.train.differences import delta_e_2000, lab_of
from benchmarks import colour_demo
from benchmarks.colour import Case, judge, pair
from benchmarks.colour_scenes import NAMES, PEOPLE, STANDING, director
from calibration.look.likeliest import USUAL
from calibration.look.match import match_tones
from calibration.look.tonestats import Tones


def test_the_same_scene_under_a_grade_is_brought_to_it():
    rows = [judge(Case("same", 7001 + n, layer))[1] for n in range(2) for layer in (STANDING, PEOPLE)]

    assert np.mean([row["ours"] for row in rows]) < 2.0 < np.mean([row["none"] for row in rows])
    assert all(row["ours"] < row["none"] for row in rows)


def test_the_same_materials_elsewhere_are_laid_over_each_other():
    rows = [judge(Case("alike", 7001 + n, layer))[1] for n in range(6) for layer in (STANDING, PEOPLE)]

    assert np.mean([row["ours"] for row in rows]) < 2.0 < np.mean([row["none"] for row in rows])
    assert sum(row["ours"] < row["none"] for row in rows) >= 11


def test_other_content_is_met_in_part_where_peers_do_harm():
    rows = [judge(Case("other", 7001 + n, layer))[1] for n in range(3) for layer in (STANDING, PEOPLE)]

    means = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
    assert means["ours"] < 0.9 * means["none"]
    assert means["ours"] < min(means[name] for name in ("Reinhard", "MKL", "histograms"))


def test_people_who_are_not_in_the_demo_plate_come_nearer_to_it():
    assert len(colour_demo.plate().of(PEOPLE)) > 1000
    rows = [judge(Case("demo people", 20 + n, PEOPLE))[1] for n in range(6)]

    assert np.mean([row["ours"] for row in rows]) < 0.85 * np.mean([row["none"] for row in rows])


def test_it_tells_the_same_from_something_else():
    same, other = (
        match_tones({name: plate.of(k) for k, name in enumerate(NAMES)}, {"standing": layer.of(STANDING)}, lights)
        for plate, layer, lights in (pair(Case(kind, 7004, STANDING)) for kind in ("same", "other"))
    )

    assert same.same + same.alike > 0.9 > 0.6 > other.same + other.alike
    assert other.strength < same.strength
    assert other.doubt.exposure_ev > 2 * same.doubt.exposure_ev


def test_an_ungraded_plate_moves_a_layer_by_little():
    plate, layer, lights = pair(Case("same", 7005, STANDING))
    own = layer.of(STANDING)

    found = match_tones({name: plate.of(k) for k, name in enumerate(NAMES)}, {"standing": own}, lights).tones

    assert float(delta_e_2000(lab_of(found.applied(own)), lab_of(own)).mean()) < 1.5


def test_a_plate_of_nothing_gives_no_grade_and_the_usual_doubt():
    found = match_tones({"ground": np.zeros((5, 3))}, {"people": np.ones((500, 3))}, {"people": (1.0, 1.0, 1.0)})

    assert found.tones == Tones()
    assert found.doubt.exposure_ev == pytest.approx(USUAL[0], rel=1e-6)


def test_equal_plates_give_equal_grades():
    plate, layer, lights = pair(Case("other", 7006, STANDING))
    graded = {name: director(3)(plate.of(k)) for k, name in enumerate(NAMES)}
    first, second = (match_tones(graded, {"standing": layer.of(STANDING)}, lights) for _ in range(2))

    assert first == second
