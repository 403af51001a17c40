"""Levers: what of a shot file may be asked for, with the limits that its sections themselves have."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pipeline.config import load_shot
from pipeline.errors import ConfigError, ReviewRefused
from pipeline.screening.decisions.levers import Vocabulary, levers_of, steps, value_of
from pipeline.screening.decisions.limits import fits, limits
from tests.pipeline.screening.decisions.smallshow import write_show


@dataclass(frozen=True, slots=True)
class Grade:
    crowd_exposure_ev: float = 0.0

    def __post_init__(self) -> None:
        if not -16 <= self.crowd_exposure_ev <= 16:
            raise ConfigError("too much")


WORDS = Vocabulary({"match_look": Grade}, {"Zone.formation": ("phalanx", "loose")})


@pytest.fixture
def levers(tmp_path):
    return {lever.path: lever for lever in levers_of(load_shot(write_show(tmp_path)), WORDS)}


def test_what_a_director_may_ask_for_is_there(levers):
    for path, kind, value in (
        ("crowd.seed", "whole number", 7),
        ("crowd.zones[front].count", "whole number", 60),
        ("crowd.zones[front].formation", "text", "phalanx"),
        ("crowd.zones[front].polygon_m", "list", [[0.0, 5.0], [9.0, 5.0], [9.0, 14.0]]),
        ("crowd.zones[front].characters", "table", {"legionary": 0.9, "officer": 0.1}),
        ("crowd.zones[front].characters[officer]", "number", 0.1),
        ("crowd.zones[front].motion", "text", "idle"),
        ("crowd.zones[rear].density", "number", 0.5),
        ("crowd.dust", "number", 0.4),
        ("set.pieces[keep].seed", "whole number", 1),
        ("set.pieces[keep].width_m", "number", 30.0),
        ("set.pieces[keep].distance_m", "number", 150.0),
        ("light.sun_elevation_deg", "number", 38.0),
        ("stages.match_look.crowd_exposure_ev", "number", 0.0),
    ):
        assert (levers[path].kind, levers[path].value) == (kind, value), path


def test_limits_are_those_that_the_sections_enforce(levers):
    for path, least, most in (
        ("crowd.zones[front].count", 0, None),
        ("crowd.zones[front].spacing_m", 0.2, None),
        ("crowd.dust", 0.0, 10.0),
        ("crowd.zones[front].dust", 0.0, 10.0),
        ("light.sun_elevation_deg", -5.0, 90.0),
        ("light.relight_strength", 0.0, 1.0),
        ("stages.match_look.crowd_exposure_ev", -16.0, 16.0),
    ):
        assert (levers[path].least, levers[path].most) == (least, most), path


def test_words_come_from_who_knows_them(levers):
    assert levers["crowd.zones[front].formation"].words == ("phalanx", "loose")


def test_what_is_the_artists_alone_is_no_lever(levers):
    names = {path.rpartition(".")[2] for path in levers}

    assert not names & {"provider", "name", "file", "layout", "captures", "path"}
    assert "set.pieces[keep].scale" not in levers  # of a file, and there is none


@pytest.mark.parametrize(
    "path",
    ["crowd.provider", "crowd.zones", "crowd.zones[nobody].count", "crowd.zones[front].name", "shot.name", "crowd",
     "", ".", "crowd..seed", "crowd.zones[front", "crowd.__class__", "stages.composite.light_wrap", "stages.match_look",
     "crowd.zones[front].count.real", "set.pieces[keep].file"],
)  # fmt: skip
def test_another_path_is_no_lever(tmp_path, path):
    with pytest.raises(ReviewRefused, match="no lever"):
        value_of(load_shot(write_show(tmp_path)), path, WORDS)


def test_every_lever_has_the_value_that_it_says(tmp_path):
    shot = load_shot(write_show(tmp_path))

    for lever in levers_of(shot, WORDS):
        assert value_of(shot, lever.path, WORDS) == lever.value, lever.path


def test_a_path_is_read_by_its_names():
    assert steps("crowd.zones[the archers].characters[officer]") == [
        "crowd",
        "zones",
        "the archers",
        "characters",
        "officer",
    ]


@dataclass(frozen=True, slots=True)
class Box:
    size: float = 1.0
    most: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.size < 2.5 or not 3 <= self.most <= 9:
            raise ConfigError("no")


def test_limits_are_found_by_asking():
    assert limits(fits(Box(), "size"), 1.0, whole=False) == (0.0, 2.5)
    assert limits(fits(Box(), "most"), 5, whole=True) == (3, 9)


def test_who_knows_more_is_asked_too():
    def check(box):
        if box.size > 2:
            raise ConfigError("too large")

    assert limits(fits(Box(), "size", check), 1.0, whole=False) == (0.0, 2.0)
