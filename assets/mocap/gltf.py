"""glTF 2.0 files (.gltf, .glb): the joints of a skin and one animation of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.mocap.capture import Capture, rate_of
from pipeline.errors import AssetError
from pipeline.io.gltf import accessor, opened

Array = NDArray[np.float64]

_PATHS = {"translation": 3, "rotation": 4, "scale": 3}


def read_gltf(path: Path, clip: str = "") -> Capture:
    """The animation called `clip` (else the first) of a glTF file on its first skin, sampled at the rate of its keys. Metres, Y up by the standard.

    The rest pose is the skin's bind pose; without a skin it is the nodes' own. Raises AssetError when the file is
    broken or holds no animation.
    """
    try:
        return _read(path, clip, *opened(path))
    except (KeyError, IndexError, ValueError, TypeError, struct.error, OSError, RecursionError) as error:
        raise AssetError(
            f"{path}: is a broken glTF file ({type(error).__name__}: {error}). Copy or export it again."
        ) from error


@dataclass(frozen=True)
class _Track:
    """The keys of one node's translation, rotation or scale."""

    times: Array
    values: Array  # (K, size), or (K, 3, size) in, value, out for cubic splines
    way: str
    rotation: bool

    def at(self, times: Array) -> Array:
        """(F, size) at times in seconds, held before the first and after the last key."""
        values = self.values[:, 1] if self.way == "CUBICSPLINE" else self.values
        last = len(self.times) - 1
        first = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, max(last - 1, 0))
        then = np.minimum(first + 1, last)
        span = self.times[then] - self.times[first]
        share = np.clip((times - self.times[first]) / np.where(span > 0, span, 1.0), 0.0, 1.0)[:, None]
        a, b = values[first], values[then]
        if self.way == "STEP":
            return np.where(share >= 1.0, b, a)
        if self.way == "CUBICSPLINE":
            slope_a, slope_b = self.values[first, 2] * span[:, None], self.values[then, 0] * span[:, None]
            s2, s3 = share**2, share**3
            return (
                (2 * s3 - 3 * s2 + 1) * a
                + (s3 - 2 * s2 + share) * slope_a
                + (3 * s2 - 2 * s3) * b
                + (s3 - s2) * slope_b
            )
        if self.rotation:
            return _slerp(a, b, share)
        return a + (b - a) * share


def _read(path: Path, clip: str, document: dict[str, Any], buffers: list[bytes]) -> Capture:
    if not document.get("animations"):
        raise AssetError(f"{path}: holds no animation. Export it with its animation.")
    nodes = document["nodes"]
    tracks: dict[tuple[int, str], _Track] = {}
    takes = [animation.get("name", "") for animation in document["animations"]]
    if clip and clip not in takes:
        known = ", ".join(sorted(filter(None, takes))) or "none has a name"
        raise AssetError(f"{path}: holds no animation {clip!r}. Known there: {known}.")
    animation = document["animations"][takes.index(clip) if clip else 0]
    for channel in animation["channels"]:
        target, sampler = channel["target"], animation["samplers"][channel["sampler"]]
        if target["path"] not in _PATHS or "node" not in target:
            continue
        times = accessor(document, buffers, sampler["input"])[:, 0]
        values, way = accessor(document, buffers, sampler["output"]), sampler.get("interpolation", "LINEAR")
        if way == "CUBICSPLINE":
            values = values.reshape(len(times), 3, -1)
        if len(values) != len(times) or len(times) < 1:
            raise ValueError(f"{len(values)} values for {len(times)} keys")
        tracks[target["node"], target["path"]] = _Track(times, values, way, target["path"] == "rotation")
    times, step = _times(path, [track.times for track in tracks.values()])
    joints, bind = _skin(document, buffers, sorted({node for node, _ in tracks}))
    parents = {child: number for number, node in enumerate(nodes) for child in node.get("children", ())}
    worlds: dict[int, Array] = {}
    for joint in joints:
        _world(nodes, parents, tracks, times, joint, worlds)
    order = sorted(joints, key=lambda joint: _depth(parents, joint))
    still: dict[int, Array] = {}
    rest = np.stack([bind[j] if j in bind else _world(nodes, parents, {}, times[:1], j, still)[0] for j in order])
    moving = np.stack([worlds[joint] for joint in order], axis=1)
    turns = _turn(moving) @ _turn(rest).transpose(0, 2, 1)
    names = tuple(nodes[joint].get("name", f"node {joint}") for joint in order)
    ours = tuple(_parent(parents, joint, order) for joint in order)
    rest = rest.copy()
    rest[:, :3, :3] = _turn(rest)
    return Capture(str(path), names, ours, rest, turns, moving[..., :3, 3], rate_of(step))


def _times(path: Path, keys: list[Array]) -> tuple[Array, float]:
    """(the times of all frames, seconds a frame)."""
    longest = np.unique(np.concatenate(keys)) if keys else np.zeros(0)
    if len(longest) < 2 or longest[-1] - longest[0] <= 0:
        raise AssetError(f"{path}: its animation has {len(longest)} frames, need 2. Export a range of frames.")
    apart = np.diff(longest)
    step = float(np.median(apart[apart > 1e-4])) if (apart > 1e-4).any() else 1 / 30
    if step > 1 / 10:  # sparse keys that rely on interpolation
        step = 1 / 30
    frames = round(float(longest[-1] - longest[0]) / step) + 1
    return longest[0] + (longest[-1] - longest[0]) * np.arange(frames) / (frames - 1), step


def _skin(document: dict[str, Any], buffers: list[bytes], moved: list[int]) -> tuple[list[int], dict[int, Array]]:
    """(joint nodes, their bind transforms in the world)."""
    if not document.get("skins"):
        return moved, {}
    skin = document["skins"][0]
    if "inverseBindMatrices" not in skin:
        return skin["joints"], {}
    inverse = accessor(document, buffers, skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    return skin["joints"], dict(zip(skin["joints"], np.linalg.inv(inverse), strict=True))


def _world(
    nodes: list[dict[str, Any]], parents: dict[int, int], tracks: dict[tuple[int, str], _Track], times: Array,
    node: int, done: dict[int, Array],
) -> Array:  # fmt: skip
    """(F, 4, 4) of a node, its parents' worked out on the way."""
    if node not in done:
        local = np.tile(np.eye(4), (len(times), 1, 1))
        own = nodes[node]
        if "matrix" in own:
            local[:] = np.reshape(own["matrix"], (4, 4)).T
        else:
            given = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}
            parts = {
                name: tracks[node, name].at(times)
                if (node, name) in tracks
                else np.array([own.get(name, usual)], float)
                for name, usual in given.items()
            }
            local[:, :3, :3] = _matrices(parts["rotation"]) * parts["scale"][:, None, :]
            local[:, :3, 3] = parts["translation"]
        above = _world(nodes, parents, tracks, times, parents[node], done) if node in parents else np.eye(4)
        done[node] = above @ local
    return done[node]


def _depth(parents: dict[int, int], node: int) -> int:
    return 1 + _depth(parents, parents[node]) if node in parents else 0


def _parent(parents: dict[int, int], node: int, order: list[int]) -> int:
    """The nearest joint above, as its place in `order`; -1 without one."""
    while node in parents:
        node = parents[node]
        if node in order:
            return order.index(node)
    return -1


def _turn(transforms: Array) -> Array:
    """The rotation in (..., 4, 4) transforms, scale taken away."""
    turns = transforms[..., :3, :3]
    return turns / np.linalg.norm(turns, axis=-2, keepdims=True)


def _matrices(quaternions: Array) -> Array:
    """(F, 3, 3) of (F, 4) quaternions x, y, z, w."""
    x, y, z, w = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _slerp(a: Array, b: Array, share: Array) -> Array:
    cosine = (a * b).sum(axis=1, keepdims=True)
    b = np.where(cosine < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = np.maximum(np.sin(angle), 1e-9)
    near = angle < 1e-4
    first = np.where(near, 1 - share, np.sin((1 - share) * angle) / sine)
    second = np.where(near, share, np.sin(share * angle) / sine)
    return first * a + second * b
