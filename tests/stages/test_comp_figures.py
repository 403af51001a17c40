"""Figures of a frame: each finds its own fault, and nothing in a clean comp."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.io import exr
from pipeline.kernels.grain import Grain, add_grain
from pipeline.kernels.grainrows import TAPS
from pipeline.review.gather import Limits, judge
from stages.comp_figures import Frame, figures_of, fringes, levels

H, W, FRAME, SEED = 120, 160, 1003, 4
KERNELS = np.zeros((3, TAPS, TAPS), np.float32)
KERNELS[:, TAPS // 2, TAPS // 2] = 1
LEVELS = np.tile(np.float32([0, 1]), (3, 1))
GRAIN = Grain(LEVELS, np.full((3, 2), 0.02, np.float32), KERNELS, np.eye(3, dtype=np.float32))


def disc() -> np.ndarray:
    """(H, W) a soft disc."""
    y, x = np.mgrid[:H, :W]
    return np.clip(40 - np.hypot(x - 80, y - 60) + 0.5, -1.5, 1.5).astype(np.float32) / 3 + np.float32(0.5)


def comped(alpha: np.ndarray, layer: tuple[float, float, float] = (0.5, 0.2, 0.1)) -> np.ndarray:
    """(H, W, 3) a flat layer blended over a flat plate."""
    blend = alpha[..., None] * np.float32(layer) + (1 - alpha[..., None]) * np.float32([0.2, 0.3, 0.4])
    return np.asarray(blend, np.float32)


def made(picture: np.ndarray, alpha: np.ndarray, strength: float = 1.0, frame: int = FRAME) -> Frame:
    plate = exr.half(np.broadcast_to(np.float32([0.2, 0.3, 0.4]), picture.shape))
    kept, grained = 1 - alpha, np.empty_like(picture)
    grain = Grain(LEVELS, GRAIN.sigmas * np.float32(strength), KERNELS, GRAIN.mix)
    add_grain(plate.astype(np.float32), picture, kept, grain, SEED, frame, grained)
    final = np.where((kept < 1)[..., None], exr.half(grained), plate)
    rgba = np.concatenate([picture * alpha[..., None], alpha[..., None]], axis=2)
    return Frame(plate, final, picture, grained, kept, {"crowd": rgba})


def test_a_blend_has_no_fringe() -> None:
    assert fringes(comped(disc()), disc()) == pytest.approx([0, 0, 0], abs=1e-5)


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("factor", [0.2, 2.0])
def test_a_line_along_the_edge_counts_in_its_channel(channel: int, factor: float) -> None:
    alpha, picture = disc(), comped(disc())
    line = (alpha > 0.3) & (alpha < 0.7)
    picture[line, channel] *= factor

    found = fringes(picture, alpha)

    assert found[channel] > 0.02
    assert [v for c, v in enumerate(found) if c != channel] == pytest.approx([0, 0], abs=1e-5)


def test_without_an_edge_there_is_no_figure() -> None:
    whole = np.ones((H, W), np.float32)

    assert fringes(comped(whole), whole) == []


def test_black_white_and_gamma_are_those_of_a_known_ramp() -> None:
    even = np.linspace(0, 1, 20_001, dtype=np.float32)
    pixels = np.stack([0.1 + 0.5 * even, 0.1 + 0.5 * even**2, 0.1 + 0.5 * even**0.5], axis=1)

    found = levels(pixels, np.arange(len(pixels)))

    assert found["black"] == pytest.approx([0.1 + 0.5 * 0.005, 0.1, 0.1 + 0.5 * 0.005**0.5], abs=1e-3)
    assert found["white"] == pytest.approx([0.6, 0.6, 0.6], abs=0.006)
    assert found["gamma"] == pytest.approx([1, 2, 0.5], abs=0.06)


def test_a_saturated_cloth_is_not_darker_than_black() -> None:
    """Its weakest channel lies under every grey; its light does not."""
    random = np.random.default_rng(1)
    grey = np.repeat(random.uniform(0.06, 0.6, (20000, 1)), 3, axis=1)
    red = random.uniform(0.3, 0.5, (4000, 1)) * [1, 0.05, 0.04]
    pixels = np.concatenate([grey, red]).astype(np.float32)

    found = levels(pixels, np.arange(len(pixels)))

    assert pixels[:, 1].min() < 0.03
    assert found["black"] == pytest.approx([0.0625] * 3, abs=0.002)
    tinted = levels((pixels - [0, 0.03, 0]).astype(np.float32), np.arange(len(pixels)))
    assert tinted["black"][1] == pytest.approx(found["black"][1] - 0.03, abs=0.004)  # a black of a colour is seen


def test_grain_is_judged_in_every_bin_of_light() -> None:
    y = np.linspace(0.05, 0.9, H, dtype=np.float32)[:, None, None]
    picture, alpha = np.broadcast_to(y, (H, W, 3)).copy(), np.ones((H, W), np.float32)

    right, weak = (figures_of(made(picture, alpha, s), GRAIN, SEED, FRAME) for s in (1.0, 0.5))

    for bins in ("dark", "middle", "bright"):
        assert right["grain_bins"][bins] == pytest.approx([1, 1, 1], abs=0.05)
        assert weak["grain_bins"][bins] == pytest.approx([0.5, 0.5, 0.5], abs=0.03)


def test_patches_of_a_damaged_plates_grain_are_no_fault() -> None:
    """A small layer may lie wholly in a strong or in a weak one."""
    patchy, alpha = replace(GRAIN, patchiness=np.float32([0.6, 96])), np.ones((H, W), np.float32)
    picture = comped(alpha)
    frame = made(picture, alpha)
    add_grain(picture, picture, np.zeros((H, W), np.float32), patchy, SEED, FRAME, frame.grained)

    found = figures_of(frame, patchy, SEED, FRAME)

    assert found["grain_ratio"] == pytest.approx([1, 1, 1], abs=0.05)
    assert abs(figures_of(frame, GRAIN, SEED, FRAME)["grain_ratio"][0] - 1) > 0.05
    assert abs(found["grain_repeats"]) < 0.02


def test_grain_that_stands_still_is_found() -> None:
    """A generator that forgot the frame number gives this frame the grain of the one before."""
    picture, alpha = comped(np.ones((H, W), np.float32)), np.ones((H, W), np.float32)

    moving, frozen = (figures_of(made(picture, alpha, frame=f), GRAIN, SEED, FRAME) for f in (FRAME, FRAME - 1))

    assert abs(moving["grain_repeats"]) < 0.03
    assert frozen["grain_repeats"] == pytest.approx(1, abs=1e-3)


def test_a_changed_bit_outside_is_found() -> None:
    done = made(comped(disc()), disc())
    clean = figures_of(done, GRAIN, SEED, FRAME)
    done.final[2, 3, 1] = np.nextafter(done.final[2, 3, 1], np.float16(1))

    found = figures_of(done, GRAIN, SEED, FRAME)

    assert (clean["outside_max_difference"], clean["outside_bit_identical"]) == (0, True)
    assert found["outside_max_difference"] > 0
    assert not found["outside_bit_identical"]


COARSE = np.zeros((3, TAPS, TAPS), np.float32)
COARSE[:, TAPS // 2 - 1 : TAPS // 2 + 2, TAPS // 2 - 1 : TAPS // 2 + 2] = 1 / 3
PATCHY = replace(GRAIN, kernels=COARSE, patchiness=np.float32([0.5, 24]))


def patchy(
    frame: int, strength: float = 1.0, drawn: int | None = None, radius: float = 22.0, grain: Grain = PATCHY
) -> dict[str, Any]:
    """Figures of a small disc with coarse and patchy grain over it, of this strength, drawn for another frame."""
    y, x = np.mgrid[:H, :W]
    alpha = (np.hypot(x - 80, y - 60) < radius).astype(np.float32)
    picture, kept = comped(alpha), 1 - alpha
    plate = exr.half(np.broadcast_to(np.float32([0.2, 0.3, 0.4]), picture.shape))
    grained, made_of = np.empty_like(picture), replace(grain, sigmas=grain.sigmas * np.float32(strength))
    add_grain(plate.astype(np.float32), picture, kept, made_of, SEED, frame if drawn is None else drawn, grained)
    rgba = np.concatenate([picture * alpha[..., None], alpha[..., None]], axis=2)
    done = Frame(plate, exr.half(grained), picture, grained, kept, {"crowd": rgba})
    return figures_of(done, grain, SEED, frame)


def test_chance_is_how_figures_of_a_small_layer_scatter() -> None:
    found = [patchy(frame) for frame in range(1001, 1241, 2)]

    ratios, repeats = np.array([f["grain_ratio"] for f in found]), np.array([f["grain_repeats"] for f in found])
    assert ratios.std(axis=0).mean() == pytest.approx(np.mean([f["grain_chance"]["all"] for f in found]), rel=0.3)
    assert repeats.std() == pytest.approx(np.mean([f["grain_repeats_chance"] for f in found]), rel=0.3)
    assert ratios.mean() == pytest.approx(1, abs=0.02)


def test_a_small_layers_wrong_grain_is_found_and_chance_is_not() -> None:
    frames, limits = range(1001, 1041), Limits()

    def worst(**wrong: Any) -> tuple[float, float]:
        judged = [judge(patchy(frame, **wrong)) for frame in frames]
        return max(j["grain"] for j in judged), max(j["repeats"] for j in judged)

    right = worst()
    assert right[0] < limits.grain_limit / 3
    assert right[1] < limits.repeat_limit / 3
    assert worst(strength=0.0)[0] > limits.grain_limit
    assert worst(strength=2.0)[0] > limits.grain_limit
    assert max(judge(patchy(f, drawn=f - 1))["repeats"] for f in frames) > 2 * limits.repeat_limit


def test_a_few_pixels_of_coarse_grain_are_not_judged() -> None:
    coarsest = replace(PATCHY, kernels=np.full((3, TAPS, TAPS), 1 / TAPS, np.float32))

    found = patchy(FRAME, radius=9, grain=coarsest)

    assert found["grain_ratio"] == []
    assert "grain_repeats" not in found
    assert found["grain_chance"]["all"] > 0.15
