"""Notes as markers on an OpenTimelineIO timeline: one clip per version, a marker on each note's frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.frames import FrameRange, FrameRate
from pipeline.screening.out.remarks import Remark


@dataclass(frozen=True, slots=True)
class Footage:
    """A delivered version as a clip. folder, name: of its frames, "bp_comp_v001.%04d.exr"."""

    shot: str
    version: int
    frames: FrameRange
    rate: FrameRate
    folder: Path
    name: str


def notes_otio(title: str, clips: Sequence[tuple[Footage, Sequence[Remark]]]) -> bytes:
    """An .otio file (JSON). Times are frame numbers at the rate; the ratio itself stands in the metadata as text.

    A marker's text is its name and comment: some readers drop comments. Notes outside of a clip's frames are kept at
    their frame.
    """
    import opentimelineio as otio

    timeline = otio.schema.Timeline(title)
    track = otio.schema.Track("comp", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for footage, remarks in clips:
        track.append(_clip(otio, footage, remarks))
    return str(otio.adapters.write_to_string(timeline, "otio_json")).encode("utf-8")


def _clip(otio: Any, footage: Footage, remarks: Sequence[Remark]) -> Any:
    rate = float(footage.rate.fraction)

    def span(first: int, last: int) -> Any:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(last - first + 1, rate)
        )

    whole = span(footage.frames.first, footage.frames.last)
    before, _, end = footage.name.partition("%04d")
    media = otio.schema.ImageSequenceReference(
        target_url_base=footage.folder.resolve().as_uri() + "/",
        name_prefix=before,
        name_suffix=end,
        start_frame=footage.frames.first,
        rate=rate,
        frame_zero_padding=4,
        available_range=whole,
    )
    clip = otio.schema.Clip(f"{footage.shot}_v{footage.version:03d}", media, whole)
    clip.metadata["battleplate"] = {"shot": footage.shot, "version": footage.version, "rate": str(footage.rate)}
    for remark in remarks:
        last = max(remark.frame, remark.frame_out or remark.frame)
        color = otio.schema.MarkerColor.GREEN if remark.resolved else otio.schema.MarkerColor.RED
        marker = otio.schema.Marker(remark.text.split("\n")[0][:80] or "drawing", span(remark.frame, last), color)
        marker.comment = remark.text
        marker.metadata["battleplate"] = {
            "author": remark.author,
            "text": remark.text,
            "created": remark.created.isoformat(),
            "resolved": remark.resolved.isoformat() if remark.resolved else "",
            "answers": [f"{answer.author}: {answer.text}" for answer in remark.answers],
        }
        clip.markers.append(marker)
    return clip
