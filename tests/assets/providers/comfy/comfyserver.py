"""A ComfyUI server on loopback that really speaks the protocol, queues, paints small graphs, and misbehaves by plan."""

from __future__ import annotations

import io
import json
import queue
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from pipeline.provider_sections import ComfyServer, Conduct, ProviderEntry
from tests.assets.providers.comfy.comfynodes import Graph, NodeError, Painter, node_errors
from tests.assets.providers.comfy.websocket import Socket

AT_PROMPT = ("busy", "broken", "silent", "slow", "refused", "redirect")
AT_VIEW = ("truncated", "oversized", "gigapixels", "wrong_size")
TIMEOUT_S = 3.0  # of the entry: many times what a job takes on a busy machine


class Interrupted(Exception):
    pass


class ComfyService:
    """See contract.Service. folder: holds input/, output/ and the workflow.

    old: it chooses its jobs' ids itself, and interrupts whatever runs. open_gate: jobs go on; closed, they wait in their
    sampler until it opens or they are interrupted. log: (method, path) of every request.
    """

    moods = frozenset((*AT_PROMPT, *AT_VIEW))

    def __init__(self, folder: Path, workflow: Graph, old: bool = False) -> None:
        self.folder, self.old = folder, old
        self.done: list[str] = []
        self.log: list[tuple[str, str]] = []
        self.strayed: list[str] = []
        self.planned: list[str] = []
        self.waiting: queue.Queue[list[Any]] = queue.Queue()
        self.running: list[list[Any]] = []
        self.history: dict[str, Any] = {}
        self.sockets: dict[str, Socket] = {}
        self.drop_sockets_after = ""  # an event's name: once it was said, the line is cut
        self.has_socket = True
        self.failing: dict[str, int] = {}  # start of a path: the status of the next answer to it
        self.open_gate, self.closing, self.stop = threading.Event(), threading.Event(), threading.Event()
        self.began = threading.Event()
        self.open_gate.set()
        for name in ("input", "output"):
            (folder / name).mkdir(parents=True)
        (folder / "workflow.json").write_text(json.dumps(workflow, ensure_ascii=False), "utf-8")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.other = ThreadingHTTPServer(("127.0.0.1", 0), _stray_handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.other_url = f"http://127.0.0.1:{self.other.server_port}"

    @property
    def entry(self) -> ProviderEntry:
        settings = ComfyServer(self.url, self.folder / "workflow.json", native_px=0, multiple_px=8)
        return ProviderEntry("comfy", settings, Conduct(wait_s=0.01, timeout_s=TIMEOUT_S, retries=4))

    def plan(self, *moods: str) -> None:
        assert set(moods) <= {*self.moods, "ok"}
        self.planned = list(moods)

    def mood(self, kinds: tuple[str, ...]) -> str:
        """The next planned mood, when it is one of these."""
        if self.planned and self.planned[0] in (*kinds, "ok"):
            return self.planned.pop(0)
        return "ok"

    def say(self, client: str, kind: str, data: dict[str, Any]) -> None:
        if socket := self.sockets.get(client):
            socket.send(kind, data)
            if kind == self.drop_sockets_after:
                socket.drop()

    def pending(self) -> list[list[Any]]:
        return list(self.waiting.queue)

    def delete(self, job: str) -> None:
        with self.waiting.mutex:
            for item in [item for item in self.waiting.queue if item[1] == job]:
                self.waiting.queue.remove(item)

    def interrupt(self, job: str) -> None:
        if self.old or not job or any(item[1] == job for item in self.running):
            self.stop.set()
            self.open_gate.set()

    def work(self) -> None:
        """The one worker: jobs in the order in which they were queued."""
        while not self.closing.is_set():
            try:
                item = self.waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            self.running.append(item)
            self.stop.clear()
            self._execute(item)
            self.running = [other for other in self.running if other is not item]

    def _execute(self, item: list[Any]) -> None:
        _, job, graph, extra = item
        messages: list[Any] = []

        def say(kind: str, data: dict[str, Any]) -> None:
            if kind.startswith("execution"):
                messages.append([kind, {"prompt_id": job, **data}])
            self.say(extra.get("client_id", ""), kind, {"prompt_id": job, **data})

        def step() -> None:
            self.began.set()
            while not self.open_gate.wait(0.05) and not self.closing.is_set():
                pass
            if self.stop.is_set() or self.closing.is_set():
                raise Interrupted

        painter = Painter(self.folder, graph, say, step)
        say("execution_start", {})
        say("execution_cached", {"nodes": []})
        status = "success"
        try:
            if extra.get("slow"):
                self.closing.wait(TIMEOUT_S / 6)
            if extra.get("refused"):
                raise NodeError("Blocked by the content policy.")
            painter.run()
            say("execution_success", {})
        except Interrupted:
            status = "error"
            say("execution_interrupted", {"node_id": painter.now, "executed": []})
        except NodeError as error:
            status, painter.now = "error", getattr(painter, "now", "1")
            told = {"node_id": painter.now, "node_type": graph[painter.now]["class_type"], "executed": []}
            raised = {"exception_type": type(error).__name__, "exception_message": f"{error}\n", "traceback": []}
            say("execution_error", {**told, **raised})
        if status == "success":
            self.done.append(_seed(graph))
        told = {"status_str": status, "completed": status == "success", "messages": messages}
        self.history[job] = {"prompt": item, "outputs": painter.outputs, "status": told, "meta": {}}
        self.say(extra.get("client_id", ""), "executing", {"node": None, "prompt_id": job})


@contextmanager
def running(folder: Path, workflow: Graph, old: bool = False) -> Iterator[ComfyService]:
    """A server that works, and that has ended when the block is left."""
    service = ComfyService(folder, workflow, old)
    work = [service.server.serve_forever, service.other.serve_forever]
    threads = [threading.Thread(target=t, args=(0.02,), daemon=True) for t in work]
    threads.append(threading.Thread(target=service.work, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield service
    finally:
        service.closing.set()
        for server in (service.server, service.other):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def _seed(graph: Graph) -> str:
    return next((str(n["inputs"]["seed"]) for n in graph.values() if n["class_type"] == "KSampler"), "no sampler")


def _handler(service: ComfyService) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        comfy = service

    return Handler


def _stray_handler(service: ComfyService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            service.strayed.append(str(self.client_address))

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    comfy: ComfyService

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        url, comfy = urlsplit(self.path), self.comfy
        comfy.log.append(("GET", url.path))
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        failing = next((start for start in comfy.failing if url.path.startswith(start)), "")
        if failing:
            self.answer(comfy.failing.pop(failing), b"for a reason", "text/plain")
        elif url.path == "/ws" and comfy.has_socket:
            socket = comfy.sockets[asked["clientId"]] = Socket(self)
            socket.send("status", {"status": {"exec_info": {"queue_remaining": 0}}, "sid": asked["clientId"]})
            socket.send_bytes(b"\0\0\0\1 a preview that nobody asked for")
            socket.serve()
        elif url.path == "/system_stats":
            self.json({"system": {"comfyui_version": "0.3.75"}, "devices": [{"name": "cpu", "type": "cpu"}]})
        elif url.path == "/queue":
            self.json({"queue_running": list(comfy.running), "queue_pending": comfy.pending()})
        elif url.path == "/history":
            self.json(dict(list(comfy.history.items())[-int(asked.get("max_items", 10_000)) :]))
        elif url.path.startswith("/history/"):
            job = url.path.removeprefix("/history/")
            self.json({job: comfy.history[job]} if job in comfy.history else {})
        elif url.path == "/view":
            self.view(asked)
        else:
            self.answer(404, b"404: Not Found", "text/plain")

    def do_POST(self) -> None:
        path, comfy = urlsplit(self.path).path, self.comfy
        comfy.log.append(("POST", path))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == "/upload/image":
            self.upload(_form(self.headers["Content-Type"], body))
        elif path == "/prompt":
            self.prompt(json.loads(body))
        elif path == "/queue":
            for job in json.loads(body).get("delete", []):
                comfy.delete(job)
            self.answer(200, b"", "text/plain")
        elif path == "/interrupt":
            comfy.interrupt(json.loads(body or b"{}").get("prompt_id", ""))
            self.answer(200, b"", "text/plain")
        else:
            self.answer(404, b"404: Not Found", "text/plain")

    def upload(self, form: dict[str, tuple[str, bytes]]) -> None:
        name, data = form["image"]
        subfolder = form.get("subfolder", ("", b""))[1].decode()
        file = (self.comfy.folder / "input" / subfolder / name).resolve()
        if not file.is_relative_to(self.comfy.folder / "input"):
            self.answer(400, b"", "text/plain")
            return
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
        self.json({"name": name, "subfolder": subfolder, "type": "input"})

    def prompt(self, told: dict[str, Any]) -> None:
        comfy, mood = self.comfy, self.comfy.mood(AT_PROMPT)
        if mood == "busy":
            self.answer(429, b"Too many requests", "text/plain", {"Retry-After": "2"})
        elif mood == "broken":
            self.answer(500, b"500 Internal Server Error\n\nServer got itself in trouble", "text/plain")
        elif mood == "redirect":
            self.answer(307, b"", "text/plain", {"Location": comfy.other_url + "/prompt"})
        elif errors := node_errors(told["prompt"], comfy.folder / "input"):
            wrong = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
            self.json({"error": {**wrong, "details": "", "extra_info": {}}, "node_errors": errors}, 400)
        else:
            job = str(uuid.uuid4()) if comfy.old else str(told.get("prompt_id", uuid.uuid4()))
            extra = {**told.get("extra_data", {}), "client_id": told["client_id"], mood: True}
            comfy.waiting.put([len(comfy.log), job, told["prompt"], extra])
            if mood == "silent":
                self.connection.recv(1)  # says nothing until the other side hangs up
                return
            self.json({"prompt_id": job, "number": len(comfy.log), "node_errors": {}})

    def view(self, asked: dict[str, str]) -> None:
        if asked["filename"].startswith("/") or ".." in asked["filename"] or asked.get("type") != "output":
            self.answer(400, b"", "text/plain")
            return
        file = self.comfy.folder / "output" / asked["filename"]
        data, mood = file.read_bytes(), self.comfy.mood(AT_VIEW)
        if mood == "oversized":
            data += bytes(12 * 2**20)
        elif mood == "gigapixels":
            data = _png(np.zeros((4, 4, 3), np.uint8))
            data = data[:16] + (60_000).to_bytes(4, "big") * 2 + data[24:]
        elif mood == "wrong_size":
            data = _png(np.asarray(Image.open(file))[:-8])
        sent = data[: len(data) // 2] if mood == "truncated" else data
        self.answer(200, sent, "image/png", {"Content-Length": str(len(data))})
        self.close_connection = True

    def json(self, content: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(content).encode(), "application/json; charset=utf-8")

    def answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the other side has read enough


def _form(kind: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """The fields of a multipart form: name to (file name, content). RFC 7578."""
    boundary, fields = b"--" + kind.partition("boundary=")[2].strip('"').encode(), {}
    for part in body.split(boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        words = dict(
            word.strip().split("=", 1)
            for line in head.decode().split("\r\n")
            for word in line.split(";")
            if "=" in word
        )
        fields[words["name"].strip('"')] = words.get("filename", "").strip('"'), content.removesuffix(b"\r\n")
    return fields


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
