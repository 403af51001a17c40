"""A ComfyUI server in trouble: called off, its socket lost, jobs that fail, answers of another kind, names that escape."""

import json
import threading
import urllib.request

import pytest

from assets.providers.base import Watch
from assets.providers.comfy import jobs as comfy_jobs
from assets.providers.comfy.server import Server
from assets.providers.http import open_http
from pipeline.errors import (
    ProviderBusy,
    ProviderCancelled,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from tests.assets.providers.comfy.comfyasking import SHIPPED, answer, asked, opened, sent, workflow
from tests.assets.providers.comfy.comfyserver import running
from tests.assets.providers.scripted import says, serving


def moderated(rule):
    graph = workflow()
    graph["14"] = {"class_type": "Moderation", "inputs": {"images": ["12", 0], "rule": rule}}
    graph["13"]["inputs"]["images"] = ["14", 0]
    return graph


@pytest.fixture
def service(tmp_path):
    with running(tmp_path / "comfy", SHIPPED) as service:
        yield service


@pytest.fixture
def serve(tmp_path):
    """Start a server with a workflow of one's own: serve(workflow, old=...)."""
    left = []

    def start(graph, **kind):
        left.append(running(tmp_path / f"comfy{len(left)}", graph, **kind))
        return left[-1].__enter__()

    yield start
    for context in left:
        context.__exit__(None, None, None)


# ---------------------------------------------------------------- called off


def queue_for_somebody_else(service, job):
    content = {"prompt": {"1": {"class_type": "Other", "inputs": {}}}, "prompt_id": job, "client_id": "somebody"}
    request = urllib.request.Request(service.url + "/prompt", json.dumps(content).encode())
    with urllib.request.urlopen(request) as told:
        assert told.status == 200


def test_a_cancelled_call_interrupts_its_job_and_takes_the_rest_out_of_the_queue(service):
    provider = opened(service)
    service.open_gate.clear()

    def cancelled():
        if service.began.is_set() and len(service.pending()) == 1:
            queue_for_somebody_else(service, "theirs")
        return len(service.pending()) == 2

    with pytest.raises(ProviderCancelled):
        provider.generate([asked(provider), asked(provider, seed=2)], Watch(cancelled=cancelled))

    assert not {"1", "2"} & set(service.done)
    assert [item[1] for item in service.pending() if item[1] != "theirs"] == []
    assert sent(service, "/interrupt") == 1
    assert sent(service, "/queue") == 1


def test_a_job_that_waits_behind_others_is_taken_out_and_they_go_on(serve):
    service = serve(SHIPPED, old=True)  # which would interrupt whatever runs
    other, provider = opened(service), opened(service)
    service.open_gate.clear()
    results = []
    thread = threading.Thread(target=lambda: results.append(answer(other, asked(other, seed=9))))
    thread.start()
    service.began.wait()

    with pytest.raises(ProviderCancelled):
        provider.generate([asked(provider)], Watch(cancelled=lambda: bool(service.pending())))

    assert service.pending() == []
    assert sent(service, "/interrupt") == 0
    service.open_gate.set()
    thread.join()
    assert service.done == ["9"]
    assert len(results) == 1


def test_a_job_that_somebody_else_interrupts_is_not_asked_again(service):
    provider = opened(service)
    service.open_gate.clear()

    def interrupt():
        service.began.wait()
        service.interrupt("")

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(ProviderRefused, match="somebody interrupted"):
        answer(provider, asked(provider))
    thread.join()


# ---------------------------------------------------------------- its socket


def test_progress_tells_nodes_and_steps(service):
    told = []
    provider = opened(service)
    service.open_gate.clear()

    def progress(*said):
        told.append(said)
        if said[2] == "KSampler":
            service.open_gate.set()

    provider.generate([asked(provider)], Watch(progress=progress))

    assert (0, 1, "KSampler 28/28") in told
    assert (0, 1, "VAEDecode") in told
    assert told[-1] == (1, 1, "pictures")


@pytest.mark.parametrize("event", ["progress", "execution_start", "executed"])
def test_a_socket_that_is_lost_midway_is_done_without(service, event):
    service.drop_sockets_after = event
    provider = opened(service)

    answer(provider, asked(provider))

    assert service.done == ["1"]


def test_a_server_without_a_socket_is_looked_up(service):
    service.has_socket = False
    provider = opened(service)

    answer(provider, asked(provider))

    assert service.done == ["1"]


def test_a_server_that_forgot_the_job_may_have_done_it(service, monkeypatch):
    monkeypatch.setattr(comfy_jobs, "_LOOK_S", 0.1)
    provider = opened(service)
    service.open_gate.clear()

    def forget():
        service.began.wait()
        service.running.clear()

    thread = threading.Thread(target=forget)
    thread.start()
    with pytest.raises(ProviderUnsure, match="has forgotten job"):
        answer(provider, asked(provider))
    thread.join()


# ---------------------------------------------------------------- what goes wrong there


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/history", 500, ProviderUnsure),
        ("/history", 429, ProviderUnsure),
        ("/view", 500, ProviderUnsure),
        ("/view", 404, ProviderNonsense),
        ("/view", 302, ProviderNonsense),
    ],
)
def test_once_a_job_is_queued_no_failure_says_that_nothing_was_done(service, path, status, kind):
    service.failing[path] = status
    provider = opened(service)

    with pytest.raises(kind, match="Its job is queued") as failed:
        answer(provider, asked(provider))

    assert "\n" not in str(failed.value)


def test_a_take_that_finds_no_room_leaves_in_doubt_what_became_of_the_first(service):
    service.plan("ok", "busy")
    provider = opened(service)

    with pytest.raises(ProviderUnsure, match="Its job is queued"):
        answer(provider, asked(provider, count=2), "a key")
    answer(provider, asked(provider, count=2), "a key")

    assert service.done == ["1", "2"]


@pytest.mark.parametrize(
    ("rule", "kind", "words"),
    [
        ("memory", ProviderBusy, "no room on its device: node 14 .Moderation.: OutOfMemoryError"),
        ("violence", ProviderRefused, "refused for its content: node 14 .Moderation.: ContentRefusedError"),
        ("flag", ProviderRefused, "no picture, for its content: .*blocked: nsfw"),
    ],
)
def test_a_node_that_fails_says_why(serve, rule, kind, words):
    provider = opened(serve(moderated(rule)))

    with pytest.raises(kind, match=words) as failed:
        answer(provider, asked(provider))

    assert "\n" not in str(failed.value)


def test_a_workflow_that_the_server_does_not_accept_names_the_node(serve):
    graph = workflow()
    del graph["11"]["inputs"]["cfg"]
    service = serve(graph)
    provider = opened(service)

    with pytest.raises(ProviderRefused, match=r"node 11 \(KSampler\): Required input is missing \(cfg\)"):
        answer(provider, asked(provider))

    assert service.done == []


def test_a_server_of_another_kind_is_told_from_comfyui(service):
    page = says(body=b"<!DOCTYPE html><title>router</title>", content_type="text/html")
    with serving(page) as other:
        provider = opened(service, url=other.url)
        with pytest.raises(ProviderNonsense, match="answers text/html, not a JSON object"):
            answer(provider, asked(provider))

    assert [head.split()[0] for head, _ in other.heard] == ["GET"], "nothing of the request left"


def test_json_of_another_server_is_told_from_comfyui(service):
    with serving(says(body=b'{"system": 3}')) as other:
        provider = opened(service, url=other.url)
        with pytest.raises(ProviderNonsense, match="is not ComfyUI's"):
            answer(provider, asked(provider))


@pytest.mark.parametrize(
    "told",
    [
        {"filename": "../../secret.png"},
        {"filename": "/etc/passwd"},
        {"filename": ".."},
        {"filename": "a\\..\\b.png"},
        {"filename": "C:b.png"},
        {"filename": "a\0.png"},
        {"filename": ""},
        {"filename": 3},
        {"filename": "a.png", "subfolder": ".."},
        {"filename": "a.png", "subfolder": "deep/../../.."},
        {"filename": "a.png", "subfolder": "deep\\.."},
        {"filename": "a.png", "subfolder": "/etc"},
        {"filename": "a.png", "subfolder": None},
        {"filename": "a.png", "type": "input"},
        {"filename": "a.png", "type": "/"},
        "a.png",
        None,
    ],
)
def test_a_path_that_escapes_is_never_asked_for(told):
    with serving(says()) as server:
        with pytest.raises(ProviderNonsense, match="not asked for") as refused:
            Server(open_http("comfy", server.url)).picture(told, 1000)
        assert server.heard == []

    assert "\n" not in str(refused.value)


def test_folders_of_either_system_are_asked_for():
    with serving(says()) as server:
        Server(open_http("comfy", server.url)).picture({"filename": "a.png", "subfolder": "x\\y", "type": "temp"}, 1000)

    assert server.heard[0][0].startswith("GET /view?filename=a.png&subfolder=x%5Cy&type=temp ")


@pytest.mark.parametrize("name", ["../../a.png", "", None, "a/b.png"])
def test_an_upload_that_is_put_elsewhere_is_refused(name):
    said = says(body=json.dumps({"name": name, "subfolder": "", "type": "input"}).encode())
    with serving(said) as server, pytest.raises(ProviderNonsense, match="not asked for"):
        Server(open_http("comfy", server.url)).upload(b"png")


@pytest.mark.parametrize("job", [None, 7, "", "../history", "a b"])
def test_an_id_that_is_none_is_nonsense(job):
    said = says(body=json.dumps({"prompt_id": job}).encode())
    with serving(said) as server, pytest.raises(ProviderNonsense, match="no job's id"):
        Server(open_http("comfy", server.url)).queue("ours", "us", {})


@pytest.mark.parametrize(
    "entry",
    [
        {"outputs": {}},
        {"outputs": None, "status": None},
        {"outputs": {"13": {"gifs": [{"filename": "a.mp4"}]}}, "status": {"status_str": "success", "messages": [3]}},
        {"status": {"status_str": "error", "messages": "none"}},
        {"status": {"status_str": "error", "messages": [[["odd"], 1]]}},
    ],
)
def test_an_end_without_pictures_is_told_in_one_line(service, entry):
    service.history["0000"] = entry
    done = comfy_jobs.Job("0000", Server(open_http("comfy", service.url)).ended("0000"))

    def read():
        comfy_jobs.check_outcome("comfy", done)
        return comfy_jobs.pictures_of("comfy", done, "13")

    with pytest.raises((ProviderNonsense, ProviderRefused)) as failed:
        read()

    assert "\n" not in str(failed.value)
