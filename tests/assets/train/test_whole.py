"""`battleplate train builtin`: refuses what cannot work in one line; the whole recipe in one go, tiny."""

import dataclasses

import pytest

from assets.providers.builtin import FOLDER, Builtin
from assets.train.recipe import Recipe
from assets.train.whole import Wish, train_builtin
from pipeline.errors import AssetError, ProviderError


def test_the_model_that_ships_is_not_trained_over(tmp_path):
    with pytest.raises(AssetError, match="is the model that ships"):
        train_builtin(tmp_path, FOLDER, Wish())


def test_a_start_without_a_model_is_refused(tmp_path):
    with pytest.raises(ProviderError, match="no model can be loaded"):
        train_builtin(tmp_path / "data", tmp_path / "out", Wish(start=tmp_path))


@pytest.mark.parametrize("wrong", [{"people": 0}, {"kept": 2}, {"recipe": dataclasses.replace(Recipe(), steps=0)}])
def test_too_little_is_refused(wrong):
    with pytest.raises(AssetError, match=r"must be \d+ or more"):
        Wish(**wrong)


@pytest.mark.slow
def test_one_command_draws_trains_measures_and_writes_the_card(tmp_path):
    recipe = dataclasses.replace(Recipe(), steps=2, batch=2)
    wish = Wish(people=4, broad=0, near=4, masonry=2, kept=8, start=FOLDER, recipe=recipe)

    told = train_builtin(tmp_path / "data", tmp_path / "out", wish)

    assert Builtin.open(tmp_path / "out").licence
    assert told["heldout"]["kept"]["all"]["iou"] > 0.9
    assert {"README.md", "curve.csv", "curve.svg", "figures.json", "grid.png"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
