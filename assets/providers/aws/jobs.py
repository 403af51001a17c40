"""An asynchronous SageMaker endpoint asked over S3, so that nothing is begun twice.

Beside a request TOKEN.json lies a note TOKEN.job.json: {} once the endpoint may have been asked, then where the answer will be.
Whoever finds a note looks for the answer and does not ask. A note that says no place is left when whoever asked died before
he was told: then the answer is looked for in the endpoint's own output folder, under the token.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from assets.providers.aws.client import asked, is_content, json_of, refused_content
from assets.providers.aws.s3 import Bucket, Patience, Place
from assets.providers.base import Watch
from assets.providers.http_answers import printable
from pipeline.errors import ProviderDown, ProviderError, ProviderNonsense, ProviderRefused, ProviderUnsure
from pipeline.provider_sections import Conduct, SageMakerEndpoint

MOST_ANSWER_BYTES = 256 * 2**20
_NOTE_BYTES = 64 * 1024
_FOLDER = "battleplate"  # in the endpoint's output folder


@dataclass(frozen=True, eq=False)
class Jobs:
    """The jobs of one endpoint. client: gives boto3's client of a service."""

    settings: SageMakerEndpoint
    conduct: Conduct
    name: str
    client: Callable[[str], Any]

    def answer(self, body: bytes, token: str, watch: Watch) -> bytes:
        """The answer's JSON of a request's, under a token of at most 64 characters that stands for it alone.

        Raises a ProviderError that says whether it was begun: ProviderUnsure once it may have been.
        """
        request, note, bucket = self._folder().under(f"{token}.json"), self.note(token), self._bucket()
        if (told := self._noted(note)) is None and self._claimed(request, note, body):
            job = self._begun(request, token, note)
        else:
            job = json_of(told or b"{}", f"{self.name}: {note}")
        job = job if job.get("output") else self._found(token, note)
        try:
            patience = Patience(self.name, watch, self.conduct.timeout_s)
            answer, failed = patience.until(lambda: _looked(bucket, job))
        except ProviderUnsure as error:
            raise ProviderUnsure(f"{error} If it never began there, remove {note}.") from error
        if failed:
            for place in (note, Place.of(job["failure"], "failure")):  # so that it may be begun again
                with suppress(ProviderError):
                    bucket.remove(place)
            raise self._failed(answer.decode("utf-8", "replace"))
        return answer

    def note(self, token: str) -> Place:
        """Where the note of a request lies."""
        return self._folder().under(f"{token}.job.json")

    def _folder(self) -> Place:
        return Place.of(self.settings.s3_input, f"{self.name}: s3_input")

    def _noted(self, note: Place) -> bytes | None:
        try:
            return self._bucket().read(note, _NOTE_BYTES)
        except ProviderUnsure as error:
            raise ProviderDown(f"{error} Only S3 was asked so far.") from error

    def _claimed(self, request: Place, note: Place, body: bytes) -> bool:
        """Lay the request down and a note beside it; False when somebody else's note was there first."""
        bucket = self._bucket()
        try:
            bucket.write(request, body)
            return bucket.write_first(note, b"{}")
        except ProviderUnsure as error:
            with suppress(ProviderError):
                bucket.remove(note)
            raise ProviderDown(f"{error} Only S3 was asked so far.") from error

    def _begun(self, request: Place, token: str, note: Place) -> dict[str, Any]:
        """Ask, and note where the answer will lie. What was surely not begun leaves no note."""
        bucket = self._bucket()
        try:
            with asked(self.name):
                told = self.client("sagemaker-runtime").invoke_endpoint_async(
                    EndpointName=self.settings.endpoint_name,
                    InputLocation=str(request),
                    ContentType="application/json",
                    Accept="application/json",
                    InferenceId=token,
                    S3OutputPathExtension=f"{_FOLDER}/{token}",
                    InvocationTimeoutSeconds=min(3600, max(1, math.ceil(self.conduct.timeout_s))),
                )
        except (ProviderUnsure, ProviderNonsense):
            raise
        except ProviderError:
            with suppress(ProviderError):
                bucket.remove(note)
            raise
        job = {"output": told.get("OutputLocation", ""), "failure": told.get("FailureLocation", "")}
        if not str(job["output"]).startswith("s3://"):
            raise ProviderNonsense(f"{self.name}: began it and does not say where the answer will lie. Check endpoint.")
        with suppress(ProviderError):  # it is begun, and can be found without the note
            bucket.write(note, json.dumps(job).encode())
        return job

    def _found(self, token: str, note: Place) -> dict[str, str]:
        """Where the answer of a job lies whose beginning was never confirmed: in the endpoint's own output folder."""
        try:
            with asked(self.name):
                control = self.client("sagemaker")
                endpoint = control.describe_endpoint(EndpointName=self.settings.endpoint_name)
                config = control.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
            output = Place.of(config["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"], self.name)
        except (ProviderError, KeyError) as error:
            raise ProviderUnsure(
                f"{self.name}: was asked before, and where the answer lies was never learnt ({printable(str(error))}). Allow "
                f"sagemaker:DescribeEndpoint and DescribeEndpointConfig, or remove {note} to begin anew."
            ) from error
        return {"folder": str(output.under(f"{_FOLDER}/{token}"))}

    def _failed(self, why: str) -> ProviderError:
        if is_content(why):
            return refused_content(self.name, why)
        if re.search(r"\(4\d\d\)", why):
            return ProviderRefused(f"{self.name}: the endpoint refused it ({printable(why)}). Change the request.")
        return ProviderDown(f"{self.name}: the endpoint failed at it ({printable(why)}). Look at its log, ask again.")

    def _bucket(self) -> Bucket:
        return Bucket(self.client("s3"), self.name, self.conduct.timeout_s)


def _looked(bucket: Bucket, job: dict[str, Any]) -> tuple[bytes, bool] | None:
    """The answer, or the failure (True), of a job; None while neither is there."""
    output = (
        Place.of(job["output"], "output") if job.get("output") else bucket.first_in(Place.of(job["folder"], "folder"))
    )
    answer = bucket.read(output, MOST_ANSWER_BYTES) if output else None
    if answer is not None:
        return answer, False
    failure = bucket.read(Place.of(job["failure"], "failure"), _NOTE_BYTES) if job.get("failure") else None
    return None if failure is None else (failure, True)
