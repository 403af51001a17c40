"""`battleplate apply` and `battleplate release`, with the words of those who know crowd and set."""

from __future__ import annotations

import getpass

import pytest

from pipeline.config import load_shot
from pipeline.decision_commands import apply, release, vocabulary
from pipeline.errors import BattleplateError, ReviewRefused, StoreError
from pipeline.screening.database import Database
from pipeline.screening.decisions import book, requests
from pipeline.screening.decisions.levers import levers_of
from pipeline.screening.records import ChangeRequest, User
from tests.pipeline.screening.decisions.smallshow import frame_of, write_show, write_version


@pytest.fixture
def shot(tmp_path):
    return write_show(tmp_path, "[review]\nrequire_approval = true\n")


@pytest.fixture
def review(shot):
    database = Database(f"sqlite:///{shot.parent.parent / 'review/review.db'}")
    people = [("ada", "supervisor"), (getpass.getuser(), "artist")]
    database.write(lambda session: session.add_all(User(name=name, role=role) for name, role in people))
    yield database
    database.close()


def ada(review):
    with review.read() as session:
        return book.user_named(session, "ada")


def test_a_request_is_applied_once(shot, review, capsys):
    loaded = load_shot(shot)
    number = book.ask_for(review, loaded, requests.ask(loaded, "crowd.zones[front].count", 80), ada(review), "Fewer.")
    show = shot.parent.parent / "show.toml"

    apply(number, show)

    assert "count = 80 # of them" in shot.read_text()
    assert "crowd.zones[front].count was 60, is 80" in capsys.readouterr().out
    with review.read() as session:
        row = session.get(ChangeRequest, number)
        assert (row.state, row.applied_by) == ("applied", getpass.getuser())
    with pytest.raises(ReviewRefused, match=f"is applied by {getpass.getuser()} already"):
        apply(number, show)


def test_a_stale_request_stays_and_can_be_forced(shot, review):
    loaded, show = load_shot(shot), shot.parent.parent / "show.toml"
    number = book.ask_for(review, loaded, requests.ask(loaded, "crowd.zones[front].count", 80), ada(review))
    shot.write_text(shot.read_text().replace("count = 60", "count = 70"))

    with pytest.raises(ReviewRefused, match="stale"):
        apply(number, show)
    with review.read() as session:
        assert session.get(ChangeRequest, number).state == "stale"
    apply(number, show, force=True)

    assert "count = 80 # of them" in shot.read_text()


def test_without_a_review_there_is_nothing_to_apply(shot):
    with pytest.raises(StoreError, match="there is no review beside it"):
        apply(1, shot.parent.parent / "show.toml")


def test_only_what_was_approved_is_released(shot, review):
    folder, loaded = write_version(shot), load_shot(shot)
    with pytest.raises(ReviewRefused, match="It is not approved"):
        release(shot)
    book.decide(review, loaded, 1, "approve", ada(review))
    was = frame_of(folder, 1002).read_bytes()
    frame_of(folder, 1002).write_bytes(b"other")
    with pytest.raises(ReviewRefused, match="void: frame 1002 changed"):
        release(shot)

    frame_of(folder, 1002).write_bytes(was)
    release(shot)

    assert (shot.parent.parent / "release/bp_010_0010_v001/report.json").is_file()
    assert book.standing_of(review, loaded, 1).status == "delivered"
    with pytest.raises(ReviewRefused, match="final"):
        release(shot)


def test_a_show_that_asks_for_nothing_needs_no_review(tmp_path):
    shot = write_show(tmp_path)
    write_version(shot)

    release(shot)

    assert (tmp_path / "release/bp_010_0010_v001/release.json").is_file()


def test_those_who_know_crowd_and_set_have_a_say(shot):
    words, loaded = vocabulary(), load_shot(shot)
    levers = {lever.path: lever for lever in levers_of(loaded, words)}

    assert "wedge" in levers["crowd.zones[front].formation"].words
    assert (levers["stages.match_look.crowd_exposure_ev"].least, levers["stages.match_look.set_saturation"].least) == (
        -16,
        0,
    )
    assert levers["set.pieces[keep].width_m"].most is not None
    for lever, value, line in (
        ("crowd.zones[front].formation", "tortoise", "must be one of phalanx"),
        ("crowd.zones[front].motion", "dance", "motion 'dance' is not known"),
        ("crowd.zones[front].characters", {"nobody": 1.0}, "nobody"),
        ("set.pieces[keep].width_m", 9000.0, "width_m is 9000, must be"),
        ("stages.match_look.crowd_slope", [-1.0, 1.0, 1.0], "match_look"),
    ):
        with pytest.raises(BattleplateError, match=line):
            requests.ask(loaded, lever, value, words)
