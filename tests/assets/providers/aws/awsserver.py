"""Amazon's services on loopback: Bedrock Runtime, SageMaker Runtime and S3 in their REST protocols, painting what they are shown.

Every call must be signed (Signature Version 4: its form and scope are checked). The painter is a function of the shown
picture and the seed. How a call goes wrong is planned by moods (tests/assets/providers/contract.py).
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import cv2
import numpy as np
import pytest

from pipeline.io.images import decode_png, png

MOODS = frozenset({"ok", "busy", "broken", "silent", "slow", "refused", "redirect"}) | {
    "truncated",
    "oversized",
    "gigapixels",
    "wrong_size",
}
SPOILED = ("truncated", "oversized", "gigapixels", "wrong_size")  # of the answer; the work is done
VIDEO_FRAMES = 4
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/us-west-2/(bedrock|sagemaker|s3)/aws4_request, "
    r"SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, Signature=[0-9a-f]{64}"
)


def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dummy credentials, and nobody asked for others: no files, no instance metadata, no proxies."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")


@dataclass(eq=False)
class AwsServer:
    """What the server knows and did. done: seeds of work done, in order. bodies: of what was asked, parsed. paths: of every call.

    strayed: what arrived at the host that redirects point to. objects: (bucket, key) to bytes. spoiled: mood of the next
    delivery of an object. late: how often a job is still in progress when it is looked at.
    """

    moods: deque[str] = field(default_factory=deque)
    done: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    strayed: list[str] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    movies: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # made when they are fetched
    spoiled: dict[tuple[str, str], str] = field(default_factory=dict)
    delivered: set[tuple[str, str]] = field(default_factory=set)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)  # seed to why its job fails
    extra: dict[str, Any] = field(default_factory=dict)  # said in SageMaker's answers
    looks: deque[str] = field(default_factory=deque)  # moods of those who look after a job, or read a bucket
    meet: threading.Barrier | None = None  # where those who find no object wait for each other, once
    late: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""
    elsewhere: str = ""

    def plan(self, *moods: str) -> None:
        with self.lock:
            self.moods.clear()
            self.moods.extend(moods)

    def reset(self) -> None:
        """As new, for the next test; whoever still waits for an answer is let go."""
        self.released.set()
        self.released = threading.Event()
        with self.lock:
            for kept in (self.moods, self.done, self.bodies, self.paths, self.strayed, self.objects, self.movies, self.spoiled, self.delivered, self.jobs, self.failures, self.extra, self.looks):  # fmt: skip
                kept.clear()
            self.late, self.meet = 0, None

    def next_mood(self) -> str:
        with self.lock:
            return self.moods.popleft() if self.moods else "ok"


@contextmanager
def running() -> Iterator[AwsServer]:
    """The server, and beside it the other host that nobody should call."""
    server = AwsServer()
    main = listening(_handler(server))
    other = listening(_other(server))
    server.url = f"http://127.0.0.1:{main.server_address[1]}"
    server.elsewhere = f"http://127.0.0.1:{other.server_address[1]}"
    try:
        yield server
    finally:
        server.released.set()
        for each in (main, other):
            each.shutdown()
            each.server_close()


# ---------------------------------------------------------------- the painter


def painted(picture: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """(H, W, 3) uint8: the seed's colour, as light as the shown picture (its green), on grey where it is black."""
    level = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., 1])
    tables = [np.arange(256) * (0.3 + 0.7 * part / 255) for part in hashlib.sha256(str(seed).encode()).digest()[:3]]
    table = np.stack(tables, axis=-1).astype(np.uint8)
    table[0] = 40
    return cv2.LUT(cv2.merge([level] * 3), table[None])


def seen(text: str) -> np.ndarray[Any, Any]:
    return decode_png(base64.b64decode(text), "the server")


def sent(pixels: np.ndarray[Any, Any], mood: str = "ok") -> str:
    """A PNG in base64, of another shape or with a lie in its header if the mood is so."""
    data = png(pixels[: max(1, len(pixels) // 2)] if mood == "wrong_size" else pixels)
    if mood == "gigapixels":
        header = b"IHDR" + struct.pack(">II", 60000, 60000) + data[24:29]
        data = data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    return base64.b64encode(data).decode()


@lru_cache(maxsize=32)
def movie(source: str, seed: int, mood: str = "ok") -> bytes:
    """An MP4 of VIDEO_FRAMES: the painting of a picture in base64, lighter with every frame."""
    import av

    painting = painted(seen(source), seed)
    painting = np.ascontiguousarray(painting[:, : painting.shape[1] // 4]) if mood == "wrong_size" else painting
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.height, stream.width = painting.shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        for number in range(VIDEO_FRAMES):
            frame = av.VideoFrame.from_ndarray(cv2.add(painting, np.full_like(painting, 8 * number)), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return memory.getvalue()


# ---------------------------------------------------------------- the protocol


def listening(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


class _Error(Exception):
    """An answer that is an error of the service."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}
        self.told = {"message": message, "Message": message, **more}


def _handler(server: AwsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            server.paths.append(f"{self.command} {unquote(path)}")
            with suppress(BrokenPipeError, ConnectionResetError):
                try:
                    if not _SIGNED.fullmatch(self.headers.get("Authorization", "")) or "X-Amz-Date" not in self.headers:
                        raise _Error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
                    if "chunked" in self.headers.get("Transfer-Encoding", ""):
                        raise _Error(411, "MissingContentLength", "Content-Length is needed.")
                    _answer(server, self, path, query, body)
                except _Error as error:
                    reply(
                        self,
                        error.status,
                        json.dumps(error.told).encode(),
                        {"x-amzn-ErrorType": error.code, **error.headers},
                    )

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any

    return Handler


def _other(server: AwsServer) -> type[BaseHTTPRequestHandler]:
    class Other(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_any(self) -> None:
            server.strayed.append(f"{self.command} {self.path}")
            reply(self, 200, b"{}", {})

        do_GET = do_PUT = do_POST = do_HEAD = do_any

    return Other


def reply(handler: Any, status: int, body: bytes, headers: dict[str, str], mood: str = "ok") -> None:
    """Send it whole, or as the mood has it."""
    handler.send_response(status)
    size = 5_000_000_000 if mood == "oversized" else len(body)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(size), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body[: len(body) // 2] if mood == "truncated" else body)
    handler.close_connection = handler.close_connection or mood in ("truncated", "oversized")


def _answer(server: AwsServer, handler: Any, path: str, query: dict[str, list[str]], body: bytes) -> None:
    model = re.fullmatch(r"/model/([^/]+)/invoke", path)
    job = re.fullmatch(r"/async-invoke/(.+)", path)
    endpoint = re.fullmatch(r"/endpoints/([^/]+)/(async-)?invocations", path)
    if model:
        _invoke_model(server, handler, unquote(model[1]), json.loads(body))
    elif path == "/async-invoke":
        _start_job(server, handler, json.loads(body))
    elif job:
        _tell_job(server, handler, unquote(job[1]))
    elif endpoint and endpoint[2]:
        _begin(server, handler, endpoint[1])
    elif endpoint:
        _invoke_endpoint(server, handler, json.loads(body))
    elif "X-Amz-Target" in handler.headers:
        _describe(server, handler, handler.headers["X-Amz-Target"])
    else:
        _s3(server, handler, unquote(path), query, body)


def _before(server: AwsServer, mood: str, refused: tuple[int, str]) -> None:
    """What is said instead of doing anything."""
    if mood.startswith("error "):  # "error 424 ModelErrorException what it says"
        _, status, code, message = mood.split(" ", 3)
        raise _Error(int(status), code, message)
    if mood == "busy":
        raise _Error(429, "ThrottlingException", "Too many requests, please wait.", {"Retry-After": "7"})
    if mood == "broken":
        raise _Error(500, "InternalServerException", "The system encountered an unexpected error.")
    if mood == "redirect":
        raise _Error(307, "TemporaryRedirect", "Go there.", {"Location": f"{server.elsewhere}/there"})
    if mood == "refused":
        raise _Error(*refused, "This request has been blocked by our content filters.")


def _after(server: AwsServer, handler: Any, mood: str) -> bool:
    """Waits, if the mood has it; says whether an answer is sent."""
    released = server.released
    if mood == "slow":
        released.wait(0.3)
    if mood == "silent":
        released.wait(60)
        handler.close_connection = True
    return mood != "silent"


def _invoke_model(server: AwsServer, handler: Any, model: str, body: dict[str, Any]) -> None:
    mood, stability = server.next_mood(), "stability." in model
    server.bodies.append(body)
    if stability and mood == "refused":
        return reply(handler, 200, json.dumps({"finish_reasons": ["Filter reason: prompt"]}).encode(), {})
    _before(server, mood, (400, "ValidationException"))
    if stability:
        picture, seed = seen(body["image"]), body["seed"]
    else:
        config = body["imageGenerationConfig"]
        picture, seed = seen(body["textToImageParams"]["conditionImage"]), config["seed"]
        assert picture.shape[1::-1] == (config["width"], config["height"])
    server.done.append(str(seed))
    if not _after(server, handler, mood):
        return None
    images = [sent(painted(picture, seed), mood)]
    told = (
        {"seeds": [seed], "finish_reasons": [None], "images": images}
        if stability
        else {"images": images, "error": None}
    )
    return reply(handler, 200, json.dumps(told).encode(), {}, mood)


def _start_job(server: AwsServer, handler: Any, body: dict[str, Any]) -> None:
    mood, token = server.next_mood(), body["clientRequestToken"]
    server.bodies.append(body["modelInput"])
    _before(server, mood, (400, "ValidationException"))
    arn = f"arn:aws:bedrock:us-west-2:123456789012:async-invoke/{hashlib.sha256(token.encode()).hexdigest()[:12]}"
    with server.lock:
        job = server.jobs.setdefault(arn, {"input": body["modelInput"], "late": server.late, "status": "new"})
        if job["input"] != body["modelInput"]:
            raise _Error(400, "ConflictException", "The token was used for another request.")
        if job["status"] == "new":
            _work(server, job, arn, body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"], mood)
        elif mood in SPOILED:
            server.spoiled[_place(f"{job['folder']}/output.mp4")] = mood
    if _after(server, handler, mood):
        told = {} if mood == "nameless" else {"invocationArn": arn}
        reply(handler, 200, b"<html>" if mood == "garbled" else json.dumps(told).encode(), {})


def _work(server: AwsServer, job: dict[str, Any], arn: str, output: str, mood: str) -> None:
    model_input = job["input"]
    if "taskType" in model_input:
        source, seed = (
            model_input["textToVideoParams"]["images"][0]["source"]["bytes"],
            model_input["videoGenerationConfig"]["seed"],
        )
    else:
        source, seed = model_input["keyframes"]["frame0"]["source"]["data"], 0
    job["folder"] = f"{output.rstrip('/')}/{arn.rsplit('/', 1)[1]}"
    job["status"], job["why"] = (
        ("Failed", server.failures[str(seed)]) if str(seed) in server.failures else ("Completed", "")
    )
    if job["status"] == "Completed":
        place = _place(f"{job['folder']}/output.mp4")
        server.movies[place] = (source, seed)
        server.done.append(str(seed))
        if mood in SPOILED:
            server.spoiled[place] = mood


def _tell_job(server: AwsServer, handler: Any, arn: str) -> None:
    job = server.jobs[arn]
    _before(server, server.looks.popleft() if server.looks else "ok", (400, "ValidationException"))
    job["late"] -= 1
    told = {
        "invocationArn": arn,
        "modelArn": "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-reel-v1:1",
        "status": "InProgress" if job["late"] >= 0 else job["status"],
        "submitTime": "2026-11-28T00:00:00Z",
        "failureMessage": job["why"],
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": job["folder"]}},
    }
    reply(handler, 200, json.dumps(told).encode(), {})


def _answered(server: AwsServer, body: dict[str, Any], mood: str) -> bytes:
    """The JSON of docs/providers.md, from an endpoint that paints depth, or any other guide."""
    server.bodies.append(body)
    server.done.append(str(body["seed"]))
    guides = body["guides"]
    pictures = [
        sent(painted(seen(guides.get("depth", next(iter(guides.values())))[frame]), body["seed"] + take), mood)
        for take in range(body["count"])
        for frame in range(body["frames"])
    ]
    return json.dumps({"pictures": pictures, **server.extra}).encode()


def _invoke_endpoint(server: AwsServer, handler: Any, body: dict[str, Any]) -> None:
    mood = server.next_mood()
    if mood == "refused":
        message = "Received client error (400) from model: content policy"
        raise _Error(424, "ModelError", message, OriginalStatusCode=400, OriginalMessage="nsfw")
    _before(server, mood, (400, "ValidationError"))
    answer = _answered(server, body, mood)
    if _after(server, handler, mood):
        reply(handler, 200, answer, {"x-Amzn-Invoked-Production-Variant": "main"}, mood)


def _begin(server: AwsServer, handler: Any, endpoint: str) -> None:
    mood = server.next_mood()
    _before(server, mood, (400, "ValidationError"))
    body = json.loads(server.objects[_place(handler.headers["X-Amzn-SageMaker-InputLocation"])])
    name = handler.headers["X-Amzn-SageMaker-Inference-Id"]
    output = f"s3://answers/{endpoint}/{handler.headers['X-Amzn-SageMaker-S3OutputPathExtension']}/{name}.out"
    failure = f"s3://answers/failures/{name}.out"
    if str(body["seed"]) in server.failures:
        server.objects[_place(failure)] = server.failures[str(body["seed"])].encode()
    else:
        with server.lock:
            server.objects[_place(output)] = _answered(server, body, "ok")
            if mood in SPOILED:
                server.spoiled[_place(output)] = mood
    if _after(server, handler, mood):
        headers = {"X-Amzn-SageMaker-OutputLocation": output, "X-Amzn-SageMaker-FailureLocation": failure}
        reply(handler, 202, json.dumps({"InferenceId": name}).encode(), headers)


def _describe(server: AwsServer, handler: Any, target: str) -> None:
    told: dict[str, Any] = {
        "SageMaker.DescribeEndpoint": {"EndpointName": "painter", "EndpointConfigName": "painter-1"},
        "SageMaker.DescribeEndpointConfig": {
            "EndpointConfigName": "painter-1",
            "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://answers/painter"}},
        },
    }[target]
    reply(handler, 200, json.dumps(told).encode(), {})


# ---------------------------------------------------------------- S3


def _place(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _s3(server: AwsServer, handler: Any, path: str, query: dict[str, list[str]], body: bytes) -> None:
    bucket, _, key = path.removeprefix("/").partition("/")
    place, method = (bucket, key), handler.command
    mood = server.looks.popleft() if server.looks else "ok"
    if mood == "redirect":
        location = {"Location": f"{server.elsewhere}{path}", "Content-Type": "application/xml"}
        return reply(handler, 307, b"<Error><Code>TemporaryRedirect</Code><Message>go</Message></Error>", location)
    if mood != "ok":
        return _s3_error(handler, 403, "AccessDenied")
    if method == "PUT":
        with server.lock:
            if handler.headers.get("If-None-Match") == "*" and place in server.objects:
                return _s3_error(handler, 412, "PreconditionFailed")
            server.objects[place] = body
        return reply(handler, 200, b"", {"ETag": '"x"'})
    if method == "DELETE":
        server.objects.pop(place, None)
        return reply(handler, 204, b"", {})
    if method == "GET" and "list-type" in query:
        return _list(server, handler, bucket, query["prefix"][0])
    if place not in server.objects and place not in server.movies:
        if server.meet and not server.meet.broken:
            with suppress(threading.BrokenBarrierError):
                server.meet.wait(5)
            server.meet = None
        return _s3_error(handler, 404, "NoSuchKey")
    with server.lock:
        # An endpoint's answer that is fetched again is a call of its own: nobody asked the endpoint.
        again = key.endswith(".out") and place in server.delivered
        mood = server.spoiled.pop(place, "") or (server.next_mood() if again else "ok")
        server.delivered.add(place)
    return reply(handler, 200, _spoiled(server, place, mood), {"Content-Type": "binary/octet-stream"}, mood)


def _spoiled(server: AwsServer, place: tuple[str, str], mood: str) -> bytes:
    """An object as the mood delivers it this once."""
    if place in server.movies:
        return movie(*server.movies[place], mood if mood == "wrong_size" else "ok")
    if mood not in ("wrong_size", "gigapixels"):
        return server.objects[place]
    told = json.loads(server.objects[place])
    return json.dumps({**told, "pictures": [sent(seen(p), mood) for p in told["pictures"]]}).encode()


def _list(server: AwsServer, handler: Any, bucket: str, prefix: str) -> None:
    keys = sorted(k for b, k in server.objects if b == bucket and k.startswith(prefix))[:1]
    found = "".join(f"<Contents><Key>{quote(k)}</Key><Size>1</Size></Contents>" for k in keys)
    told = f"<ListBucketResult><Name>{bucket}</Name><KeyCount>{len(keys)}</KeyCount>{found}</ListBucketResult>"
    reply(handler, 200, told.encode(), {"Content-Type": "application/xml"})


def _s3_error(handler: Any, status: int, code: str) -> None:
    told = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    reply(handler, status, told.encode(), {"Content-Type": "application/xml"})
