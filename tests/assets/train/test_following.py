"""How following a pose map is judged: a model that paints the truth follows, one that paints the other pose does not."""

from dataclasses import dataclass

import numpy as np
import pytest

from assets.providers.base import Capabilities
from assets.providers.request import Result
from assets.train.following import following, silhouette_iou
from assets.train.people import kept_pair

ABLE = Capabilities(guides=frozenset({"pose"}), needed=frozenset())


@dataclass(frozen=True)
class Painter:
    """Answers with the pictures it was given, in order."""

    pictures: tuple[np.ndarray, ...]
    name: str = "painter"
    licence: str = "none"
    model_digest: str = "0"
    capabilities: Capabilities = ABLE

    def generate(self, requests):
        assert all(set(request.guides.given()) == {"pose"} for request in requests)
        return [
            Result(picture[None, None], request.digest(), "0", "none")
            for picture, request in zip(self.pictures, requests, strict=True)
        ]


@pytest.fixture(scope="module")
def pair():
    """Two poses that differ clearly, whichever motions there are to draw from."""
    drawn = (kept_pair(np.random.default_rng(seed)) for seed in range(2, 12))
    return next(pair for pair in drawn if silhouette_iou(pair[0].truth, pair[1].truth) < 0.8)


def test_a_pair_differs_in_its_pose_alone(pair):
    first, second = pair

    assert first.request.identity == second.request.identity
    assert first.request.light == second.request.light
    assert (first.request.guides.given()["pose"] != second.request.guides.given()["pose"]).any()


def test_the_truth_follows_its_pose(pair):
    told = following(Painter((pair[0].truth, pair[1].truth)), [pair])

    assert told["own_iou"] == told["follows"] == told["follows_clearly"] == told["told_apart"] == 1
    assert told["other_iou"] == told["between_iou"] < 0.9
    assert told["own_db"] > told["other_db"] + 20


def test_the_other_poses_picture_does_not(pair):
    told = following(Painter((pair[1].truth, pair[0].truth)), [pair])

    assert told["follows"] == told["told_apart"] == 0
    assert told["own_iou"] < told["other_iou"] == 1


def test_a_picture_that_ignores_the_map_tells_nothing_apart(pair):
    """The same picture for both poses is right on half of the pixels that differ."""
    told = following(Painter((pair[0].truth, pair[0].truth)), [pair])

    assert told["told_apart"] == 0.5
    assert told["follows"] == 0.5
