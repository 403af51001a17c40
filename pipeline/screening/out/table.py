"""Notes as CSV, for spreadsheets and trackers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from pipeline.screening.out.remarks import Remark

COLUMNS = ("shot", "version", "frame", "frame_out", "author", "created", "resolved", "drawing", "answer_to", "text")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def notes_csv(remarks: Iterable[Remark]) -> bytes:
    """UTF-8 with its mark (spreadsheets guess wrong without), RFC 4180; an answer is a row after its note.

    A cell that a spreadsheet would calculate gets an apostrophe before it: a note is text, whoever wrote it.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for remark in remarks:
        writer.writerow(_row(remark, ""))
        writer.writerows(_row(answer, str(remark.id or "")) for answer in remark.answers)
    return out.getvalue().encode("utf-8-sig")


def _row(remark: Remark, answer_to: str) -> list[str]:
    cells = (
        remark.shot,
        str(remark.version),
        str(remark.frame),
        "" if remark.frame_out is None else str(remark.frame_out),
        remark.author,
        remark.created.isoformat(),
        remark.resolved.isoformat() if remark.resolved else "",
        str(len(remark.strokes)) if remark.strokes else "",
        answer_to,
        remark.text,
    )
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]
