"""An endpoint of one's own on Amazon SageMaker that speaks the JSON of docs/providers.md: in one call, or over S3.

In one call, an answer that never came is unsure: whether the endpoint keeps answers by their key cannot be known. Over S3
nothing is begun twice (sagemaker_jobs.py).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.providers.aws.client import asked, client, json_of, picture_of, refused_content, whole
from assets.providers.aws.jobs import Jobs
from assets.providers.aws.s3 import Place
from assets.providers.base import UNWATCHED, Capabilities, Watch
from assets.providers.diffusion.words import words_of
from assets.providers.http_answers import printable
from assets.providers.pictures import recovered, shown, shown_reference
from assets.providers.request import GUIDE_CHANNELS, Array, Request, Result
from pipeline.errors import ProviderError, ProviderNonsense
from pipeline.io.images import png
from pipeline.provider_sections import Conduct, SageMakerEndpoint

FORM = 1  # of the JSON
MOST_BODY_BYTES = 6_291_456  # of InvokeEndpoint
MOST_UPLOAD_BYTES = 256 * 2**20
_ONE_CALL_S = 60.0  # a call that only begins something or looks after it


@dataclass(frozen=True, eq=False)
class SageMaker:
    """An endpoint by its name. Opening it makes a client and asks nobody."""

    settings: SageMakerEndpoint
    conduct: Conduct
    name: str = "sagemaker"

    @classmethod
    def open(cls, settings: SageMakerEndpoint, conduct: Conduct, name: str = "sagemaker") -> SageMaker:
        """Raises ProviderError when the endpoint's name or s3_input cannot be right, or boto3 has no region."""
        if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", settings.endpoint_name):
            raise ProviderError(
                f"{name}: endpoint_name {settings.endpoint_name!r} holds letters, digits and '-', up to 63."
            )
        if settings.asynchronous:
            Place.of(settings.s3_input, f"{name}: an asynchronous endpoint is asked over S3; s3_input")
        found = cls(settings, conduct, name)
        found._client("sagemaker-runtime")
        return found

    @property
    def licence(self) -> str:
        return self.settings.licence

    @property
    def model_digest(self) -> str:
        """Of the endpoint's name: a new model behind it gets a new name, or its kept answers stay the old ones."""
        return hashlib.sha256(f"amazon sagemaker\n{self.settings.endpoint_name}".encode()).hexdigest()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            guides=frozenset(GUIDE_CHANNELS),
            needed=frozenset(),
            max_side_px=4096,
            max_steps=200,
            most_frames=1000,
            video=True,
            reads_prompt=True,
            reads_references=True,
            light="unknown",
            leaves_machine=True,
            paid=True,
            remembers=self.settings.asynchronous,
        )

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Ask for one after the other. Raises a ProviderError before anything is sent when one cannot be done."""
        keys = [watch.keys[i] if watch.keys else request.digest() for i, request in enumerate(requests)]
        bodies = [self._body(request, key) for request, key in zip(requests, keys, strict=True)]
        results = []
        for index, (request, key, body) in enumerate(zip(requests, keys, bodies, strict=True)):
            watch.check(self.name)
            watch.progress(index, len(requests), "requests")
            results.append(self._answer(request, body, key, watch))
        watch.progress(len(requests), len(requests), "requests")
        return results

    def _answer(self, request: Request, body: bytes, key: str, watch: Watch) -> Result:
        if not self.settings.asynchronous:
            return self._result(request, json_of(self._in_one_call(body, key), self.name))
        jobs = Jobs(self.settings, self.conduct, self.name, self._client)
        try:
            return self._result(request, json_of(jobs.answer(body, _token(key), watch), self.name))
        except ProviderNonsense as error:
            note = jobs.note(_token(key))
            raise ProviderNonsense(
                f"{error} The answer is kept there: to have it begun anew, remove {note}."
            ) from error

    # ---------------------------------------------------------------- the JSON

    def _body(self, request: Request, key: str) -> bytes:
        """The request as docs/providers.md says it. Raises ProviderError when it cannot be asked."""
        self.capabilities.check(self.name, request)
        width, height = request.size_px
        told = {
            "form": FORM,
            "key": key,
            "prompt": request.prompt or words_of(request.identity),
            "negative": request.negative,
            "seed": request.seed,
            "steps": request.steps,
            "strength": request.strength,
            "width": width,
            "height": height,
            "count": request.count,
            "frames": request.frames,
            "guides": _drawn(request),
            "references": [_png(shown_reference(picture)) for picture in request.references],
        }
        body = json.dumps(told).encode()
        most = MOST_UPLOAD_BYTES if self.settings.asynchronous else MOST_BODY_BYTES
        if len(body) > most:
            cure = "Ask for fewer frames." if self.settings.asynchronous else "Ask for less, or make it asynchronous."
            raise ProviderError(f"{self.name}: the request has {len(body):,} bytes, {most:,} are taken. {cure}")
        return body

    def _result(self, request: Request, told: dict[str, Any]) -> Result:
        if told.get("refused"):
            raise refused_content(self.name, str(told["refused"]))
        sent, wanted = told.get("pictures"), request.count * request.frames
        if not isinstance(sent, list) or len(sent) != wanted:
            number = len(sent) if isinstance(sent, list) else "no"
            raise ProviderNonsense(f"{self.name}: answered {number} pictures, {wanted} were asked. Mend the endpoint.")
        pictures = [self._recovered(request, i % request.frames, picture) for i, picture in enumerate(sent)]
        return Result(
            takes=np.stack(pictures).reshape(request.count, request.frames, *pictures[0].shape),
            request_digest=request.digest(),
            model_digest=self.model_digest,
            licence=printable(str(told.get("licence") or self.licence)),
            cost_usd=self.conduct.usd_per_picture * wanted,
            metadata={
                "provider": self.name,
                "endpoint": self.settings.endpoint_name,
                "model": printable(str(told.get("model", ""))),
                "seed": str(request.seed),
                "steps": str(request.steps),
            },
        )

    def _recovered(self, request: Request, frame: int, text: Any) -> Array:
        picture = picture_of(text, self.name)
        if picture.shape[1::-1] != request.size_px:
            (width, height), (wide, high) = picture.shape[1::-1], request.size_px
            raise ProviderNonsense(
                f"{self.name}: answered {width} x {height} px, {wide} x {high} were asked. Mend the endpoint."
            )
        return recovered(request, frame, picture)

    # ---------------------------------------------------------------- in one call

    def _in_one_call(self, body: bytes, key: str) -> bytes:
        with asked(self.name):
            answer = self._client("sagemaker-runtime").invoke_endpoint(
                EndpointName=self.settings.endpoint_name,
                Body=body,
                ContentType="application/json",
                Accept="application/json",
                InferenceId=_token(key),
            )
        return whole(answer, answer["Body"], self.name, self.conduct.timeout_s)

    def _client(self, service: str) -> Any:
        settings = self.settings
        endpoint = settings.s3_endpoint if service == "s3" else settings.endpoint
        limit_s = min(self.conduct.timeout_s, _ONE_CALL_S) if settings.asynchronous else self.conduct.timeout_s
        return client(service, settings.region, endpoint, limit_s)


def _drawn(request: Request) -> dict[str, list[str]]:
    """Every guide as PNGs, one a frame: as pictures.shown draws it, and the two that it does not draw as they are."""
    drawn: dict[str, list[str]] = {name: [] for name in request.guides.given()}
    for frame in range(request.frames):
        pictures = {**shown(request, frame)}
        if request.guides.coverage is not None:
            pictures["coverage"] = np.round(np.clip(request.guides.coverage[frame], 0, 1) * 255).astype(np.uint8)
        if request.guides.parts is not None:
            pictures["parts"] = np.clip(request.guides.parts[frame], 0, 255).astype(np.uint8)
        for name in drawn:
            drawn[name].append(_png(pictures[name]))
    return drawn


def _png(pixels: Array) -> str:
    return base64.b64encode(png(pixels)).decode()


def _token(key: str) -> str:
    """A key as Amazon takes it: 64 characters."""
    return key if re.fullmatch(r"[A-Za-z0-9-]{1,64}", key) else hashlib.sha256(key.encode()).hexdigest()
