"""Bedrock Runtime of the loopback Amazon: pictures in one call, videos as jobs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.assets.providers.aws.awspainting import painted, seen, sent
from tests.assets.providers.aws.awsstate import AwsServer, Error, after, before, place_of, reply
from tests.assets.providers.contract_service import UNUSABLE


def invoke_model(server: AwsServer, handler: Any, model: str, body: dict[str, Any]) -> None:
    mood, stability = server.next_mood(), "stability." in model
    server.bodies.append(body)
    if stability and mood == "refused":
        return reply(handler, 200, json.dumps({"finish_reasons": ["Filter reason: prompt"]}).encode(), {})
    before(server, mood, (400, "ValidationException"))
    if stability:
        picture, seed = seen(body["image"]), body["seed"]
    else:
        config = body["imageGenerationConfig"]
        picture, seed = seen(body["textToImageParams"]["conditionImage"]), config["seed"]
        assert picture.shape[1::-1] == (config["width"], config["height"])
    server.done.append(str(seed))
    if not after(server, handler, mood):
        return None
    images = [sent(painted(picture, seed), mood)]
    told = (
        {"seeds": [seed], "finish_reasons": [None], "images": images}
        if stability
        else {"images": images, "error": None}
    )
    return reply(handler, 200, json.dumps(told).encode(), {}, mood)


def start_job(server: AwsServer, handler: Any, body: dict[str, Any]) -> None:
    mood, token = server.next_mood(), body["clientRequestToken"]
    server.bodies.append(body["modelInput"])
    before(server, mood, (400, "ValidationException"))
    arn = f"arn:aws:bedrock:us-west-2:123456789012:async-invoke/{hashlib.sha256(token.encode()).hexdigest()[:12]}"
    with server.lock:
        job = server.jobs.setdefault(arn, {"input": body["modelInput"], "late": server.late, "status": "new"})
        if job["input"] != body["modelInput"]:
            raise Error(400, "ConflictException", "The token was used for another request.")
        if job["status"] == "new":
            _work(server, job, arn, body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"], mood)
        elif mood in UNUSABLE:
            server.spoiled[place_of(f"{job['folder']}/output.mp4")] = mood
    if after(server, handler, mood):
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
        place = place_of(f"{job['folder']}/output.mp4")
        server.movies[place] = (source, seed)
        server.done.append(str(seed))
        if mood in UNUSABLE:
            server.spoiled[place] = mood


def tell_job(server: AwsServer, handler: Any, arn: str) -> None:
    job = server.jobs[arn]
    before(server, server.looks.popleft() if server.looks else "ok", (400, "ValidationException"))
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
