"""Amazon's services on loopback: Bedrock Runtime, SageMaker Runtime and S3 in their REST protocols, painting what they are shown.

Every call must be signed (Signature Version 4: its form and scope are checked). The painter is a function of the shown
picture and the seed. How a call goes wrong is planned by moods (tests/assets/providers/contract_service.py).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.assets.providers.aws.awsbedrock import invoke_model, start_job, tell_job
from tests.assets.providers.aws.awss3 import s3
from tests.assets.providers.aws.awssagemaker import begin, describe, invoke_endpoint
from tests.assets.providers.aws.awsstate import AwsServer, Error, reply
from tests.assets.providers.contract_service import FAULTS

MOODS = FAULTS | {"ok"}
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


def listening(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


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
                        raise Error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
                    if "chunked" in self.headers.get("Transfer-Encoding", ""):
                        raise Error(411, "MissingContentLength", "Content-Length is needed.")
                    _answer(server, self, path, query, body)
                except Error as error:
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


def _answer(server: AwsServer, handler: Any, path: str, query: dict[str, list[str]], body: bytes) -> None:
    model = re.fullmatch(r"/model/([^/]+)/invoke", path)
    job = re.fullmatch(r"/async-invoke/(.+)", path)
    endpoint = re.fullmatch(r"/endpoints/([^/]+)/(async-)?invocations", path)
    if model:
        invoke_model(server, handler, unquote(model[1]), json.loads(body))
    elif path == "/async-invoke":
        start_job(server, handler, json.loads(body))
    elif job:
        tell_job(server, handler, unquote(job[1]))
    elif endpoint and endpoint[2]:
        begin(server, handler, endpoint[1])
    elif endpoint:
        invoke_endpoint(server, handler, json.loads(body))
    elif "X-Amz-Target" in handler.headers:
        describe(server, handler, handler.headers["X-Amz-Target"])
    else:
        s3(server, handler, unquote(path), query, body)
