"""A PostgreSQL of the tests' own: on a free port of this machine, in memory-backed or temporary space, gone afterwards."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OTHERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root


def programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += [Path(p) for p in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server; its address without a database. Raises RuntimeError, with the reason, where it cannot be."""
    place = programs()
    if place is None:
        raise RuntimeError("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    prefix = _somebody()
    with tempfile.TemporaryDirectory(prefix="bp_pg_", dir="/tmp") as base:
        os.chmod(base, 0o777)
        data, port = f"{base}/data", _free_port()
        _do(
            [
                *prefix,
                str(place / "initdb"),
                "-D",
                data,
                "-U",
                "review",
                "-A",
                "trust",
                "-N",
                "--no-locale",
                "-E",
                "UTF8",
            ]
        )
        quick = f"-c listen_addresses=127.0.0.1 -p {port} -k {base} -c fsync=off -c shared_buffers=16MB"
        control = [*prefix, str(place / "pg_ctl"), "-D", data]
        _do([*control, "-w", "-t", "60", "-l", f"{base}/log", "-o", quick, "start"])
        try:
            yield f"postgresql://review@127.0.0.1:{port}"
        finally:
            _do([*control, "-m", "immediate", "stop"])
            if prefix:
                _do([*prefix, "rm", "-rf", data])


def make_database(address: str, name: str) -> str:
    """A new, empty database of a server; its address."""
    import psycopg

    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{address}/{name}"


def _somebody() -> list[str]:
    """What to put before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    import pwd

    runner = shutil.which("runuser")
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in OTHERS if name in known), None)
    if user is None or runner is None:
        raise RuntimeError("PostgreSQL refuses to run as root, and there is no runuser or no user to run it as")
    return [runner, "-u", user, "--"]


def _do(command: list[str]) -> None:
    # Its own files for output: a server that lives on would hold a pipe open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", timeout=120)
        said.seek(0)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:6])}: {said.read().decode(errors='replace')[-300:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
