"""The whole recipe of the model that ships, in one go: draw what is missing, train, measure, picture, card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.providers.builtin import FOLDER, Builtin
from assets.providers.onethread import one_thread
from assets.train import card, data, measure
from assets.train.curve import draw_curve, read_curve
from assets.train.recipe import Recipe
from assets.train.sprites import train
from pipeline.errors import AssetError


@dataclass(frozen=True, slots=True)
class Wish:
    """How much is drawn and how long is trained. start: a model folder to go on from; None: random weights."""

    people: int = 9000
    broad: int = 4000  # people in wide frames
    near: int = 1000  # people at twice the size
    masonry: int = 1800
    kept: int = 200  # people kept back, of whom the figures are told
    start: Path | None = None
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        for name, low in (("people", 1), ("broad", 0), ("near", 0), ("masonry", 0), ("kept", 8)):
            if getattr(self, name) < low:
                raise AssetError(
                    f"train builtin: {name} is {getattr(self, name)}, must be {low} or more. Ask for more."
                )
        if self.recipe.steps < 1:
            raise AssetError(f"train builtin: steps is {self.recipe.steps}, must be 1 or more. Ask for more.")


def train_builtin(folder: Path, out: Path, wish: Wish, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Draw what FOLDER lacks, train to OUT (a folder that [providers.NAME] takes), write curve, figures, grid and card.

    A stopped run goes on where it stopped. Returns the figures. Raises AssetError when OUT is the model that ships, or
    `wish.start` holds none.
    """
    if out.resolve() == FOLDER.resolve():
        raise AssetError(f"{out}: is the model that ships. Train into another folder, compare, then copy.")
    start = _weights_of(wish.start) if wish.start else None
    tell(f"drawing what {folder} lacks")
    data.draw_all(folder, wish.people, wish.broad, wish.near, wish.masonry, wish.kept)
    with one_thread():
        train(folder, out, wish.recipe, minutes=1e9, start=start, tell=tell)
        draw_curve(out)
        tell("measuring")
        model = Builtin.open(out)
        told = measure.all_figures(model, folder, wish.kept, pairs=min(60, wish.kept))
        (out / "figures.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
        card.draw(folder, out / "grid.png", model)
    _write_card(out, wish, told)
    return told


def _weights_of(folder: Path) -> Any:
    return Builtin.open(folder).unet.requires_grad_(True)


def _write_card(out: Path, wish: Wish, told: dict[str, Any]) -> None:
    last, start = read_curve(out)[-1], wish.start.name if wish.start else "random weights"
    settings = "\n".join(f"- {name}: {value}" for name, value in _settings(wish.recipe).items())
    text = f"""# A built-in model, trained by `battleplate train builtin`

Begun from {start}; {last.step} steps in {last.minutes:.0f} minutes. Data, drawn by assets/train from seeds of its own:
{wish.people} people in narrow frames, {wish.broad} in wide ones, {wish.near} at twice the size, {wish.masonry} crops of masonry; {wish.kept} people kept back.
Its way is in curve.csv and curve.svg, its figures in figures.json.

![what it is shown, what it paints, what is true](grid.png)

## Figures of what was kept back
{measure.table(told)}

## Settings
{settings}
"""
    (out / "README.md").write_text(text, encoding="utf-8")


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in Recipe.__dataclass_fields__}
