"""A model on Amazon Bedrock: pictures in one call, videos as jobs whose answer lies on S3.

A call for a picture carries no idempotency key (Bedrock's InvokeModel knows none), so an answer that never came is unsure. A job
for a video does (clientRequestToken): asked again, Bedrock names the job that it has. Nothing leaves but the request's own
words and the one picture that its family reads.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.aws.client import asked, client, is_content, json_of, picture_of, refused_content, whole
from assets.providers.aws.families import CONTROL, Family, Order, family_of
from assets.providers.aws.s3 import Bucket, Patience, Place
from assets.providers.base import UNWATCHED, Capabilities, Watch
from assets.providers.canvas import Canvas, canvas_for
from assets.providers.diffusion.words import words_of
from assets.providers.http_answers import printable
from assets.providers.pictures import recovered, shown
from assets.providers.request import Array, Request, Result
from pipeline.errors import FormatError, ProviderError, ProviderNonsense, ProviderRefused
from pipeline.io.images import png
from pipeline.provider_sections import BedrockModel, Conduct

MOST_BODY_BYTES = 25_000_000  # of InvokeModel
MOST_VIDEO_BYTES = 256 * 2**20
_ONE_CALL_S = 60.0  # a call that only starts a job or looks after it


@dataclass(frozen=True, eq=False)
class Bedrock:
    """A model by its id. Opening it makes a client and asks nobody."""

    settings: BedrockModel
    conduct: Conduct
    family: Family
    name: str = "bedrock"

    @classmethod
    def open(cls, settings: BedrockModel, conduct: Conduct, name: str = "bedrock") -> Bedrock:
        """Raises ProviderError when the model is not known, s3_output is missing, or boto3 has no region."""
        found = cls(settings, conduct, family_of(settings.model), name)
        if found.family.video:
            Place.of(settings.s3_output, f"{name}: {found.family.name} answers on S3; s3_output")
        found._client("bedrock-runtime")
        return found

    @property
    def licence(self) -> str:
        return self.settings.licence

    @property
    def model_digest(self) -> str:
        """Of the model's id, which names its version: weights are the service's own."""
        return hashlib.sha256(f"amazon bedrock\n{self.settings.model}".encode()).hexdigest()

    @property
    def capabilities(self) -> Capabilities:
        family = self.family
        needed = frozenset(family.shows)
        return Capabilities(
            guides=family.guides,
            needed=needed if family.video else frozenset(),
            needs_one_of=frozenset() if family.video else needed,
            max_side_px=family.max_side_px,
            max_steps=200,  # they take none: the service decides
            most_frames=family.most_frames,
            most_count=1,
            video=family.video,
            reads_prompt=True,
            light="fixed",
            leaves_machine=True,
            paid=True,
            remembers=family.video,
        )

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Ask for one after the other. Raises a ProviderError before anything is sent when one cannot be done."""
        orders = [self._order(request) for request in requests]
        results = []
        for index, (request, (order, canvas)) in enumerate(zip(requests, orders, strict=True)):
            watch.check(self.name)
            watch.progress(index, len(requests), "requests")
            key = watch.keys[index] if watch.keys else ""
            results.append(self._answer(request, order, canvas, key, watch))
        watch.progress(len(requests), len(requests), "requests")
        return results

    # ---------------------------------------------------------------- what is sent

    def _order(self, request: Request) -> tuple[Order, Canvas]:
        """What is asked, and the canvas on which it is painted. Raises ProviderError for what cannot be asked."""
        self.capabilities.check(self.name, request)
        family, canvas = self.family, canvas_for(self.family.sizes, *request.size_px)
        prompt = request.prompt or words_of(request.identity)[: family.most_prompt]
        for what, words in (("prompt", prompt), ("negative prompt", request.negative)):
            if len(words) > family.most_prompt:
                raise ProviderError(
                    f"{self.name}: the {what} has {len(words)} characters, {family.name} reads {family.most_prompt}. Shorten it."
                )
        frames = (0, request.frames - 1) if family.last_too and request.frames > 1 else (0,)
        order = Order(
            pictures=tuple(self._shown(request, frame, canvas) for frame in frames),
            prompt=prompt,
            negative=request.negative,
            seed=family.seed(request.seed),
            size_px=canvas.size_px,
            frames=request.frames,
        )
        size = sum(map(len, order.pictures))
        if size > MOST_BODY_BYTES - 100_000:
            raise ProviderError(
                f"{self.name}: the shown picture has {size} bytes, 25 MB are taken. Ask for a smaller one."
            )
        return order, canvas

    def _shown(self, request: Request, frame: int, canvas: Canvas) -> str:
        pictures = shown(request, frame)
        picture = canvas.laid(pictures[self._which(request)])
        return base64.b64encode(png(picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1))).decode()

    def _which(self, request: Request) -> str:
        return next(name for name in self.family.shows if name in request.guides.given())

    # ---------------------------------------------------------------- what comes back

    def _answer(self, request: Request, order: Order, canvas: Canvas, key: str, watch: Watch) -> Result:
        body = self.family.body(order)
        pictures = (
            self._video(request, body, canvas, key, watch)
            if self.family.video
            else self._picture(request, body, canvas)
        )
        unread = {"unread": "negative"} if request.negative and not self.family.reads_negative else {}
        return Result(
            takes=pictures[None],
            request_digest=request.digest(),
            model_digest=self.model_digest,
            licence=self.licence,
            cost_usd=self.conduct.usd_per_picture * request.frames,
            metadata={
                "provider": self.name,
                "model": self.settings.model,
                "prompt": order.prompt,
                "seed": str(order.seed),
                "shown": self._which(request),
                "painted_px": f"{canvas.size_px[0]} x {canvas.size_px[1]}",
                **({} if self.family.video else {"control": str(CONTROL)}),
                **unread,
            },
        )

    def _picture(self, request: Request, body: dict[str, Any], canvas: Canvas) -> Array:
        """(1, H, W, 4) of one call."""
        with asked(self.name):
            answer = self._client("bedrock-runtime").invoke_model(
                modelId=self.settings.model,
                body=json.dumps(body),
                contentType="application/json",
                accept="application/json",
            )
        told = json_of(whole(answer, answer["body"], self.name, self.conduct.timeout_s), self.name)
        images = self.family.read(told, self.name)
        if len(images) != 1:
            raise ProviderNonsense(f"{self.name}: answered {len(images)} pictures, one was asked. Ask again.")
        return recovered(request, 0, canvas.brought_back(picture_of(images[0], self.name), self.name))[None]

    def _video(self, request: Request, body: dict[str, Any], canvas: Canvas, key: str, watch: Watch) -> Array:
        """(F, H, W, 4) of a job."""
        text = json.dumps(body, sort_keys=True)
        token = key or hashlib.sha256(f"{self.settings.model}\n{text}".encode()).hexdigest()
        with asked(self.name):
            job = self._client("bedrock-runtime").start_async_invoke(
                clientRequestToken=token,
                modelId=self.settings.model,
                modelInput=body,
                outputDataConfig={"s3OutputDataConfig": {"s3Uri": self.settings.s3_output}},
            )
        if not job.get("invocationArn"):
            raise ProviderNonsense(f"{self.name}: began a job and does not name it. Check endpoint.")
        return self._frames(request, self._fetched(job["invocationArn"], watch), canvas)

    def _fetched(self, job: str, watch: Watch) -> bytes:
        """The job's movie, once it is there. What fails from here on does not undo the job."""
        runtime, patience = self._client("bedrock-runtime"), Patience(self.name, watch, self.conduct.timeout_s)

        def ended() -> dict[str, Any] | None:
            with asked(self.name):
                state = runtime.get_async_invoke(invocationArn=job)
            return None if state.get("status") == "InProgress" else dict(state)

        state = patience.until(ended)
        if state.get("status") != "Completed":
            raise self._failed(str(state.get("failureMessage") or "no reason given"))
        place, bucket = self._place(state), Bucket(self._client("s3"), self.name, self.conduct.timeout_s)
        return patience.until(lambda: bucket.read(place, MOST_VIDEO_BYTES))

    def _failed(self, why: str) -> ProviderRefused:
        if is_content(why):
            return refused_content(self.name, why)
        return ProviderRefused(
            f"{self.name}: the job failed ({printable(why)}). Change the request: the same one stays failed."
        )

    def _place(self, state: Mapping[str, Any]) -> Place:
        """Where the movie lies: inside s3_output, or it is not read."""
        ours = Place.of(self.settings.s3_output, f"{self.name}: s3_output")
        told = str(state.get("outputDataConfig", {}).get("s3OutputDataConfig", {}).get("s3Uri", ""))
        try:
            place = Place.of(told, self.name)
        except ProviderError as error:
            raise ProviderNonsense(
                f"{self.name}: says that its movie lies at {told[:100]!r}. Look at s3_output."
            ) from error
        if place.bucket != ours.bucket or not f"{place.key}/".startswith(f"{ours.key}/" if ours.key else ""):
            raise ProviderNonsense(f"{self.name}: its movie lies at {place}, outside {ours}. It is not read.")
        return place.under("output.mp4")

    def _frames(self, request: Request, movie: bytes, canvas: Canvas) -> Array:
        """The movie's first frames, one for one whatever its rate."""
        from pipeline.io.decode import read_frames

        width, height = request.size_px
        pictures, count = np.empty((request.frames, height, width, 4), np.float32), 0
        with tempfile.TemporaryDirectory(prefix="battleplate-") as folder:
            file = Path(folder) / "output.mp4"
            file.write_bytes(movie)
            try:
                for frame in islice(read_frames(file), request.frames):
                    pictures[count] = recovered(request, count, canvas.brought_back(frame, self.name))
                    count += 1
            except FormatError as error:
                raise ProviderNonsense(
                    f"{self.name}: its movie cannot be read ({printable(str(error))}). Ask again, or change the seed."
                ) from error
        if count < request.frames:
            raise ProviderNonsense(
                f"{self.name}: its movie holds {count} frames, {request.frames} asked. Ask for fewer, or change the seed."
            )
        return pictures

    def _client(self, service: str) -> Any:
        limit_s = min(self.conduct.timeout_s, _ONE_CALL_S) if self.family.video else self.conduct.timeout_s
        return client(service, self.settings.region, self.settings.endpoint, limit_s)
