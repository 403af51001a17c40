"""A delivery lands whole, replaces the older one of its name, and leaves other folders alone."""

from __future__ import annotations

from pipeline.frames import FrameFiles, FrameRange
from pipeline.publish import publish
from pipeline.types import Delivery


def delivery(folder, frames):
    (folder / "exr").mkdir(parents=True)
    files = FrameFiles(folder / "exr", "comp.%04d.exr", frames)
    (folder / "crops").mkdir()
    (folder / "track").mkdir()
    others = [folder / n for n in ("movie.mp4", "sheet.png", "report.json", "report.html", "ab.mp4")]
    for path in [*files, *others, folder / "crops/edge.png", folder / "track/track.html"]:
        path.write_text(path.name)
    return Delivery(files, *others, folder / "crops", folder / "track")


def test_a_shorter_delivery_leaves_no_frame_of_the_longer_one(tmp_path):
    target = tmp_path / "delivery/shot_v001"
    publish(delivery(tmp_path / "a", FrameRange(1001, 1004)), target)

    said = publish(delivery(tmp_path / "b", FrameRange(1002, 1003)), target)

    assert sorted(f.name for f in (target / "exr").iterdir()) == ["comp.1002.exr", "comp.1003.exr"]
    assert said["movie"].read_text() == "movie.mp4"
    assert (target / "crops/edge.png").read_text() == "edge.png"
    assert (target / "track/track.html").read_text() == "track.html"
    assert not [f for f in target.rglob("*") if f.name.startswith(".")]
