"""The audit shows each way to falsify it, on both databases: changed, taken out, cut off, exchanged."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from pipeline.errors import StoreError
from pipeline.screening.database import Database
from pipeline.screening.people.audit import Seal, record


@pytest.fixture
def audited(database_url, tmp_path):
    database = Database(database_url)
    seal = Seal(database, tmp_path / "seal")
    database.after_commit.append(seal.sign)
    for number in range(5):
        database.write(lambda s, n=number: record(s, "ada", "approve", shot="bp_010_0010", n=n, share=0.1 * n))
    yield database, seal
    database.close()


def tamper(database, statement):
    with database.engine.begin() as connection:
        connection.execute(text(statement))


def test_an_honest_audit_is_whole_and_signed_to_its_end(audited):
    found = audited[1].verify()

    assert (found.entries, found.sealed, found.fault) == (5, 5, "")
    assert (audited[1].folder / "audit.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit SET who = 'eve' WHERE seq = 3", "entry 3 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE seq > 3", "entries 4 to 5 were cut off"),
        ("DELETE FROM audit", "entries 1 to 5 were cut off"),
    ],
)
def test_a_falsified_audit_tells_where(audited, statement, fault):
    tamper(audited[0], statement)

    assert audited[1].verify().fault == fault
    with pytest.raises(StoreError, match=fault):
        audited[1].check()


def test_a_tail_written_anew_is_not_the_signed_one(audited):
    database, seal = audited
    tamper(database, "DELETE FROM audit WHERE seq > 3")
    database.after_commit.clear()

    for _ in range(4):
        database.write(lambda s: record(s, "eve", "approve"))

    assert seal.verify().fault == "entry 5 is not the one that was signed"


def test_a_checkpoint_written_by_hand_is_refused(audited):
    file = audited[1].folder / "checkpoint.json"
    said = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**said, "seq": 3}), "utf-8")

    with pytest.raises(StoreError, match="signature is wrong"):
        audited[1].verify()
