"""The views of a delivered frame: the comp, the plate, each layer, depth, mattes, ids: as pictures for the display."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError
from pipeline.io import color, exr, exrheader
from pipeline.review.screen import depth_colours, depth_range, matte_picture
from pipeline.screening.media.footage import Footage

Array = np.ndarray[Any, Any]

COMP, PLATE, DEPTH, MATTE, IDS = "comp", "plate", "depth", "matte", "ids"
_LAYER = "layer."
_TO_LABEL = {
    COMP: "Comp",
    PLATE: "Plate",
    DEPTH: "Depth",
    MATTE: "Matte",
    IDS: "Ids",
    "touched": "Touched",
    "shadow": "Shadow",
}
_PLANES = {"touched": "touched.A", "shadow": "shadow.A"}
_RGB, _RGBA = ("R", "G", "B"), ("R", "G", "B", "A")
_BACKDROP = 0.03  # scene-linear grey behind a layer: dark and light edges both show
_STEADY = 5  # frames that a shot's range of depth is taken from


@dataclass(frozen=True, slots=True)
class View:
    """name: as addresses have it, e.g. "layer.crowd". graded: exposure and gamma mean something."""

    name: str
    label: str
    graded: bool


def views_of(footage: Footage) -> tuple[View, ...]:
    """What can be seen of a version, by the channels of its first frame; the comp alone where that cannot be read."""
    try:
        channels = exrheader.channel_names(footage.comp.path(footage.frames.first))
    except FormatError:
        channels = frozenset()
    layers = sorted(name.removesuffix(".id") for name in channels if name.endswith(".id"))
    names = [COMP, *([PLATE] if footage.plate else []), *(_LAYER + layer for layer in layers)]
    names += [view for view, plane in ((DEPTH, "depth.Z"), (MATTE, "matte.A")) if plane in channels]
    names += [IDS] if layers else []
    names += [view for view, plane in _PLANES.items() if plane in channels]
    return tuple(View(name, _label(name), graded(name)) for name in names)


def graded(view: str) -> bool:
    """Whether a view is light, which exposure and gamma change, and not data."""
    return view in (COMP, PLATE) or view.startswith(_LAYER)


def picture(footage: Footage, view: str, frame: int, *, exposure_ev: float = 0.0, near_far: Any = None) -> Array:
    """(H, W, 3) uint8 of a view for the display, at the frame's own size.

    exposure_ev: stops, in scene-linear light, before the display's view. near_far: depths in metres that are drawn
    brightest and darkest; None: the frame's own. Raises FormatError where the file or the view is not there.
    """
    path = _file(footage, view, frame)
    if view == IDS:
        return _id_colours(exr.read(path))
    if view == MATTE:
        image = exr.read(path)
        return matte_picture(_shown(footage, exr.picture(image, path), 0.0), _plane(image, "matte.A", path))
    names, values = stored(footage, view, frame)
    if view == DEPTH:
        return depth_colours(values[..., 0], near_far)
    if view in _PLANES:
        return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8).repeat(3, axis=2)
    if names == _RGBA:
        values = values[..., :3] + (1 - values[..., 3:]) * np.float32(_BACKDROP)
    return _shown(footage, values, exposure_ev)


def stored(footage: Footage, view: str, frame: int) -> tuple[tuple[str, ...], Array]:
    """What the files of a view hold: names of its channels, and (H, W, channels) values, scene-linear ACEScg where they
    are light, a layer's premultiplied, depth in metres; float32, ids float64, which holds every one of them.

    Raises FormatError where the file or the view is not there.
    """
    path = _file(footage, view, frame)
    if view == PLATE:
        return _RGB, exr.read_rgb(path)
    image = exr.read(path)
    if view == COMP:
        return _RGB, exr.picture(image, path)
    if view == IDS:
        ids = [name for name in sorted(image.channels) if name.endswith(".id")]
        return tuple(ids), np.stack([image.channels[name].astype(np.float64) for name in ids], axis=-1)
    single = {DEPTH: "depth.Z", MATTE: "matte.A", **_PLANES}.get(view)
    if single:
        return (single.partition(".")[2],), _plane(image, single, path)[..., None]
    layer = view.removeprefix(_LAYER)
    return _RGBA, np.stack([_plane(image, f"{layer}.{c}", path) for c in _RGBA], axis=-1)


def steady_range(footage: Footage) -> tuple[float, float] | None:
    """The depths, in metres, that a shot's every frame is drawn between, or a movie of it would flicker."""
    first, last = footage.frames.first, footage.frames.last
    found = []
    for frame in sorted({round(first + (last - first) * i / (_STEADY - 1)) for i in range(_STEADY)}):
        path = footage.comp.path(frame)
        try:
            found.append(depth_range(_plane(exr.read(path), "depth.Z", path)))
        except FormatError:
            continue
    known = [pair for pair in found if pair]
    return (min(near for near, _ in known), max(far for _, far in known)) if known else None


def _file(footage: Footage, view: str, frame: int) -> Path:
    files = footage.plate if view == PLATE else footage.comp
    if files is None or frame not in files.frames:
        raise FormatError(f"{footage.shot} v{footage.version:03d}: there is no {view} of frame {frame}.")
    return files.path(frame)


def _shown(footage: Footage, rgb: Array, exposure_ev: float) -> Array:
    if exposure_ev:
        rgb = rgb * np.float32(2.0**exposure_ev)
    return color.to_display_8bit(rgb, footage.display, footage.view)


def _plane(image: exr.ExrImage, name: str, path: Path) -> Array:
    if name not in image.channels:
        raise FormatError(f"{path}: has no channel {name}. Look at another view.")
    return np.asarray(image.channels[name], np.float32)


def _id_colours(image: exr.ExrImage) -> Array:
    """Everyone in a colour of his own, the same on every frame; dark where nobody is."""
    out = np.full((image.height, image.width, 3), 18, np.uint8)
    for name in sorted(n for n in image.channels if n.endswith(".id")):
        ids = np.asarray(image.channels[name], np.uint32)
        # Golden-ratio steps of the hash: neighbours in number lie far apart in hue (Knuth, TAOCP vol. 3, 6.4).
        mixed = (ids * np.uint32(2654435769)) ^ np.uint32(zlib.crc32(name.encode()))
        rgb = np.stack([(mixed >> np.uint32(shift)) & np.uint32(255) for shift in (24, 16, 8)], axis=-1)
        out = np.where((ids > 0)[..., None], 70 + rgb * 170 // 255, out).astype(np.uint8)
    return out


def _label(view: str) -> str:
    return _TO_LABEL.get(view) or view.removeprefix(_LAYER).capitalize()
