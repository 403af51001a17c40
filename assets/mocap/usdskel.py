"""UsdSkel files (.usd, .usda, .usdc, .usdz): the first animated skeleton as a capture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assets.mocap.capture import Capture, rate_of
from pipeline.errors import AssetError, FormatError
from pipeline.io.usdskel import read_skel


def read_usdskel(path: Path) -> Capture:
    """The first animated skeleton in a USD file; its rest pose is the one that it was bound in. Metres.

    Raises AssetError when the file is broken or holds none.
    """
    try:
        skel = read_skel(path)
    except FormatError as error:
        raise AssetError(str(error)) from error
    numbers = {joint: number for number, joint in enumerate(skel.joints)}
    parents = tuple(numbers.get(joint.rpartition("/")[0], -1) for joint in skel.joints)
    rest, moving = skel.bind.copy(), skel.transforms[..., :3, :3]
    rest[:, :3, :3] /= np.linalg.norm(rest[:, :3, :3], axis=-2, keepdims=True)
    moving = moving / np.linalg.norm(moving, axis=-2, keepdims=True)
    turns = moving @ rest[:, :3, :3].transpose(0, 2, 1)
    return Capture(str(path), skel.joints, parents, rest, turns, skel.transforms[..., :3, 3], rate_of(skel.frame_s))
