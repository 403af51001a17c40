"""Who was signed in a moment ago is known without asking; who no longer is, is not, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from pipeline.screening.database import Database
from pipeline.screening.people import present, sessions
from pipeline.screening.people.present import Present
from pipeline.screening.people.roles import Role
from pipeline.screening.records import User, now


class Signed:
    """A user with two sessions, and what remembers them."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.present = Present(self.database)
        self.id, self.token, self.other = self.database.write(self._join)

    @staticmethod
    def _join(session):
        user = User(name="ada", role=Role.ARTIST.value, password_hash="-", created=now())
        session.add(user)
        session.flush()
        return user.id, sessions.begin(session, user), sessions.begin(session, user)


@pytest.fixture
def signed(database_url):
    made = Signed(database_url)
    yield made
    made.database.close()


def test_a_person_is_remembered_by_their_own_token_alone(signed):
    assert signed.present.remembered(signed.token) is None

    asked = signed.present.ask(signed.token)

    assert asked.name == "ada"
    assert signed.present.remembered(signed.token) == asked
    assert signed.present.remembered(signed.other) is None
    assert signed.present.ask("another") is None


def leave(signed, session):
    sessions.end_all(session, signed.id)


def shut_out(signed, session):
    session.get(User, signed.id).disabled = True


@pytest.mark.parametrize("change", [leave, shut_out])
def test_whoever_is_signed_out_or_shut_out_is_so_with_the_next_answer(signed, change):
    signed.present.ask(signed.token)

    signed.database.write(lambda session: change(signed, session))

    assert signed.present.remembered(signed.token) is None
    assert signed.present.ask(signed.token) is None


def test_another_role_counts_with_the_next_answer(signed):
    signed.present.ask(signed.token)

    signed.database.write(lambda session: setattr(session.get(User, signed.id), "role", "client"))

    assert signed.present.remembered(signed.token) is None
    assert signed.present.ask(signed.token).role is Role.CLIENT


def test_a_write_about_something_else_forgets_nobody(signed):
    asked = signed.present.ask(signed.token)

    signed.database.write(lambda session: session.execute(text("DELETE FROM notes")))

    assert signed.present.remembered(signed.token) == asked


def test_what_another_process_changes_counts_within_a_moment(signed, monkeypatch):
    signed.present.ask(signed.token)
    elsewhere = Database(signed.database.engine.url.render_as_string(hide_password=False))
    elsewhere.write(lambda session: sessions.end_all(session, signed.id))
    elsewhere.close()
    later = present.time.monotonic() + present.A_MOMENT_S
    monkeypatch.setattr(present.time, "monotonic", lambda: later)

    assert signed.present.remembered(signed.token) is None
    assert signed.present.ask(signed.token) is None


def test_an_answer_that_a_change_overtook_is_not_remembered(signed, monkeypatch):
    found = sessions.find

    def overtaken(session, token):
        person = found(session, token)
        signed.database.write(lambda writing: sessions.end_all(writing, signed.id))
        return person

    monkeypatch.setattr(sessions, "find", overtaken)
    signed.present.ask(signed.token)

    assert signed.present.remembered(signed.token) is None
