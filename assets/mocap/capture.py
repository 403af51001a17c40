"""One type for every captured motion, and how a file becomes one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.mocap.rigs import roles_of
from pipeline.errors import AssetError
from pipeline.frames import FrameRate

Array = NDArray[np.float64]

SUFFIXES = (".bvh", ".glb", ".gltf", ".usd", ".usda", ".usdc", ".usdz")


@dataclass(frozen=True, eq=False)
class Capture:
    """A skeleton that moves. Metres, Y up, right-handed; as `read_capture` gives it, the rest pose faces +Z.

    joints, parents: (J,) names and parents' numbers, -1 without one; parents come first.
    rest: (J, 4, 4) world transform of each joint in the rest pose (T, A or any other that stands upright).
    rotations: (F, J, 3, 3) each joint's turn away from rest, in world axes.
    positions: (F, J, 3) where each joint is; the root's are its translation.
    """

    source: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    rest: Array
    rotations: Array
    positions: Array
    rate: FrameRate

    @property
    def frames(self) -> int:
        return len(self.positions)

    @property
    def roots(self) -> Array:
        """(F, 3) the root's translation, metres."""
        return self.positions[:, 0]

    def turned(self, turn: Array, scale: float = 1.0) -> Capture:
        """The same, every place and direction turned by `turn` (3, 3) and every length multiplied by `scale`."""
        whole = np.eye(4)
        whole[:3, :3] = turn
        rest = whole @ self.rest
        rest[:, :3, 3] *= scale
        return replace(
            self, rest=rest, rotations=turn @ self.rotations @ turn.T, positions=self.positions @ turn.T * scale
        )


def read_capture(path: Path, clip: str = "") -> Capture:
    """The motion in a BVH, glTF or UsdSkel file, on a rig of a known family, stood up and facing +Z in rest.

    clip: which of a glTF file's animations; "": the first. Raises AssetError when the file is broken, holds no motion, or its rig is not known.
    """
    from assets.mocap.bvh import read_bvh
    from assets.mocap.gltf import read_gltf
    from assets.mocap.usdskel import read_usdskel

    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise AssetError(f"{path}: is not a captured motion that can be read. Take one of: {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise AssetError(f"{path}: is not there. Check its path; it is taken relative to the shot file.")
    if suffix in (".glb", ".gltf"):
        return stood_up(read_gltf(path, clip))
    if clip:
        raise AssetError(f"{path}: a {suffix} file holds one motion without a name. Remove clip = {clip!r}.")
    return stood_up(read_bvh(path) if suffix == ".bvh" else read_usdskel(path))


def stood_up(capture: Capture) -> Capture:
    """`capture` turned about so that its rest pose stands along +Y and faces +Z.

    Formats that say nothing about the axes (BVH) are thereby read like the others. A rest pose that does not stand
    (some exports leave zeros there) gives way to the first frame. Raises AssetError when that does not stand either.
    """
    roles = roles_of(capture.joints, capture.source)
    for candidate in (capture, _rest_from_first_frame(capture)):
        heads = {role: candidate.rest[joint, :3, 3] for role, joint in roles.items()}
        hips = (heads["upleg.L"] + heads["upleg.R"]) / 2
        feet = (heads["foot.L"] + heads["foot.R"]) / 2
        arms = (heads["arm.L"] + heads["arm.R"]) / 2
        legs, trunk, left = hips - feet, arms - hips, heads["upleg.L"] - heads["upleg.R"]
        up = np.zeros(3)
        axis = int(np.abs(arms - feet).argmax())
        up[axis] = np.sign((arms - feet)[axis])
        upright = min(_cosine(legs, up), _cosine(trunk, up)) > 0.85 and abs(_cosine(left, up)) < 0.3
        if upright:
            left = left - up * (left @ up)
            left /= np.linalg.norm(left)
            return candidate.turned(np.stack([left, up, np.cross(left, up)]))
    raise AssetError(
        f"{capture.source}: neither the rest pose nor the first frame stands upright, so turns cannot be carried over. "
        "Export it with a T-pose or A-pose as its rest pose or first frame."
    )


def rate_of(frame_s: float) -> FrameRate:
    """The frame rate whose frames last `frame_s`: a whole number or one of the 1001 family where it is near one."""
    fps = 1.0 / frame_s
    for denominator in (1, 1001):
        numerator = round(fps * denominator / (1000 if denominator == 1001 else 1))
        ratio = Fraction(numerator * (1000 if denominator == 1001 else 1), denominator)
        if numerator and abs(float(ratio) / fps - 1) < 4e-4:
            return FrameRate(ratio.numerator, ratio.denominator)
    ratio = Fraction(fps).limit_denominator(1000)
    return FrameRate(ratio.numerator, ratio.denominator)


def _rest_from_first_frame(capture: Capture) -> Capture:
    rest = np.tile(np.eye(4), (len(capture.joints), 1, 1))
    rest[:, :3, :3] = capture.rotations[0] @ capture.rest[:, :3, :3]
    rest[:, :3, 3] = capture.positions[0]
    return replace(capture, rest=rest, rotations=capture.rotations @ capture.rotations[0].transpose(0, 2, 1))


def _cosine(a: Array, b: Array) -> float:
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))
