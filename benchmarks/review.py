"""The review server under fifty people who do not stop: time to answer, writes that arrived, failures.

    python -m benchmarks.review [--people 50] [--seconds 20] [--think 0.5]

A server of its own on loopback (SQLite), asked by as many browsers as people, each in a loop: four reads (who am I) to one
write (a playlist, with its line in the audit), then a pause of `think` seconds on average. Afterwards
every write that was answered must be in the database, and the audit whole. The askers share the machine with the server.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import tempfile
import threading
import time
from pathlib import Path

import httpx2
import uvicorn
from sqlalchemy import select

from pipeline.screening.people import sessions
from pipeline.screening.people.roles import Role
from pipeline.screening.records import Playlist, User
from pipeline.screening.web.app import create_app
from pipeline.screening.web.settings import Settings


async def person(
    browser: httpx2.AsyncClient, token: str, until: float, think_s: float, number: int, seen: list, wrote: set
) -> None:
    dice = random.Random(number)
    cookie = {"Cookie": f"battleplate={token}"}
    csrf = (await browser.get("/api/me", headers=cookie)).json()["csrf"]
    turn = 0
    while time.monotonic() < until:
        turn += 1
        writes = dice.random() < 0.2
        began = time.perf_counter()
        if writes:
            name = f"{number}.{turn}"
            asked = {"name": name, "items": [{"shot": "bp_010_0010", "version": 1}]}
            answer = await browser.post("/api/playlists", json=asked, headers={**cookie, "X-CSRF": csrf})
            if answer.status_code == 201:
                wrote.add(name)
        else:
            answer = await browser.get("/api/me", headers=cookie)
        seen.append((writes, (time.perf_counter() - began) * 1000, answer.status_code))
        await asyncio.sleep(dice.expovariate(1 / think_s) if think_s else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--think", type=float, default=0.5, help="mean pause between one person's questions, seconds")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        show = Path(place) / "show.toml"
        show.write_text("", "utf-8")
        app = create_app(Settings(show))
        shared = app.state.services

        def join(session) -> list[str]:
            users = [User(name=f"person {n}", role=Role.SUPERVISOR.value) for n in range(wish.people)]
            session.add_all(users)
            session.flush()
            return [sessions.begin(session, user) for user in users]

        tokens = shared.database.write(join)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        seen, wrote = [], set()

        async def everybody() -> None:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as browser:
                until = time.monotonic() + wish.seconds
                asked = (person(browser, t, until, wish.think, n, seen, wrote) for n, t in enumerate(tokens))
                await asyncio.gather(*asked)

        asyncio.run(everybody())
        with shared.database.read() as session:
            kept = set(session.scalars(select(Playlist.name)))
        fault = shared.seal.verify().fault
        server.should_exit = True
        thread.join()
    for label, part in (("reads", [s for s in seen if not s[0]]), ("writes", [s for s in seen if s[0]]), ("all", seen)):
        times = sorted(ms for _, ms, _ in part)
        print(
            f"{label:<7}{len(times):>6}   p50 {times[len(times) // 2]:7.1f} ms   p95 {times[int(len(times) * 0.95)]:7.1f} ms"
        )
    print(
        f"{len(seen) / wish.seconds:.0f} answers/s; 5xx: {sum(s[2] >= 500 for s in seen)}; "
        f"writes lost: {len(wrote - kept)} of {len(wrote)}; audit: {fault or 'whole'}"
    )


if __name__ == "__main__":
    main()
