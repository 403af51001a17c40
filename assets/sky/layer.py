"""The sky of one frame as a layer: along the rays of the solved camera, infinitely far, behind everything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assets.sky.dome import Sky
from assets.view import View
from pipeline.kernels.color import LUMINANCE, RGB

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
FAR_M = 1e7  # where its points stand for the blurs: no camera's travel shows


def directions_of(view: View, rows: slice = slice(None), columns: slice = slice(None)) -> Array:
    """Unit world directions (..., 3) of the pixels' rays."""
    rays = view.rays[rows, columns].astype(np.float64)
    in_camera = np.concatenate([rays, np.ones((*rays.shape[:-1], 1))], axis=-1)
    in_camera /= np.linalg.norm(in_camera, axis=-1, keepdims=True)
    return np.asarray(in_camera @ view.pose[:3, :3])


def drawn(view: View, sky: Sky, gain: float, saturation: float) -> Floats:
    """(H, W, 3) float32 ACEScg, `gain` times as bright; NaN where the sky holds nothing."""
    rgb = sky(directions_of(view)) * np.float32(gain)
    if saturation == 1:
        return rgb
    grey = (rgb @ LUMINANCE)[..., None]
    return np.asarray(np.maximum(grey + np.float32(saturation) * (rgb - grey), 0), np.float32)


def moved(view: View) -> Floats:
    """(H, W, 2) float32 pixels that the sky moves until the next frame: the camera's turning alone moves it."""
    away = FAR_M * directions_of(view)
    return np.asarray(view.motion(view.centre + away, view.other_centre + away), np.float32)


def with_air(rgb: Floats, directions: Array, colour: RGB, share: float, reach_deg: float) -> Floats:
    """The sky (H, W, 3) behind the plate's air: `share` of it at the horizon, 1/e of that reach_deg above. New array.

    Below the horizon it is as thick as there: where a ridge fades into its air, the sky behind it does.
    """
    above = np.degrees(np.arcsin(np.clip(directions[..., 1], 0, 1)))
    veil = (share * np.exp(-above / reach_deg))[..., None].astype(np.float32)
    return np.asarray(rgb + veil * (np.array(colour, np.float32) - rgb), np.float32)
