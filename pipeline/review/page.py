"""The one-page report: everything measured of a shot, to be read by the people who decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.review import plots
from pipeline.review.figures import Check
from pipeline.review.plots import Series

PAGES = Path(__file__).parent / "pages"
TEMPLATE = "pipeline/review/pages/report.html"  # from the repository's root: it counts as the stage's code

_PLAIN_NAMES = {
    "error_px": "reprojection error, px",
    "median_error_m": "depth error, m",
    "median_relative_error": "depth error, share of distance",
    "p90_relative_error": "depth error, 90th percentile, share of distance",
    "nan": "NaN values",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the page. source: a data: address."""

    title: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """One frame before and after, as data: addresses."""

    frame: int
    timecode: str
    plate: str
    comp: str
    shown: bool = False  # when the page opens


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the page: facts (name to words), plots over frames, pictures, a link."""

    title: str
    lead: str = ""
    facts: Mapping[str, str] | None = None
    series: tuple[Series, ...] = ()
    pictures: tuple[Picture, ...] = ()
    link: tuple[str, str] | None = None  # to another page: address, words

    @property
    def plots(self) -> list[tuple[str, str]]:
        """Title and <svg> of every figure that moves."""
        return [
            (plain(s.name) + (": red, green, blue" if len(s.lines) == 3 else ""), plots.plot(s))
            for s in self.series
            if s.varies
        ]

    @property
    def constants(self) -> list[tuple[str, str]]:
        """Name and value of every figure that is the same in all frames."""
        return [(plain(s.name), plots.short(s.values[0])) for s in self.series if s.values and not s.varies]


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows. files: name to SHA-256."""

    title: str
    subtitle: str
    movie: str  # relative to the page
    ab: str  # as well: plate left, comp right
    crops: tuple[Picture, ...]
    poster: str
    checks: tuple[Check, ...]
    compared: tuple[Compared, ...]
    sections: tuple[Section, ...]
    files: Mapping[str, str]


def render(report: Report) -> str:
    """The page as HTML that needs no other file but the movies."""
    return fill("report.html", report=report, passed=sum(c.good for c in report.checks))


def fill(template: str, **values: Any) -> str:
    """A page of PAGES with its values; words are escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def plain(name: str) -> str:
    """A figure's dotted name as words: "layers.crowd.coverage" to "crowd coverage"."""
    stem = name.removeprefix("layers.")
    if " " in stem:
        return stem  # words already
    if stem in _PLAIN_NAMES:
        return _PLAIN_NAMES[stem]
    words = stem.replace(".", " ").replace("_", " ")
    for unit in ("px", "m", "deg"):
        if words.endswith(f" {unit}"):
            return f"{words.removesuffix(unit).strip()}, {unit}"
    return words


def words(value: Any) -> str:
    """Any figure as the page says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return plots.short(float(value))
    if isinstance(value, list | tuple):
        return ", ".join(words(v) for v in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{plain(str(k))} {words(v)}" for k, v in value.items())
    return str(value)
