"""How well a trained test tells two heaps of noise patches apart: 0.5 it cannot, 1 always."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
PATCH = 32


def patches(noise: Array, usable: NDArray[np.bool_] | None = None) -> Array:
    """(N, PATCH, PATCH, 3) patches of a noise field (H, W, 3) that lie wholly where it is usable."""
    rows, columns = noise.shape[0] // PATCH, noise.shape[1] // PATCH

    def cut(image: NDArray) -> NDArray:
        part = image[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH, -1)
        return part.transpose(0, 2, 1, 3, 4).reshape(rows * columns, PATCH, PATCH, -1)

    found = cut(noise)
    return found if usable is None else found[cut(usable).all(axis=(1, 2, 3))]


def features(noise: Array) -> NDArray[np.float64]:
    """(N, F): sizes, correlations, tails, spectrum, how size varies inside a patch, co-occurrence of neighbours' signs."""
    unit = noise.astype(np.float64)
    unit = unit - unit.mean(axis=(1, 2), keepdims=True)
    deviation = np.sqrt((unit**2).mean(axis=(1, 2))) + 1e-6
    scaled = unit / deviation[:, None, None]
    found = [np.log(deviation)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        found.append((scaled[..., a] * scaled[..., b]).mean(axis=(1, 2))[:, None])
        found.append((scaled[:, :-1, :, a] * scaled[:, 1:, :, b]).mean(axis=(1, 2))[:, None])
    found += [(scaled**3).mean(axis=(1, 2)), np.log((scaled**4).mean(axis=(1, 2)))]
    inner = (scaled.reshape(-1, 4, PATCH // 4, 4, PATCH // 4, 3) ** 2).mean(axis=(2, 4))
    found.append(np.log(inner + 1e-6).std(axis=(1, 2)))
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 4), (4, 0)):
        here, there = scaled[:, : PATCH - dy, : PATCH - dx], scaled[:, dy:, dx:]
        found += [(here * there).mean(axis=(1, 2)), (np.sign(here) * np.sign(there)).mean(axis=(1, 2))]
        found.append((here**2 * there**2).mean(axis=(1, 2)))
    power = (
        np.abs(np.fft.rfft2(scaled * np.hanning(PATCH)[:, None, None] * np.hanning(PATCH)[:, None], axes=(1, 2))) ** 2
    )
    fy, fx = np.fft.fftfreq(PATCH)[:, None], np.fft.rfftfreq(PATCH)[None]
    ring = np.minimum((np.hypot(fy, fx) * 16).astype(int), 8)
    found += [np.log(power[:, ring == k].mean(axis=1) + 1e-9) for k in range(9)]
    for order in (2, 4):  # second differences: what a camera's or codec's filters leave
        residue = scaled[:, 2:] - 2 * scaled[:, 1:-1] + scaled[:, :-2]
        found.append(np.log((np.abs(residue) ** order).mean(axis=(1, 2)) + 1e-9))
    return np.concatenate(found, axis=1)


def detection(real: Array, made: Array, seed: int = 1) -> float:
    """Share of held-out patches named rightly, both heaps of equal size: the better of a linear test and boosted thresholds."""
    random = np.random.default_rng(seed)
    count = min(len(real), len(made))
    table = np.concatenate([features(h[random.permutation(len(h))[:count]]) for h in (real, made)])
    named = np.repeat([0, 1], count).astype(np.int32)
    order = random.permutation(2 * count)
    learn, test = order[:count], order[count:]
    mean, spread = table[learn].mean(axis=0), table[learn].std(axis=0) + 1e-9
    table = np.clip((table - mean) / spread, -6, 6)
    return max(_linear(table, named, learn, test), _stumps(table, named, learn, test))


def compared(real: Array, made: Array) -> dict[str, float]:
    """Figures of two heaps of patches (N, PATCH, PATCH, 3): how far off sizes are, in all and for the middle patch, how
    differently they scatter, how often a patch is named rightly."""
    squares = [(heap.astype(np.float64) ** 2).mean(axis=(1, 2)) for heap in (real, made)]
    whole = np.sqrt(squares[1].mean(axis=0) / squares[0].mean(axis=0))
    logs = [np.log(square + 1e-12) / 2 for square in squares]
    middle = np.exp(np.median(logs[1], axis=0) - np.median(logs[0], axis=0))
    scatter = logs[1].std(axis=0).mean() / logs[0].std(axis=0).mean()
    return {
        "patches": len(real),
        "sigma off %": 100 * float(np.abs(whole - 1).max()),
        "middle off %": 100 * float(np.abs(middle - 1).max()),
        "scatter": float(scatter),
        "detected": float(np.mean([detection(real, made, seed) for seed in (1, 2, 3)])),
    }


def _linear(table: NDArray[np.float64], named: NDArray[np.int32], learn: NDArray, test: NDArray) -> float:
    """Fisher's discriminant with a little shrinkage."""
    zero, one = table[learn][named[learn] == 0], table[learn][named[learn] == 1]
    within = np.cov(zero.T) + np.cov(one.T)
    within += 0.05 * np.trace(within) / len(within) * np.eye(len(within))
    axis = np.linalg.solve(within, one.mean(axis=0) - zero.mean(axis=0))
    middle = (one.mean(axis=0) + zero.mean(axis=0)) @ axis / 2
    return float(((table[test] @ axis > middle) == named[test]).mean())


def _stumps(
    table: NDArray[np.float64], named: NDArray[np.int32], learn: NDArray, test: NDArray, rounds: int = 120
) -> float:
    """AdaBoost of single thresholds (Freund and Schapire 1997)."""
    cuts = np.quantile(table[learn], np.linspace(0.05, 0.95, 15), axis=0)
    over = table[None] > cuts[:, None]  # (15, N, F)
    wanted = 2.0 * named - 1
    votes, weight = np.zeros(len(table)), np.full(len(learn), 1 / len(learn))
    sides = np.where(over[:, learn], 1.0, -1.0).transpose(1, 0, 2).reshape(len(learn), -1)
    for _ in range(rounds):
        agree = (weight * wanted[learn]) @ sides
        best = int(np.argmax(np.abs(agree)))
        cut, feature = divmod(best, table.shape[1])
        strength = 0.5 * np.log((1 + agree[best] + 1e-9) / (1 - agree[best] + 1e-9))
        votes += strength * np.where(over[cut, :, feature], 1.0, -1.0)
        weight *= np.exp(-strength * wanted[learn] * sides[:, best])
        weight /= weight.sum()
    return float(((votes[test] > 0) == named[test]).mean())
