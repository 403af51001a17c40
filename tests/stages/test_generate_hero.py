"""Heroes: painted as one moving picture each, in windows, and put where they stand instead of being painted per frame."""

import json
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from assets.near.heroes import load_heroes
from assets.providers.asking.desk import open_desk
from assets.providers.builtin import Builtin
from assets.providers.opening import open_provider
from pipeline.errors import ConfigError, StoreError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.provider_sections import BuiltinModel, CrowdProviders, ProviderEntry
from pipeline.sections import LightFacts
from pipeline.types import Plate
from stages.generate_hero import Params, generate_hero
from stages.generate_near import Params as NearParams
from stages.generate_near import generate_near
from tests.assets.providers.diffusion import tinymodels
from tests.stages.dolly import FRAMES, atlas_of, figure, ground_of, layout_of, track_of

SOME = FrameRange(1001, 1002)
NEAR, FAR = [0.25, 0.0, -5.5], [0.4, 0.0, -12.0]  # 67 and 31 px high
FAR_ID, NEAR_ID = 100_001, 100_002
MODULE = import_module("stages.generate_hero")
NOBODY = ProviderEntry("nobody", BuiltinModel(Path("nowhere")))


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("shot")
    return {
        "providers": CrowdProviders(),
        "shared": tmp_path / "_show",
        "plate": Plate(FrameFiles(tmp_path, "plate.%04d.exr", FRAMES), 240, 136, 1.0, FrameRate(24), "", "ACEScg"),
        "track": track_of(tmp_path),
        "layout": layout_of(tmp_path / "crowd", [FAR, NEAR]),
        "atlas": atlas_of(tmp_path / "atlas", figure()),
        "ground": ground_of(tmp_path),
        "light": LightFacts(),
    }


def heroes_of(shot, out, *people, **settings):
    out.mkdir()
    params = Params(people, **{"tall_px": 128, "steps": 2} | settings)
    return generate_hero(**shot, params=params, out=out)


def near_of(shot, out, heroes, **settings):
    """Two frames of it."""
    out.mkdir()
    near = {name: made for name, made in shot.items() if name != "plate"}
    return generate_near(**near, heroes=heroes, params=NearParams(**settings), frames=SOME, out=out)


@pytest.fixture(scope="module")
def near_hero(shot, tmp_path_factory):
    return heroes_of(shot, tmp_path_factory.mktemp("hero") / "out", NEAR_ID)


def test_without_heroes_no_provider_is_opened(shot, tmp_path):
    made = heroes_of({**shot, "providers": CrowdProviders((NOBODY,))}, tmp_path / "none")

    assert json.loads(made.index.read_text()) == []
    assert not made.provider


def test_a_hero_is_one_request_for_all_his_frames_and_stands_in_the_layer(shot, tmp_path):
    heroes = heroes_of(shot, tmp_path / "heroes", FAR_ID)

    near = near_of(shot, tmp_path / "near", heroes, near_px=500)

    [entry] = json.loads(heroes.index.read_text())
    [run] = entry["runs"]
    assert (run["first"], run["last"]) == (FRAMES.first, FRAMES.last)
    assert [person["id"] for person in json.loads(near.people.read_text())["near"]] == [FAR_ID]
    for frame in SOME:
        assert json.loads(near.requests.path(frame).read_text()) == [{"id": FAR_ID, "request": run["request"]}]
        planes = exr.read(near.files.path(frame)).channels
        assert (planes["id"] == FAR_ID).sum() > 50
        assert planes["R"][planes["id"] == FAR_ID].astype(float).mean() > 0.005


def test_the_built_in_model_paints_a_hero_as_it_paints_him_frame_by_frame(shot, near_hero, tmp_path):
    """It paints frames one by one, so the moving picture differs by the mean of the sun's directions alone."""
    nobody = heroes_of(shot, tmp_path / "none")

    moving, still = near_of(shot, tmp_path / "a", near_hero), near_of(shot, tmp_path / "b", nobody, near_px=50)

    for frame in SOME:
        one, other = (exr.read_rgba(made.files.path(frame)) for made in (moving, still))
        assert np.array_equal(one[..., 3], other[..., 3])
        assert np.abs(one - other).mean() < 0.02 * other.mean()


def test_a_killed_hero_is_not_painted_again(shot, near_hero, tmp_path, monkeypatch):
    """The painting lies ready in the show's folder, and gives the same frames."""
    monkeypatch.setattr(Builtin, "generate", lambda *asked: pytest.fail("painted again"))

    again = heroes_of(shot, tmp_path / "again", NEAR_ID)

    assert again.index.read_bytes() == near_hero.index.read_bytes()
    for frame in FRAMES:
        one, other = (load_heroes(made)[NEAR_ID].painting(frame) for made in (near_hero, again))
        assert np.array_equal(one, other)


def test_a_model_of_few_frames_paints_a_hero_in_windows(shot, near_hero, tmp_path, monkeypatch):
    """The built-in model is steady, so that its windows join to what it paints at once."""

    def of_two_frames(entry):
        model = open_provider(entry)
        return replace(model, capabilities=replace(model.capabilities, most_frames=2))

    monkeypatch.setattr(MODULE, "open_desk", partial(open_desk, opening=of_two_frames))
    parts = heroes_of(shot, tmp_path / "parts", NEAR_ID)

    [run] = json.loads(parts.index.read_text())[0]["runs"]
    assert len(run["made"]["windows"].split("; ")) == 2
    assert run["request"] == json.loads(near_hero.index.read_text())[0]["runs"][0]["request"]
    for frame in FRAMES:
        one, other = (load_heroes(made)[NEAR_ID].painting(frame) for made in (near_hero, parts))
        assert np.allclose(one, other, atol=1e-3)


@pytest.mark.slow
def test_a_video_model_of_the_show_paints_a_hero_from_his_guides_and_stands_in_the_layer(shot, tmp_path):
    """A real Wan-VACE pipeline, tiny and of random weights, in windows; its alpha is the guides'."""
    wan = replace(tinymodels.FAMILIES["wan"](tmp_path / "weights"), most_frames=5, native_px=0)
    providers = CrowdProviders((*shot["providers"].entries, ProviderEntry("wan", wan)))
    filmed = {**shot, "providers": providers}

    heroes = heroes_of(filmed, tmp_path / "heroes", NEAR_ID, provider="wan", tall_px=64, steps=1)
    near = near_of(filmed, tmp_path / "near", heroes, near_px=500)

    assert heroes.provider == "wan"
    [run] = json.loads(heroes.index.read_text())[0]["runs"]
    assert run["made"]["provider"] == "wan"
    assert (run["first"], run["last"]) == (FRAMES.first, FRAMES.last)
    for frame in SOME:
        planes = exr.read(near.files.path(frame)).channels
        here = planes["id"] == NEAR_ID
        assert here.sum() > 50
        assert np.isfinite(planes["R"]).all()
        assert planes["A"][here].astype(float).mean() > 0.5


def test_a_provider_of_single_pictures_is_refused(shot, tmp_path, monkeypatch):
    def of_stills(entry):
        model = open_provider(entry)
        return replace(model, capabilities=replace(model.capabilities, video=False))

    monkeypatch.setattr(MODULE, "open_desk", partial(open_desk, opening=of_stills))

    with pytest.raises(ConfigError, match="builtin paints single pictures"):
        heroes_of(shot, tmp_path / "out", NEAR_ID)


@pytest.mark.parametrize(
    ("people", "settings", "words"),
    [
        ((7,), {}, "7 is not in the crowd"),
        ((NEAR_ID,), {"provider": "wan"}, r"'wan' is none of \[crowd\] provider \(builtin\)"),
    ],
)
def test_who_cannot_be_painted_is_named(shot, tmp_path, people, settings, words):
    with pytest.raises(ConfigError, match=words):
        heroes_of(shot, tmp_path / "out", *people, **settings)


def test_who_is_never_seen_is_named(shot, tmp_path):
    behind = {**shot, "layout": layout_of(tmp_path / "behind", [NEAR, [0.0, 0.0, 30.0]])}

    with pytest.raises(ConfigError, match=f"{NEAR_ID} is never in the picture"):
        heroes_of(behind, tmp_path / "out", FAR_ID, NEAR_ID)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"tall_px": 100}, "must divide by 64"), ({"tall_px": 32}, "tall_px is 32"), ({"people": (5, 5)}, "twice")],
)
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        Params(**settings)


def test_a_frame_that_was_not_painted_is_named(near_hero):
    hero = load_heroes(near_hero)[NEAR_ID]

    with pytest.raises(StoreError, match=f"hero {NEAR_ID} was not painted on frame 999"):
        hero.painting(999)
