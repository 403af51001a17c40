"""The curve of a training: one line per look, as CSV and as a plot that stands by itself."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from pipeline.review.plots import HEIGHT, WIDTH, Series, plot

_STYLE = (
    "<style>svg{background:#16191b}text{font:9px sans-serif;fill:#9aa5a8}"
    "path{fill:none;stroke-width:1.2}.rule{stroke:#333a3d}.tip{fill:transparent}</style>"
)


@dataclass(frozen=True, slots=True)
class Look:
    """How far a training is. loss: mean over the last 200 steps. kept_loss: of the running mean of the weights on what was
    kept back, the same samples and noise each time; NaN where it was not measured."""

    step: int
    minutes: float
    learning_rate: float
    loss: float
    kept_loss: float = math.nan


def add_look(folder: Path, look: Look) -> None:
    """Append to FOLDER/curve.csv; looks at a later step, of a run that was stopped after them, are dropped."""
    folder.mkdir(parents=True, exist_ok=True)
    looks = [*(each for each in read_curve(folder) if each.step < look.step), look]
    with (folder / "curve.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f.name for f in fields(Look)])
        writer.writerows([look.step, *(f"{value:.6g}" for value in astuple(look)[1:])] for look in looks)


def read_curve(folder: Path) -> list[Look]:
    """The looks of FOLDER/curve.csv, in order; none when it is not there."""
    path = folder / "curve.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [Look(int(row.pop("step")), **{k: float(v) for k, v in row.items()}) for row in csv.DictReader(file)]


def draw_curve(folder: Path) -> Path:
    """FOLDER/curve.svg: the loss, and what was kept back, over steps. Needs at least one look."""
    looks = read_curve(folder)
    measured = [look for look in looks if math.isfinite(look.kept_loss)]
    lines = [_line("loss, mean of 200 steps", looks, [look.loss for look in looks])]
    if measured:
        lines.append(_line("loss on what was kept back", measured, [look.kept_loss for look in measured]))
    space = HEIGHT + 16
    drawn = [
        f'<text x="46" y="{space * i + 10}">{line.name}</text><svg y="{space * i + 14}" width="{WIDTH}" height="{HEIGHT}"'
        + plot(line).removeprefix("<svg")
        for i, line in enumerate(lines)
    ]
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" viewBox="0 0 {WIDTH} {space * len(lines)}">'
    path = folder / "curve.svg"
    path.write_text("".join([opening, _STYLE, *drawn, "</svg>"]) + "\n", encoding="utf-8")
    return path


def _line(name: str, looks: Sequence[Look], values: Sequence[float]) -> Series:
    return Series(name, tuple(look.step for look in looks), (tuple(values),))
