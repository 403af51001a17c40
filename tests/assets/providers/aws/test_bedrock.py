"""Bedrock: the documented bodies, nothing else leaves, AWS's errors in our words, videos as jobs."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Iterator
from dataclasses import replace

import botocore.exceptions
import botocore.parsers
import numpy as np
import pytest

from assets.providers.aws import client as aws
from assets.providers.aws.families import FAMILIES, family_of
from assets.providers.base import Watch
from assets.providers.canvas import canvas_for
from assets.providers.opening import open_provider
from assets.providers.pictures import recovered, shown
from assets.providers.request import Guides, Request
from pipeline.errors import (
    ProviderBusy,
    ProviderCancelled,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from pipeline.provider_sections import BedrockModel, Conduct, ProviderEntry
from tests.assets.providers.aws.awsserver import AwsServer, environment, painted, running, seen
from tests.assets.providers.contract import ask

STRUCTURE = "us.stability.stable-image-control-structure-v1:0"
CANVAS = "amazon.nova-canvas-v1:0"
TITAN = "amazon.titan-image-generator-v2:0"
REEL = "amazon.nova-reel-v1:1"
LUMA = "luma.ray-v2:0"


@pytest.fixture(scope="module")
def listening() -> Iterator[AwsServer]:
    with running() as server:
        yield server


@pytest.fixture
def amazon(listening: AwsServer, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    environment(monkeypatch)
    listening.reset()
    return listening


def model(amazon: AwsServer, name: str, timeout_s: float = 20.0, **settings: str):
    told = {"region": "us-west-2", "s3_output": "s3://answers/show", "endpoint": amazon.url, **settings}
    return open_provider(
        ProviderEntry("aws", BedrockModel(name, **told), Conduct(timeout_s=timeout_s, usd_per_picture=0.07))
    )


def order(provider, seed: int = 1, frames: int = 1, size_px: tuple[int, int] = (48, 64), **changes) -> Request:
    return ask(provider.capabilities, size_px, frames, seed=seed, **changes)


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("name", [STRUCTURE, CANVAS, TITAN])
def test_the_answer_is_what_the_service_painted_from_the_depth_map(amazon, name):
    provider = model(amazon, name)
    request = order(provider, seed=3)

    (result,) = provider.generate([request])

    canvas = canvas_for(provider.family.sizes, *request.size_px)
    picture = canvas.brought_back(painted(canvas.laid(shown(request)["depth"]), 3), "painter")
    assert np.array_equal(result.takes[0, 0], recovered(request, 0, picture))
    assert result.cost_usd == 0.07
    assert result.metadata["shown"] == "depth"


@pytest.mark.parametrize("name", [STRUCTURE, CANVAS])
def test_another_depth_or_another_seed_is_another_picture(amazon, name):
    provider = model(amazon, name)
    request = order(provider)
    nearer = replace(request, guides=replace(request.guides, depth=request.guides.depth * 2))

    first, second, third = (r.takes for r in provider.generate([request, nearer, replace(request, seed=2)]))

    assert not np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_without_depth_the_normals_are_shown(amazon):
    provider = model(amazon, STRUCTURE)
    request = order(provider)

    (result,) = provider.generate([replace(request, guides=request.guides.only(["coverage", "normals"]))])

    assert result.metadata["shown"] == "normals"
    assert len(np.unique(seen(amazon.bodies[0]["image"]).reshape(-1, 3), axis=0)) > 1


def test_stability_is_sent_its_documented_fields_alone(amazon):
    provider = model(amazon, STRUCTURE)

    provider.generate([order(provider, seed=9, negative="rain")])

    (body,) = amazon.bodies
    assert set(body) == {"image", "prompt", "negative_prompt", "control_strength", "seed", "output_format"}
    assert (body["prompt"], body["negative_prompt"], body["seed"]) == ("a walker in a red tunic", "rain", 9)
    assert body["output_format"] == "png"
    assert amazon.paths == [f"POST /model/{STRUCTURE}/invoke"]


@pytest.mark.parametrize(
    ("name", "sizes"), [(CANVAS, None), (TITAN, {(768, 1152), (384, 576), (896, 1152), (768, 1024)})]
)
def test_amazon_s_models_are_sent_their_documented_fields_alone(amazon, name, sizes):
    provider = model(amazon, name)

    provider.generate([order(provider, seed=9, negative="rain")])

    (body,) = amazon.bodies
    config = body["imageGenerationConfig"]
    assert set(body) == {"taskType", "textToImageParams", "imageGenerationConfig"}
    assert body["taskType"] == "TEXT_IMAGE"
    assert set(body["textToImageParams"]) == {
        "text",
        "negativeText",
        "conditionImage",
        "controlMode",
        "controlStrength",
    }
    assert body["textToImageParams"]["controlMode"] == "CANNY_EDGE"
    assert set(config) == {"numberOfImages", "width", "height", "cfgScale", "seed", "quality"}
    if sizes is None:
        assert config["width"] % 16 == config["height"] % 16 == 0
        assert min(config["width"], config["height"]) >= 320
        assert config["width"] * config["height"] < 4_194_304
    else:
        assert (config["width"], config["height"]) in sizes


def test_the_picture_that_leaves_carries_pixels_and_nothing_else(amazon):
    provider = model(amazon, STRUCTURE)

    provider.generate([order(provider)])

    data, chunks, at = base64.b64decode(amazon.bodies[0]["image"]), [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append(data[at + 4 : at + 8])
        at += 12 + length
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}


def test_without_a_prompt_the_identity_is_told_in_words(amazon):
    provider = model(amazon, STRUCTURE)

    provider.generate([order(provider, prompt="")])

    assert amazon.bodies[0]["prompt"].startswith("walker, ")


def test_too_many_words_are_refused_before_they_leave(amazon):
    provider = model(amazon, TITAN)

    with pytest.raises(ProviderError, match="prompt has 513 characters, Amazon Titan Image v2 reads 512"):
        provider.generate([order(provider, prompt="x" * 513)])

    assert amazon.paths == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_a_seed_that_fits_stays_itself_and_others_are_folded_in(family):
    low, high = family.seeds

    assert [family.seed(s) for s in (1, 2, 1000)] == [1, 2, 1000]
    assert all(low <= family.seed(s) <= high for s in (0, high, high + 1, 2**62))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("stability.stable-image-control-sketch-v1:0", "Stability control"),
        ("eu.stability.stable-image-control-structure-v1:0", "Stability control"),
        ("arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.stability.stable-image-control-structure-v1:0", "Stability control"),
        ("amazon.nova-canvas-v1:0", "Amazon Nova Canvas"),
        ("arn:aws:bedrock:us-east-1::foundation-model/luma.ray-v2:0", "Luma Ray 2"),
    ],
)  # fmt: skip
def test_a_family_is_known_by_its_model_s_id_profile_or_arn(name, family):
    assert family_of(name).name == family


@pytest.mark.parametrize("name", ["anthropic.claude-opus-v1:0", "stability.stable-image-core-v1:1", "notluma.ray", ""])
def test_an_unknown_model_is_refused_and_the_known_are_named(name):
    with pytest.raises(ProviderError, match=r"Known are stability\.stable-image-control-structure.*luma\.ray"):
        open_provider(ProviderEntry("aws", BedrockModel(name, region="us-west-2")))


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("said", "kind", "match"),
    [
        ("error 400 ThrottlingException Slow down", ProviderBusy, "asked too often"),
        ("error 400 ServiceQuotaExceededException Daily quota", ProviderBusy, "raise the quota"),
        ("error 503 ServiceUnavailableException Later", ProviderDown, "failed before it began"),
        ("error 429 ModelNotReadyException Warming up", ProviderDown, "failed before it began"),
        ("error 500 InternalServerException Oops", ProviderDown, "Ask again"),
        ("error 408 ModelTimeoutException Too long", ProviderUnsure, "may be billed"),
        ("error 504 GatewayTimeout Too long", ProviderUnsure, "may be billed"),
        ("error 400 ValidationException Malformed input", ProviderRefused, "Malformed input"),
        ("error 403 AccessDeniedException No access", ProviderRefused, "account's owner"),
        ("error 404 ResourceNotFoundException No such model", ProviderRefused, "name and the region"),
        ("error 403 ExpiredTokenException Expired", ProviderRefused, "aws sso login"),
        ("error 400 ValidationException This request has been blocked by our content filters", ProviderRefused, "content rules"),
        ("error 301 PermanentRedirect There", ProviderRefused, "not followed"),
    ],
)  # fmt: skip
def test_the_service_s_errors_say_what_happened(amazon, said, kind, match):
    provider = model(amazon, CANVAS)
    amazon.plan(said)

    with pytest.raises(kind, match=match) as failed:
        provider.generate([order(provider)])

    assert type(failed.value) is kind
    assert "\n" not in str(failed.value)
    assert amazon.done == []
    assert len(amazon.paths) == 1, "boto3 asks once: the desk alone asks again"


@pytest.mark.parametrize("mood", ["refused", "redirect"])
def test_content_rules_are_named_as_such(amazon, mood):
    provider = model(amazon, STRUCTURE)
    amazon.plan(mood)

    with pytest.raises(ProviderRefused, match="content rules" if mood == "refused" else "not followed"):
        provider.generate([order(provider)])


def test_an_inference_error_in_place_of_a_picture_is_nonsense():
    told = {"seeds": [1], "finish_reasons": ["Inference error"], "images": []}

    with pytest.raises(ProviderNonsense, match="'Inference error'"):
        family_of(STRUCTURE).read(told, "aws")


def test_an_answer_s_own_error_is_a_refusal_of_its_content():
    with pytest.raises(ProviderRefused, match="content rules"):
        family_of(CANVAS).read({"images": [], "error": "All of the generated images have been filtered"}, "aws")


@pytest.mark.parametrize("answer", [b"", b"[]", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_object_is_nonsense(answer):
    with pytest.raises(ProviderNonsense, match="no JSON object"):
        aws.json_of(answer, "aws")


@pytest.mark.parametrize("text", ["not base64!", "aGVsbG8=", None, 7])
def test_what_is_no_png_in_base64_is_nonsense(text):
    with pytest.raises(ProviderNonsense, match=r"not base64|not a whole PNG"):
        aws.picture_of(text, "aws")


def test_an_answer_without_a_length_is_read_up_to_the_limit():
    body = io.BytesIO(bytes(3 * 2**20))

    with pytest.raises(ProviderNonsense, match="more than 2097152 bytes"):
        aws.whole({}, body, "aws", 10.0, most=2 * 2**20)

    assert body.closed


def test_without_credentials_nothing_is_sent_and_the_way_is_told(amazon, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    provider = model(amazon, STRUCTURE, timeout_s=19.0)  # a client of its own

    with pytest.raises(ProviderRefused, match="Run `aws configure`"):
        provider.generate([order(provider)])

    assert amazon.paths == []


def test_without_a_region_it_cannot_be_opened(amazon, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    with pytest.raises(ProviderError, match="no region is known"):
        model(amazon, STRUCTURE, region="")


def test_pictures_leave_this_machine_only_encrypted():
    with pytest.raises(ProviderError, match="must be https"):
        open_provider(
            ProviderEntry("aws", BedrockModel(STRUCTURE, region="us-west-2", endpoint="http://proxy.example:80"))
        )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (botocore.parsers.ResponseParserError("not XML\nat all"), ProviderNonsense),
        (botocore.exceptions.PartialCredentialsError(provider="env", cred_var="x"), ProviderRefused),
        (botocore.exceptions.ParamValidationError(report="Invalid length\nfor modelId"), ProviderRefused),
        (botocore.exceptions.SSOTokenLoadError(error_msg="expired"), ProviderRefused),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="x"), ProviderDown),
        (botocore.exceptions.SSLError(endpoint_url="x", error="certificate"), ProviderDown),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="x"), ProviderUnsure),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="x"), ProviderUnsure),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_boto3_s_own_errors_are_ours_in_one_line(error, kind):
    with pytest.raises(kind) as failed, aws.asked("aws"):
        raise error

    assert type(failed.value) is kind
    assert "\n" not in str(failed.value)


def test_who_cannot_be_reached_was_asked_nothing(amazon):
    provider = model(amazon, STRUCTURE, endpoint="http://127.0.0.1:1")

    with pytest.raises(ProviderDown, match="cannot be reached"):
        provider.generate([order(provider)])


# ---------------------------------------------------------------- videos


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
