"""A ComfyUI server as a provider: a workflow of the show's own, whose titled nodes take what a request says.

Each take is a job of its own, with its own seed, unless the workflow has a slot `count`. A job's id follows from the
idempotency key, and before a job is queued it is looked for: in the server's history and queue. So a request that was
sent before is taken up, not done again, as long as the server remembers it: until it is restarted or its history is
cleared. A job that failed is tried anew under the next id.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field

import numpy as np

from assets.providers.base import UNWATCHED, Capabilities, Watch
from assets.providers.canvas import Canvas, Sizes, canvas_for
from assets.providers.comfy.jobs import Events, Told, check_outcome, ended, pictures_of, queued
from assets.providers.comfy.server import Job, Server
from assets.providers.comfy.workflow import Graph, Workflow, read_workflow
from assets.providers.http import Limits, open_http
from assets.providers.pictures import recovered, shown, shown_reference
from assets.providers.request import Array, Request, Result
from pipeline.errors import FormatError, ProviderCancelled, ProviderError, ProviderNonsense, ProviderRefused
from pipeline.io.images import decode_png, png
from pipeline.provider_sections import ComfyServer, Conduct, ProviderEntry

MOST_SIDE_PX = 4096
_IDS = uuid.UUID("6b1d8c0a-3f5e-5b7e-9c54-7f1f0d3e2a61")  # of our names among all UUIDs
_ATTEMPTS = 64  # of one job that fails each time
_EXPLAINED_BYTES = 8 * 2**20  # of a PNG beside its pixels: the workflow, which ComfyUI writes into it


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One job: `count` takes of a request from `seed` on. key: from which its id follows; empty: it is asked only once."""

    request: Request
    seed: int
    count: int
    canvas: Canvas
    key: str

    @property
    def pictures(self) -> int:
        return self.count * self.request.frames

    def id(self, attempt: int) -> str:
        return str(uuid.uuid5(_IDS, f"{self.key}/{self.seed}/{attempt}")) if self.key else str(uuid.uuid4())


@dataclass(frozen=True, eq=False)
class ComfyUI:
    """See the module's first lines.

    model_digest stands for the workflow without what fills its slots, and for the sizes at which it paints. Which server
    runs it, and what that one says of itself, is in each answer's metadata: it may change between two calls.
    """

    name: str
    settings: ComfyServer
    conduct: Conduct
    workflow: Workflow
    capabilities: Capabilities
    _seen: dict[str, bool] = field(default_factory=dict, repr=False)  # of the server's habits, from call to call

    @property
    def licence(self) -> str:
        return self.settings.licence

    @property
    def model_digest(self) -> str:
        sizes = f"{self.settings.native_px} {self.settings.multiple_px}"
        return hashlib.sha256(f"{self.workflow.digest} {sizes}".encode()).hexdigest()

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Answer every request, in order. Raises ProviderError, of the kinds that say what happened (base.py)."""
        for request in requests:
            self._check(request)
        watch.check(self.name)
        limit_s = self.conduct.timeout_s
        http = open_http(self.name, self.settings.url, Limits(read_s=min(60.0, limit_s), whole_s=limit_s))
        server = Server(http, keeps_ids=self._seen.get("keeps_ids", False))
        client = str(uuid.uuid5(_IDS, watch.keys[0]) if watch.keys else uuid.uuid4())
        described = server.described()
        orders = [self._orders(r, watch.keys[i] if watch.keys else "") for i, r in enumerate(requests)]
        classes = {node: wired["class_type"] for node, wired in self.workflow.graph.items()}
        told = Told(self.name, watch, sum(order.pictures for group in orders for order in group), classes)
        jobs: dict[Order, Job] = {}
        with Events(http, client) as events:
            try:
                for order in (order for group in orders for order in group):
                    watch.check(self.name)
                    with queued() if jobs else nullcontext():
                        jobs[order] = self._job(server, client, order)
                self._seen["keeps_ids"] = server.keeps_ids
                takes = {order: self._takes(server, events, order, job, told) for order, job in jobs.items()}
            except ProviderCancelled:
                with suppress(ProviderError):  # whoever had enough need not hear that the server is gone, too
                    for job in reversed(jobs.values()):  # the last first, or the next would begin when one is stopped
                        server.stop(job.id)
                raise
        return [
            self._result(request, [takes[o] for o in group], [jobs[o].id for o in group], described)
            for request, group in zip(requests, orders, strict=True)
        ]

    def _check(self, request: Request) -> None:
        self.capabilities.check(self.name, request)
        slots, references = self.workflow.slots, self.workflow.references
        complaints = [
            (
                bool(request.negative) and "negative" not in slots,
                "has no slot negative. Leave the words out, or title a node.",
            ),
            (
                request.strength < 1 and "strength" not in slots,
                "has no slot strength. Ask for strength 1, or title a node.",
            ),
            (
                len(request.references) != len(references),
                f"shows {len(references)} reference pictures, {len(request.references)} are given. Give as many.",
            ),
        ]
        for wrong, complaint in complaints:
            if wrong:
                raise ProviderError(f"{self.workflow.name}: {complaint}")

    def _orders(self, request: Request, key: str) -> list[Order]:
        native = self.settings.native_px**2
        sizes = Sizes(multiple_px=self.settings.multiple_px, most_px=MOST_SIDE_PX, native_pixels=native, least_px=16)
        canvas = canvas_for(sizes, *request.size_px)
        if "count" in self.workflow.slots:
            return [Order(request, request.seed, request.count, canvas, key)]
        return [Order(request, request.seed + take, 1, canvas, key) for take in range(request.count)]

    def _job(self, server: Server, client: str, order: Order) -> Job:
        """The order's job: taken up where the server knows it, else queued."""
        for attempt in range(_ATTEMPTS):
            job = order.id(attempt)
            found = server.find(job) if order.key else None
            if found is None:
                return Job(server.queue(job, client, self._graph(server, order)))
            with suppress(ProviderError):  # what failed is tried anew; what it said was said when it failed
                check_outcome(self.name, found)
                return found
        raise ProviderRefused(f"{self.name}: the job failed {_ATTEMPTS} times. Mend the workflow in ComfyUI.")

    def _graph(self, server: Server, order: Order) -> Graph:
        """The workflow with everything of the order in its slots; its pictures are on the server then."""
        request, canvas, slots = order.request, order.canvas, self.workflow.slots
        values = {
            "prompt": request.prompt,
            "negative": request.negative,
            "seed": order.seed,
            "steps": request.steps,
            "strength": request.strength,
            "width": canvas.size_px[0],
            "height": canvas.size_px[1],
            "count": order.count,
            "frames": request.frames,
        }
        pictures: dict[str, list[str]] = {guide: [] for guide in self.workflow.guides}
        for frame in range(request.frames):
            drawn = shown(request, frame)
            drawn.setdefault("mask", np.full(request.size_px[::-1], 255, np.uint8))  # all is painted
            for guide, names in pictures.items():
                names.append(server.upload(png(canvas.laid(drawn[guide]))))
        for slot, picture in zip(self.workflow.references, request.references, strict=True):
            pictures[slot] = [server.upload(png(shown_reference(picture)))]
        return self.workflow.filled({slot: value for slot, value in values.items() if slot in slots}, pictures)

    def _takes(self, server: Server, events: Events, order: Order, job: Job, told: Told) -> Array:
        """(count, F, H, W, 4) of a job, once it has ended well."""
        done = job if job.entry else ended(server, events, job, told, self.conduct.timeout_s)
        check_outcome(self.name, done)
        places = pictures_of(self.name, done, self.workflow.output)
        if len(places) != order.pictures:
            raise ProviderNonsense(
                f"{self.name}: {len(places)} pictures came, {order.pictures} were asked. "
                "The workflow's output must give one for each take and frame."
            )
        width, height = order.canvas.size_px
        pictures = []
        for index, place in enumerate(places):
            with queued():
                data = server.picture(place, width * height * 8 + _EXPLAINED_BYTES)
            answer = order.canvas.brought_back(_pixels(data, (width, height), self.name), self.name)
            pictures.append(recovered(order.request, index % order.request.frames, answer))
            told.say("pictures", 1)
        return np.stack(pictures).reshape(order.count, order.request.frames, *pictures[0].shape)

    def _result(self, request: Request, takes: list[Array], jobs: list[str], described: dict[str, str]) -> Result:
        return Result(
            takes=np.concatenate(takes),
            request_digest=request.digest(),
            model_digest=self.model_digest,
            licence=self.licence,
            cost_usd=self.conduct.usd_per_picture * request.count * request.frames,  # the server itself bills nothing
            metadata={
                "provider": self.name,
                "seed": str(request.seed),
                "steps": str(request.steps) if "steps" in self.workflow.slots else "the workflow's",
                "seeds": "one for all takes" if "count" in self.workflow.slots else "one more each take",
                "workflow": self.settings.workflow.name,
                "jobs": " ".join(jobs),
                **described,
            },
        )


def open_comfyui(entry: ProviderEntry, settings: ComfyServer) -> ComfyUI:
    """The provider of an entry; nothing is sent. Raises ProviderError when its workflow or url cannot be used."""
    workflow = read_workflow(settings.workflow, settings.slots, f"provider {entry.name!r}")
    open_http(entry.name, settings.url)  # a wrong url is told before a shot is half done
    return ComfyUI(entry.name, settings, entry.conduct, workflow, capabilities_of(workflow, settings))


def capabilities_of(workflow: Workflow, settings: ComfyServer) -> Capabilities:
    """What a workflow can do follows from its slots: each guide's slot must be filled, but the mask's (all is painted)."""
    keeps = {"init"} if "mask" in workflow.guides else set()
    return Capabilities(
        guides=workflow.guides | {"coverage"} | keeps,  # the coverage is not shown: it cuts the answer out
        needed=workflow.guides - {"mask"},
        max_side_px=MOST_SIDE_PX,
        multiple_px=settings.multiple_px,
        max_steps=200,
        most_frames=settings.most_frames,
        video="frames" in workflow.slots,
        reads_prompt="prompt" in workflow.slots,
        reads_references=bool(workflow.references),
        light="fixed",
        leaves_machine=True,  # also to this machine's own port: a tunnel may begin there
        paid=True,  # nodes may call services that bill, and no other server paints the same pictures
        remembers=True,
    )


def _pixels(data: bytes, size_px: tuple[int, int], name: str) -> Array:
    """(H, W, 3|4) uint8 or uint16 of an answered PNG. Raises ProviderNonsense when it is no PNG of this size."""
    try:
        pixels = decode_png(data, f"{name}: the answer", MOST_SIDE_PX)
    except FormatError as error:
        raise ProviderNonsense(str(error)) from error
    if (came := (pixels.shape[1], pixels.shape[0])) != size_px:
        raise ProviderNonsense(
            f"{name}: answered {came[0]} x {came[1]} px, asked were {size_px[0]} x {size_px[1]}. "
            "Give the workflow slots width and height, or let its size follow from a guide's picture."
        )
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)
