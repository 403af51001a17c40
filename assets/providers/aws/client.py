"""What Amazon's services share: clients that ask once, limits on what is read, and boto3's errors in our words.

Keys, profile and region come from AWS's own chain (environment, ~/.aws, roles); nothing of them is kept or written here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from assets.providers.http import is_loopback
from assets.providers.http_answers import printable, retry_after_s
from assets.providers.request import Array
from pipeline.errors import (
    FormatError,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from pipeline.io.images import decode_png

MOST_ANSWER_BYTES = 64 * 2**20  # of one answer; the services themselves stop at 25 MB, videos are larger
_CONNECT_S = 10.0
_CHUNK = 2**20
_MOST_SIDE_PX = 8192
_BUSY = {"ThrottlingException", "Throttling", "TooManyRequestsException", "ServiceQuotaExceededException", "SlowDown"}
_DOWN = {"ModelNotReadyException", "ServiceUnavailableException", "ServiceUnavailable", "InternalServerException", "InternalFailure", "InternalError", "RequestTimeout"}  # fmt: skip
_UNSURE = {"ModelTimeoutException"}
_MODEL = {"ModelErrorException", "ModelError"}  # the model behind the service said no; its own status tells why
_CONTENT = re.compile(r"content (filter|polic|rule)|responsible ai|acceptable use|moderation|guardrail|filter reason|nsfw|blocked", re.I)  # fmt: skip


@lru_cache(maxsize=16)
def client(service: str, region: str, endpoint: str, timeout_s: float) -> Any:
    """boto3's client, made once for equal arguments; it asks once and never again by itself: the desk does that.

    region, endpoint: "" leaves them to AWS's configuration. Raises ProviderError when it cannot be made.
    """
    host = urlsplit(endpoint)
    if endpoint and not (host.scheme == "https" or (host.scheme == "http" and is_loopback(host.hostname or ""))):
        raise ProviderError(
            f"{service}: endpoint {endpoint!r} must be https:// (http:// only on this machine). Change it."
        )
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, NoRegionError
    except ImportError as error:
        raise ProviderError(f"{service}: boto3 is not installed. Install it: pip install boto3.") from error
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=min(_CONNECT_S, timeout_s),
        read_timeout=timeout_s,
        s3={"addressing_style": "path"} if endpoint else None,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        session = boto3.session.Session()
        return session.client(service, region_name=region or None, endpoint_url=endpoint or None, config=config)
    except NoRegionError as error:
        raise ProviderError(
            f'{service}: no region is known. Write region = "us-west-2", say, into [providers.NAME] or set AWS_REGION.'
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise ProviderError(
            f"{service}: no client can be made ({printable(str(error))}). Check AWS's configuration."
        ) from error


@contextmanager
def asked(name: str) -> Iterator[None]:
    """Whatever boto3 raises inside becomes the ProviderError that says what happened to the request."""
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    try:
        yield
    except aws.ClientError as error:
        raise _answered(name, error) from error
    except aws.ReadTimeoutError as error:
        raise ProviderUnsure(
            f"{name}: no answer came in time; it may have been done and billed. Raise timeout_s, or look in AWS's console."
        ) from error
    except (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.SSLError, aws.ProxyConnectionError) as error:
        raise ProviderDown(
            f"{name}: cannot be reached ({printable(str(error))}). Check the network, region and endpoint."
        ) from error
    except (aws.HTTPClientError, aws.IncompleteReadError) as error:
        raise ProviderUnsure(
            f"{name}: the connection broke before the answer came; it may have been done and billed. Look in AWS's console."
        ) from error
    except ResponseParserError as error:
        raise ProviderNonsense(
            f"{name}: its answer is not AWS's protocol ({printable(str(error))}). Check endpoint."
        ) from error
    except (aws.NoCredentialsError, aws.PartialCredentialsError) as error:
        raise ProviderRefused(
            f"{name}: no complete AWS credentials were found, nothing was sent. Run `aws configure`, or set AWS_PROFILE, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
    except aws.BotoCoreError as error:  # a refused parameter, an expired login: before anything was sent
        raise ProviderRefused(
            f"{name}: boto3 did not send it ({printable(str(error))}). Check AWS's configuration and the request."
        ) from error


def whole(answer: Mapping[str, Any], body: Any, name: str, timeout_s: float, most: int = MOST_ANSWER_BYTES) -> bytes:
    """All of a streaming body. answer: what boto3 returned with it.

    Raises ProviderNonsense when it is larger than `most` or breaks off, ProviderUnsure when it takes over timeout_s.
    """
    from botocore import exceptions as aws

    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-length", "")
    if said.isdigit() and int(said) > most:
        body.close()
        raise ProviderNonsense(f"{name}: answers with {int(said)} bytes, at most {most} are read. It was not read.")
    until, chunks, size = time.monotonic() + timeout_s, [], 0
    try:
        while chunk := body.read(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise ProviderNonsense(f"{name}: answers with more than {most} bytes. The rest was not read.")
            if time.monotonic() > until:
                raise ProviderUnsure(f"{name}: its answer took more than {timeout_s:g} s. Raise timeout_s.")
    except aws.ReadTimeoutError as error:
        raise ProviderUnsure(f"{name}: its answer stopped coming; it was done. Raise timeout_s.") from error
    except (aws.HTTPClientError, aws.IncompleteReadError) as error:
        raise ProviderNonsense(f"{name}: its answer broke off after {size} bytes. Ask again.") from error
    finally:
        body.close()
    return b"".join(chunks)


def json_of(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object. Raises ProviderNonsense when it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProviderNonsense(
            f"{name}: answers {len(data)} bytes that are no JSON object, or a part of one. Ask again."
        )
    return found


def picture_of(text: Any, name: str) -> Array:
    """(H, W, 3|4) uint8 or uint16 of a PNG in base64. Raises ProviderNonsense when it is none, or damaged."""
    try:
        pixels = decode_png(base64.b64decode(text, validate=True), f"{name}: the answer", _MOST_SIDE_PX)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ProviderNonsense(f"{name}: the answer's picture is not base64. Ask again.") from error
    except FormatError as error:
        raise ProviderNonsense(str(error)) from error
    return pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)


def is_content(text: str) -> bool:
    """Whether a service's words speak of its content rules."""
    return bool(_CONTENT.search(text))


def refused_content(name: str, why: str) -> ProviderRefused:
    return ProviderRefused(
        f"{name}: refused by the service's content rules ({printable(why)}). Change the words or the picture."
    )


def _answered(name: str, error: Any) -> ProviderError:
    """A ClientError: the service answered, and not with what was asked for."""
    told, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, said = str(told.get("Code", "")), str(told.get("Message", "")) or "no reason given"
    status = int(meta.get("HTTPStatusCode", 0))
    if code in _MODEL:
        said = str(error.response.get("OriginalMessage") or error.response.get("originalMessage") or said)
        status = int(error.response.get("OriginalStatusCode") or error.response.get("originalStatusCode") or 500)
    detail = f"({printable(f'{code} {status}: {said}')})"
    if code in _UNSURE or status in (502, 504):  # a gateway lost the answer
        return ProviderUnsure(f"{name}: gave up while it worked {detail}; it may be billed. Ask for less at once.")
    if code in _DOWN:
        return ProviderDown(f"{name}: failed before it began {detail}. Ask again later.")
    if code in _BUSY or status == 429:
        wait_s = retry_after_s(meta.get("HTTPHeaders", {}).get("retry-after", ""))
        return ProviderBusy(f"{name}: asked too often {detail}. Lower per_minute or raise the quota.", wait_s)
    if status >= 500:
        return ProviderDown(f"{name}: failed before it began {detail}. Ask again later.")
    if 300 <= status < 400:
        return ProviderRefused(f"{name}: points elsewhere {detail}, which is not followed. Check region and endpoint.")
    if is_content(said):
        return refused_content(name, said)
    return ProviderRefused(f"{name}: refused it {detail}. {_cure(code)}")


def _cure(code: str) -> str:
    if code in ("AccessDeniedException", "AccessDenied"):
        return "Ask the account's owner for access to the model and the bucket."
    if code in ("ResourceNotFoundException", "NoSuchBucket"):
        return "Check its name and the region."
    if code in ("UnrecognizedClientException", "ExpiredTokenException", "ExpiredToken", "InvalidSignatureException"):
        return "Log in anew: `aws sso login` or `aws configure`."
    return "Change the request."
