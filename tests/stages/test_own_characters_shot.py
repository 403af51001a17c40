"""A shot with a character of the show's own, through the runner: painted, drawn, picked; made again when its recipe changes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from assets.people.characters import load_character, recipe_digest
from assets.people.recipes import learn_own
from assets.sprites.cards import load_agents
from assets.sprites.identity import cast_in
from pipeline.config import load_shot
from pipeline.errors import AssetError
from pipeline.io import exr
from pipeline.io.images import write_png
from pipeline.log import Reporter
from pipeline.run import Wish, run
from pipeline.types import CharacterAtlas, CrowdLayout, RawLayers
from tests.stages.test_captures_shot import STAGES, told

SHOW = """
[crowd.picks]
guard = "t02"
nurse = "t05"
[stages.generate_crowd]
variants = 1
steps = 1
[stages.generate_near]
near_px = 500
"""
SHOT = """
[shot]
name = "mini"
[plate]
path = "none.mov"
[[crowd.zones]]
name = "gate"
count = 2
polygon_m = [[-2, -9], [2, -9], [2, -6], [-2, -6]]
characters = { guard = 1, guard_in_azure = 1 }
motion = "idle"
"""
GUARD = """
extends = "spearman"
name = "guard"
title = "Guard of the gate"
version = 3
references = ["front.png"]
prompt = "a guard"
[consent]
shown = "Ada Example"
given_by = "Ada Example, release of 2026-03-02"
until = 2127-12-31
[palette]
tunic = [0.02, 0.30, 0.05]
"""
NURSE = 'extends = "peasant"\nname = "nurse"\nversion = 1\n'


def go(folder, until=""):
    shot = load_shot(folder / "shot.toml")
    with Reporter(Console(quiet=True), shot.build / "logs") as report:
        return run(shot, STAGES, Wish(until, None, workers=2), report)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show")
    (folder / "characters").mkdir()
    (folder / "show.toml").write_text(SHOW)
    (folder / "shot.toml").write_text(SHOT)
    (folder / "characters/guard.toml").write_text(GUARD)
    (folder / "characters/nurse.toml").write_text(NURSE)
    write_png(folder / "characters/front.png", np.full((16, 8, 3), 128, np.uint8))
    return folder, go(folder)


def test_the_shows_own_are_painted_in_their_colours_and_drawn(made):
    folder, results = made
    atlas, layout = results[CharacterAtlas], results[CrowdLayout]
    cast, agents = cast_in(atlas.index), json.loads(layout.agents.read_text())

    assert {agent["character"] for agent in agents} == {"guard", "guard_in_azure"} == set(cast)
    own = learn_own(folder / "characters")
    assert cast["guard"]["recipe"] == recipe_digest(own["guard"])
    assert (cast["guard"]["version"], cast["guard"]["take"], cast["guard"]["seed"]) == (3, "t02", 2)
    colours = {name: cast[name]["persons"]["0"]["parts"]["tunic"]["lab"] for name in cast}
    assert colours["guard"][1] < -15  # green
    assert colours["guard_in_azure"][2] < -5  # blue
    crowd = next(layer for layer in results[RawLayers].layers if layer.name == "crowd")
    seen = exr.read(crowd.files.path(1003)).channels
    for agent in agents:
        assert (seen["id"] == agent["id"]).sum() > 100
    assert str(folder) not in atlas.index.read_text() + layout.agents.read_text()


def test_a_layout_carries_its_recipes_with_their_pictures(made):
    """And nobody's whom it does not need."""
    layout = made[1][CrowdLayout]

    [name] = {name.partition("_in_")[0] for name in load_agents(layout).characters}

    assert sorted(path.name for path in layout.recipes) == ["front.png", "recipe.json"]
    assert {path.parent.name for path in layout.recipes} == {name}
    who = load_character(name)
    assert (who.name, who.title, who.kit) == ("guard", "Guard of the gate", load_character("spearman").kit)
    assert who.direction.references[0].read_bytes() == (made[0] / "characters/front.png").read_bytes()
    assert who.direction.consent.until.year == 2127


def test_a_recipe_that_was_changed_in_a_layout_is_refused(made, tmp_path):
    layout = made[1][CrowdLayout]
    [told_by] = [path for path in layout.recipes if path.name == "recipe.json"]
    forged = tmp_path / told_by.parent.name / "recipe.json"
    forged.parent.mkdir()
    forged.write_text(told_by.read_text().replace("0.3,", "0.4,"))
    (forged.parent / "front.png").write_bytes((told_by.parent / "front.png").read_bytes())

    with pytest.raises(AssetError, match="is not as it was written"):
        load_agents(replace(layout, recipes=(forged,)))


def test_only_what_its_recipe_says_decides(made):
    """Another character's recipe decides nothing, a comment lays out again and paints nothing, a colour paints."""
    folder, _ = made
    guard = folder / "characters/guard.toml"

    (folder / "characters/nurse.toml").write_text(NURSE + "title = 'Nurse'\n")
    go(folder, "generate_crowd")
    assert told(folder, "began") == []

    guard.write_text("# who keeps the gate\n" + GUARD)
    go(folder, "generate_crowd")
    assert told(folder, "began") == ["lay_out_crowd"]

    guard.write_text(GUARD.replace("0.30, 0.05", "0.05, 0.30"))
    made_again = go(folder, "generate_crowd")
    assert told(folder, "began") == ["lay_out_crowd", "generate_crowd"]
    assert cast_in(made_again[CharacterAtlas].index)["guard"]["persons"]["0"]["parts"]["tunic"]["lab"][2] < -15


def test_a_pick_of_nobody_is_still_refused(made):
    folder, _ = made
    (folder / "show.toml").write_text(SHOW.replace("nurse", "norse"))

    with pytest.raises(AssetError, match="character 'norse' is not known"):
        go(folder, "generate_crowd")
