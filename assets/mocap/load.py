"""A file of captured motion as a motion that crowds can take: `motion = "mocap/walk.bvh"` in a zone."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from assets.mocap.capture import SUFFIXES, read_capture
from assets.mocap.clip import make_clip
from assets.mocap.motion import captured_motion
from assets.mocap.trace import trace
from assets.motions import Motion
from pipeline.errors import AssetError

_FEWEST = 8  # frames


def is_capture(name: str) -> bool:
    """Whether a motion's name is that of a file of captured motion."""
    return name.lower().endswith(SUFFIXES)


def load_capture_motion(path: Path | str) -> Motion:
    """The captured motion in a BVH, glTF or UsdSkel file, retargeted to our people, its feet planted.

    Of a clip that repeats itself the best cycle is taken, and the motion loops; another is played once, as a whole.
    Raises AssetError when the file is broken, its rig is not known, or it holds under 8 frames.
    """
    file = Path(path)
    stamp = (file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else (0, 0)
    return _loaded(str(path), stamp)


@lru_cache(maxsize=64)
def _loaded(path: str, stamp: tuple[int, int]) -> Motion:
    capture = read_capture(Path(path))
    if capture.frames < _FEWEST:
        raise AssetError(f"{path}: {capture.frames} frames, need {_FEWEST} or more. Export a longer range.")
    return captured_motion(make_clip(path, trace(capture)))
