"""Compression by name; and what a lossy one may not touch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.io import cryptomatte, exr, exrwrite
from pipeline.io.compression import LOSSLESS, Compression
from pipeline.output_sections import OutputBrief, WorkFiles

H, W = 70, 90


def planes() -> dict[str, np.ndarray]:
    """One plane of each kind that a comp holds: smooth colour with grain, and noise everywhere else."""
    rng = np.random.default_rng(5)
    ramp = np.linspace(0.1, 0.9, W, dtype=np.float32) + 0.05 * rng.standard_normal((H, W), np.float32)
    numbers = rng.integers(0, 4, (H, W, 2)).astype(np.uint32)
    crypto = cryptomatte.channels("CryptoObject", numbers, rng.random((H, W, 2), np.float32), {1: "a", 2: "b", 3: "c"})
    halves = {name: exr.half(rng.random((H, W), np.float32)) for name in ("crowd.A", "forward.u", "holdout.crowd")}
    colour = {name: exr.half(ramp) for name in ("R", "G", "B", "crowd.R")}
    exact = {"depth.Z": rng.random((H, W), np.float32) * 100, "crowd.id": rng.integers(0, 2**32, (H, W), np.uint32)}
    return {**colour, **halves, **exact, **crypto}


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_ones_give_every_bit_back(tmp_path: Path, name: str) -> None:
    given = planes()

    exr.write(tmp_path / "a.exr", given, compression=name)
    image = exr.read(tmp_path / "a.exr")

    assert image.channels.keys() == given.keys()
    assert all(np.array_equal(image.channels[n], given[n]) for n in given)


@pytest.mark.parametrize("text", ["dwaa:45", "dwab", "dwaa:200"])
def test_a_lossy_one_touches_colour_alone(tmp_path: Path, text: str) -> None:
    """OpenEXR would take a Cryptomatte's R and B for colour, and ruin its ids."""
    given = planes()

    exr.write(tmp_path / "a.exr", given, compression=text, metadata={"cryptomatte/x/name": "CryptoObject"})
    image = exr.read(tmp_path / "a.exr")

    colour = {"R", "G", "B", "crowd.R"}
    assert image.channels.keys() == given.keys()
    assert all(np.array_equal(image.channels[n], given[n]) for n in given.keys() - colour)
    change = max(np.abs(image.channels[n].astype(np.float32) - given[n].astype(np.float32)).max() for n in colour)
    assert 0 < change < 0.2
    assert image.metadata == {"cryptomatte/x/name": "CryptoObject"}


def test_another_reader_finds_the_ids_of_a_lossy_file_in_their_own_part(tmp_path: Path) -> None:
    import OpenImageIO as oiio

    given = planes()
    exr.write(tmp_path / "a.exr", given, compression="dwaa:45")

    parts = {}
    for number in range(oiio.ImageBuf(str(tmp_path / "a.exr")).nsubimages):
        part = oiio.ImageBuf(str(tmp_path / "a.exr"), number, 0)
        parts[part.spec().get_string_attribute("oiio:subimagename")] = part

    assert parts.keys() == {"rgba", "CryptoObject00"}
    found = parts["CryptoObject00"].get_pixels(oiio.FLOAT)[..., 0]
    assert np.array_equal(found.view(np.uint32), given["CryptoObject00.R"].view(np.uint32))


def test_a_higher_level_makes_a_smaller_file(tmp_path: Path) -> None:
    for level in (10, 400):
        exr.write(tmp_path / f"{level}.exr", planes(), compression=f"dwaa:{level}")

    assert (tmp_path / "400.exr").stat().st_size < (tmp_path / "10.exr").stat().st_size


@pytest.mark.parametrize("name", ["zip", "piz", "zstd", "dwaa:45"])
def test_threads_change_no_byte(tmp_path: Path, name: str) -> None:
    library = exrwrite.openexr()
    for threads in (0, 3):
        library.set_global_thread_count(threads)
        exr.write(tmp_path / f"{threads}.exr", planes(), compression=name)
    exrwrite.openexr.cache_clear()
    exrwrite.openexr()

    assert (tmp_path / "0.exr").read_bytes() == (tmp_path / "3.exr").read_bytes()


@pytest.mark.parametrize("text", ["", "gzip", "ZIP", "zip:4", "dwaa:", "dwaa:-1", "dwaa:0", "dwaa:501", "pxr24", "b44"])
def test_what_is_no_compression_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="compression"):
        Compression.parse(text)


def test_work_is_never_lossy_and_neither_is_the_comp_itself() -> None:
    with pytest.raises(ConfigError, match="loses colour at every stage"):
        WorkFiles("dwaa:45")
    assert OutputBrief("dwaa:45").master == "zip"
    assert OutputBrief("piz").master == "piz"
