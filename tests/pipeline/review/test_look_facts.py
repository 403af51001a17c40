"""The look as the report tells it: a line for each figure, whatever part of a part it belongs to."""

from __future__ import annotations

from pipeline.review.chapters import _look_facts


def test_a_part_of_a_part_gets_lines_of_its_own_and_tables_stay_out() -> None:
    look = {
        "haze": {"colour": [0.6, 0.7, 0.9], "note": "fitted"},
        "grain": {"levels": [[0.0, 1.0]], "note": "797 blocks"},
        "optics": {"vignette": {"second": 0.08, "note": "7.7% at the corner"}},
        "version": 3,
    }

    assert _look_facts(look) == {
        "haze colour": [0.6, 0.7, 0.9],
        "haze note": "fitted",
        "grain note": "797 blocks",
        "vignette second": 0.08,
        "vignette note": "7.7% at the corner",
    }
