"""Who watches a shot is told when its log goes on, from one look for all; who left costs nothing."""

from __future__ import annotations

import asyncio
import json

from pipeline.screening.shows import Shows
from pipeline.screening.web.routes import live
from tests.pipeline.screening import ministudio


def test_all_who_watch_are_told_and_who_left_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "LOOK_S", 0.02)
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.1)
    shows = Shows(ministudio.make_show(tmp_path / "mini", pixels=False))
    shot = shows.shot("bp_010_0010")
    told = {"event": "progress", "stage": "composite", "done": 3, "total": 8}

    async def data(events):
        while not (line := await asyncio.wait_for(anext(events), 20)).startswith("data: "):
            pass
        return json.loads(line.removeprefix("data: "))

    async def watch():
        poller = live.Poller()
        task = asyncio.create_task(poller.run())
        watching = [live._events(poller, shot.name, poller.watch(shot, shows)) for _ in range(2)]
        assert [(await data(each))["stages"] for each in watching] == [[], []]
        assert await anext(watching[0]) == ": still here\n\n"
        logs = shot.shot.build / "logs"
        logs.mkdir(parents=True)
        (logs / "run-20261129T000000-1.jsonl").write_text(json.dumps(told) + "\n")
        for each in watching:
            assert (await data(each))["stages"] == [{"name": "composite", "state": "running", "done": 3, "total": 8}]
            await each.aclose()
        assert not poller._watched
        assert not poller._runs
        task.cancel()

    asyncio.run(watch())
