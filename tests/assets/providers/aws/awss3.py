"""S3 of the loopback Amazon: objects put, listed and fetched, whole or spoiled."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from tests.assets.providers.aws.awspainting import movie, seen, sent
from tests.assets.providers.aws.awsstate import AwsServer, reply


def s3(server: AwsServer, handler: Any, path: str, query: dict[str, list[str]], body: bytes) -> None:
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
