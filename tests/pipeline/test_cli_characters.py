"""`battleplate characters` as a person meets it: which approved shots a changed character touches."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.people.characters import recipe_digest
from pipeline.__main__ import app
from pipeline.config import load_shot
from pipeline.errors import AssetError, ConfigError
from pipeline.screening.database import Database
from pipeline.screening.decisions import book
from pipeline.screening.records import User

SHOT = """
[shot]
name = "{name}"
[plate]
path = "plate.mov"
[[crowd.zones]]
name = "a"
count = 3
polygon_m = [[0, 8], [4, 8], [4, 12]]
characters = {{ {characters} }}
"""


def run(*arguments: str | Path) -> str:
    said = CliRunner().invoke(app, ["characters", *map(str, arguments)], env={"COLUMNS": "200"})
    if said.exception and not isinstance(said.exception, SystemExit):
        raise said.exception
    return said.output


def write_json(file: Path, content) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def painted(folder: Path, shot: str, **recipes: str) -> None:
    """The shot's atlas in use, as generate_crowd leaves it."""
    cast = {n: {"version": 1, "recipe": r, "take": "t02", "seed": 2, "persons": {}} for n, r in recipes.items()}
    atlas = folder / "build" / shot / "generate_crowd"
    write_json(atlas / "abc/index.json", {"characters": cast})
    write_json(atlas / "abc/receipt.json", {})
    write_json(atlas / "latest.json", {"fingerprint": "abc"})


@pytest.fixture
def show(tmp_path):
    """Three shots: one delivered by an older recipe, one painted as today's, one without the character."""
    (tmp_path / "show.toml").write_text('[show]\nname = "arena"\n')
    for name, cast in (
        ("sh_0010", "peasant = 1"),
        ("sh_0020", "peasant_in_azure = 1, archer = 2"),
        ("sh_0030", "archer = 1"),
    ):
        file = tmp_path / name / "shot.toml"
        file.parent.mkdir()
        file.write_text(SHOT.format(name=name, characters=cast))
    painted(tmp_path, "sh_0010", peasant="0ld" * 20)
    painted(tmp_path, "sh_0020", peasant_in_azure=recipe_digest("peasant_in_azure"))
    identity = {"peasant": {"version": 1, "recipe": "0ld" * 20, "take": "", "views": 1.0, "shots": {}}}
    write_json(tmp_path / "sh_0010/delivery/sh_0010_v001/report.json", {"identity": identity})
    return tmp_path / "show.toml"


def test_a_changed_character_says_which_approved_shots_it_touches(show):
    said = run("touched", show, "peasant")

    lines = {line.split()[0]: line for line in said.splitlines() if line.startswith("sh_")}
    assert set(lines) == {"sh_0010", "sh_0020"}
    assert "sh_0010_v001: version 1 (0ld0ld0l), changed since" in lines["sh_0010"]
    assert "t02), as today" in lines["sh_0020"]
    assert "peasant is not as it was approved in: sh_0010." in said
    assert "To be painted again by today's recipe: sh_0010" in said


def test_in_a_show_with_a_review_only_what_was_approved_counts_and_the_last_of_it(show):
    shot_file, changed = show.parent / "sh_0010/shot.toml", "peasant is not as it was approved in: sh_0010."
    loaded, database = load_shot(shot_file), Database(f"sqlite:///{show.parent / 'review/review.db'}")
    database.write(lambda session: session.add(User(name="ada", role="supervisor")))
    with database.read() as session:
        ada = book.user_named(session, "ada")

    def delivered(version: int, recipe: str) -> None:
        folder = show.parent / f"sh_0010/delivery/sh_0010_v{version:03d}"
        frame = folder / f"exr/sh_0010_comp_v{version:03d}.1001.exr"
        frame.parent.mkdir(parents=True)
        frame.write_bytes(b"pixels")
        files = {f"exr/{frame.name}": hashlib.sha256(b"pixels").hexdigest()}
        about = {"name": "sh_0010", "version": version, "rate": "24/1", "frames": [1001, 1001]}
        cast = {"peasant": {"version": 1, "recipe": recipe, "take": ""}}
        write_json(folder / "report.json", {"identity": cast, "files": files, "shot": about})

    delivered(2, "0ld" * 20)
    pending = run("touched", show, "peasant")
    book.decide(database, loaded, 2, "approve", ada)
    approved = run("touched", show, "peasant")
    delivered(3, recipe_digest("peasant"))
    book.decide(database, loaded, 3, "approve", ada)
    newer = run("touched", show, "peasant")
    database.close()

    assert "sh_0010_v002 (pending): version 1 (0ld0ld0l), changed since" in pending
    assert changed not in pending
    assert "sh_0010_v002 (approved)" in approved
    assert changed in approved
    assert "sh_0010_v003 (approved): version 1" in newer
    assert changed not in newer


def test_a_factions_name_means_that_one_only(show):
    said = run("touched", show, "peasant_in_azure")

    assert "sh_0010" not in said
    assert "is everywhere as its recipe says today" in said


def test_deliveries_from_before_recipes_were_written_down_count_as_approved_by_an_unknown_one(show):
    write_json(show.parent / "sh_0030/delivery/sh_0030_v002/report.json", {"crowd": {"character": {"archer": 9}}})

    said = run("touched", show, "archer")

    assert "sh_0030_v002: recipe not written down" in said
    assert "archer is not as it was approved in: sh_0030." in said


def test_nobody_is_touched_by_who_stands_nowhere(show):
    assert "names officer or shows it" in run("touched", show, "officer")


def test_the_list_counts_the_shots_of_a_show(show):
    lines = {line.split()[0]: line.split() for line in run("list", show).splitlines() if line}

    assert lines["peasant"][:3] == ["peasant", "1", "CC0-1.0"]
    assert [lines[name][-1] for name in ("peasant", "archer", "officer")] == ["2", "2", "0"]


def test_the_shows_own_are_listed_shown_and_touched(show):
    """A recipe of the show's own that takes a shipped name's place counts as it is in the show."""
    own = show.parent / "characters"
    own.mkdir()
    for name, base in (("guard", "spearman"), ("peasant", "peasant")):
        (own / f"{name}.toml").write_text(f'extends = "{base}"\nname = "{name}"\nversion = 4\nlicence = "ours"\n')

    lines = {line.split()[0]: line.split() for line in run("list", show).splitlines() if line}
    said = run("show", "guard_in_azure", show)

    assert lines["guard"][:3] == ["guard", "4", "ours"]
    assert lines["peasant"][1:3] == ["4", "ours"]
    assert lines["peasant"][-3:] == ["the", "show", "2"]
    assert "the show" not in " ".join(lines["spearman"])
    assert f"lies in     {own / 'guard.toml'}" in said
    assert "version     4" in said
    assert "palette     " in said
    assert "tunic: " in said
    assert "as today" not in run("touched", show, "peasant")
    with pytest.raises(AssetError, match="character 'guard' is not known"):
        run("show", "guard")


def test_a_shipped_character_is_shown_without_a_show():
    said = run("show", "legionary")

    assert "kit         tunic, cuirass_segmented" in said
    assert f"digest      {recipe_digest('legionary')}" in said


def test_bad_input_is_one_of_our_errors(show):
    with pytest.raises(AssetError, match="character 'pheasant' is not known"):
        run("touched", show, "pheasant")
    with pytest.raises(ConfigError, match="is a shot file"):
        run("touched", show.parent / "sh_0010/shot.toml", "peasant")
    with pytest.raises(ConfigError, match="there is no such file"):
        run("list", show.parent / "nothing.toml")
