"""Draw the training set: python -m assets.train.data FOLDER [--people 8000] [--masonry 2000]."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assets.sprites.sprite import WIDE_PX
from assets.train.masonry import masonry_sample
from assets.train.people import kept_back, people_samples
from assets.train.samples import Sample, write_shard

SHARD = 200


def write_shards(folder: Path, kind: str, count: int, draw: Callable[[np.random.Generator], list[Sample]]) -> None:
    """Draw `count` samples in shards KIND_0000.npz ...; shards that are there are kept, so a stopped run goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard in range(-(-count // SHARD)):
        path = folder / f"{kind}_{shard:04d}.npz"
        if not path.exists():
            rng = np.random.default_rng([shard, *kind.encode()])
            unfinished = path.with_suffix(".tmp.npz")
            samples: list[Sample] = []
            while len(samples) < min(SHARD, count - shard * SHARD):
                samples += draw(rng)
            write_shard(unfinished, samples)
            unfinished.replace(path)


def draw_all(folder: Path, people: int, broad: int, near: int, masonry: int, kept: int) -> None:
    """Draw what is missing. people: in narrow frames; broad: in wide ones; near: twice as large; kept: kept back."""
    write_shards(folder, "people", people, people_samples)
    write_shards(folder, "kept", kept, lambda rng: [kept_back(rng)])
    write_shards(folder, "broad", broad, lambda rng: people_samples(rng, WIDE_PX))
    write_shards(folder, "keptbroad", kept // 2, lambda rng: [kept_back(rng, WIDE_PX)])
    write_shards(folder, "near", near, lambda rng: people_samples(rng, near=2))
    write_shards(folder, "keptnear", kept // 4, lambda rng: [kept_back(rng, near=2)])
    write_shards(folder, "stone", kept // 4, lambda rng: [masonry_sample(rng, 64, 128)])
    write_shards(folder, "tall", masonry // 2, lambda rng: [masonry_sample(rng, 64, 128)])
    write_shards(folder, "wide", masonry // 2, lambda rng: [masonry_sample(rng, 128, 64)])


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=8000)
    parser.add_argument("--broad", type=int, default=4000, help="people in wide frames")
    parser.add_argument("--near", type=int, default=1000, help="people at twice the size")
    parser.add_argument("--masonry", type=int, default=2000)
    parser.add_argument("--kept", type=int, default=200, help="samples kept back for the test")
    asked = parser.parse_args()
    draw_all(asked.folder, asked.people, asked.broad, asked.near, asked.masonry, asked.kept)


if __name__ == "__main__":
    main()
