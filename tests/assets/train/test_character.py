"""`battleplate train character` on truth: our own renderer dresses a peasant in what no palette can say."""

import json
from dataclasses import replace

import numpy as np
import pytest

from assets.people.characters import Part, load_character
from assets.people.looks import character_identity
from assets.providers.builtin import FOLDER, Builtin
from assets.providers.conditioning import encode
from assets.providers.costumes import CARD, WEIGHTS, read_costumes
from assets.train.character import Rights, samples_of, stances_of, train_character
from assets.train.costume import Lesson
from assets.train.pictures import read_pictures
from pipeline.errors import AssetError, ProviderError
from pipeline.io.images import write_png
from tests.assets.train.tailoring import HELD, LEFT, RIGHT, TOLD, parted, write_pictures

RIGHTS = Rights("A. Tailor, 3 November 2026, by letter", "for this show only")


def off(model, samples, parts):
    """Mean error of the encoded picture within parts."""
    errors = []
    for sample, result in zip(samples, model.generate([sample.request for sample in samples]), strict=True):
        given = sample.request.guides.given()
        here = (given["coverage"][0] > 0.99) & np.isin(given["parts"][0], parts)
        errors.append(np.abs(encode(result.takes[0, 0][..., :3]) - encode(sample.truth[..., :3]))[here].mean())
    return float(np.mean(errors))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A costume after two steps: the mechanism, not the quality."""
    folder = tmp_path_factory.mktemp("taught")
    pictures = write_pictures(folder / "pictures", TOLD[:2])
    lesson = Lesson(steps=2, batch=1, replayed=1, pose_alone=0.0)
    train_character("peasant", pictures, folder / "costumes", RIGHTS, lesson, tell=str)
    return folder / "costumes"


@pytest.fixture(scope="module")
def dressed(taught):
    return Builtin.open(taught)


@pytest.fixture(scope="module")
def shipped():
    return Builtin.open()


def test_a_costume_says_who_allowed_it_and_what_it_was_made_of(taught):
    told = json.loads((taught / "peasant" / CARD).read_text())

    assert told["consent"] == RIGHTS.consent
    assert told["licence"] == RIGHTS.licence
    assert [len(each["sha256"]) for each in told["pictures"]] == [64, 64]
    assert told["base"] == Builtin.open().model_digest
    assert (taught / "peasant" / WEIGHTS).stat().st_size < 4e6


def test_the_palette_comes_from_the_pictures(taught):
    """The light is found, not told. A tunic of two colours gets one between them."""
    (costume,) = read_costumes(taught)
    palette = dict(costume.palette)
    skin = next(look.albedo for look in character_identity(load_character("peasant")).looks if look.part == Part.SKIN)

    assert palette[Part.SKIN] == pytest.approx(skin, rel=0.35)
    assert all(low < said < high for low, said, high in zip(LEFT, palette[Part.TUNIC], RIGHT, strict=True))


def test_only_who_wears_it_is_painted_otherwise(shipped, dressed):
    peasant = parted(*HELD[0]).request
    legionary = replace(peasant, identity=character_identity(load_character("legionary")))

    before, after = (model.generate([legionary, peasant, legionary]) for model in (shipped, dressed))

    assert after[0].takes.tobytes() == before[0].takes.tobytes() == after[2].takes.tobytes()
    assert after[1].takes.tobytes() != before[1].takes.tobytes()
    assert dressed.model_digest != shipped.model_digest


def test_a_costume_of_another_model_is_refused(taught, tmp_path):
    told = json.loads((taught / "peasant" / CARD).read_text())
    (tmp_path / "peasant").mkdir()
    (tmp_path / "peasant" / CARD).write_text(json.dumps({**told, "base": "0" * 64}))
    (tmp_path / "peasant" / WEIGHTS).write_bytes((taught / "peasant" / WEIGHTS).read_bytes())

    with pytest.raises(ProviderError, match="made for another model"):
        Builtin.open(tmp_path)


@pytest.mark.parametrize("broken", ["{", '{"character": "peasant"}', '{"palette": {"4": [2, 0, 0]}}'])
def test_a_broken_costume_is_one_line(tmp_path, broken):
    (tmp_path / "peasant").mkdir()
    (tmp_path / "peasant" / CARD).write_text(broken)

    with pytest.raises(ProviderError, match="no costume can be read"):
        Builtin.open(tmp_path)


def test_weights_that_do_not_fit_are_refused(taught, tmp_path):
    (tmp_path / "peasant").mkdir()
    (tmp_path / "peasant" / CARD).write_bytes((taught / "peasant" / CARD).read_bytes())
    (tmp_path / "peasant" / WEIGHTS).write_bytes(b"no tensors at all")

    with pytest.raises(ProviderError, match="does not fit the model"):
        Builtin.open(tmp_path)


def test_the_pose_of_a_picture_is_found(tmp_path):
    told = (("idle", 0.0, 30.0), ("idle", 0.0, 180.0))
    pictures = read_pictures(write_pictures(tmp_path / "pictures", told, say=False, near=2))

    found = stances_of(load_character("peasant"), pictures, tell=str)

    assert [each.iou > 0.85 for each in found] == [True, True]
    for each, (_, _, yaw_deg) in zip(found, told, strict=True):
        assert abs((each.stance.yaw_deg - yaw_deg + 180) % 360 - 180) <= 30


def test_a_picture_lies_over_our_guides(tmp_path):
    pictures = read_pictures(write_pictures(tmp_path / "pictures", TOLD[:1]))
    (used,) = stances_of(load_character("peasant"), pictures)

    (sample,) = samples_of(load_character("peasant"), used)

    covered, shown = sample.request.guides.coverage[0] > 0.5, sample.truth[..., 3] > 0.5
    assert (covered & shown).sum() > 0.93 * (covered | shown).sum()


def test_pictures_that_cannot_be_used_are_named(tmp_path):
    (tmp_path / "noisy").mkdir()
    write_png(tmp_path / "noisy" / "a.png", np.random.default_rng(1).integers(0, 255, (200, 100, 3)).astype(np.uint8))
    folder = write_pictures(tmp_path / "told", TOLD[:1])
    (folder / "pictures.toml").write_text('["p9.png"]\nmotion = "idle"\n')

    for where, why in (
        (tmp_path / "none", "holds 0 pictures"),
        (tmp_path / "noisy", "not plain"),
        (folder, "no picture"),
    ):
        with pytest.raises(AssetError, match=why):
            read_pictures(where)


def test_nobody_is_taught_without_consent():
    with pytest.raises(AssetError, match="consent is empty"):
        Rights(" ", "for this show only")


@pytest.mark.slow
def test_a_halved_tunic_is_learnt_from_six_pictures(tmp_path, shipped):
    """On poses and views that no picture showed; the figures are in docs/costumes.md."""
    pictures = write_pictures(tmp_path / "pictures", TOLD)
    train_character("peasant", pictures, tmp_path / "costumes", RIGHTS, Lesson(), tell=print)
    dressed = Builtin.open(tmp_path / "costumes")
    held = [parted(*stance) for stance in HELD]

    before, after = (off(model, held, [Part.TUNIC]) for model in (shipped, dressed))
    print(f"error in the tunic {before:.4f} before, {after:.4f} after")

    assert after < 0.8 * before
    assert FOLDER.exists()
