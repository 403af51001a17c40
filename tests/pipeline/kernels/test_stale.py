"""A kernel compiled from another's old source is not used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline.kernels.stale import STAMP, forget_stale

INNER = "from numba import njit\n\n@njit(cache=True)\ndef inner(x):\n    return x + {}\n"
OUTER = "from numba import njit\nfrom box.inner import inner\n\n@njit(cache=True)\ndef outer(x):\n    return inner(x)\n"
INIT = (
    "from pathlib import Path\nfrom pipeline.kernels.stale import forget_stale\nforget_stale(Path(__file__).parent)\n"
)


def run(folder, code):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    env.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.parametrize(("init", "second"), [("", 2), (INIT, 3)], ids=["numba alone keeps the old one", "ours"])
def test_a_change_in_an_imported_kernel_is_seen(tmp_path, init, second):
    box = tmp_path / "box"
    box.mkdir()
    (box / "__init__.py").write_text(init)
    (box / "inner.py").write_text(INNER.format(1))
    (box / "outer.py").write_text(OUTER)
    ask = "from box.outer import outer; print(outer(1))"
    assert run(tmp_path, ask) == 2
    (box / "inner.py").write_text(INNER.format(2) + "\n")

    assert run(tmp_path, ask) == second


def compiled(folder, *stems):
    """Index files as numba names them, one for each module."""
    for stem in stems:
        (folder / "__pycache__" / f"{stem}.f-1.py311.nbi").write_bytes(b"")


def kept(folder):
    return {index.name.split(".")[0] for index in (folder / "__pycache__").glob("*.nbi")}


@pytest.fixture
def chain(tmp_path):
    """c needs b, b needs a, `a_b` and d need none of them; all are compiled."""
    sources = {
        "a": "x = 1\n",
        "b": "from box.a import (\n    x,\n)\n",
        "c": "def late():\n    from box import b\n",
        "a_b": "import math\n",
        "d": "word = 'import nothing of a'\n",
    }
    for stem, source in sources.items():
        (tmp_path / f"{stem}.py").write_text(source)
    forget_stale(tmp_path)
    compiled(tmp_path, *sources)
    return tmp_path


def test_unchanged_sources_keep_what_was_compiled(chain):
    assert forget_stale(chain) == 0
    assert kept(chain) == {"a", "b", "c", "a_b", "d"}


@pytest.mark.parametrize(
    ("changed", "left"), [("a", {"a_b", "d"}), ("b", {"a", "a_b", "d"}), ("d", {"a", "b", "c", "a_b"})]
)
def test_a_change_is_forgotten_with_all_that_import_it_and_nothing_else(chain, changed, left):
    (chain / f"{changed}.py").write_text((chain / f"{changed}.py").read_text() + "y = 2\n")

    assert forget_stale(chain) == 5 - len(left)
    assert kept(chain) == left
    assert forget_stale(chain) == 0


def test_a_new_file_forgets_nothing(chain):
    (chain / "e.py").write_text("x = 2\n")

    assert forget_stale(chain) == 0
    assert len(kept(chain)) == 5


@pytest.mark.parametrize("stamp", [None, "no json", "[1]"])
def test_all_is_forgotten_where_it_is_not_known_what_was_compiled(chain, stamp):
    path = chain / "__pycache__" / STAMP
    path.unlink() if stamp is None else path.write_text(stamp)

    assert forget_stale(chain) == 5
