"""What of a show lies on disk: found, read again when it changed, and what is wrong hides nothing else."""

from __future__ import annotations

import json

import pytest

from pipeline.screening import shows
from pipeline.screening.decisions.subject import subject_of
from pipeline.sections import LightFacts
from tests.pipeline.screening import ministudio


@pytest.fixture
def show(tmp_path, monkeypatch):
    monkeypatch.setattr(shows, "LOOK_AGAIN_S", 0.0)
    return shows.Shows(ministudio.make_show(tmp_path / "mini", ("bp_010_0010", "bp_010_0020"), versions=2))


def test_shots_have_their_sequence_and_versions(show):
    found = show.look()
    assert list(found.shots) == ["bp_010_0010", "bp_010_0020"]
    assert not found.broken
    shot = found.shots["bp_010_0020"]
    assert shot.sequence == "bp_010"
    assert [version.label for version in shot.versions] == ["v001", "v002"]
    assert shot.latest.folder.name == "bp_010_0020_v002"
    assert len(subject_of(shot.latest.folder).files) == 8
    assert shows.sequence_of("plain") == "plain"


def test_what_is_not_there_is_said(show):
    with pytest.raises(LookupError, match=r"no shot '\.\./x'"):
        show.shot("../x")
    with pytest.raises(LookupError, match="no version 7"):
        show.shot("bp_010_0010").version(7)


def test_a_new_version_and_a_changed_file_are_seen(show):
    before = show.look().shots["bp_010_0010"].shot
    place = show.show.parent / "bp_010_0010"
    ministudio.deliver(place / "delivery", "bp_010_0010", 11)
    assert [v.number for v in show.shot("bp_010_0010").versions] == [1, 2, 11]
    assert show.look().shots["bp_010_0010"].shot is before  # not read again
    file = place / "shot.toml"
    file.write_text(file.read_text().replace("version = 2", "version = 11"))
    assert show.shot("bp_010_0010").shot.info.version == 11


def test_versions_without_a_report_taken_away_or_of_another_writing_are_left_out(show):
    shot = show.look().shots["bp_010_0010"]
    place = shot.latest.folder.parent
    for odd in ("bp_010_0010_v0002", "bp_010_0010_v02", "bp_010_0010_v004", "bp_010_0010_v1x"):
        (place / odd).mkdir()
    assert [version.label for version in show.look().shots["bp_010_0010"].versions] == ["v001", "v002"]

    shot.versions[0].folder.rename(place / "away")
    assert [version.label for version in show.look().shots["bp_010_0010"].versions] == ["v002"]

    (place / "bp_010_0010_v004" / "report.json").write_text("{}")
    assert [version.label for version in show.look().shots["bp_010_0010"].versions] == ["v002", "v004"]


def test_a_shot_whose_name_begins_like_anothers_keeps_its_versions_apart(show):
    ministudio.deliver(show.show.parent / "bp_010_0010" / "delivery", "bp_010_0010_v001_b", 5)
    assert [v.number for v in show.shot("bp_010_0010").versions] == [1, 2]


def test_a_wrong_shot_file_hides_no_other(show):
    (show.show.parent / "bp_010_0010" / "shot.toml").write_text('[shot]\nname = "bp_010_0010"\nversoin = 3\n')
    found = show.look()
    assert list(found.shots) == ["bp_010_0020"]
    assert len(found.broken) == 1
    assert "bp_010_0010/shot.toml: [shot] and [plate] are needed" in found.broken[0]


def test_two_shots_of_one_name_are_told(show):
    (show.show.parent / "copy.toml").write_text((show.show.parent / "bp_010_0010" / "shot.toml").read_text())
    found = show.look()
    assert len(found.shots) == 2
    assert "named bp_010_0010 too" in found.broken[0]


def test_takes_are_read_and_damage_is_told(show):
    shot = show.shot("bp_010_0010").shot
    sheet = {"name": "gate", "kind": "piece", "takes": [{"name": f"t{n}", "provider": "p", "seed": n} for n in (1, 2)]}
    for name, text in (("gate", json.dumps(sheet)), ("tower", "{")):
        folder = shot.takes / "p" / name
        folder.mkdir(parents=True)
        (folder / "takes.json").write_text(text)
    takes, damaged = shows.takes_of(shot)
    assert [(t.piece, t.name, t.seed) for t in takes] == [("gate", "t1", 1), ("gate", "t2", 2)]
    assert len(damaged) == 1
    assert damaged[0].startswith("tower")


def test_who_cannot_wait_is_told_what_the_last_look_found(show, monkeypatch):
    assert show.known("bp_010_0010") is None  # nothing is remembered here
    monkeypatch.setattr(shows, "LOOK_AGAIN_S", 1e9)
    assert show.known("bp_010_0010") is None  # nobody has looked yet
    found = show.look().shots["bp_010_0010"]

    assert show.known("bp_010_0010") is found
    assert show.known("bp_010_0099") is None


def test_a_shot_file_that_changed_a_moment_ago_is_read_as_it_is_now(show, monkeypatch):
    monkeypatch.setattr(shows, "LOOK_AGAIN_S", 1e9)
    file = show.shot("bp_010_0010").shot.file
    file.write_text(file.read_text() + "\n[light]\nsun_elevation_deg = 12.0\n")

    assert show.shot("bp_010_0010").shot.sections[LightFacts].sun_elevation_deg == 12.0
    assert show.footage("bp_010_0010", 2).comp.path(1003).is_file()
    with pytest.raises(LookupError, match="has no version 9"):
        show.footage("bp_010_0010", 9)
