"""How far colours lie apart to the eye: CIEDE2000."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from pipeline.io.color import from_acescg

Array = np.ndarray[Any, Any]


def lab_of(linear: Array) -> Array:
    """(..., 3) float32 ACEScg as CIE L*a*b* under D65, of what an sRGB display shows: clipped to 0..1."""
    rows = np.ascontiguousarray(linear, np.float32).reshape(1, -1, 3)
    shown = np.clip(from_acescg(rows, "Linear Rec.709 (sRGB)"), 0, 1).astype(np.float32)
    return np.asarray(cv2.cvtColor(shown, cv2.COLOR_LRGB2LAB)).reshape(np.shape(linear))


def delta_e_2000(first: Array, second: Array) -> Array:
    """(...) CIEDE2000 difference of (..., 3) L*a*b* colours.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 30 (2005).
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(lab, np.float64), -1, 0) for lab in (first, second))
    grown = 0.5 * (1 - np.sqrt(_share((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2)))
    a1, a2 = (1 + grown) * a1, (1 + grown) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1) % (2 * np.pi), np.arctan2(b2, a2) % (2 * np.pi)
    coloured = c1 * c2 > 0
    turn = np.where(coloured, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi, 0.0)
    hue = np.where(coloured, (h1 + turn / 2) % (2 * np.pi), h1 + h2)
    chroma, light = (c1 + c2) / 2, (l1 + l2) / 2
    weight = 1 - 0.17 * np.cos(hue - np.radians(30)) + 0.24 * np.cos(2 * hue)
    weight += 0.32 * np.cos(3 * hue + np.radians(6)) - 0.20 * np.cos(4 * hue - np.radians(63))
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weight
    angle = np.radians(60) * np.exp(-(((np.degrees(hue) - 275) / 25) ** 2))
    rotated = -np.sin(angle) * 2 * np.sqrt(_share(chroma))
    d_l, d_c, d_h = (l2 - l1) / s_l, (c2 - c1) / s_c, 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / s_h
    return np.asarray(np.sqrt(np.maximum(d_l**2 + d_c**2 + d_h**2 + rotated * d_c * d_h, 0)))


def _share(chroma: Array) -> Array:
    return np.asarray(chroma**7 / (chroma**7 + 25.0**7))
