"""A comp that is being rendered is seen frame by frame, and no longer when it is finished."""

from __future__ import annotations

import json
import os

import pytest

from pipeline.io import exr
from pipeline.screening.media.rendering import newest_frame, rendering
from tests.pipeline.screening.ministudio import HEIGHT, WIDTH, picture


def test_the_frame_that_was_finished_last_is_shown_until_the_comp_is_whole(tmp_path):
    plate = tmp_path / "ingest" / "aa"
    plate.mkdir(parents=True)
    (tmp_path / "ingest" / "latest.json").write_text('{"fingerprint": "aa"}')
    size = {"width": WIDTH, "height": HEIGHT, "pixel_aspect": 1.0, "rate": {"numerator": 24, "denominator": 1}}
    (plate / "receipt.json").write_text(json.dumps({"result": size}))
    assert newest_frame(tmp_path) is None
    for name, at in (("old", 1), ("new", 2)):
        (tmp_path / "composite" / name).mkdir(parents=True)
        os.utime(tmp_path / "composite" / name, (at, at))
    work = tmp_path / "composite" / "new"
    for frame, at in ((1001, 20), (1004, 40), (1002, 30)):  # not always in their order
        file = work / f"comp.{frame}.exr"
        exr.write(file, {c: picture(frame, 1)[..., i] for i, c in enumerate("RGB")})
        os.utime(file, (at, at))

    assert newest_frame(tmp_path) == 1004
    shown = rendering("a", tmp_path, 1002, display="sRGB", view="x")
    assert (shown.width, shown.comp.path(1002).name) == (WIDTH, "comp.1002.exr")
    with pytest.raises(LookupError, match="frame 1003 is not being rendered"):
        rendering("a", tmp_path, 1003, display="sRGB", view="x")
    (work / "receipt.json").write_text("{}")
    assert newest_frame(tmp_path) is None
