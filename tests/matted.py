"""People with hair and moving arms whose alpha is known: before an uneven screen with spill, or before a natural plate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_FINER = 4  # strands are drawn this much finer, so that a tenth of a pixel of hair covers a tenth of it
_SUBFRAMES = 6  # moments of the open shutter
# Scene-linear ACEScg of lit studio paints.
SCREENS = {"green": (0.17, 0.40, 0.11), "blue": (0.07, 0.09, 0.36)}


@dataclass(frozen=True)
class Matted:
    """One rendered frame. picture: (H, W, 3) scene-linear ACEScg with grain and spill; clean: the same without grain.

    alpha: (H, W) truth 0..1. foreground: (H, W, 3) the person's colour without spill, also where alpha is 0;
    back: (H, W, 3) what is behind. motion_px: (H, W, 2) of the person until the next frame, x right, y down.
    """

    picture: Floats
    clean: Floats
    alpha: Floats
    foreground: Floats
    back: Floats
    motion_px: Floats

    def over(self, colour: tuple[float, float, float]) -> Floats:
        """The truth laid over one colour, (H, W, 3), without grain or spill."""
        share = self.alpha[..., None]
        return np.asarray(share * self.foreground + (1 - share) * np.float32(colour), np.float32)


@dataclass(frozen=True)
class Person:
    """Somebody who sways, hair and all, and swings an arm. behind: "green", "blue", "natural" or "hard" (hair and
    background nearly alike). grain: deviation at mid grey. spill: share of the screen's colour that falls on him."""

    behind: str = "green"
    width: int = 320
    height: int = 240
    strands: int = 160
    grain: float = 0.006
    spill: float = 0.12
    seed: int = 1

    def render(self, frame: int) -> Matted:
        return _render(self, frame)


@lru_cache(maxsize=32)
def _render(person: Person, frame: int) -> Matted:
    height, width = person.height, person.width
    total = np.zeros((height, width, 4), np.float32)
    moments = frame + 0.5 * (np.arange(_SUBFRAMES) / _SUBFRAMES - 0.5 + 0.5 / _SUBFRAMES)
    for moment in moments:
        total += _drawn(
            replace(person, behind=person.behind if person.behind in ("hard", "blue") else "", grain=0, spill=0),
            float(moment),
        ) / np.float32(_SUBFRAMES)
    alpha = np.clip(total[..., 3], 0, 1)
    foreground = _carried(total)
    back = _behind(person)
    lit = foreground
    if person.behind in SCREENS and person.spill:
        near = cv2.GaussianBlur(1 - alpha, (0, 0), 0.06 * width)[..., None]
        lit = foreground + np.float32(person.spill) * (0.35 + near) * _screen(person)
    share = alpha[..., None]
    clean = np.asarray(share * lit + (1 - share) * back, np.float32)
    random = np.random.default_rng([person.seed, frame, 7])
    noise = cv2.GaussianBlur(random.standard_normal(clean.shape, np.float32), (0, 0), 0.6) * np.float32(2.0)
    level = np.sqrt(np.maximum(clean, 0) / np.float32(0.18) + np.float32(0.05))
    picture = np.asarray(clean + np.float32(person.grain) * level * noise, np.float32)
    sway = _pose(person, frame + 1)[0] - _pose(person, frame)[0]
    motion = np.broadcast_to(np.float32([sway, 0.0]), (height, width, 2)).copy()
    return Matted(picture, clean, alpha, foreground, back, motion)


def _pose(person: Person, moment: float) -> tuple[float, float]:
    """Where he stands, pixels aside, and the arm's angle: it swings fast enough to smear."""
    scale = person.width / 320
    return 14 * scale * float(np.sin(moment / 5.0)), 0.6 + 0.9 * float(np.sin(moment / 2.2))


@lru_cache(maxsize=96)
def _drawn(person: Person, moment: float) -> Floats:
    """(H, W, 4) premultiplied, at one moment."""
    size = (person.height * _FINER, person.width * _FINER)
    unit = person.width * _FINER / 320.0
    aside, swing = _pose(person, moment)
    cx, cy = (150 + 0.0) * unit + aside * _FINER, 92 * unit
    random = np.random.default_rng(person.seed)
    layer = np.zeros((*size, 4), np.float32)

    def shape(draw, colour: tuple[float, float, float]) -> None:
        mask = np.zeros(size, np.uint8)
        draw(mask)
        on = mask > 127
        layer[on] = (*colour, 1.0)

    def polyline(points: NDArray[np.float64], thickness: int, colour: NDArray[np.float64]) -> None:
        cv2.polylines(
            layer, [np.round(points * 16).astype(np.int32)], False, (*map(float, colour), 1.0), thickness, cv2.LINE_8, 4
        )

    def ellipse(mask, x, y, rx, ry, angle=0.0) -> None:
        centre = (round(x * 16), round(y * 16))
        cv2.ellipse(mask, centre, (round(rx * 16), round(ry * 16)), angle, 0, 360, 255, -1, cv2.LINE_8, 4)

    dark = np.array([0.055, 0.038, 0.028])
    base = 1.0 if person.behind != "hard" else 2.6
    for _ in range(person.strands):
        angle = random.uniform(-2.9, -0.25)
        length = random.uniform(18, 52) * unit
        bend = random.uniform(-0.9, 0.9)
        steps = np.linspace(0, 1, 14)
        turned = angle + bend * steps**1.3
        moves = np.stack([np.cos(turned), np.sin(turned)], axis=1) * (length / 13)
        start = np.array([cx + 27 * unit * np.cos(angle), cy + 31 * unit * np.sin(angle)])
        tone = dark * base * random.uniform(0.7, 1.8)
        polyline(start + np.cumsum(moves, axis=0), int(random.choice([1, 1, 2, 2, 3])), tone)
    shirt = (0.24, 0.12, 0.09) if person.behind == "blue" else (0.11, 0.14, 0.24)
    shape(lambda m: ellipse(m, cx, cy + 108 * unit, 58 * unit, 70 * unit), shirt)
    elbow = np.array([cx + 52 * unit, cy + 70 * unit])
    reach = np.array([np.cos(swing), -np.sin(swing)]) * 62 * unit
    shape(
        lambda m: cv2.line(
            m, tuple(np.round(elbow).astype(int)), tuple(np.round(elbow + reach).astype(int)), 255, round(17 * unit)
        ),
        (0.42, 0.27, 0.19),
    )
    shape(lambda m: ellipse(m, cx, cy - 2 * unit, 29 * unit, 33 * unit), tuple(dark * base))
    shape(lambda m: ellipse(m, cx + 2 * unit, cy + 6 * unit, 23 * unit, 28 * unit), (0.40, 0.26, 0.19))
    return np.asarray(cv2.resize(layer, (person.width, person.height), interpolation=cv2.INTER_AREA), np.float32)


def _carried(total: Floats) -> Floats:
    """The person's own colour, carried on beyond where he covers anything."""
    colour, weight = total[..., :3].copy(), total[..., 3].copy()
    out = colour / np.maximum(weight, 1e-6)[..., None]
    for sigma in (1.0, 3.0, 9.0, 40.0):
        near, share = cv2.GaussianBlur(colour, (0, 0), sigma), cv2.GaussianBlur(weight, (0, 0), sigma)
        empty = (weight < 1e-3) & (share > 1e-4)
        out[empty] = (near / np.maximum(share, 1e-6)[..., None])[empty]
        colour[empty], weight[empty] = out[empty] * 0.01, 0.01
    return np.asarray(out, np.float32)


def _screen(person: Person) -> Floats:
    """(H, W, 3): a paint lit unevenly: a hot spot, a falling side, wrinkles."""
    y, x = np.mgrid[0 : person.height, 0 : person.width].astype(np.float32) / person.width
    light = 0.62 + 0.5 * np.exp(-((x - 0.3) ** 2 + (y - 0.2) ** 2) / 0.12) + 0.16 * (x - 0.5)
    light *= 1 + 0.03 * np.sin(40 * x + 9 * y) + 0.02 * np.sin(17 * y - 6 * x)
    warm = 1 + 0.06 * (x[..., None] - 0.5) * np.float32([1, 0, -1])
    return np.asarray(light[..., None] * warm * np.float32(SCREENS[person.behind]), np.float32)


def _behind(person: Person) -> Floats:
    if person.behind in SCREENS:
        return _screen(person)
    random = np.random.default_rng(person.seed + 50)
    picture = np.zeros((person.height, person.width, 3), np.float32)
    for sigma, strength in ((30, 0.5), (9, 0.3), (2.5, 0.2)):
        noise = cv2.GaussianBlur(random.standard_normal(picture.shape, np.float32), (0, 0), sigma * person.width / 320)
        picture += strength * (0.35 * noise + noise.mean(axis=2, keepdims=True)) / noise.std()
    level = (0.11, 0.10, 0.085) if person.behind == "hard" else (0.36, 0.38, 0.42)
    return np.asarray(np.float32(level) * np.exp(0.45 * picture), np.float32)
