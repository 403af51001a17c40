"""Facts of Cryptomatte: ids that other programs compute too, and a file that leads from a pixel to a name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.io import cryptomatte, exr

# From the unit tests of Psyop's Cryptomatte 1.2 (nuke/cryptomatte_utilities_tests.py).
PUBLISHED = {
    "hello": 6.0705627102400005616e-17,
    "cube": -4.08461912519e15,
    "sphere": 2.79018604383e15,
    "plane": 3.66557617593e-11,
    "равнина": -1.3192631212399999468e-25,
    "mädchen": 6.2361298211599995797e25,
}
NAMES = {100001: "vanguard_0001", 100002: "vanguard_0002", 200001: 'the "tall" one'}


@pytest.mark.parametrize("name", PUBLISHED)
def test_ids_are_the_published_ones(name):
    assert np.uint32(cryptomatte.id_of(name)).view(np.float32) == np.float32(PUBLISHED[name])


def test_no_id_is_a_float_that_gets_lost():
    ids = np.array([cryptomatte.id_of(f"agent_{n}") for n in range(20_000)], np.uint32)
    values = ids.view(np.float32)

    assert np.isfinite(values).all()
    assert (np.abs(values) >= np.finfo(np.float32).tiny).all()
    raw = np.array([cryptomatte.murmur3(f"agent_{n}".encode()) for n in range(20_000)], np.uint32)
    assert 20 < (raw != ids).sum() < 500  # about 1 in 128 needs the fix


def test_a_file_leads_from_pixels_to_names(tmp_path):
    numbers, coverage = np.zeros((2, 3, 4), np.uint32), np.zeros((2, 3, 4), np.float32)
    numbers[0, 1] = 200001, 100002, 100001, 0
    coverage[0, 1] = 0.5, 0.25, 0.25, 0

    exr.write(
        tmp_path / "m.exr",
        cryptomatte.channels("CryptoCrowd", numbers, coverage, NAMES),
        compression="zips",
        metadata=cryptomatte.metadata("CryptoCrowd", NAMES),
    )

    image = exr.read(tmp_path / "m.exr")
    (key,) = {name.split("/")[1] for name in image.metadata if name.startswith("cryptomatte/")}
    told = {name.split("/")[2]: value for name, value in image.metadata.items() if name.startswith("cryptomatte/")}
    assert (told["name"], told["hash"], told["conversion"]) == ("CryptoCrowd", "MurmurHash3_32", "uint32_to_float32")
    assert key == f"{cryptomatte.id_of('CryptoCrowd'):08x}"[:7]
    named = {int(code, 16): name for name, code in json.loads(told["manifest"]).items()}
    found = []
    for level in ("00", "01"):
        for code, cover in ("RG", "BA"):
            value = image.channels[f"CryptoCrowd{level}.{code}"]
            assert value.dtype == np.float32
            share = float(image.channels[f"CryptoCrowd{level}.{cover}"][0, 1])
            if share:
                found.append((named[int(value[0, 1].view(np.uint32))], share))
    assert found == [('the "tall" one', 0.5), ("vanguard_0002", 0.25), ("vanguard_0001", 0.25)]
    assert not image.channels["CryptoCrowd00.R"][1].any()


def test_a_number_without_a_name_is_refused():
    numbers = np.full((1, 1, 2), 7, np.uint32)

    with pytest.raises(KeyError):
        cryptomatte.channels("CryptoCrowd", numbers, np.ones((1, 1, 2), np.float32), NAMES)


def test_two_names_with_one_id_are_refused():
    """Of 200,000 numbers after `red_` these two meet: who picks one of them in Nuke would get both."""
    names = {1: "red_90431", 2: "red_125304"}
    assert cryptomatte.id_of(names[1]) == cryptomatte.id_of(names[2])

    with pytest.raises(ConfigError, match=r"CryptoCrowd: 'red_125304' and 'red_90431' have the same id 36ecce48"):
        cryptomatte.metadata("CryptoCrowd", names)
