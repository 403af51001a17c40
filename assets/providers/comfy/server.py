"""What a ComfyUI server is asked, in its own protocol: upload, queue, look up, fetch, stop.

Source: docs.comfy.org, "Routes" and "Messages" of the server; a job's id may be chosen by who queues it (`prompt_id` of
POST /prompt), /interrupt takes a `prompt_id` too. Servers that know neither are met by the mark that every job carries.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from assets.providers.comfy.workflow import Graph
from assets.providers.http import Http
from assets.providers.http_answers import printable
from pipeline.errors import ProviderDown, ProviderNonsense, ProviderRefused

FOLDER = "battleplate"  # below the server's input folder
MARK = "battleplate"  # our id of a job, in its extra_data
_LOOK_BACK = "256"  # jobs of the history in which the mark is looked for


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the server knows it. entry: of the history, once it has ended; empty before. running: it has begun."""

    id: str
    entry: dict[str, Any] = field(default_factory=dict)
    running: bool = False


@dataclass(eq=False)
class Server:
    """One ComfyUI server, asked over `http`. keeps_ids: it was seen to take the ids that were chosen for jobs."""

    http: Http
    keeps_ids: bool = False
    uploaded: dict[str, str] = field(default_factory=dict)

    def described(self) -> dict[str, str]:
        """Its version and device, for the record. Raises ProviderNonsense when this is no ComfyUI."""
        told = self.http.get("/system_stats").json()
        system, devices = told.get("system"), told.get("devices")
        if not isinstance(system, dict):
            raise ProviderNonsense(f"{self.http.url}/system_stats is not ComfyUI's. Check the url in show.toml.")
        device = (
            devices[0].get("name") if isinstance(devices, list) and devices and isinstance(devices[0], dict) else ""
        )
        return {"comfyui": printable(str(system.get("comfyui_version", ""))), "device": printable(str(device))}

    def upload(self, png: bytes) -> str:
        """Bring a picture there, named by its content; returns the name under which a LoadImage finds it."""
        name = f"{hashlib.sha256(png).hexdigest()[:32]}.png"
        if name not in self.uploaded:
            told = self.http.post(
                "/upload/image",
                {"subfolder": FOLDER, "type": "input", "overwrite": "true"},
                {"image": (name, png, "image/png")},
                lost=ProviderDown,
            ).json()
            file, folder, _ = self._file({"type": "input", **told, "filename": told.get("name")}, ("input",))
            self.uploaded[name] = f"{folder}/{file}" if folder else file
        return self.uploaded[name]

    def queue(self, job: str, client: str, graph: Graph) -> str:
        """Queue a job under the id `job`, or under the id that is returned. Raises ProviderRefused when it is not valid."""
        content = {"prompt": graph, "prompt_id": job, "client_id": client, "extra_data": {MARK: job}}
        answer = self.http.post("/prompt", content, accepted=frozenset({400}))
        told = answer.json()
        if answer.status == 400:
            raise ProviderRefused(f"{answer.where} refuses the workflow: {_complaint(told)}. Mend it in ComfyUI.")
        given = told.get("prompt_id")
        if not isinstance(given, str) or not re.fullmatch(r"[0-9A-Za-z-]{1,80}", given):
            raise ProviderNonsense(f"{answer.where} answers no job's id. Check what serves there.")
        self.keeps_ids = given == job
        return given

    def find(self, job: str) -> Job | None:
        """A job that was queued before, by our id; None when the server does not know it."""
        if entry := self.ended(job):
            return Job(job, entry)
        running, waiting = self._queues()
        for item in (*running, *waiting):
            if job in (item[1], _mark(item)):
                return Job(str(item[1]), running=item in running)
        if entry := self.ended(job):  # it ended between the two looks
            return Job(job, entry)
        return None if self.keeps_ids else self._find_mark(job)

    def ended(self, job: str) -> dict[str, Any]:
        """The history's entry of a job, by the server's id; empty as long as it has not ended."""
        entry = self.http.get(f"/history/{job}").json().get(job, {})
        if not isinstance(entry, dict):
            raise ProviderNonsense(f"{self.http.url}/history is not ComfyUI's. Check the url in show.toml.")
        return entry

    def stop(self, job: str) -> None:
        """Take a job out of the queue, or interrupt it if it has begun. Others' jobs go on."""
        for _ in range(2):  # it may begin between the look and the word
            running, waiting = self._queues()
            if any(item[1] == job for item in running):
                self.http.post("/interrupt", {"prompt_id": job}, lost=ProviderDown)
                return
            if not any(item[1] == job for item in waiting):
                return
            self.http.post("/queue", {"delete": [job]}, lost=ProviderDown)

    def picture(self, told: Any, most_bytes: int) -> bytes:
        """The file of one output picture. Raises ProviderNonsense when its place leads out of the server's folders."""
        name, folder, kind = self._file(told, ("output", "temp"))
        return self.http.get("/view", {"filename": name, "subfolder": folder, "type": kind}, most_bytes).body

    def _queues(self) -> tuple[list[list[Any]], list[list[Any]]]:
        told = self.http.get("/queue").json()
        running, waiting = told.get("queue_running"), told.get("queue_pending")
        if not isinstance(running, list) or not isinstance(waiting, list):
            raise ProviderNonsense(f"{self.http.url}/queue is not ComfyUI's. Check the url in show.toml.")
        return [i for i in running if _is_item(i)], [i for i in waiting if _is_item(i)]

    def _find_mark(self, job: str) -> Job | None:
        for number, entry in self.http.get("/history", {"max_items": _LOOK_BACK}).json().items():
            item = entry.get("prompt") if isinstance(entry, dict) else None
            if isinstance(item, list) and _is_item(item) and _mark(item) == job:
                return Job(number, entry)
        return None

    def _file(self, told: Any, kinds: tuple[str, ...]) -> tuple[str, str, str]:
        """Name, folder and kind of a file there. Nothing is written here under it, yet a name that climbs is never asked."""
        told = told if isinstance(told, dict) else {}
        name, folder, kind = told.get("filename"), told.get("subfolder", ""), told.get("type", "output")
        good = isinstance(name, str) and isinstance(folder, str) and kind in kinds
        steps = [name, *folder.replace("\\", "/").split("/")] if good else [".."]
        if not all(re.fullmatch(r"[^/\\:\x00-\x1f]*", s) and s not in (".", "..") for s in steps) or not name:
            raise ProviderNonsense(
                f"{self.http.url}: names a file {printable(str(told))!r}, which is not asked for. Check it."
            )
        if folder.startswith(("/", "\\")):
            raise ProviderNonsense(
                f"{self.http.url}: names a folder {printable(folder)!r}, which is not asked for. Check it."
            )
        return name, folder, kind


def _is_item(item: Any) -> bool:
    return isinstance(item, list) and len(item) >= 2


def _mark(item: list[Any]) -> Any:
    extra = item[3] if len(item) > 3 else {}
    return extra.get(MARK) if isinstance(extra, dict) else None


def _complaint(told: dict[str, Any]) -> str:
    """The first thing that ComfyUI's validation says, with the node it says it of."""
    nodes = told.get("node_errors")
    with suppress(AttributeError, KeyError, IndexError, TypeError, StopIteration):
        node, wrong = next(iter(nodes.items()))  # type: ignore[union-attr]
        first = wrong["errors"][0]
        return printable(f"node {node} ({wrong['class_type']}): {first['message']} ({first['details']})")
    error = told.get("error")
    if isinstance(error, dict):
        return printable(f"{error.get('message', '')} {error.get('details', '')}") or "it does not say why"
    return printable(str(error))
