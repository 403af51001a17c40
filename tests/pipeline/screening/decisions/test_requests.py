"""Change requests: refused at once when they are wrong, applied without touching anything else of the file."""

from __future__ import annotations

import difflib
import tomllib

import pytest

from pipeline.config import load_shot
from pipeline.errors import BattleplateError, ConfigError, ReviewRefused
from pipeline.screening.decisions.levers import Vocabulary, value_of
from pipeline.screening.decisions.requests import Asked, apply, ask, pick
from pipeline.sections import LightFacts
from tests.pipeline.screening.decisions.smallshow import write_show
from tests.pipeline.screening.decisions.test_levers import WORDS


@pytest.fixture
def file(tmp_path):
    return write_show(tmp_path)


def lines_changed(before: str, after: str) -> list[str]:
    diff = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return [line for line in diff if not line.startswith("@@") and line not in "+-"]


@pytest.mark.parametrize(
    ("lever", "value", "changes"),
    [
        ("crowd.zones[front].count", 80, ["-count = 60 # of them", "+count = 80 # of them"]),
        ("crowd.seed", 8, ["-seed = 7 # of everybody", "+seed = 8 # of everybody"]),
        ("crowd.zones[front].formation", "loose", ['-formation = "phalanx"', '+formation = "loose"']),
        ("set.pieces[keep].width_m", 32, ["-width_m = 30.0 # to the ridge", "+width_m = 32.0 # to the ridge"]),
        ("set.pieces[keep].width_m", None, ["-width_m = 30.0 # to the ridge"]),
        ("crowd.zones[front].motion", "cheer", ['+motion = "cheer"']),
        ("crowd.zones[front].wave", {"towards_deg": 90, "speed_mps": 6.0}, ["+wave = { towards_deg = 90, speed_mps = 6.0 }"]),
        ("stages.match_look.crowd_exposure_ev", 0.5, ["+[stages.match_look]", "+crowd_exposure_ev = 0.5"]),
        (
            "crowd.zones[front].characters",
            {"archer": 2.0, "an-odd name": 1.0},
            [
                "-characters = { legionary = 0.9, officer = 0.1 }",
                '+characters = { archer = 2.0, "an-odd name" = 1.0 }',
            ],
        ),
        (
            "crowd.zones[front].polygon_m",
            [[0.0, 5.0], [9.0, 5.0]],
            ["-polygon_m = [[0.0, 5.0], [9.0, 5.0], [9.0, 14.0]]", "+polygon_m = [[0.0, 5.0], [9.0, 5.0]]"],
        ),
    ],
)  # fmt: skip
def test_a_change_touches_its_own_lines_alone(file, lever, value, changes):
    before = file.read_text()
    change = ask(load_shot(file), lever, value, WORDS)
    assert file.read_text() == before  # asking writes nothing

    apply(file, change.asked, WORDS)

    assert lines_changed(before, file.read_text()) == changes
    held = value_of(load_shot(file), lever, WORDS)
    assert held == value or {**held, **value} == held


def test_a_weight_is_added_and_taken_out(file):
    apply(file, Asked("crowd.zones[front].characters[archer]", 0.2, None))
    apply(file, Asked("crowd.zones[front].characters[officer]", None, 0.1))

    zone = tomllib.loads(file.read_text())["crowd"]["zones"][0]
    assert zone["characters"] == {"legionary": 0.9, "archer": 0.2}


@pytest.mark.parametrize(
    ("lever", "value", "line"),
    [
        ("crowd.zones[front].count", -4, "count is -4, must be above -1"),
        ("crowd.zones[front].count", "many", "expected a whole number, found 'many'"),
        ("crowd.zones[front].density", 0.4, "both count and density are given"),
        ("crowd.dust", 11, "dust is 11, must be 0 to 10"),
        ("crowd.dust", True, "expected a number, found True"),
        ("crowd.dust", float("nan"), "."),
        ("crowd.dust", 10**400, "cannot be that large"),
        ("crowd.zones[front].motion", "\ud800", "cannot write"),
        ("crowd.zones[front].formation", "tortoise", "must be one of phalanx, loose"),
        ("light.sun_rgb", [1, 2], "expected a list of 3 values"),
        ("stages.match_look.crowd_exposure_ev", 17, "too much"),
        ("set.pieces[keep].take", "t99", "no take's name"),
        ("crowd.zones[front].count", 60, "is 60 already"),
    ],
)
def test_what_would_stop_the_shot_is_said_at_once(file, lever, value, line):
    before = file.read_text()

    with pytest.raises(BattleplateError, match=line) as refused:
        ask(load_shot(file), lever, value, WORDS)

    assert "\n" not in str(refused.value)
    assert file.read_text() == before


def test_who_knows_more_than_the_machinery_has_a_say(file):
    def check(shot):
        raise ConfigError("crowd zone front: its polygon holds 40 people.")

    with pytest.raises(ConfigError, match="holds 40 people"):
        ask(load_shot(file), "crowd.zones[front].count", 80, Vocabulary(check=check))


def test_a_stale_request_is_refused_unless_forced(file):
    asked = ask(load_shot(file), "crowd.zones[front].count", 80).asked
    file.write_text(file.read_text().replace("count = 60", "count = 70"))
    before = file.read_text()

    with pytest.raises(ReviewRefused, match=r"count is 70, was 60 when 80 was asked for: stale"):
        apply(file, asked)
    assert file.read_text() == before

    apply(file, asked, force=True)
    assert "count = 80 # of them" in file.read_text()


def test_a_pick_is_a_change_of_the_shot_files_picks(file):
    person, piece = pick(load_shot(file), "legionary", "t02").asked, pick(load_shot(file), "keep", "t03").asked
    apply(file, person)
    apply(file, piece)

    data = tomllib.loads(file.read_text())
    assert data["crowd"]["picks"] == {"legionary": "t02"}
    assert data["set"]["pieces"][0]["take"] == "t03"


def test_what_stands_in_the_shows_file_is_changed_there(tmp_path):
    own = '[shot]\nname = "a"\n[plate]\npath = "p.mov"\n'
    file = write_show(tmp_path, '[set]\n[[set.pieces]]\nname = "keep"\n', own)

    with pytest.raises(ReviewRefused, match=r"Is it in show\.toml\? Change it there"):
        ask(load_shot(file), "set.pieces[keep].seed", 5)


def test_a_section_of_the_shows_file_is_overridden_by_the_shots(tmp_path):
    file = write_show(tmp_path, "[light]\nsun_azimuth_deg = 10.0\nsun_elevation_deg = 20.0\n")

    apply(file, ask(load_shot(file), "light.sun_azimuth_deg", 30.0).asked)

    light = load_shot(file).sections[LightFacts]
    assert (light.sun_azimuth_deg, light.sun_elevation_deg) == (30.0, 20.0)


def test_line_ends_of_another_system_stay(file):
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    apply(file, Asked("crowd.zones[front].count", 80, 60))

    assert b"count = 80 # of them\r\n" in file.read_bytes()
    assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n")
