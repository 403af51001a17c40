"""takes.json: what was asked can be told years later, and nothing that was replaced is lost."""

from dataclasses import replace

import numpy as np
import pytest

from assets.takes import record
from assets.takes.record import NO_TAKES, Take, TakeSheet
from pipeline.errors import AssetError

SIZES = ((8, 4), (8, 6))


def sheet(*takes):
    return TakeSheet("guard", "character", ("front", "back"), SIZES, tuple(takes))


def take(number, recipe="r1"):
    requests = (f"{recipe} {number} front", f"{recipe} {number} back")
    return Take(
        f"t{number:02d}", number, "house", "m" * 64, "CC0-1.0", requests, "", "", recipe=recipe, metadata={"a": "b"}
    )


def test_what_is_written_is_read_again(tmp_path):
    record.write_sheet(tmp_path, sheet(take(1), take(2)))

    assert record.read_sheet(tmp_path) == sheet(take(1), take(2))
    assert record.read_sheet(tmp_path / "nothing") is NO_TAKES


def test_pictures_come_back_in_half_precision_and_above_white(tmp_path):
    pictures = [np.random.default_rng(n).uniform(0, 20, (*size, 4)).astype(np.float32) for n, size in enumerate(SIZES)]
    file, digest = record.write_pictures(tmp_path, "t01", ("a", "b"), pictures)
    own = replace(take(1), pictures=file, pictures_sha256=digest)

    again = record.read_pictures(tmp_path, sheet(own), own)

    for before, after in zip(pictures, again, strict=True):
        np.testing.assert_array_equal(before.astype(np.float16), after)


def test_damaged_pictures_are_refused(tmp_path):
    file, digest = record.write_pictures(tmp_path, "t01", ("a",), [np.ones((8, 4, 4), np.float32)])
    own = replace(take(1), pictures=file, pictures_sha256=digest)
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:-9])

    with pytest.raises(AssetError, match=r"is not what was written\. Propose the takes again"):
        record.read_pictures(tmp_path, sheet(own), own)


def test_further_takes_of_the_same_identity_stay():
    assert record.joined(sheet(take(1), take(2), take(3)), sheet(take(1))).names == ["t01", "t02", "t03"]


def test_takes_of_an_older_recipe_are_kept_as_earlier_ones():
    new = record.joined(sheet(take(1), take(2)), sheet(take(1, "r2")))
    newest = record.joined(new, sheet(take(1, "r3")))

    assert new.names == ["t01"]
    assert list(new.earlier) == [take(1), take(2)]
    assert list(newest.earlier) == [take(1), take(2), take(1, "r2")]
    assert record.joined(newest, sheet(take(1, "r3"))) == newest


def test_a_take_that_is_not_there_is_an_error_that_lists_what_there_is():
    with pytest.raises(AssetError, match=r"guard has no take 't09'\. Takes: t01, t02\."):
        sheet(take(1), take(2)).take("t09")


def test_a_damaged_record_is_one_line(tmp_path):
    (tmp_path / "takes.json").write_text('{"name": "guard", "takes"')

    with pytest.raises(AssetError, match=r"cannot be read .* propose the takes again"):
        record.read_sheet(tmp_path)
