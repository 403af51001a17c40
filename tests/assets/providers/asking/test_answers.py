"""Kept answers come back bit by bit, explain themselves, can be asked again, and show any damage."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.asking import answers
from assets.providers.base import Capabilities
from assets.providers.request import GUIDE_CHANNELS, Guides, Identity, Light, PartLook, Request, Result
from pipeline.errors import StoreError
from pipeline.io import exr
from pipeline.provider_sections import ComfyServer
from tests.assets.providers.contract_service import ask

ALL = Capabilities(guides=frozenset(GUIDE_CHANNELS), needed=frozenset({"init"}), reads_prompt=True)
ORIGIN = answers.Origin(
    "house", "comfyui", ComfyServer("http://127.0.0.1:8188", "flow.json"), (7,), "2026-11-28T12:00:00"
)


@pytest.fixture
def request_asked() -> Request:
    video = ask(ALL, (24, 32), frames=3, seed=5)
    guides = Guides(**video.guides.given(), mask=np.ones((3, 32, 24), np.float32))
    looks = (PartLook(4, (1, 0.25, 0.1), metallic=0.5),)  # 1 and 1.0 have other digests
    return replace(
        video,
        guides=guides,
        identity=Identity("märz", looks),
        references=(np.full((8, 6, 4), 0.5, np.float32), np.zeros((4, 4, 4), np.float32)),
        light=Light(sun_rgb=(1, 2.5, 1e-7)),
        negative="rain",
        strength=0.75,
        count=2,
    )


@pytest.fixture
def result(request_asked):
    takes = np.random.default_rng(1).normal(size=(2, 3, 32, 24, 4)).astype(np.float32) * 1e4
    return Result(takes, request_asked.digest(), "d" * 64, "CC0-1.0", 0.08, {"sampler": "euler"})


@pytest.fixture
def key(tmp_path, request_asked, result):
    key = answers.key_of("house", result.model_digest, request_asked.digest())
    answers.keep(tmp_path, key, request_asked, result, ORIGIN)
    return key


def test_an_answer_comes_back_bit_by_bit(tmp_path, key, result):
    loaded = answers.load(tmp_path, key)

    assert loaded.takes.dtype == np.float32
    assert np.array_equal(loaded.takes, result.takes)
    assert (loaded.cost_usd, loaded.licence, loaded.metadata) == (0.08, "CC0-1.0", {"sampler": "euler"})
    assert (loaded.model_digest, loaded.request_digest) == (result.model_digest, result.request_digest)


def test_takes_are_pictures_that_any_program_of_the_trade_opens(tmp_path, key, result):
    picture = exr.read_rgba(answers.folder_of(tmp_path, key) / "take02.0003.exr")

    assert np.array_equal(picture, result.takes[1, 2])


def test_the_request_can_be_asked_again_exactly(tmp_path, key, request_asked):
    again = answers.asked(tmp_path, key)

    assert again.digest() == request_asked.digest()


def test_everything_that_explains_an_answer_stands_beside_it(tmp_path, key, request_asked):
    explained = answers.explain(tmp_path, key)

    asked = explained["request"]
    assert (asked["prompt"], asked["negative"], asked["seed"]) == (request_asked.prompt, "rain", 5)
    assert (asked["steps"], asked["strength"], asked["count"], asked["metres_per_px"]) == (2, 0.75, 2, 0.02)
    assert asked["identity"]["looks"][0]["albedo"] == [1, 0.25, 0.1]
    assert asked["light"]["sun_rgb"] == [1, 2.5, 1e-7]
    assert explained["guides"]["depth"]["shape"] == [3, 32, 24]
    assert len(explained["guides"]) == 8
    assert len(explained["references"][1]["sha256"]) == 64
    assert (explained["provider"], explained["kind"], explained["calls"]) == ("house", "comfyui", [7])
    assert explained["settings"]["url"] == "http://127.0.0.1:8188"


def test_answers_are_found_by_the_beginning_of_their_key(tmp_path, key):
    assert answers.find(tmp_path, "") == answers.find(tmp_path, key[:1]) == answers.find(tmp_path, key[:9]) == [key]
    assert answers.find(tmp_path, "zz") == []


def test_another_provider_or_model_has_another_answer():
    keys = {answers.key_of(p, m, "r") for p in ("a", "b") for m in ("1", "2")}

    assert len(keys) == 4


@pytest.mark.parametrize("file", ["take01.0002.exr", "guides.npz", "request.json"])
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[:-9] + b"#" + data[-8:]])  # fmt: skip
def test_damage_is_seen(tmp_path, key, file, damage):
    path = answers.folder_of(tmp_path, key) / file
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(StoreError, match=file):
        answers.load(tmp_path, key)


def test_a_changed_word_is_seen(tmp_path, key):
    path = answers.folder_of(tmp_path, key) / "request.json"
    path.write_text(path.read_text().replace('"rain"', '"snow"'))

    with pytest.raises(StoreError, match="was changed"):
        answers.explain(tmp_path, key)


def test_an_answer_without_its_request_was_never_finished(tmp_path, key):
    (answers.folder_of(tmp_path, key) / "request.json").unlink()

    assert not answers.is_kept(tmp_path, key)
    assert answers.find(tmp_path, key) == []
    with pytest.raises(StoreError, match="no such answer"):
        answers.load(tmp_path, key)


def test_setting_aside_deletes_nothing(tmp_path, key, request_asked, result):
    first = answers.set_aside(tmp_path, key)
    answers.keep(tmp_path, key, request_asked, result, ORIGIN)
    second = answers.set_aside(tmp_path, key)

    assert first != second
    assert all(json.loads((folder / "request.json").read_text())["key"] == key for folder in (first, second))
    assert answers.find(tmp_path, "") == []
