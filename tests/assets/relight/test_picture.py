"""Pictures brought from one light to another, held against the same people rendered in the other."""

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.request import Guides
from assets.relight.fit import fit
from assets.relight.picture import LEAST_GAIN, MOST_GAIN, MOST_TINT, relit
from assets.relight.sums import sums_of
from tests.assets.relight.litpeople import LIGHTS, off, people


def brought(name, before, after, strength=1.0):
    """What was painted, what becomes of it, and the truth, of each view."""
    painted, wanted = people(name, before), people(name, after)
    sums = sum(sums_of(one.request, one.truth[None]) for one in painted)
    found = fit({LIGHTS[after]: sums}, painted[0].request.identity)
    return [
        (one.truth, relit(two.request, 0, one.truth, found, strength), two.truth)
        for one, two in zip(painted, wanted, strict=True)
    ]


@pytest.mark.parametrize(("name", "share"), [("peasant", 0.55), ("legionary", 0.75)])  # steel mirrors, shields hide
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("left", "right"),
        ("low", "left"),
        ("overcast", "low"),
        ("overcast", "left"),
        ("left", "behind"),
        ("behind", "right"),
    ],
)
def test_the_difference_to_the_truth_is_halved(name, share, before, after):
    pictures = brought(name, before, after)

    left = np.mean([off(relit, truth) for _, relit, truth in pictures])
    was = np.mean([off(painted, truth) for painted, _, truth in pictures])
    assert left < share * was


@pytest.mark.parametrize("under", ["left", "overcast"])
def test_what_is_right_stays_to_the_bit(under):
    for painted, after, _ in brought("peasant", under, under):
        assert after is painted


def test_alpha_and_emptiness_stay_and_gains_are_bounded():
    for painted, after, _ in brought("legionary", "low", "left"):
        shown = painted[..., 3] > 0
        gain = after[shown][:, :3] / np.maximum(painted[shown][:, :3], 1e-9)
        told = gain[painted[shown][:, :3] > 1e-4]
        assert np.array_equal(after[..., 3], painted[..., 3])
        assert not after[~shown].any()
        assert np.isfinite(after).all()
        assert LEAST_GAIN / MOST_TINT - 1e-4 <= told.min() <= told.max() <= MOST_GAIN * MOST_TINT + 1e-4


def test_half_the_strength_is_half_the_stops_at_most():
    [painted, half, _], [_, whole, _] = (brought("peasant", "left", "right", way)[0] for way in (0.5, 1.0))

    seen = (painted[..., 3] > 0.9) & (painted[..., 1] > 0.02)
    darker = seen & (whole[..., 1] < painted[..., 1])
    stops = np.log2(whole[darker][:, 1] / painted[darker][:, 1])
    assert np.allclose(np.log2(half[darker][:, 1] / painted[darker][:, 1]), stops / 2, atol=1e-4)


def test_paint_beyond_the_outline_takes_the_gain_beside_it():
    sample = people("peasant", "left")[0]
    found = fit({LIGHTS["right"]: sums_of(sample.request, sample.truth[None])}, sample.request.identity)
    spilt = np.where(sample.truth[..., 3:] > 0, sample.truth, np.float32(0.5))

    after = relit(replace(sample.request, light=LIGHTS["right"]), 0, spilt, found)

    rows, columns = np.nonzero(sample.truth[..., 3] == 0)
    assert (after[rows, columns, 3] == 0.5).all()
    assert np.isfinite(after).all()
    assert np.ptp(after[rows, columns, 1]) > 0.1  # dark beside what is in shade now, bright beside what is lit


def test_a_doubtful_light_is_relit_gently():
    """Nothing known of the painted light: it counts as even, and the asked sun changes it by less than a sure one would."""
    painted, wanted = people("peasant", "overcast")[0], people("peasant", "left")[0]
    found = fit({LIGHTS["left"]: sums_of(painted.request, painted.truth[None])}, painted.request.identity)
    sure, doubtful = (
        relit(wanted.request, 0, painted.truth, replace(found, confidence=c, right=False)) for c in (1.0, 0.0)
    )

    inside = painted.truth[..., 3] > 0.95
    swing = [np.log2(after[inside][:, 1] / painted.truth[inside][:, 1]).std() for after in (sure, doubtful)]
    assert 0.1 < swing[1] < 0.8 * swing[0]


def test_without_parts_and_relief_the_normals_are_enough():
    painted, wanted = people("peasant", "left")[0], people("peasant", "right")[0]
    given = wanted.request.guides.given()
    bare = replace(wanted.request, guides=Guides(normals=given["normals"]))
    found = fit({LIGHTS["right"]: sums_of(bare, painted.truth[None])}, bare.identity)

    after = relit(bare, 0, painted.truth, found)

    assert off(after, wanted.truth) < 0.75 * off(painted.truth, wanted.truth)
