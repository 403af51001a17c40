"""A comp of one layer on tensors, for a GPU: the same steps, noise and bits outside, values within a half's last place.

Device arithmetic differs in the last bit of a float32 (contraction, powers), so a comp is made wholly on one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.kernels.color import LUMINANCE, Grade, linear
from pipeline.kernels.grain import Grain, curves, graining, key_of, quantiles, swells, textured
from pipeline.kernels.grainpatches import STRONGEST, Swells
from pipeline.kernels.graintexture import CELL
from pipeline.kernels.halves import HALF_MAX
from pipeline.kernels.overlanes import BELOW_ONE

if TYPE_CHECKING:
    from torch import Tensor

_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies around a comp's one layer; each is left out when None.

    outside: (4, H, W) float32, blurred, as merge.light_wrap takes it, with its amount `wrap` and its `white`. shadow:
    (H, W) float32, 1 = untouched. veil: (3, H, W) float32, the haze before the plate that a shadow leaves. depth_m:
    (H, W) float32 of the layer, hazed by colour and extinction.
    """

    outside: np.ndarray | None = None
    wrap: float = 0.0
    white: float = 1.0
    shadow: np.ndarray | None = None
    veil: np.ndarray | None = None
    depth_m: np.ndarray | None = None
    air: tuple[float, float, float] = (0.0, 0.0, 0.0)
    extinction_per_m: float = 0.0


def comp(
    front: Tensor,
    plate: Tensor,
    grain: Grain,
    seed: int,
    frame: int,
    by: Grade | None = None,
    beside: Beside | None = None,
    origin: tuple[int, int] = (0, 0),
) -> Tensor:
    """One layer into the plate, (3, H, W) float16 on the plate's device: what color.grade, color.haze,
    merge.multiply_shadow, merge.light_wrap, fused.lay_over and fused.finish give one after the other.

    front: (4, H, W) float16 or float32, plate: (3, H, W) float16, both scene-linear ACEScg on one device; what `beside`
    holds is taken there. Raises ValueError on other shapes.
    """
    import torch

    size = plate.shape[1:]
    if plate.ndim != 3 or plate.dtype != torch.float16 or front.shape != (4, *size) or len(plate) != 3:
        raise ValueError(f"front {tuple(front.shape)}, plate {tuple(plate.shape)} {plate.dtype}; wanted (4, H, W) over "
                         "(3, H, W) float16.")  # fmt: skip

    def here(array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, device=plate.device)

    beside = beside or Beside()
    rgba, had = front.float(), plate.float()
    picture, kept = had, torch.ones(size, device=plate.device)
    if beside.shadow is not None:
        light = here(beside.shadow)
        kept = light.clamp(0, 1)
        air = torch.minimum(here(beside.veil), had) if beside.veil is not None else torch.zeros_like(had)
        picture = torch.where(light >= 1, had, air + (had - air) * kept)
    alpha, rgb = rgba[3], _graded(rgba, by)
    if beside.depth_m is not None and beside.extinction_per_m > 0:
        through = torch.exp(-beside.extinction_per_m * here(beside.depth_m))
        rgb = rgb * through + alpha * (1 - through) * here(np.asarray(beside.air, np.float32))[:, None, None]
    if beside.outside is not None and beside.wrap > 0:
        outside = here(beside.outside)
        around = outside[:3] / outside[3].clamp(min=1e-4)
        bright = _weighed(around) / beside.white
        edge = (beside.wrap * outside[3] * bright.clamp(0, 1)).clamp(max=1)
        rgb = rgb + edge * (alpha * around - rgb).clamp(min=0)
    bare = (rgba == 0).all(dim=0)
    picture = torch.where(bare, picture, rgb + (1 - alpha) * picture)
    kept = _held(_held(kept) * (1 - alpha).clamp(min=0))
    grained = add_grain(had, picture, kept, grain, seed, frame, origin)
    return _halves(grained, kept, plate)


def finish(
    plate: np.ndarray, picture: np.ndarray, kept: np.ndarray, grain: Grain, seed: int, frame: int, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """fused.finish on a device ("cuda", "mps", "cpu"): the same shapes in and out, values within a half's last place.

    Where kept is 1 the plate's and the picture's bits leave as they came. Raises ValueError on other shapes.
    """
    import torch

    size = kept.shape
    if plate.shape != (*size, 3) or plate.dtype != np.float16 or picture.shape != (*size, 3):
        raise ValueError(
            f"plate {plate.shape} {plate.dtype}, picture {picture.shape}; wanted {(*size, 3)}, float16 the plate."
        )
    shot, seen = (torch.from_numpy(a).to(device).permute(2, 0, 1) for a in (plate, picture))
    share = torch.from_numpy(kept).to(device).float()
    grained = add_grain(shot.float(), seen, share, grain, seed, frame)
    final = _halves(grained, share, shot)
    one, other = (a.permute(1, 2, 0).contiguous().cpu().numpy() for a in (grained, final))
    return one, other


def devices() -> tuple[str, ...]:
    """Where tensors can lie on this machine: "cpu" last."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return tuple(name for name, found in there.items() if found)


def add_grain(
    plate: Tensor,
    picture: Tensor,
    kept: Tensor,
    grain: Grain,
    seed: int,
    frame: int,
    origin: tuple[int, int] = (0, 0),
) -> Tensor:
    """grain.add_grain on planes (3, H, W) float32; kept: (H, W). Where it is 1 the picture's bits stay."""
    import torch

    cells = None
    if grain.texture.size:
        cells = textured(grain, picture.permute(1, 2, 0).contiguous().cpu().numpy(), origin)
    lacking = _lacking(plate, picture, kept, grain) * noise(plate, grain, seed, frame, origin, cells)
    return torch.where(kept >= 1, picture, picture + _mixed(lacking, grain.acescg_from_camera))


def noise(
    like: Tensor,
    grain: Grain,
    seed: int,
    frame: int,
    origin: tuple[int, int] = (0, 0),
    cells: np.ndarray | None = None,
) -> Tensor:
    """grain.noise as planes (3, H, W) float32, of the size and on the device of `like`; cells: a picture's activity."""
    import torch

    height, width = like.shape[-2:]
    side = grain.kernels.shape[-1]
    reach = side // 2
    y = torch.arange(height + 2 * reach, device=like.device) + (origin[1] - reach)
    x = torch.arange(width + 2 * reach, device=like.device) + (origin[0] - reach)
    rows = _hash((y + int(key_of(seed, frame))) & _MASK)
    table, count = torch.as_tensor(quantiles(), device=like.device), len(grain.kernels)
    drawn: list[Tensor] = []
    seen = _hash(rows[:, None] ^ (x & _MASK)[None])
    while len(drawn) < 2 * count:  # two values of each hash
        drawn += [table[seen >> 20], table[(seen >> 8) & 4095]]
        seen = _hash((seen + 0x9E3779B9) & _MASK)
    white = torch.stack(drawn[:count]) if count > 3 else _mixed(torch.stack(drawn[:3]), grain.blend)
    made = torch.zeros((count, height, width), device=like.device)
    if grain.white_share.any():
        share = torch.as_tensor(np.sqrt(grain.white_share), device=like.device)[:, None, None]
        made = share * torch.stack(drawn[count:])[:, reach : reach + height, reach : reach + width]
    (_, (taps, *_), _) = graining(grain, seed, frame)
    kernels = torch.as_tensor(taps, device=like.device)[..., None, None]
    for v in range(side):
        for u in range(side):
            made += kernels[:, v, u] * white[:, v : v + height, u : u + width]
    if grain.patchiness[0]:
        made = made * _swell(made, swells(grain, seed, frame, (height, width), origin, cells), origin)
    return _mixed(made, grain.mix)


def _swell(like: Tensor, swelling: Swells, origin: tuple[int, int]) -> Tensor:
    """The gain of each source at each pixel, (S, H, W): what grainpatches.swell_row multiplies by."""
    import torch

    patches, flecks, lifts = (
        [torch.as_tensor(v, device=like.device) for v in part] for part in (swelling[0], swelling[1], swelling[3])
    )
    y = torch.arange(like.shape[1], device=like.device) + origin[1]
    x = torch.arange(like.shape[2], device=like.device) + origin[0]
    gain = _lattice(y, x, patches)
    if len(flecks[1]):
        gain = gain + _lattice(y, x, flecks)
    gain = (gain + float(swelling[2])).clamp(max=float(STRONGEST))
    y, x = y + CELL // 2, x + CELL // 2
    lifted = [
        gain + _between(cells, y // CELL, (y % CELL + 0.5) / CELL, x // CELL, (x % CELL + 0.5) / CELL)
        if cells.numel()
        else gain
        for cells in lifts
    ]
    return torch.exp2(torch.stack([lifted[0], lifted[1], lifted[1], lifted[2]][: len(like)]))


def _lattice(y: Tensor, x: Tensor, lattice: list[Tensor]) -> Tensor:
    """Logarithms (to 2) of the gains of one kind of patches, (H, W)."""
    points, evened, top, left = lattice
    side = len(evened)
    drawn = _between(points, y // side - top, (y % side).float() / side, x // side - left, (x % side).float() / side)
    return drawn * evened[(y % side)[:, None], (x % side)[None]]


def _between(points: Tensor, row: Tensor, lower: Tensor, column: Tensor, right: Tensor) -> Tensor:
    """Bilinear: at row + lower (H,) and column + right (W,), (H, W)."""
    row, column = row[:, None], column[None]

    def across(column: Tensor) -> Tensor:
        return points[row, column] + lower[:, None] * (points[row + 1, column] - points[row, column])

    here = across(column)
    return here + (across(column + 1) - here) * right[None]


def _held(share: Tensor) -> Tensor:
    """fused.held, as float32."""
    import torch

    return torch.where(share < 1, share.clamp(max=float(BELOW_ONE)), share).half().float()


def _halves(grained: Tensor, kept: Tensor, plate: Tensor) -> Tensor:
    """What leaves: halves, nothing but NaN and infinity beyond their range, the plate's bits where kept is 1."""
    import torch

    held = torch.where(grained.isfinite(), grained.clamp(-float(HALF_MAX), float(HALF_MAX)), grained)
    return torch.where(kept >= 1, plate, held.half())


def _hash(value: Tensor) -> Tensor:
    """grain._hash in int64, which holds the low 32 bits of any product."""
    value = ((value ^ (value >> 16)) * 0x7FEB352D) & _MASK
    value = ((value ^ (value >> 15)) * 0x846CA68B) & _MASK
    return value ^ (value >> 16)


def _weighed(rgb: Tensor) -> Tensor:
    return float(LUMINANCE[0]) * rgb[0] + float(LUMINANCE[1]) * rgb[1] + float(LUMINANCE[2]) * rgb[2]


def _graded(rgba: Tensor, by: Grade | None) -> Tensor:
    import torch

    by = by or Grade()
    rgb, alpha = rgba[:3], rgba[3]
    if by == Grade():
        return rgb
    if by.power == (1.0, 1.0, 1.0):
        m, c = linear(by)
        rows = zip(m, c, strict=True)
        return torch.stack([float(r[0]) * rgb[0] + float(r[1]) * rgb[1] + float(r[2]) * rgb[2] + float(o) * alpha
                            for r, o in rows])  # fmt: skip
    gain, offset, power = (torch.tensor(v, device=rgba.device)[:, None, None] for v in (by.slope, by.offset, by.power))
    gain = gain * 2.0**by.exposure_ev
    solid = alpha != 0
    value = rgb / torch.where(solid, alpha, 1) * gain + offset
    value = torch.where(value > 0, value**power, value)
    grey = _weighed(value) * (1 - by.saturation)
    return torch.where(solid, (grey + value * by.saturation) * alpha, rgb * gain)


def _lacking(had: Tensor, picture: Tensor, kept: Tensor, grain: Grain) -> Tensor:
    """The sigma that is missing in each camera channel: of the picture's level, less what the plate still has."""
    import torch

    ends, line, bends, knots = (v.tolist() for v in curves(grain))

    def sigma(plane: Tensor, c: int) -> Tensor:
        held = plane.clamp(*ends[c])
        total = line[c][0] + line[c][1] * held
        for bend, knot in zip(bends[c], knots[c], strict=True):
            total += bend * held.clamp(min=knot)
        return total

    had, picture = (_mixed(planes, grain.camera_from_acescg) for planes in (had, picture))
    missing = []
    for c in range(3):
        left = kept * sigma(had[c], c)
        lacks = sigma(picture[c], c) ** 2 - left**2
        missing.append(torch.where(lacks > 0, lacks, 0).sqrt())  # not clamp: a NaN stays in its own channel
    return torch.stack(missing)


def _mixed(planes: Tensor, matrix: np.ndarray) -> Tensor:
    """Planes (S, H, W) through a (3, S) matrix."""
    import torch

    return torch.stack([sum(float(v) * plane for v, plane in zip(row, planes, strict=True)) for row in matrix])
