"""A service and its provider, as small as they can be, that meet every mood of the contract over HTTP on loopback.

The desk is tested on them, and the contract itself. The protocol: POST a JSON of what is asked, with the idempotency key;
a .npy of the takes comes back.
"""

from __future__ import annotations

import http.client
import io
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from assets.providers.base import UNWATCHED, Capabilities
from assets.providers.request import Result
from pipeline.errors import (
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from pipeline.provider_sections import ComfyServer, Conduct, ProviderEntry
from tests.assets.providers.contract_service import FAULTS

QUICK = Conduct(wait_s=0.01, timeout_s=0.5)


class Wire:
    """The service. done: seeds of what it did; strayed: what came to the other host; most_at_once: seen side by side."""

    def __init__(self, remembers=True, paid=True, name="wire", conduct=QUICK):
        self.moods, self.done, self.strayed, self.calls = FAULTS | {"ok"}, [], [], 0
        self.opening = open_wire
        self.remembers, self.answers, self.planned = remembers, {}, []
        self.lock, self.closed, self.pair = threading.Lock(), threading.Event(), threading.Barrier(2, timeout=20)
        self.inside = self.most_at_once = 0
        self.servers = [_serve(self, self.handle), _serve(self, lambda http: self.strayed.append(http.path))]
        slots = {"remembers": str(remembers), "paid": str(paid)}
        self.entry = ProviderEntry(name, ComfyServer(self.url(0), Path("wire.json"), slots), conduct)

    def url(self, server):
        return f"http://127.0.0.1:{self.servers[server].server_address[1]}"

    def plan(self, *moods):
        with self.lock:
            self.planned = list(moods)

    def close(self):
        self.closed.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def handle(self, http):
        asked = json.loads(http.rfile.read(int(http.headers["Content-Length"])))
        with self.lock:
            self.calls, self.inside = self.calls + 1, self.inside + 1
            self.most_at_once = max(self.most_at_once, self.inside)
            mood = self.planned.pop(0) if self.planned else "ok"
        try:
            self.meet(http, asked, mood)
        finally:
            with self.lock:
                self.inside -= 1

    def meet(self, http, asked, mood):
        if mood in ("busy", "broken", "refused", "redirect"):
            status, headers = {
                "busy": (429, {"Retry-After": "7"}),
                "broken": (500, {}),
                "refused": (451, {}),
                "redirect": (307, {"Location": self.url(1) + "/paint"}),
            }[mood]
            return _reply(http, status, b"", headers)
        if mood == "pair":
            self.pair.wait()
        body = self.paint(asked)
        if mood in ("silent", "slow"):
            self.closed.wait(60 if mood == "silent" else 0.1)
        if mood == "oversized":
            body += bytes(1 << 20)
        elif mood == "gigapixels":
            body = _npy_header((1, 1, 1 << 16, 1 << 16, 4))
        elif mood == "wrong_size":
            body = _npy(np.zeros((1, 1, 8, 8, 4), np.float32))
        _reply(http, 200, body[: len(body) // 2] if mood == "truncated" else body, length=len(body))

    def paint(self, asked):
        with self.lock:
            if not self.remembers or asked["key"] not in self.answers:
                self.done.append(str(asked["seed"]))
                self.answers[asked["key"]] = _npy(picture(asked["shape"], asked["seed"]))
            return self.answers[asked["key"]]


def picture(shape, seed):
    """A ramp in the middle of an empty frame, brighter with the seed."""
    takes = np.zeros(shape, np.float32)
    takes[..., shape[2] // 4 : -(shape[2] // 4), 8:-8, :] = (0.1 * seed, 2.5, 0.1, 1.0)
    takes *= np.linspace(0.1, 1, shape[3], dtype=np.float32)[:, None]
    return takes


@contextmanager
def serving(**settings) -> Iterator[Wire]:
    service = Wire(**settings)
    try:
        yield service
    finally:
        service.close()


@dataclass
class WireProvider:
    entry: ProviderEntry
    capabilities: Capabilities
    model_digest: str = "5" * 64
    licence: str = "of the wire"

    @property
    def name(self):
        return self.entry.name

    def generate(self, requests, watch=UNWATCHED):
        for request in requests:
            self.capabilities.check(self.name, request)
        keys = watch.keys or [uuid.uuid4().hex for _ in requests]
        results = []
        for request, key in zip(requests, keys, strict=True):
            watch.check(self.name)
            width, height = request.size_px
            shape = (request.count, request.frames, height, width, 4)
            takes = self.ask({"seed": request.seed, "shape": shape, "key": key}, shape)
            results.append(Result(takes, request.digest(), self.model_digest, self.licence))
            watch.progress(len(results), len(requests), "pictures")
        return results

    def ask(self, asked, shape):
        host = self.entry.settings.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=self.entry.conduct.timeout_s)
        try:
            connection.connect()
        except OSError as error:
            raise ProviderDown(f"{self.name}: cannot be reached ({error}). Start it.") from error
        try:
            connection.request("POST", "/paint", json.dumps(asked))
            response = connection.getresponse()
            most = 4096 + 4 * int(np.prod(shape))
            body = response.read(most + 1)
        except (OSError, http.client.HTTPException) as error:
            raise ProviderUnsure(f"{self.name}: no answer came ({error}).") from error
        finally:
            connection.close()
        if response.status == 429:
            raise ProviderBusy(f"{self.name}: asked too often.", float(response.headers["Retry-After"]))
        if response.status >= 500:
            raise ProviderDown(f"{self.name}: failed on its side ({response.status}).")
        if response.status != 200:
            raise ProviderRefused(f"{self.name}: refused ({response.status}).")
        return self.read(body, shape, most)

    def read(self, body, shape, most):
        stream = io.BytesIO(body)
        try:
            np.lib.format.read_magic(stream)
            claimed = np.lib.format.read_array_header_1_0(stream)[0]
        except ValueError as error:
            raise ProviderNonsense(f"{self.name}: no picture came.") from error
        if len(body) > most or claimed != shape or len(body) - stream.tell() != 4 * int(np.prod(shape)):
            raise ProviderNonsense(f"{self.name}: the picture is {claimed}, must be {shape}, and whole.")
        return np.frombuffer(body[stream.tell() :], np.float32).reshape(shape)


def open_wire(entry: ProviderEntry) -> WireProvider:
    """How the desk opens an entry of this kind. Raises ProviderError for one that is called closed."""
    if entry.name == "closed":
        raise ProviderError("closed: cannot be opened. Use another.")
    slots = entry.settings.slots
    able = Capabilities(
        guides=frozenset({"coverage", "depth"}),
        needed=frozenset({"depth"}),
        max_side_px=int(slots.get("max_side_px", 512)),
        most_count=8,
        paid=slots["paid"] == "True",
        leaves_machine=True,
        remembers=slots["remembers"] == "True",
    )
    return WireProvider(entry, able)


def _serve(service, handle):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            handle(self)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def _reply(http, status, body, headers=(), length=None):
    try:
        http.send_response(status)
        for name, value in dict(headers).items():
            http.send_header(name, value)
        http.send_header("Content-Length", str(len(body) if length is None else length))
        http.end_headers()
        http.wfile.write(body)
    except (BrokenPipeError, ConnectionResetError):
        pass  # whoever asked is gone


def _npy(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=(1, 0))
    return stream.getvalue()


def _npy_header(shape):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return stream.getvalue()
