"""The command line's `battleplate apply` and `battleplate release`: what people decided, done."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.common_commands import out
from pipeline.config import Shot, find_show, load_shot
from pipeline.errors import ConfigError, ReviewRefused, StoreError

if TYPE_CHECKING:
    from pipeline.screening.database import Database
    from pipeline.screening.decisions.levers import Vocabulary

ShowFile = Annotated[Path, typer.Argument(metavar="SHOW.toml", help="The show file.", show_default=False)]
Url = Annotated[
    str, typer.Option("--database", metavar="URL", help="The review's; else review/review.db beside the show.")
]


def apply(
    number: Annotated[int, typer.Argument(metavar="REQUEST", help="The change request's number.", min=1)],
    show: ShowFile,
    force: Annotated[
        bool, typer.Option("--force", help="Also where the shot file says something else than when it was asked.")
    ] = False,
    database: Url = "",
) -> None:
    """Make a change that was asked for on the review page: one value of the shot file; comments and layout stay."""
    from pipeline.screening.decisions import book, requests
    from pipeline.shots import shots_of

    review = open_review(show, database)
    if review is None:
        raise StoreError(f"{show}: there is no review beside it. Run `battleplate review`, or give its --database.")
    try:
        with review.read() as session:
            name, asked = book.request_of(session, number)
        shot = next((shot for shot in shots_of(show) if shot.info.name == name), None)
        if shot is None:
            raise ReviewRefused(f"request {number}: {name} is not in {show}. Name its show.")
        try:
            change = requests.apply(shot.file, asked, vocabulary(), force=force)
        except requests.Stale:
            book.close_request(review, number, book.STALE, getpass.getuser())
            raise
        book.close_request(review, number, book.APPLIED, getpass.getuser())
    finally:
        review.close()
    was, value = requests.said(asked.was), requests.said(asked.value)
    out.print(f"{change.file}: {asked.lever} was {was}, is {value}", highlight=False, soft_wrap=True, markup=False)
    out.print(f"Run it: battleplate run {change.file}", highlight=False, soft_wrap=True, markup=False)


def release(
    shot: Annotated[Path, typer.Argument(metavar="SHOT.toml", help="The shot file.", show_default=False)],
    version: Annotated[int, typer.Option(help="Of the delivered ones; 0: the shot file's.", min=0)] = 0,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who you are on the review; else your login.")] = "",
    database: Url = "",
) -> None:
    """Copy a delivered version to the release folder, every file checked, and write down that it is delivered.

    Where show.toml has `[review] require_approval`, only what a supervisor approved, and only those very pixels.
    """
    from pipeline.screening.decisions import book
    from pipeline.screening.decisions import release as gate
    from pipeline.screening.records import now

    found = load_shot(shot)
    show = find_show(shot)
    number, into = version or found.info.version, gate.release_folder(found, show)
    review = open_review(show or shot, database)
    if review is None:
        standing = gate.stands(gate.version_folder(found, number), [])
        gate.allow(found, number, standing, "artist")
        done = gate.release(found, number, standing, into, by or getpass.getuser(), now())
    else:
        try:
            with review.read() as session:
                who = book.user_named(session, by or getpass.getuser())
            done = book.deliver(review, found, number, who, into)
        finally:
            review.close()
    out.print(f"released      {done.folder}", highlight=False, soft_wrap=True)
    out.print(f"{done.files} files, each as its SHA-256 says; pixels {done.digest[:16]}", highlight=False)


def vocabulary() -> Vocabulary:
    """What may be said of crowd and set, by those who know: formations, motions, kinds and sizes of pieces, grades."""
    from assets.crowd.brief import check_brief
    from assets.crowd.formations import FORMATIONS
    from assets.people.looks import SET_MATERIALS
    from assets.people.recipes import learn_own
    from assets.sets.pieces import KINDS
    from pipeline.crowd_sections import CrowdBrief
    from pipeline.own_characters import OwnCharacters
    from pipeline.screening.decisions.levers import Vocabulary
    from pipeline.sections import SetBrief, SetPiece
    from pipeline.sky_sections import LEVELS, MODELS
    from stages import draw_sky, match_look

    def fits(piece: SetPiece) -> None:
        if piece.file is None and (kind := KINDS.get(piece.kind or "fortress")) is not None:
            for name, (least, most) in (("width_m", kind.width_m), ("height_m", kind.height_m)):
                value = getattr(piece, name)
                if value is not None and not least <= value <= most:
                    raise ConfigError(
                        f"set piece {piece.name}: {name} is {value:g}, must be {least:g} to {most:g}. Change it."
                    )

    def check(shot: Shot) -> None:
        check_brief(shot.sections[CrowdBrief], learn_own(shot.sections[OwnCharacters].folder))
        for piece in shot.sections[SetBrief].pieces:
            fits(piece)

    words = {
        "Zone.formation": tuple(FORMATIONS),
        "SetPiece.kind": tuple(KINDS),
        "SetPiece.material": tuple(SET_MATERIALS),
        "SkyBrief.model": MODELS,
        "SkyBrief.level": LEVELS,
    }
    grades = {graded.name: graded.params for graded in (match_look, draw_sky) if graded.params}
    return Vocabulary(grades, words, {SetPiece: fits}, check)


def open_review(show: Path, url: str) -> Database | None:
    """The review's database of a show; None where it has none. Whoever opens it closes it."""
    from pipeline.screening.web.settings import Settings

    settings = Settings(show, url)
    if not url and not (settings.folder / "review.db").is_file():
        return None
    from pipeline.screening.database import Database
    from pipeline.screening.people.audit import Seal

    review = Database(settings.database_url)
    review.after_commit.append(Seal(review, settings.seal_folder).sign)  # what is done here is vouched for as well
    return review
