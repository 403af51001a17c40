"""People are drawn for training as they are painted: narrow motions in narrow frames, wide ones in wide frames."""

import numpy as np

from assets.motion.motions import MOTIONS
from assets.sprites.sprite import WIDE_PX, WIDTH_PX, frame_width_px
from assets.train import people
from assets.train.bench import Bench, pair_of, window_of
from assets.train.masonry import masonry_sample
from assets.train.people import kept_back, motions_in, people_samples
from assets.train.recipe import Recipe
from assets.train.samples import write_shard


def test_every_motion_is_drawn_in_the_frame_it_is_painted_in():
    assert sorted(motions_in(WIDTH_PX) + motions_in(WIDE_PX)) == sorted(MOTIONS)
    assert {frame_width_px(motion) for motion in motions_in(WIDE_PX)} == {WIDE_PX}


def test_samples_are_as_wide_as_asked_and_never_empty(monkeypatch):
    monkeypatch.setattr(people, "_CLOSE", 1.0)  # every one a crop from twice as near, the kind that may miss the figure
    rng = np.random.default_rng(11)

    for width_px in (WIDTH_PX, WIDE_PX):
        for sample in people_samples(rng, width_px):
            assert sample.truth.shape == (128, width_px, 4)
            assert sample.request.guides.shape == (1, 128, width_px)
            assert sample.truth[..., 3].any()


def test_what_is_kept_back_comes_in_either_frame():
    for width_px in (WIDTH_PX, WIDE_PX):
        sample = kept_back(np.random.default_rng(2), width_px)
        assert sample.truth.shape == (128, width_px, 4)
        assert sample.truth[..., 3].any()


def test_a_batch_holds_one_size_and_wide_people_have_their_share(tmp_path):
    rng = np.random.default_rng(5)
    for kind, width, height in (("people", 16, 32), ("broad", 32, 32), ("wide", 32, 16), ("tall", 16, 32)):
        write_shard(tmp_path / f"{kind}_0000.npz", [masonry_sample(rng, width, height)])
    recipe = Recipe(batch=2, window_share=0.0, wide_share=0.2, broad_share=0.5)
    bench = Bench(tmp_path, recipe)

    sizes = [bench.batch(rng)[1].shape[2:] for _ in range(60)]

    assert set(sizes) == {(32, 16), (32, 32), (16, 32)}
    assert 12 < sizes.count((32, 32)) < 36  # half of the four fifths that are not wide masonry


def test_an_empty_picture_has_windows_too():
    rng = np.random.default_rng(6)
    shown, said = pair_of(
        masonry_sample(rng, 80, 96), Recipe(pose_alone=0, pose_and_depth=0, depth_alone=0, any_guides=0), rng
    )
    said[3] = -1

    cut, target = window_of(shown, said, rng)

    assert target.shape == (4, 64, 64)
    assert cut.room.shape == (64, 64)
