"""Notes as PDF, CSV and OTIO: read back by whoever reads such files."""

from __future__ import annotations

import csv
import io
import re
import zlib
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import opentimelineio as otio
import pytest

from pipeline.frames import FrameRange, FrameRate
from pipeline.screening.out.pdf import notes_pdf
from pipeline.screening.out.remarks import Remark, Stroke
from pipeline.screening.out.table import COLUMNS, notes_csv
from pipeline.screening.out.timeline import Footage, notes_otio

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
RED = Stroke((255, 0, 0), 0.05, ((0.25, 0.5), (0.75, 0.5)))
NOTES = (
    Remark("bp_010_0010", 3, 1003, "ada", "The front rank\nis too even.", NOON, strokes=(RED,), id=4,
           answers=(Remark("bp_010_0010", 3, 1003, "bob", "Seed changed.", NOON, id=6),)),
    Remark("bp_010_0010", 3, 1005, "guest: Zoë", "=HYPERLINK(1)", NOON, frame_out=1007, resolved=NOON, id=5),
)  # fmt: skip


def grey(shot: str, version: int, frame: int) -> np.ndarray:
    return np.full((90, 160, 3), 128, np.uint8)


def pictures_of(pdf: bytes) -> list[np.ndarray]:
    """An independent reader: every JPEG in the document."""
    found = [m.start() for m in re.finditer(rb"\xff\xd8\xff", pdf)]
    return [cv2.imdecode(np.frombuffer(pdf[at:], np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for at in found]


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def test_a_pdf_has_the_frame_with_what_was_drawn_on_it():
    pdf = notes_pdf("bp_010_0010", NOTES, grey, NOON)

    pictures = pictures_of(pdf)
    assert len(pictures) == 2
    assert pictures[0].shape == (90, 160, 3)
    red, green, _ = pictures[0][45, 80].astype(int)
    assert red > 220
    assert green < 40
    assert np.abs(pictures[0][10, 10].astype(int) - 128).max() < 6
    assert np.abs(pictures[1].astype(int) - 128).max() < 6


def test_a_pdf_goes_on_over_pages_and_stands_without_pictures():
    many = [Remark("bp", 1, 1001 + i, "ada", "words " * 60, NOON) for i in range(12)]

    assert pages_of(notes_pdf("bp", many, lambda *key: None, NOON)) > 1
    assert pages_of(notes_pdf("bp", [], grey, NOON)) == 1


def test_equal_notes_make_an_equal_pdf():
    assert notes_pdf("bp", NOTES, grey, NOON) == notes_pdf("bp", NOTES, grey, NOON)


@pytest.mark.parametrize("text", ["軍勢 🏹 שלום", "tab\tand\x07bell", "x" * 3000, "**no** __markdown__ <b>", ""])
def test_no_text_breaks_a_pdf(text, monkeypatch):
    assert notes_pdf(text, [Remark("bp", 1, 1001, text, text, NOON)], grey, NOON).startswith(b"%PDF")
    monkeypatch.setattr("pipeline.screening.out.pdf._FACES", ())
    assert notes_pdf(text, [Remark("bp", 1, 1001, text, text, NOON)], grey, NOON).startswith(b"%PDF")


def test_words_are_in_the_pdf(monkeypatch):
    monkeypatch.setattr("pipeline.screening.out.pdf._FACES", ())  # Helvetica's letters stand in the file as they are
    pdf = notes_pdf("bp", NOTES, grey, NOON)

    text = b"".join(zlib.decompress(m[1]) for m in re.finditer(rb"stream\n(x.*?)\nendstream", pdf, re.DOTALL))
    for words in (b"bp_010_0010 v003 1003", b"is too even.", b"Seed changed.", b"resolved 2026-11-29"):
        assert words in text


def test_a_csv_reads_back_with_its_answers_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(notes_csv(NOTES).decode("utf-8-sig"))))

    assert tuple(rows[0]) == COLUMNS
    assert [row["text"] for row in rows] == ["The front rank\nis too even.", "Seed changed.", "'=HYPERLINK(1)"]
    assert [row["answer_to"] for row in rows] == ["", "4", ""]
    assert (rows[2]["frame"], rows[2]["frame_out"], rows[2]["author"]) == ("1005", "1007", "guest: Zoë")
    assert rows[0]["drawing"] == "1"


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "30"])
def test_markers_stand_on_their_frames_at_the_exact_rate(rate, tmp_path):
    exact = Fraction(rate)
    footage = Footage(
        "bp_010_0010", 3, FrameRange(1001, 1048), FrameRate(exact.numerator, exact.denominator),
        Path("/show/delivery/bp_010_0010_v003/exr"), "bp_010_0010_comp_v003.%04d.exr",
    )  # fmt: skip
    file = tmp_path / "notes.otio"
    file.write_bytes(notes_otio("small", [(footage, NOTES)]))

    timeline = otio.adapters.read_from_file(str(file))

    (clip,) = timeline.find_clips()
    assert clip.name == "bp_010_0010_v003"
    assert (clip.source_range.start_time.value, clip.source_range.duration.value) == (1001, 48)
    assert Fraction(clip.source_range.start_time.rate).limit_denominator(1001) == exact
    assert Fraction(clip.metadata["battleplate"]["rate"]) == exact
    first, second = clip.markers
    assert (first.marked_range.start_time.value, first.marked_range.duration.value) == (1003, 1)
    assert (second.marked_range.start_time.value, second.marked_range.duration.value) == (1005, 3)
    assert first.marked_range.start_time.rate == float(exact)
    assert first.comment == first.metadata["battleplate"]["text"] == "The front rank\nis too even."
    assert first.name == "The front rank"
    assert (first.color, second.color) == ("RED", "GREEN")
    assert clip.media_reference.target_url_for_image_number(2).endswith("v003/exr/bp_010_0010_comp_v003.1003.exr")
