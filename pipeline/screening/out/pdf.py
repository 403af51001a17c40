"""Notes as PDF: each with the picture of its frame and what was drawn on it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.io.images import jpeg
from pipeline.screening.out.drawn import drawn
from pipeline.screening.out.remarks import Remark

if TYPE_CHECKING:
    from fpdf import FPDF

Array = np.ndarray[Any, Any]
Still = Callable[[str, int, int], "Array | None"]  # shot, version, frame: (H, W, 3) uint8 for the display

_MARGIN, _TALLEST = 15.0, 92.0  # mm: around the page, of a picture
_WIDEST_PX = 1600
_INK, _FAINT, _DONE = (28, 30, 33), (120, 124, 130), (46, 125, 80)
# A face with more letters than PDF's own Helvetica (Western European) where the machine has one.
_FACES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/Library/Fonts/Arial Unicode.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "C:/Windows/Fonts/arial.ttf",
)


def notes_pdf(title: str, remarks: Iterable[Remark], still: Still, made: datetime) -> bytes:
    """An A4 document: for each note its frame (`still`, or a line that there is none), words, author and answers.

    made: written into the document as its date. Letters that the face lacks are shown as a question mark.
    """
    pdf, face = _document(title, made)
    _words(pdf, face, title, 17, _INK)
    count = 0
    pictures: dict[tuple[str, int, int], Array | None] = {}
    for count, remark in enumerate(remarks, start=1):  # noqa: B007
        key = (remark.shot, remark.version, remark.frame)
        if key not in pictures:
            pictures = {key: still(*key)}  # notes come by frame: one picture is held, not all
        _note(pdf, face, remark, pictures[key])
    if not count:
        _words(pdf, face, "No notes.", 10, _FAINT)
    return bytes(pdf.output())


def _document(title: str, made: datetime) -> tuple[FPDF, str]:
    from fpdf import FPDF

    class Paged(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(face, size=8)
            self.set_text_color(*_FAINT)
            self.cell(0, 6, _fit(self, f"{title}   {made:%Y-%m-%d %H:%M} UTC"))
            self.set_x(-_MARGIN - 20)
            self.cell(20, 6, str(self.page_no()), align="R")

    pdf, face = Paged(format="A4"), "Helvetica"
    own = next((file for file in _FACES if Path(file).is_file()), None)
    if own:
        pdf.add_font("notes", fname=own)
        face = "notes"
    pdf.set_creation_date(made)
    pdf.set_title(title)
    pdf.set_margins(_MARGIN, _MARGIN)
    pdf.set_auto_page_break(True, 18)
    pdf.add_page()
    return pdf, face


def _note(pdf: FPDF, face: str, remark: Remark, picture: Array | None) -> None:
    height = 0.0
    if picture is not None:
        high, wide = picture.shape[:2]
        width = min(pdf.epw, _TALLEST * wide / high)
        height = width * high / wide
    if pdf.get_y() + height + 26 > pdf.h - 18:  # a picture stays with its words
        pdf.add_page()
    pdf.ln(3)
    _words(pdf, face, remark.where, 12, _INK)
    if picture is None:
        _words(pdf, face, "The frame's picture is not there.", 9, _FAINT)
    else:
        pdf.image(io.BytesIO(jpeg(drawn(_small(picture), remark.strokes), 88)), w=width, h=height)
        pdf.ln(1.5)
    _words(pdf, face, f"{remark.author}   {remark.created:%Y-%m-%d %H:%M}", 9, _FAINT)
    if remark.text:
        _words(pdf, face, remark.text, 10.5, _INK)
    for answer in remark.answers:
        _words(pdf, face, f"{answer.author}   {answer.created:%Y-%m-%d %H:%M}", 9, _FAINT, indent=6)
        _words(pdf, face, answer.text, 10.5, _INK, indent=6)
    if remark.resolved:
        _words(pdf, face, f"resolved {remark.resolved:%Y-%m-%d %H:%M}", 9, _DONE)
    pdf.ln(2)


def _words(pdf: FPDF, face: str, text: str, size: float, ink: tuple[int, int, int], indent: float = 0) -> None:
    pdf.set_font(face, size=size)
    pdf.set_text_color(*ink)
    pdf.set_x(_MARGIN + indent)
    pdf.multi_cell(pdf.epw - indent, size * 0.48, _fit(pdf, text), align="L", new_x="LMARGIN", new_y="NEXT")


def _fit(pdf: FPDF, text: str) -> str:
    """The text in letters that the face in use has."""
    text = "".join(letter if letter >= " " or letter == "\n" else " " for letter in text)
    font: Any = pdf.current_font
    known = getattr(font, "cmap", None)
    if known is None:
        return text.encode("latin-1", "replace").decode("latin-1")
    return "".join(letter if letter == "\n" or ord(letter) in known else "?" for letter in text)


def _small(picture: Array) -> Array:
    import cv2

    high, wide = picture.shape[:2]
    if wide <= _WIDEST_PX:
        return picture
    size = (_WIDEST_PX, max(1, round(high * _WIDEST_PX / wide)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
