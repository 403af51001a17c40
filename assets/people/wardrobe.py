"""The kit by name: what "tunic" or "shield_tall" in a recipe means, cut to fit a body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assets.people import arms, helmets
from assets.people.banner_kit import banner
from assets.people.bodies import Body
from assets.people.characters import Part
from assets.people.kit import Hang, Maker, Piece, hang, shell

Array = NDArray[np.float64]


def _torso(body: Body, sleeve: float, *, neck_m: float = 0.012) -> Array:
    """Inside (metres) of neck to crotch, with sleeves down to `sleeve` of the upper arm (0 shoulder, 1 elbow)."""
    y, z = body.vertices[:, 1], body.vertices[:, 2]
    inside = np.full(len(y), -0.1)
    chest = body.of_bones("spine", "clavicle", "shoulder", "pelvis", "root")
    for side in ("L", "R"):
        a, b = body.skeleton.head(f"upperarm01.{side}"), body.skeleton.head(f"lowerarm01.{side}")
        down_arm = (sleeve - body.along(f"upperarm01.{side}", f"lowerarm01.{side}")) * float(np.linalg.norm(b - a))
        own = body.of_side(side, *_ARM)
        inside[own] = down_arm[own]
        beside = chest & ((body.vertices[:, 0] > 0) == (side == "L"))
        inside[beside] = np.maximum(down_arm[beside], 0.03)
    legs = body.of_bones("upperleg")
    inside[legs] = y[legs] - (body.skeleton.head("upperleg01.L")[1] - 0.06)
    head = body.of_bones("neck", "head")
    inside[head] = 0.1
    neck = body.skeleton.head("neck01")
    return np.minimum(inside, neck[1] + neck_m - 0.35 * (z - neck[2]) - y)


_ARM = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
_SHIN = ("lowerleg", "foot", "toe")


def _limb(body: Body, first: str, second: str, bones: tuple[str, ...], low: float, high: float) -> Array:
    """Inside (metres) of low < position < high along a limb, on both sides."""
    inside = np.full(len(body.vertices), -0.05)
    for side in ("L", "R"):
        a, b = body.skeleton.head(f"{first}.{side}"), body.skeleton.head(f"{second}.{side}")
        along = body.along(f"{first}.{side}", f"{second}.{side}")
        own = body.of_side(side, *bones)
        inside[own] = (np.minimum(along - low, high - along) * float(np.linalg.norm(b - a)))[own]
    return inside


def _waist(body: Body) -> float:
    return float(body.skeleton.head("spine04")[1] + 0.02)


def _knee(body: Body) -> float:
    return float(body.skeleton.head("lowerleg01.L")[1])


def _skirt(body: Body, length: float, part: Part, **cut: float) -> Piece:
    """A skirt from the waist down to `length` of the way from hip joint to knee (may pass 1)."""
    hip, knee = body.skeleton.head("upperleg01.L")[1], _knee(body)
    return hang(body, Hang(_waist(body) + 0.02, hip - (hip - knee) * length, **cut), part)  # type: ignore[arg-type]


def _tunic(body: Body, *, sleeve: float = 0.72, skirt: float = 0.88) -> list[Piece]:
    return [
        shell(body, _torso(body, sleeve), _let_out(body, 0.016), Part.TUNIC, smooth=14),
        _skirt(body, skirt, Part.TUNIC),
    ]


def _long_tunic(body: Body, *, sleeve: float = 1.25, skirt: float = 1.75) -> list[Piece]:
    return [
        shell(
            body, np.maximum(_torso(body, sleeve), _forearms(body, 0.75)), _let_out(body, 0.018), Part.TUNIC, smooth=14
        ),
        _skirt(body, skirt, Part.TUNIC, fold_m=0.024, rows=20),
    ]


def _let_out(body: Body, ease_m: float) -> Array:
    """Cloth stands off more at the sleeves' ends and under the arms than on the shoulders, which carry it."""
    y = body.vertices[:, 1]
    shoulder = body.skeleton.head("upperarm01.L")[1]
    return ease_m * np.clip(0.65 + (shoulder - y) * 2.2, 0.65, 1.5)


def _forearms(body: Body, high: float) -> Array:
    return _limb(body, "lowerarm01", "wrist", _ARM, -0.3, high)


def _trousers(body: Body) -> list[Piece]:
    trunk = body.of_bones("pelvis", "root", "spine", "upperleg")
    hips = np.where(trunk, _waist(body) - body.vertices[:, 1], -0.05)
    legs = _limb(body, "lowerleg01", "foot", _SHIN, -1, 0.93)
    loose = 0.012 + 0.012 * np.clip((0.35 - body.vertices[:, 1]) * 4, 0, 1)
    return [shell(body, np.maximum(hips, legs), loose, Part.TROUSERS, smooth=10)]


def _boots(body: Body) -> list[Piece]:
    feet = _limb(body, "lowerleg01", "foot", _SHIN, 0.62, 9)
    return [shell(body, feet, 0.007, Part.BOOTS, smooth=16)]


def _greaves(body: Body, *, ends: float = 0.88) -> list[Piece]:
    """Over the shins, from the knee down to `ends` of the way to the ankle."""
    shins = _limb(body, "lowerleg01", "foot", ("upperleg02", *_SHIN), -0.06, ends)
    return [shell(body, shins, 0.012, Part.GREAVES, smooth=4, split=1)]


def _bracers(body: Body) -> list[Piece]:
    return [
        shell(body, _limb(body, "lowerarm01", "wrist", ("lowerarm01", "lowerarm02"), 0.3, 0.92), 0.008, Part.BRACERS)
    ]


def _belt(body: Body) -> list[Piece]:
    band = Hang(_waist(body) + 0.028, _waist(body) - 0.022, (0.026, 0.030), fold_m=0.0, rows=4, columns=48)
    return [hang(body, band, Part.BELT)]


def _cuirass(usual_m: float, usual_sleeve: float, bands: int = 0, smooth: int = 8) -> Maker:
    """A body armour of even thickness; bands > 0 lays it in overlapping hoops."""

    def make(
        body: Body, *, thick_m: float = usual_m, sleeve: float = usual_sleeve, hoops: float = bands
    ) -> list[Piece]:
        inside = np.minimum(_torso(body, sleeve, neck_m=-0.005), body.vertices[:, 1] - _waist(body) + 0.05)
        piece = shell(body, inside, thick_m, Part.CUIRASS, smooth=smooth, split=1)
        if hoops:
            _lay_in_hoops(body, piece, round(hoops))
        return [piece]

    return make


def _lay_in_hoops(body: Body, piece: Piece, bands: int) -> None:
    """Let each hoop stand out at its lower edge, over the next one: the shape of segmented plate."""
    low, high = piece.vertices[:, 1].min(), piece.vertices[:, 1].max()
    place = (high - piece.vertices[:, 1]) / (high - low) * bands
    away = piece.vertices - np.array([0.0, 0.0, body.skeleton.head("spine03")[2]])
    away[:, 1] = 0
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    piece.vertices[:] += away * (0.011 * (place % 1.0) ** 1.5)[:, None]


def _strips(body: Body, *, skirt: float = 0.52) -> list[Piece]:
    """Leather strips over the hips: every other column of a short skirt stands out, every eighth is a gap."""
    piece = _skirt(body, skirt, Part.STRIPS, fold_m=0.0, columns=96, rows=6, ease_m=(0.026, 0.050))  # type: ignore[arg-type]
    column = np.arange(len(piece.vertices)) % 96
    piece.vertices[:, [0, 2]] *= np.where(column % 6 < 3, 1.018, 1.0)[:, None]
    cells = piece.vertices[piece.triangles, 1].mean(axis=1).reshape(2, -1, 96)  # both triangles of each
    gap = (np.arange(96) % 6 == 5) & (cells.mean(axis=0) < _waist(body) - 0.07)
    keep = ~np.tile(gap.ravel(), 2)
    return [
        Piece(piece.vertices, piece.triangles[keep], piece.parts[keep], piece.weights, hangs=piece.hangs, clear_m=0.016)
    ]


def _cape(body: Body, *, below_knee_m: float = 0.22, fold_m: float = 0.032) -> list[Piece]:
    """A mantle over the shoulders and a sheet down the back."""
    shoulder, neck = body.skeleton.head("upperarm01.L")[1], body.skeleton.head("neck01")
    y, z = body.vertices[:, 1], body.vertices[:, 2]
    hem = shoulder - 0.06 - 0.12 * np.clip((neck[2] + 0.03 - z) * 12, 0, 1)
    mantle = np.minimum(_torso(body, 0.45, neck_m=0.03), y - hem)
    behind = 0.036 + 0.012 * np.clip((neck[2] - z) * 12, 0, 1)
    sheet = Hang(shoulder - 0.03, _knee(body) - below_knee_m, (0.046, 0.14), folds=9, fold_m=fold_m,
                 span=(np.pi - 1.40, np.pi + 1.40), rows=22, columns=56, seed=3, follow=0.30)  # fmt: skip
    hanging = replace(hang(body, sheet, Part.CAPE, torso=True), clear_m=0.04)
    return [shell(body, mantle, behind, Part.CAPE, smooth=10, hide=False), hanging]


KIT: dict[str, Maker] = {
    "tunic": _tunic,
    "long_tunic": _long_tunic,
    "trousers": _trousers,
    "boots": _boots,
    "greaves": _greaves,
    "bracers": _bracers,
    "belt": _belt,
    "cuirass_segmented": _cuirass(0.030, 0.30, bands=9),
    "cuirass_muscle": _cuirass(0.026, 0.02, smooth=2),
    "cuirass_mail": _cuirass(0.026, 0.45),
    "cuirass_linen": _cuirass(0.032, 0.08, smooth=16),
    "strips": _strips,
    "cape": _cape,
    **helmets.KIT,
    **arms.KIT,
    "banner": banner,
}
