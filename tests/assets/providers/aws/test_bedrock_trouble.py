"""Bedrock: AWS's errors in our words."""

from __future__ import annotations

import io

import botocore.exceptions
import botocore.parsers
import pytest

from assets.providers.aws import client as aws
from assets.providers.aws.families import family_of
from assets.providers.opening import open_provider
from pipeline.errors import (
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from pipeline.provider_sections import BedrockModel, ProviderEntry
from tests.assets.providers.aws.bedrockasking import CANVAS, STRUCTURE, model, order


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
