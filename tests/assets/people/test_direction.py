"""Words and pictures of a recipe: who is shown must have agreed, and still agree."""

from datetime import date

import numpy as np
import pytest

from assets.people.characters import read_recipe
from assets.people.direction import read_direction, read_picture
from assets.providers.base import Capabilities
from assets.takes.telling import telling_of
from pipeline.errors import AssetError
from pipeline.io import exr, images

CONSENT = {"shown": "Ada", "given_by": "Ada", "until": date(2027, 12, 31)}
RECIPE = {"name": "guard", "version": 1, "licence": "CC0-1.0", "body": {}, "kit": ["tunic"]}


@pytest.fixture
def folder(tmp_path):
    pixels = np.zeros((6, 4, 4), np.uint8)
    pixels[:3] = (255, 128, 0, 255)
    images.write_png(tmp_path / "front.png", pixels)
    return tmp_path


def test_pictures_are_brought_to_premultiplied_acescg(folder):
    picture = read_picture(folder / "front.png")

    assert picture.shape == (6, 4, 4)
    assert picture.dtype == np.float32
    assert not picture[3:].any()
    exr.write(folder / "same.exr", exr.rgba_channels(picture))
    np.testing.assert_allclose(read_picture(folder / "same.exr"), picture, atol=1e-3)


def test_grey_stays_grey(folder):
    images.write_png(folder / "grey.png", np.full((2, 2), 128, np.uint8))

    np.testing.assert_allclose(read_picture(folder / "grey.png")[0, 0], [0.2158, 0.2158, 0.2158, 1], atol=2e-3)


def test_references_without_consent_are_refused(folder):
    with pytest.raises(AssetError, match=r"guard.toml: references are given without consent\. Add \[consent\]"):
        read_recipe({**RECIPE, "references": ["front.png"]}, "guard.toml", folder=folder)


def test_after_its_last_day_consent_is_no_more(folder):
    said = read_direction({"references": ["front.png"], "consent": CONSENT}, "guard.toml", folder)

    assert len(said.pictures("guard", date(2027, 12, 31))) == 1
    with pytest.raises(AssetError, match=r"guard: the consent of Ada to show Ada ended on 2027-12-31\. Renew it"):
        said.pictures("guard", date(2028, 1, 1))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"references": ["../front.png"]}, "lies outside of the recipe's folder"),
        ({"references": ["back.png"]}, "is no .png or .exr file beside it"),
        ({"references": "front.png"}, "must be a list"),
        ({"consent": {"shown": "Ada"}}, "needs shown, given_by and until"),
        ({"consent": {**CONSENT, "until": "2027"}}, "Write a date, such as 2027-12-31"),
        ({"consent": {**CONSENT, "shown": " "}}, "consent.shown"),
        ({"prompt": ["a"]}, "prompt must be text"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": True}, "seed is True"),
    ],
)
def test_what_cannot_be_understood_is_named(folder, said, message):
    with pytest.raises(AssetError, match=message):
        read_direction(said, "guard.toml", folder)


def test_a_provider_is_told_only_what_it_reads(folder):
    said = {"prompt": "worn oxhide", "negative": "shoes", "references": ["front.png"]}
    said["consent"] = {**CONSENT, "until": date.max}
    guard = read_recipe({**RECIPE, **said}, "guard.toml", folder=folder)
    none = frozenset[str]()

    deaf, reader = (
        telling_of(guard, Capabilities(none, none), 5),
        telling_of(guard, Capabilities(none, none, reads_prompt=True, reads_references=True), 5),
    )

    assert (deaf.prompt, deaf.negative, deaf.references) == ("", "", ())
    assert (reader.prompt, reader.negative, len(reader.references)) == ("worn oxhide", "shoes", 1)
