"""A kernel compiled from another's old source is not used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline.kernels.stale import forget_stale

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


def test_unchanged_sources_keep_what_was_compiled(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    forget_stale(tmp_path)
    index = tmp_path / "__pycache__" / "a.f-1.py311.nbi"
    index.write_bytes(b"")

    assert forget_stale(tmp_path) == 0
    assert index.exists()
    (tmp_path / "b.py").write_text("x = 2\n")
    assert forget_stale(tmp_path) == 1
    assert not index.exists()
