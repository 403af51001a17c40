"""How versions stand is remembered for as long as it is promised, and never against what lies on disk."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from pipeline.screening import standings
from pipeline.screening.database import Database
from pipeline.screening.decisions.subject import subject_of
from pipeline.screening.people.roles import Role
from pipeline.screening.records import Decision, User
from pipeline.screening.shows import Shows
from pipeline.screening.standings import Standings
from tests.pipeline.screening import ministudio

SHOT = "bp_010_0010"


class Approved:
    """A version that is approved, what remembers it, and a clock that only `wait` moves."""

    def __init__(self, root, monkeypatch) -> None:
        shows = Shows(ministudio.make_show(root / "mini", (SHOT,)))
        self.version = shows.shot(SHOT).latest
        self.database = Database(f"sqlite:///{root / 'review.db'}")
        self.standings, self.looks, self._moment = Standings(self.database), 0, 100.0
        subject = subject_of(self.version.folder)
        self.database.write(lambda session: self._approve(session, subject))
        monkeypatch.setattr(standings, "time", SimpleNamespace(monotonic=lambda: self._moment))
        thorough = standings.stands

        def counted(*args):
            self.looks += 1
            return thorough(*args)

        monkeypatch.setattr(standings, "stands", counted)

    @staticmethod
    def _approve(session, subject):
        user = User(name="ada", role=Role.SUPERVISOR.value, password_hash="-")
        session.add(user)
        session.flush()
        told = {"digest": subject.digest, "detail": subject.plain(), "by_id": user.id}
        session.add(Decision(shot=SHOT, version=1, kind="approve", **told))

    def words(self, **how) -> str:
        return self.standings.of(self.version, self.standings.made(), **how).words

    def wait(self) -> None:
        self._moment += standings.LOOK_AGAIN_S

    def frame(self, number: int):
        return self.version.folder / "exr" / f"{SHOT}_comp_v001.{number}.exr"


@pytest.fixture
def approved(tmp_path, monkeypatch):
    made = Approved(tmp_path, monkeypatch)
    yield made
    made.database.close()


def test_what_did_not_change_is_looked_through_once(approved):
    assert approved.words() == "approved"
    approved.wait()

    assert (approved.words(), approved.words(now=True), approved.looks) == ("approved", "approved", 1)


def overwrite(approved):
    """The same size and the same time of change: only the file's other times tell."""
    file = approved.frame(1003)
    was = file.stat()
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns + 1))


def remove(approved):
    approved.frame(1003).unlink()


def exchange(approved):
    """Another file is put in its place."""
    other = approved.frame(1003).with_suffix(".tmp")
    other.write_bytes(approved.frame(1004).read_bytes())
    other.replace(approved.frame(1003))


@pytest.mark.parametrize("change", [overwrite, remove, exchange])
def test_a_changed_frame_voids_the_approval_at_the_next_look(approved, change):
    assert approved.words() == "approved"
    change(approved)

    assert approved.words() == "approved"  # as it was a moment ago
    approved.wait()
    assert approved.words() == "void: frame 1003 changed"


@pytest.mark.parametrize("change", [overwrite, remove, exchange])
def test_who_asks_how_it_stands_now_is_told_at_once(approved, change):
    assert approved.words() == "approved"
    change(approved)

    assert approved.words(now=True) == "void: frame 1003 changed"


def test_pixels_that_came_back_are_approved_again(approved):
    content = approved.frame(1003).read_bytes()
    remove(approved)
    assert approved.words() == "void: frame 1003 changed"
    approved.frame(1003).write_bytes(content)

    assert approved.words(now=True) == "approved"


def test_a_report_of_another_delivery_voids_the_approval(approved):
    assert approved.words() == "approved"
    report = approved.version.folder / "report.json"
    report.write_text(report.read_text("utf-8").replace("exr/", "other/", 1), "utf-8")

    assert approved.words(now=True).startswith("void: ")


def test_a_decision_counts_with_the_next_question(approved):
    assert approved.words() == "approved"
    approved.database.write(
        lambda session: session.add(Decision(shot=SHOT, version=1, kind="request_changes", by_id=1, text="Darker."))
    )

    assert approved.words() == "changes requested"
