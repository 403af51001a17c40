"""Steadied edges against rendered truth: less chatter, no blur, no lag, no ghosts."""

import cv2
import numpy as np
import pytest

from calibration.mattes.band import alpha_in_band, trimap_of
from calibration.mattes.steady import Edge, steadied
from tests.matted import Matted, Person

FRAMES = range(2, 7)
PERSON = Person("natural", width=240, height=180, strands=100, grain=0.002)


def laid_on(image: np.ndarray, motion_px: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    return cv2.remap(image, x + motion_px[..., 0], y + motion_px[..., 1], cv2.INTER_CUBIC)


def chatter(before: Matted, here: Matted, after: Matted, alphas: list[np.ndarray]) -> float:
    """Energy of what alpha does besides moving with the person: its error less its neighbours', along the true motion."""
    wrong = [a - t.alpha for a, t in zip(alphas, (before, here, after), strict=True)]
    rest = wrong[1] - (laid_on(wrong[2], here.motion_px) + laid_on(wrong[0], -before.motion_px)) / 2
    return float((rest[(here.alpha > 0.01) & (here.alpha < 0.99)] ** 2).mean())


@pytest.fixture(scope="module")
def take():
    """Five frames, their mattes from bands of changing width, and the three inner ones steadied."""
    random = np.random.default_rng(1)
    truths = [PERSON.render(f) for f in FRAMES]
    edges = []
    for truth in truths:
        trimap = trimap_of(truth.alpha, *(int(r) for r in random.integers(2, 6, 2)))
        edges.append(Edge(truth.picture, alpha_in_band(truth.picture, trimap)))
    calm = [steadied(edges[k], [edges[k - 1], edges[k + 1]]) for k in (1, 2, 3)]
    return truths, edges, calm


def test_edges_chatter_less_and_are_no_less_true(take):
    truths, edges, calm = take
    inner = truths[1:4]

    before, after = chatter(*inner, [e.alpha for e in edges[1:4]]), chatter(*inner, calm)

    assert after < 0.75 * before
    error, was = (np.mean([np.abs(a - t.alpha).sum() for a, t in zip(found, inner, strict=True)])
                  for found in (calm, [e.alpha for e in edges[1:4]]))  # fmt: skip
    assert error < 1.01 * was


def test_solid_and_empty_pixels_keep_their_bits(take):
    _, edges, calm = take
    alpha = edges[2].alpha

    known = (alpha == 0) | (alpha == 1)
    assert known.mean() > 0.5
    np.testing.assert_array_equal(calm[1][known], alpha[known])


def test_a_neighbour_that_shows_something_else_leaves_no_ghost(take):
    """A flash frame, and one in which the person is gone: neither moves the matte by more than two code values of 8 bits."""
    _, edges, _ = take
    here = edges[2]
    gone = Edge(np.full_like(here.picture, 0.9), np.zeros_like(here.alpha))

    found = steadied(here, [gone, gone])

    assert np.abs(found - here.alpha).max() < 2 / 255


def test_alone_a_frame_stays_as_it_is(take):
    here = take[1][2]

    assert steadied(here, []) is here.alpha
