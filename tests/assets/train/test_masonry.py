"""Walls and towers to learn from."""

import numpy as np

from assets.providers.conditioning import condition, painting_target
from assets.train.masonry import masonry_sample


def test_equal_seeds_draw_equal_samples():
    first, second = (masonry_sample(np.random.default_rng(4), 64, 48) for _ in range(2))

    assert first.request.digest() == second.request.digest()
    assert np.array_equal(first.truth, second.truth)


def test_truth_fills_what_the_guides_cover():
    for seed in range(3):
        sample = masonry_sample(np.random.default_rng(seed), 64, 48)
        coverage = sample.request.guides.coverage[0]

        assert abs(sample.truth[..., 3] - coverage).mean() < 0.03
        assert np.isfinite(sample.truth).all()
        assert sample.truth.min() >= 0


def test_stones_show_in_the_normals_and_in_the_picture():
    sample = masonry_sample(np.random.default_rng(1), 64, 64)
    shown = condition(sample.request)
    solid = shown.room > 0.99

    assert shown.channels[2:5, solid].std(axis=1).max() > 0.05
    assert painting_target(shown, sample.truth)[:3, solid].std() > 0.15
