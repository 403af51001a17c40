"""Bedrock: videos as jobs that are waited for, taken up and called off."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.base import Watch
from assets.providers.pictures import shown
from assets.providers.request import Guides
from pipeline.errors import (
    ProviderCancelled,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from tests.assets.providers.aws.awspainting import seen
from tests.assets.providers.aws.awsstate import AwsServer
from tests.assets.providers.aws.bedrockasking import LUMA, REEL, model, order


def reel(amazon: AwsServer, name: str = REEL, **changes):
    return model(amazon, name, **changes)


def test_a_video_is_started_from_init_and_its_first_frames_are_taken(amazon):
    provider = reel(amazon)
    request = order(provider, seed=5, frames=3, size_px=(64, 36), negative="rain")

    (result,) = provider.generate([request])

    (body,) = amazon.bodies
    (image,) = body["textToVideoParams"]["images"]
    start = seen(image["source"]["bytes"])
    assert start.shape == (720, 1280, 3)
    assert abs(start[::20, ::20].astype(int) - shown(request)["init"]).max() < 60
    assert body["videoGenerationConfig"] == {"durationSeconds": 6, "fps": 24, "dimension": "1280x720", "seed": 5}
    assert result.metadata["unread"] == "negative"
    assert result.cost_usd == pytest.approx(0.21)
    brightness = result.takes[0, ..., :3].mean(axis=(1, 2, 3))
    assert brightness[0] < brightness[1] < brightness[2], "the server lightens every frame"


def test_luma_is_shown_the_first_and_the_last_frame(amazon):
    provider = reel(amazon, LUMA)
    request = order(provider, frames=2, size_px=(64, 36))
    init = request.guides.init.copy()
    init[1, ..., 0] += 0.3 * (init[1, ..., 3] > 0)

    provider.generate([replace(request, guides=replace(request.guides, init=init))])

    (body,) = amazon.bodies
    first, last = (seen(body["keyframes"][k]["source"]["data"]) for k in ("frame0", "frame1"))
    assert set(body) == {"prompt", "aspect_ratio", "resolution", "duration", "loop", "keyframes"}
    assert (body["aspect_ratio"], body["resolution"], body["duration"]) == ("16:9", "720p", "5s")
    assert last[..., 0].mean() > first[..., 0].mean() + 5


def test_a_video_needs_a_picture_to_start_from(amazon):
    provider = reel(amazon)

    with pytest.raises(ProviderError, match="needs the guides init"):
        provider.generate([replace(order(provider), guides=Guides.image(coverage=np.ones((8, 8))))])


def test_a_video_model_without_a_bucket_cannot_be_opened(amazon):
    with pytest.raises(ProviderError, match=r"s3_output is '', must be a place on S3"):
        reel(amazon, s3_output="")


def test_a_late_job_is_waited_for_whatever_its_looks_say(amazon):
    provider = reel(amazon)
    amazon.late = 1
    amazon.looks.extend(["busy", "broken"])

    provider.generate([order(provider)])

    assert amazon.done == ["1"]
    assert amazon.paths[1:5] == [amazon.paths[1]] * 4, "looked at four times"


def test_a_job_that_takes_too_long_is_taken_up_when_it_is_asked_for_again(amazon):
    amazon.late = 10**9
    provider = reel(amazon, timeout_s=1.0)
    request = order(provider)
    with pytest.raises(ProviderUnsure, match="not done after 1 s"):
        provider.generate([request], Watch(keys=("k",)))
    amazon.jobs[next(iter(amazon.jobs))]["late"] = 0

    provider.generate([request], Watch(keys=("k",)))

    assert amazon.done == ["1"]


def test_whoever_waits_for_a_job_can_be_called_off(amazon):
    provider = reel(amazon)
    amazon.late = 10**9

    with pytest.raises(ProviderCancelled):
        provider.generate([order(provider)], Watch(cancelled=lambda: bool(amazon.done)))


@pytest.mark.parametrize(
    ("why", "match"), [("blocked by content filters", "content rules"), ("a bad day", "job failed")]
)
def test_a_job_that_fails_is_refused_with_its_reason(amazon, why, match):
    provider = reel(amazon)
    amazon.failures["1"] = why

    with pytest.raises(ProviderRefused, match=match):
        provider.generate([order(provider)])

    assert amazon.done == []


def test_a_job_that_may_not_be_looked_at_is_unsure(amazon):
    provider = reel(amazon)
    amazon.looks.append("error 403 AccessDeniedException bedrock:GetAsyncInvoke")

    with pytest.raises(ProviderUnsure, match="It was begun"):
        provider.generate([order(provider)])


@pytest.mark.parametrize("mood", ["garbled", "nameless"])
def test_a_job_that_is_begun_without_a_name_is_nonsense(amazon, mood):
    provider = reel(amazon)
    amazon.plan(mood)

    with pytest.raises(ProviderNonsense, match="does not name it"):
        provider.generate([order(provider)])


def test_a_bucket_that_points_elsewhere_is_not_followed(amazon):
    provider = reel(amazon)
    amazon.looks.extend(["ok", "redirect"])

    with pytest.raises(ProviderUnsure, match="points elsewhere"):
        provider.generate([order(provider)])

    assert amazon.strayed == []


def test_a_movie_outside_its_bucket_is_not_read(amazon):
    provider = reel(amazon, s3_output="s3://answers/show")
    amazon.late = 10**9
    told = {"status": "Completed", "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://answers/shown/x"}}}

    with pytest.raises(ProviderNonsense, match="outside s3://answers/show"):
        provider._place(told)
    with pytest.raises(ProviderNonsense, match="outside"):
        provider._place(json.loads(json.dumps(told).replace("answers/shown", "others/show")))


def test_a_movie_with_too_few_frames_is_nonsense(amazon):
    provider = reel(amazon)

    with pytest.raises(ProviderNonsense, match="holds 4 frames, 5 asked"):
        provider.generate([order(provider, frames=5)])
