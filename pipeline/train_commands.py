"""The command line's `battleplate train`: make the built-in model's like, or adapt it to a costume of the show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pipeline.character_commands import own_names
from pipeline.common_commands import out

train = typer.Typer(
    help="Train the built-in model, or adapt it to a costume of the show; on a CPU.", no_args_is_help=True
)


@train.command()
def builtin(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Where samples are drawn; those there are kept.")],
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The model's folder.")],
    people: Annotated[int, typer.Option(help="People drawn in narrow frames.")] = 9000,
    broad: Annotated[int, typer.Option(help="People drawn in wide frames.")] = 4000,
    near: Annotated[int, typer.Option(help="People drawn at twice the size.")] = 1000,
    masonry: Annotated[int, typer.Option(help="Crops of walls and towers drawn.")] = 1800,
    kept: Annotated[int, typer.Option(help="People kept back, to measure on.")] = 200,
    steps: Annotated[int, typer.Option(help="Steps of the training.")] = 6000,
    start: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="A model's folder to go on from.")
    ] = None,
    rate: Annotated[float, typer.Option(help="The learning rate at its highest.")] = 8e-4,
    seed: Annotated[int, typer.Option(help="Of the training.")] = 1,
) -> None:
    """Draw people and masonry, train the built-in model on them, measure it on what was kept back, write its card.

    Hours on two cores. Ctrl-C stops; the same command goes on from the last 500 steps. OUT is what
    `[providers.NAME] kind = "builtin"`, `folder = "OUT"` takes; curve.csv, curve.svg, figures.json, grid.png and README.md
    lie in it.
    """
    from assets.train.measure import table
    from assets.train.recipe import Recipe
    from assets.train.whole import Wish, train_builtin

    recipe = replace(Recipe(), steps=steps, learning_rate=rate, seed=seed)
    wish = Wish(people, broad, near, masonry, kept, start, recipe)
    told = train_builtin(data, folder, wish, lambda line: out.print(line, highlight=False))
    out.print(table(told), highlight=False)
    out.print(f"model         {folder}", highlight=False, soft_wrap=True)


@train.command()
def character(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A character, as shot files name it.")],
    images: Annotated[Path, typer.Option("--from", metavar="IMAGES", help="A folder of pictures.", show_default=False)],
    consent: Annotated[str, typer.Option(help="Who allowed the use of the pictures.", show_default=False)],
    show: Annotated[
        Path | None, typer.Argument(metavar="[SHOW.toml]", help="The show whose own it may be.", show_default=False)
    ] = None,
    licence: Annotated[str, typer.Option(help="Of what is learnt from them.")] = "for this show only",
    folder: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The show's costumes.")] = Path("costumes"),
    steps: Annotated[int, typer.Option(help="Steps of the training; 0: colours only.", min=0, max=20000)] = 110,
    seed: Annotated[int, typer.Option(help="Of the training.", min=0)] = 1,
) -> None:
    """Teach the built-in model a costume from a handful of pictures, in minutes on a CPU.

    IMAGES holds PNG or JPEG pictures of one whole figure each, with alpha or before a plain background, exposed so that a
    grey card is middle grey. How a figure stands is found by its silhouette, or said in pictures.toml beside them.
    NAME is one that ships, or with SHOW.toml one in its characters/. Nobody else's pictures change. In show.toml: `[providers.dressed] kind = "builtin"`, `folder = "costumes"`.
    """
    from assets.people.recipes import called
    from assets.train.character import Rights, train_character
    from assets.train.costume import Lesson

    known_as = called(name, own_names(show))
    lesson = Lesson(steps=steps, seed=seed)
    said = Rights(consent, licence)
    costume = train_character(known_as, images, folder, said, lesson, lambda line: out.print(line, highlight=False))
    out.print(f"costume       {costume}", highlight=False, soft_wrap=True)
