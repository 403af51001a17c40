"""Server-sent events while a shot renders: one look at its log for all who watch, a new state for each when it changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from pipeline.screening.media.rendering import STAGE, newest_frame
from pipeline.screening.progress import Run
from pipeline.screening.shows import ShotOnDisk, Shows
from pipeline.screening.web.access import Person, may
from pipeline.screening.web.fields import ShotName
from pipeline.screening.web.onshow import shot_named, shows

router = APIRouter(tags=["live"])
LOOK_S, HEARTBEAT_S = 1.0, 15.0
MOST_WATCHERS = 500


class Poller:
    """Looks at the shots that somebody watches, once a second, and hands every watcher the newest state alone."""

    def __init__(self) -> None:
        self._watched: dict[str, set[asyncio.Queue[str]]] = {}
        self._runs: dict[str, tuple[Run, Shows]] = {}
        self._told: dict[str, str] = {}

    def watch(self, shot: ShotOnDisk, shows: Shows) -> asyncio.Queue[str]:
        """A queue that holds the newest state. Raises HTTPException 503 when too many watch."""
        if sum(map(len, self._watched.values())) >= MOST_WATCHERS:
            raise HTTPException(503, "too many pages watch. Close some.")
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        if shot.name not in self._runs:
            self._runs[shot.name] = (Run(shot.shot.build / "logs"), shows)
        self._watched.setdefault(shot.name, set()).add(queue)
        if shot.name in self._told:
            queue.put_nowait(self._told[shot.name])
        return queue

    def leave(self, name: str, queue: asyncio.Queue[str]) -> None:
        """Who left is told nothing; a shot that nobody watches is not looked at."""
        watchers = self._watched.get(name, set())
        watchers.discard(queue)
        if not watchers:
            for kept in (self._watched, self._runs, self._told):
                kept.pop(name, None)

    async def run(self) -> None:
        while True:
            for name, (run, found) in list(self._runs.items()):
                told = await run_in_threadpool(_state, name, run, found)
                if self._told.get(name) == told or name not in self._watched:
                    continue
                self._told[name] = told
                for queue in self._watched[name]:
                    if queue.full():
                        queue.get_nowait()
                    queue.put_nowait(told)
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.poller = Poller()
    task = asyncio.create_task(app.state.poller.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@router.get("/api/shots/{shot}/live")
async def live(request: Request, shot: ShotName, person: Annotated[Person, may("look")]) -> StreamingResponse:
    """text/event-stream of {run, stages: [{name, state, done, total}], frame, versions}; a comment every 15 s keeps it open."""
    found = await run_in_threadpool(shot_named, request, shot)
    poller: Poller = request.app.state.poller
    queue = poller.watch(found, shows(request))
    return StreamingResponse(
        _events(poller, shot, queue), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _events(poller: Poller, shot: str, queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    try:
        yield "retry: 3000\n\n"
        while True:
            try:
                yield f"data: {await asyncio.wait_for(queue.get(), HEARTBEAT_S)}\n\n"
            except TimeoutError:
                yield ": still here\n\n"
    finally:
        poller.leave(shot, queue)


def _state(name: str, run: Run, shows: Shows) -> str:
    run.read()
    told: dict[str, Any] = run.plain()
    stage = run.stages.get(STAGE)
    told["frame"] = newest_frame(run.logs.parent) if stage is not None and stage.state == "running" else None
    try:
        told["versions"] = [[v.number, int(v.delivered.timestamp())] for v in shows.shot(name).versions]
    except LookupError:
        told["versions"] = []
    return json.dumps(told)
