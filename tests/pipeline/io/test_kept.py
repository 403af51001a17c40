"""Facts of the user's cache: made once, whole or not at all, made again when damaged, never in the way."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pipeline.io.kept import VERSIONS, cache_folder, kept

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b1": np.array(2.5)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BATTLEPLATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def refused():
    raise AssertionError("it was made before")


def test_arrays_are_made_once_and_come_back_equal():
    first = kept("tables", "v1", "k1", lambda: dict(ARRAYS))
    again = kept("tables", "v1", "k1", refused)

    assert set(again) == set(first) == set(ARRAYS)
    assert all(np.array_equal(again[name], ARRAYS[name]) and again[name].dtype == ARRAYS[name].dtype for name in ARRAYS)


@pytest.mark.parametrize("change", [("v2", "k1"), ("v1", "k2")])
def test_other_code_or_another_key_is_made_anew(change):
    kept("tables", "v1", "k1", lambda: dict(ARRAYS))

    assert kept("tables", *change, lambda: {"a": np.ones(1)})["a"].shape == (1,)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone"])
def test_a_damaged_file_is_made_again(folder, damage):
    kept("tables", "v1", "k1", lambda: {"a": np.arange(5000)})
    (file,) = folder.rglob("*.npz")
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    file.write_bytes({"cut": data[: len(data) // 2], "flipped": data, "empty": b"", "gone": b""}[damage])
    if damage == "gone":
        file.unlink()

    assert kept("tables", "v1", "k1", lambda: {"a": np.ones(3)})["a"].sum() == 3
    assert kept("tables", "v1", "k1", refused)["a"].sum() == 3


def test_a_cache_that_cannot_be_written_is_done_without(folder):
    folder.write_text("a file, no folder")

    assert kept("tables", "v1", "k1", lambda: dict(ARRAYS))["b1"] == 2.5


def test_tables_of_code_long_gone_are_removed(folder):
    for number in range(6):
        kept("tables", f"v{number}", "k", lambda: dict(ARRAYS))
        os.utime(folder / "tables" / f"v{number}", (number + 1, number + 1))

    assert sorted(f.name for f in (folder / "tables").iterdir()) == [f"v{n}" for n in range(6 - VERSIONS, 6)]


def _many(seed: int) -> float:
    return float(sum(kept("t", "v", f"k{n}", lambda n=n: {"a": np.full(20_000, n)})["a"][seed] for n in range(20)))


def test_processes_that_make_the_same_at_once_both_get_it():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_many, [0, 7, 1, 3]) == [sum(range(20))] * 4


def test_the_cache_lies_where_the_user_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.delenv("BATTLEPLATE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_folder() == tmp_path / "battleplate"


def test_threads_read_at_once():
    """NumPy parses headers as Python, and CPython 3.11 mixes up two threads that do so when memory is collected meanwhile."""
    arrays = {str(number): np.full((4, 4), number, np.float64) for number in range(40)}
    kept("some", "c0de", "k3y", lambda: arrays)
    thresholds = gc.get_threshold()

    def read(deep: int) -> list[float]:
        if deep:
            return read(deep - 1)
        return [kept("some", "c0de", "k3y", dict)["39"][0, 0] for _ in range(10)]

    def collected(phase: str, info: dict) -> None:
        time.sleep(0)

    gc.callbacks.append(collected)
    gc.set_threshold(5)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = [task.result() for task in [pool.submit(read, 5 * number) for number in range(4)]]
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(collected)

    assert found == [[39.0] * 10] * 4
