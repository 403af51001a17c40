"""The kit by name: what "tunic" or "shield_tall" in a recipe means, cut to fit a body."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from assets import arms, helmets
from assets.bodies import Body
from assets.characters import Part
from assets.kit import Hang, Piece, hang, shell

Mask = NDArray[np.bool_]
Array = NDArray[np.float64]


def _torso(body: Body, sleeve: float, *, neck_m: float = 0.012) -> Mask:
    """Neck to crotch, with sleeves down to `sleeve` of the upper arm (0 shoulder, 1 elbow)."""
    y = body.vertices[:, 1]
    chest = body.of_bones("spine", "clavicle", "shoulder", "pelvis", "root", "breast")
    arm = np.minimum(body.along("upperarm01.L", "lowerarm01.L"), 9) * (body.vertices[:, 0] > 0) + body.along(
        "upperarm01.R", "lowerarm01.R"
    ) * (body.vertices[:, 0] <= 0)
    sleeves = body.of_bones("upperarm") & (arm < sleeve)
    hips = body.of_bones("upperleg") & (y > body.skeleton.head("upperleg01.L")[1] - 0.06)
    neck = body.of_bones("neck01") & (y < body.skeleton.head("neck01")[1] + neck_m)
    return chest | sleeves | hips | neck


def _limb(body: Body, first: str, second: str, bones: tuple[str, ...], low: float, high: float) -> Mask:
    """Where low < position < high along a limb, both sides."""
    mask = np.zeros(len(body.vertices), bool)
    for side in ("L", "R"):
        along = body.along(f"{first}.{side}", f"{second}.{side}")
        mask |= body.of_bones(*(f"{bone}.{side}" for bone in bones)) & (along > low) & (along < high)
    return mask


_FOOT = ("foot", *(f"toe{i}-{j}" for i in range(1, 6) for j in (1, 2, 3)))


def _waist(body: Body) -> float:
    return float(body.skeleton.head("spine04")[1] + 0.02)


def _knee(body: Body) -> float:
    return float(body.skeleton.head("lowerleg01.L")[1])


def _skirt(body: Body, length: float, part: Part, **cut: float) -> Piece:
    """A skirt from the waist down to `length` of the way from hip joint to knee (may pass 1)."""
    hip, knee = body.skeleton.head("upperleg01.L")[1], _knee(body)
    return hang(body, Hang(_waist(body) + 0.02, hip - (hip - knee) * length, **cut), part)  # type: ignore[arg-type]


def _tunic(body: Body) -> list[Piece]:
    return [
        shell(body, _torso(body, 0.72), _let_out(body, 0.016), Part.TUNIC, smooth=14),
        _skirt(body, 0.88, Part.TUNIC),
    ]


def _long_tunic(body: Body) -> list[Piece]:
    return [
        shell(body, _torso(body, 1.6) | _forearms(body, 0.75), _let_out(body, 0.018), Part.TUNIC, smooth=14),
        _skirt(body, 1.75, Part.TUNIC, fold_m=0.024, rows=20),
    ]


def _let_out(body: Body, ease_m: float) -> Array:
    """Cloth stands off more at the sleeves' ends and under the arms than on the shoulders, which carry it."""
    y = body.vertices[:, 1]
    shoulder = body.skeleton.head("upperarm01.L")[1]
    return ease_m * np.clip(0.65 + (shoulder - y) * 2.2, 0.65, 1.5)


def _forearms(body: Body, high: float) -> Mask:
    return _limb(body, "lowerarm01", "wrist", ("lowerarm01", "lowerarm02", "upperarm02", "wrist"), -0.3, high)


def _trousers(body: Body) -> list[Piece]:
    hips = body.of_bones("pelvis", "root", "spine05") & (body.vertices[:, 1] < _waist(body))
    legs = body.of_bones("upperleg") | _limb(body, "lowerleg01", "foot", ("lowerleg01", "lowerleg02"), -1, 0.93)
    return [shell(body, hips | legs, 0.016, Part.TROUSERS, smooth=10)]


def _boots(body: Body) -> list[Piece]:
    feet = body.of_bones("foot", "toe") | _limb(body, "lowerleg01", "foot", ("lowerleg02",), 0.62, 2)
    return [shell(body, feet, 0.007, Part.BOOTS, smooth=8)]


def _greaves(body: Body) -> list[Piece]:
    shins = _limb(body, "lowerleg01", "foot", ("lowerleg01", "lowerleg02"), -0.02, 0.88)
    return [shell(body, shins, 0.012, Part.GREAVES, smooth=4, split=1)]


def _bracers(body: Body) -> list[Piece]:
    return [
        shell(body, _limb(body, "lowerarm01", "wrist", ("lowerarm01", "lowerarm02"), 0.3, 0.92), 0.008, Part.BRACERS)
    ]


def _belt(body: Body) -> list[Piece]:
    band = Hang(_waist(body) + 0.028, _waist(body) - 0.022, (0.026, 0.030), fold_m=0.0, rows=4, columns=48)
    return [hang(body, band, Part.BELT)]


def _cuirass(offset_m: float, sleeve: float, bands: int = 0, smooth: int = 8) -> Callable[[Body], list[Piece]]:
    """A body armour of even thickness; bands > 0 lays it in overlapping hoops."""

    def make(body: Body) -> list[Piece]:
        mask = _torso(body, sleeve, neck_m=-0.005) & (body.vertices[:, 1] > _waist(body) - 0.05)
        piece = shell(body, mask, offset_m, Part.CUIRASS, smooth=smooth, split=2 if bands else 1)
        if bands:
            _lay_in_hoops(body, piece, bands)
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


def _strips(body: Body) -> list[Piece]:
    """Leather strips over the hips: every other column of a short skirt stands out, every eighth is a gap."""
    piece = _skirt(body, 0.52, Part.STRIPS, fold_m=0.0, columns=96, rows=6, ease_m=(0.026, 0.050))  # type: ignore[arg-type]
    column = np.arange(len(piece.vertices)) % 96
    piece.vertices[:, [0, 2]] *= np.where(column % 6 < 3, 1.018, 1.0)[:, None]
    first = piece.triangles.min(axis=1) % 96
    gap = (first % 6 == 5) & (piece.vertices[piece.triangles, 1].mean(axis=1) < _waist(body) - 0.07)
    keep = ~gap
    return [Piece(piece.vertices, piece.triangles[keep], piece.parts[keep], piece.weights, hangs=piece.hangs)]


def _cape(body: Body) -> list[Piece]:
    """A mantle over the shoulders and a sheet down the back."""
    shoulder, neck = body.skeleton.head("upperarm01.L")[1], body.skeleton.head("neck01")[1]
    back_only = np.clip((0.06 - body.vertices[:, 2]) * 40, 0, 1)
    mantle = (_torso(body, 0.42) | body.of_bones("neck01")) & (body.vertices[:, 1] < neck + 0.03)
    mantle &= body.vertices[:, 1] > shoulder - 0.16 + 0.06 * (1 - back_only)
    sheet = Hang(shoulder - 0.03, _knee(body) - 0.22, (0.030, 0.075), folds=9, fold_m=0.035,
                 span=(np.pi - 1.45, np.pi + 1.45), rows=22, columns=56, seed=3)  # fmt: skip
    return [shell(body, mantle, 0.030, Part.CAPE, smooth=10, hide=False), hang(body, sheet, Part.CAPE, torso=True)]


KIT: dict[str, Callable[[Body], list[Piece]]] = {
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
}
