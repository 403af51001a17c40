"""The review database: opened by its address, brought to this version's tables, written by one thread.

Many small writes each pay for their own flush to disk; here those that wait are committed together, and each caller goes
on when its own write is on disk. Reads run beside them (SQLite in WAL mode, or PostgreSQL).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Executable, Row, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.errors import StoreError

T = TypeVar("T")
Write = Callable[[Session], T]

_TOGETHER = 64  # writes in one commit at most: bounds how long the first of them waits
_PATIENCE_S = 60.0


class Database:
    """The show's review database.

    url: an SQLAlchemy address: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`. Tables are made, or brought to this
    version. Raises StoreError when it cannot be opened, or was written by a newer version.
    after_commit is called on the writing thread after each commit (the audit's checkpoint).
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.after_commit: list[Callable[[], None]] = []
        try:
            _migrate(self.engine)
        except DBAPIError as error:
            raise StoreError(
                f"{self.name}: cannot be opened ({_reason(error)}). Check the address and its rights."
            ) from error
        self._waiting: queue.SimpleQueue[tuple[Write[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._writer = threading.Thread(target=self._write_all, name="review-writer", daemon=True)
        self._writer.start()

    @property
    def name(self) -> str:
        """The address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def local(self) -> bool:
        """A file on this machine (SQLite): reading waits for nobody."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session to read in; what is changed in it is thrown away."""
        with Session(self.engine, autoflush=False, expire_on_commit=False) as session:
            yield session

    def rows(self, asked: Executable, **given: Any) -> Sequence[Row[*tuple[Any, ...]]]:
        """What a question about columns finds, `given` for its parameters. A question that is built once and asked often
        costs a fifth of a session's.
        """
        with self.engine.connect() as connection:
            return connection.execute(asked, given).all()

    def submit(self, write: Write[T]) -> Future[T]:
        """Run `write` in the next commit; the future is done when that is on disk, or has what `write` raised.

        `write` runs on the writing thread, between others: it must be short. What it raises undoes it alone.
        """
        done: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.name}: is closed.")
            self._waiting.put((write, done))
        return done

    def write(self, write: Write[T]) -> T:
        """Run `write` in the next commit and wait until it is on disk. Raises what it raises."""
        return self.submit(write).result(_PATIENCE_S)

    async def written(self, write: Write[T]) -> T:
        """As `write`, for whoever must not hold up an event loop. Whoever no longer waits takes nothing back."""
        async with asyncio.timeout(_PATIENCE_S):
            return await asyncio.shield(asyncio.wrap_future(self.submit(write)))

    def close(self) -> None:
        """Finish what waits, then close."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._writer.join(_PATIENCE_S)
        self.engine.dispose()

    def _write_all(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            while len(batch) < _TOGETHER:
                try:
                    another = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if another is None:
                    last = True
                    break
                batch.append(another)
            self._commit(batch)
            if last:
                return

    def _commit(self, batch: list[tuple[Write[Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            with Session(self.engine, expire_on_commit=False) as session:
                for write, future in batch:
                    try:
                        with session.begin_nested():
                            result = write(session)
                        done.append((future, result))
                    except Exception as error:
                        future.set_exception(error)
                session.commit()
            for tell in self.after_commit:
                tell()
        except Exception as error:
            for _write, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for future, result in done:
            future.set_result(result)


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"{url}: is no database's address. Write sqlite:///FILE or postgresql://USER@HOST/NAME."
        ) from error
    kind = address.get_backend_name()
    if kind == "postgresql":
        return create_engine(address.set(drivername="postgresql+psycopg"), pool_size=20, pool_pre_ping=True)
    if kind != "sqlite" or not address.database or address.database == ":memory:":
        raise StoreError(
            f"{address.render_as_string(hide_password=True)}: a review is kept in an SQLite file or in PostgreSQL. "
            "Write sqlite:///FILE or postgresql://USER@HOST/NAME."
        )
    try:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        Path(address.database).touch(0o600)  # password hashes; SQLite gives its side files the same mode
    except OSError as error:
        raise StoreError(f"{address.database}: it cannot be made ({error.strerror}).") from error
    engine = create_engine(address, pool_size=20, max_overflow=40)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite's own BEGINs break savepoints; ours is sent in _engine
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def migrations() -> Config:
    """Alembic's settings, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _migrate(engine: Engine) -> None:
    config = migrations()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        here = set(MigrationContext.configure(connection).get_current_heads())
        if here - known:
            raise StoreError(
                f"{engine.url.render_as_string(hide_password=True)}: was written by a newer Battleplate "
                f"(tables {', '.join(sorted(here - known))}). Update Battleplate, or open another database."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _reason(error: SQLAlchemyError) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())
