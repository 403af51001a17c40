"""SageMaker of the loopback Amazon: an endpoint of one's own, in one call and over S3."""

from __future__ import annotations

import json
from typing import Any

from tests.assets.providers.aws.awspainting import painted, seen, sent
from tests.assets.providers.aws.awsstate import AwsServer, Error, after, before, place_of, reply
from tests.assets.providers.contract_service import UNUSABLE


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


def invoke_endpoint(server: AwsServer, handler: Any, body: dict[str, Any]) -> None:
    mood = server.next_mood()
    if mood == "refused":
        message = "Received client error (400) from model: content policy"
        raise Error(424, "ModelError", message, OriginalStatusCode=400, OriginalMessage="nsfw")
    before(server, mood, (400, "ValidationError"))
    answer = _answered(server, body, mood)
    if after(server, handler, mood):
        reply(handler, 200, answer, {"x-Amzn-Invoked-Production-Variant": "main"}, mood)


def begin(server: AwsServer, handler: Any, endpoint: str) -> None:
    mood = server.next_mood()
    before(server, mood, (400, "ValidationError"))
    body = json.loads(server.objects[place_of(handler.headers["X-Amzn-SageMaker-InputLocation"])])
    name = handler.headers["X-Amzn-SageMaker-Inference-Id"]
    output = f"s3://answers/{endpoint}/{handler.headers['X-Amzn-SageMaker-S3OutputPathExtension']}/{name}.out"
    failure = f"s3://answers/failures/{name}.out"
    if str(body["seed"]) in server.failures:
        server.objects[place_of(failure)] = server.failures[str(body["seed"])].encode()
    else:
        with server.lock:
            server.objects[place_of(output)] = _answered(server, body, "ok")
            if mood in UNUSABLE:
                server.spoiled[place_of(output)] = mood
    if after(server, handler, mood):
        headers = {"X-Amzn-SageMaker-OutputLocation": output, "X-Amzn-SageMaker-FailureLocation": failure}
        reply(handler, 202, json.dumps({"InferenceId": name}).encode(), headers)


def describe(server: AwsServer, handler: Any, target: str) -> None:
    told: dict[str, Any] = {
        "SageMaker.DescribeEndpoint": {"EndpointName": "painter", "EndpointConfigName": "painter-1"},
        "SageMaker.DescribeEndpointConfig": {
            "EndpointConfigName": "painter-1",
            "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://answers/painter"}},
        },
    }[target]
    reply(handler, 200, json.dumps(told).encode(), {})
