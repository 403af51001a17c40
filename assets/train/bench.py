"""Where training samples wait, and how they are laid out in batches of one size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.conditioning import Condition, condition, painting_target
from assets.train.brought import bring_some
from assets.train.recipe import WINDOW_PX, Recipe
from assets.train.samples import Sample, Shard

Array = np.ndarray[Any, Any]
_KINDS = ("people", "broad", "near", "tall", "wide")
_PEOPLE = ("people", "broad", "near")
_LARGER = 4  # times as many pixels has a near person: so many fewer are in a batch


class Bench:
    """Where samples wait: people in narrow and in wide frames, masonry in tall and in wide crops."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self._folder, self._recipe = folder, recipe
        self._shards: dict[str, dict[Path, Shard]] = {kind: {} for kind in _KINDS}
        self.look_again()

    def look_again(self) -> None:
        """Take in shards that were drawn meanwhile."""
        for kind, shards in self._shards.items():
            for path in sorted(self._folder.glob(f"{kind}_????.npz")):
                if path not in shards:
                    shards[path] = Shard(path)

    def batch(self, rng: np.random.Generator) -> tuple[list[Condition], Array]:
        """What the model is shown, and what it should say (B, 4, H, W): all of one size."""
        recipe, have = self._recipe, [kind for kind in _KINDS if self._shards[kind]]
        windows, count = rng.random() < recipe.window_share, recipe.batch
        if not windows and "wide" in have and rng.random() < recipe.wide_share:
            have = ["wide"]
        elif not windows and "broad" in have and rng.random() < recipe.broad_share:
            have = ["broad"]
        elif not windows and "near" in have and rng.random() < recipe.near_share:
            have, count = ["near"], max(1, recipe.batch // _LARGER)
        elif not windows:
            have = [kind for kind in have if kind in ("people", "tall")]
        people = sum(kind in _PEOPLE for kind in have)
        shares = {kind: (1 - recipe.masonry_share) / people for kind in have if kind in _PEOPLE}
        chances = np.array([shares.get(kind, recipe.masonry_share / 2) for kind in have])
        kinds = rng.choice(have, count, p=chances / chances.sum())
        pairs = [pair_of(self._draw(str(kind), rng), recipe, rng) for kind in kinds]
        if windows:
            pairs = [window_of(*pair, rng) for pair in pairs]
        return [shown for shown, _ in pairs], np.stack([said for _, said in pairs])

    def kept_batch(self, rng: np.random.Generator) -> tuple[list[Condition], Array] | None:
        """The first people that were kept back, as `batch` gives them; None when none were drawn."""
        path = self._folder / "kept_0000.npz"
        if not path.exists():
            return None
        shard = Shard(path)
        pairs = [pair_of(shard[i], self._recipe, rng) for i in range(min(2 * self._recipe.batch, len(shard)))]
        return [shown for shown, _ in pairs], np.stack([said for _, said in pairs])

    def _draw(self, kind: str, rng: np.random.Generator) -> Sample:
        shards = list(self._shards[kind].values())
        shard = shards[int(rng.integers(len(shards)))]
        return shard[int(rng.integers(len(shard)))]


def pair_of(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> tuple[Condition, Array]:
    shown = condition(bring_some(sample.request, recipe, rng))
    return shown, painting_target(shown, sample.truth)


def window_of(shown: Condition, said: Array, rng: np.random.Generator) -> tuple[Condition, Array]:
    """Both, cut to a window around a random pixel of the figure; anywhere of a picture without one."""
    figure = drawn(said)
    rows, columns = np.nonzero(figure if figure.any() else ~figure)
    pick = int(rng.integers(len(rows)))
    corner = [
        int(np.clip(centre[pick] - WINDOW_PX // 2 + rng.integers(-12, 13), 0, side - WINDOW_PX))
        for centre, side in zip((rows, columns), shown.room.shape, strict=True)
    ]
    area: Any = (..., *(slice(start, start + WINDOW_PX) for start in corner))
    cut = Condition(shown.channels[area], shown.tokens, shown.light, shown.base[area], shown.room[area])
    return cut, said[area]


def drawn(said: Array) -> Array:
    """Where the true picture holds anything, from what the model should say of it (..., 4, H, W)."""
    return np.asarray(said[..., 3, :, :] > -0.96)
