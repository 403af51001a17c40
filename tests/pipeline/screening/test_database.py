"""The review database, SQLite and PostgreSQL alike: tables as declared, no write lost, one's failure is its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import bindparam, func, select, text

from pipeline.errors import StoreError
from pipeline.screening.database import Database
from pipeline.screening.records import Table, User


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


def test_migrations_make_what_records_declare(database):
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_writes_of_many_threads_all_arrive_and_a_failing_one_undoes_only_itself(database):
    def add(number):
        def write(session):
            session.add(User(name=f"user {number}", role="artist"))
            session.flush()
            if number % 10 == 7:
                raise ValueError(number)
            return number

        try:
            return database.write(write)
        except ValueError:
            return None

    with ThreadPoolExecutor(16) as pool:
        done = [number for number in pool.map(add, range(100)) if number is not None]

    with database.read() as session:
        names = set(session.scalars(select(User.name)))
    assert len(done) == 90
    assert names == {f"user {number}" for number in done}


def test_an_event_loop_waits_for_its_write_and_whoever_leaves_takes_nothing_back(database):
    gate = threading.Event()

    def add(name):
        def write(session):
            gate.wait(20)
            session.add(User(name=name, role="artist"))
            session.flush()
            return name

        return write

    def fail(session):
        raise ValueError("no")

    async def leave_and_ask():
        left = asyncio.create_task(database.written(add("left")))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        gate.set()
        with pytest.raises(ValueError, match="no"):
            await database.written(fail)
        return await database.written(add("waited"))

    assert asyncio.run(leave_and_ask()) == "waited"
    assert {row.name for row in database.rows(select(User.name))} == {"left", "waited"}


def test_rows_are_found_by_what_is_given(database):
    database.write(lambda s: s.add_all(User(name=name, role=role) for name, role in (("a", "artist"), ("b", "client"))))
    asked = select(User.name, User.created).where(User.role == bindparam("role"))

    (row,) = database.rows(asked, role="client")

    assert row.name == "b"
    assert row.created.utcoffset().total_seconds() == 0
    assert list(database.rows(asked, role="admin")) == []


def test_times_come_back_with_their_zone(database):
    made = database.write(lambda s: s.add(User(name="a", role="artist")))

    with database.read() as session:
        assert made is None
        assert session.scalar(select(User)).created.utcoffset().total_seconds() == 0


def test_a_database_of_a_newer_version_is_refused_in_one_line(database_url):
    opened = Database(database_url)
    opened.write(lambda s: s.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    opened.close()

    with pytest.raises(StoreError, match="newer Battleplate"):
        Database(database_url)


def test_what_was_committed_is_there_after_opening_again(database_url):
    opened = Database(database_url)
    opened.write(lambda s: s.add(User(name="a", role="artist")))
    opened.close()

    again = Database(database_url)
    with again.read() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1
    again.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://"])
def test_another_address_is_refused_in_one_line(url):
    with pytest.raises(StoreError, match="sqlite:///FILE or postgresql"):
        Database(url)
