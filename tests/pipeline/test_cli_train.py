"""`battleplate train character` as a person meets it: the show's own characters learn costumes too."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from assets.people.characters import load_character
from assets.people.looks import character_identity
from assets.people.recipes import learn_own
from assets.providers.builtin import Builtin
from pipeline.__main__ import app
from pipeline.errors import AssetError
from tests.assets.train.tailoring import HELD, TOLD, parted, write_pictures

GUARD = """
extends = "peasant"
name = "guard"
version = 1
[palette]
trousers = [0.02, 0.30, 0.05]
"""


def train(*arguments):
    said = CliRunner().invoke(app, ["train", "character", *map(str, arguments)], env={"COLUMNS": "200"})
    if said.exception and not isinstance(said.exception, SystemExit):
        raise said.exception
    return said.output


@pytest.fixture
def show(tmp_path):
    (tmp_path / "characters").mkdir()
    (tmp_path / "characters" / "guard.toml").write_text(GUARD)
    (tmp_path / "show.toml").write_text('[show]\nname = "s"\n')
    return tmp_path / "show.toml"


def test_a_character_of_the_shows_own_learns_a_costume(show):
    pictures = write_pictures(show.parent / "pictures", TOLD[:1])
    rights = ("--consent", "A. Tailor, by letter")

    said = train("guard", show, "--from", pictures, *rights, "--out", show.parent / "costumes", "--steps", 0)

    assert "costume" in said
    guard = load_character(learn_own(show.parent / "characters")["guard"])
    stranger = parted(*HELD[0]).request
    worn = replace(stranger, identity=character_identity(guard))
    before, after = (
        model.generate([worn, stranger]) for model in (Builtin.open(), Builtin.open(show.parent / "costumes"))
    )
    assert (after[0].takes != before[0].takes).any()
    assert (after[1].takes == before[1].takes).all()


def test_without_the_show_nobody_knows_its_characters(show):
    with pytest.raises(AssetError, match="'guard' is not known"):
        train("guard", "--from", show.parent, "--consent", "A. Tailor")
