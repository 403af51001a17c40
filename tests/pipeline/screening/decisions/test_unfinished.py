"""A release whose process dies is finished where it was written down, and undone where it was not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline.config import load_shot
from pipeline.screening.database import Database
from pipeline.screening.decisions import book, unfinished
from pipeline.screening.decisions.book import By
from pipeline.screening.records import User
from tests.pipeline.screening.decisions.smallshow import write_show, write_version

# A process that dies where it is told to, without a word: no `finally` runs.
DYING = """
import os, sys
from pathlib import Path
from pipeline.config import load_shot
from pipeline.screening.database import Database
from pipeline.screening.decisions import book, unfinished

def die(*_, **__):
    os._exit(9)

if sys.argv[3] == "recorded":
    unfinished.appear = die
else:
    book._write = die
shot = load_shot(Path(sys.argv[1]))
book.deliver(Database(sys.argv[2]), shot, 1, book.By(1, "ada", "admin"), shot.file.parent.parent / "release")
"""


@pytest.mark.parametrize(("died", "status"), [("recorded", "delivered"), ("copied", "pending")])
def test_who_dies_in_a_release_leaves_nothing_half(tmp_path, died, status):
    file = write_show(tmp_path)
    write_version(file)
    shot, into, url = load_shot(file), tmp_path / "release", f"sqlite:///{tmp_path / 'review.db'}"
    database = Database(url)
    database.write(lambda session: session.add(User(name="ada", role="admin")))
    database.close()
    done = subprocess.run([sys.executable, "-c", DYING, str(file), url, died], check=False)
    assert (done.returncode, [p.name[:18] for p in into.iterdir()]) == (9, [".bp_010_0010_v001."])

    database = Database(url)
    said = book.settle(database, into)

    assert book.standing_of(database, shot, 1).status == status
    assert [p.name for p in into.iterdir()] == (["bp_010_0010_v001"] if died == "recorded" else [])
    assert ("finished" if died == "recorded" else "undone") in said[0]
    assert book.settle(database, into) == []
    if died == "copied":
        assert book.deliver(database, shot, 1, By(1, "ada", "admin"), into).folder.is_dir()
    database.close()


def test_the_copy_of_somebody_who_lives_is_theirs(tmp_path):
    copies = [tmp_path / f".a_v001.{host}.{os.getppid()}.tmp" for host in (unfinished._host(), "another-machine")]
    for copy in copies:
        copy.mkdir()

    assert unfinished.settle(tmp_path, lambda name, digest: False) == []
    assert all(copy.is_dir() for copy in copies)
    os.utime(copies[1], (0, 0))
    assert len(unfinished.settle(tmp_path, lambda name, digest: False)) == 1
