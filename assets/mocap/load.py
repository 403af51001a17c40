"""A file of captured motion as a clip for our people: read, understood, cut, its feet planted."""

from __future__ import annotations

from dataclasses import replace

from assets.mocap.capture import SUFFIXES, Capture, read_capture
from assets.mocap.clip import Clip
from assets.mocap.making import make_clip
from assets.mocap.trace import trace
from pipeline.crowd_sections import CaptureFile
from pipeline.errors import AssetError

_FEWEST = 8  # frames


def is_capture(name: str) -> bool:
    """Whether a name is that of a file of captured motion."""
    return name.lower().endswith(SUFFIXES)


def load_clip(name: str, source: CaptureFile) -> Clip:
    """The captured motion in a BVH, glTF or UsdSkel file, retargeted to our people, its feet planted.

    Of a motion that repeats itself the best cycle is taken, and it loops; another is played once, as a whole;
    `source.loop` decides otherwise. Raises AssetError when the file is missing or broken, its rig is not known, or it
    holds under 8 frames.
    """
    capture = _cut(read_capture(source.file, source.clip), source)
    if capture.frames < _FEWEST:
        raise AssetError(f"{source.file}: {capture.frames} frames, need {_FEWEST} or more. Export a longer range.")
    return make_clip(name, trace(capture), source.loop, source.carry)


def _cut(capture: Capture, source: CaptureFile) -> Capture:
    """The frames from `source.start_s` to `source.end_s`. Raises AssetError when the file ends before that."""
    rate, end_s = float(capture.rate.fraction), source.end_s
    lasts_s = (capture.frames - 1) / rate
    if max(source.start_s, end_s or 0.0) > lasts_s + 0.5 / rate:
        raise AssetError(
            f"{source.file}: lasts {lasts_s:.2f} s, start_s = {source.start_s:g}"
            f"{'' if end_s is None else f' and end_s = {end_s:g}'} reach beyond. Correct the cut."
        )
    first = round(source.start_s * rate)
    last = capture.frames if end_s is None else round(end_s * rate) + 1
    return replace(capture, rotations=capture.rotations[first:last], positions=capture.positions[first:last])
