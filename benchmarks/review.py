"""The review server under fifty people who do not stop: time to answer, writes that arrived, failures; and its pages alone.

    python -m benchmarks.review [--shots 400] [--people 50] [--seconds 20] [--think 0.5]

`battleplate review` is started on a show of 400 shots, each with twenty takes, on loopback, with SQLite. First each
kind of answer is asked for alone. Then as many browsers as people ask it,
each in a loop: a page, a thumbnail, notes, how a version stands; one answer in five is a write, a note with its line in the
audit; then a pause of `think` seconds on average. Afterwards every note that was answered must be in the database, and the
audit whole. The askers run on the same machine, in a process of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from sqlalchemy import select

from benchmarks.review_browser import Browser
from benchmarks.review_show import VERSIONS, join, make_show, shot_names
from pipeline.screening.database import Database
from pipeline.screening.people.audit import Seal
from pipeline.screening.records import Note
from pipeline.screening.web.settings import Settings

WRITES = 0.2
WARM = 20
BUSY = 20  # shots: a sequence is looked at together
READS = {  # of the answers that are reads: what a session in the screening room asks for
    "the show": (1, "/"),
    "a shot": (3, "/shots/{shot}"),
    "thumbnail": (5, "/media/{shot}/v003/thumbnail.jpg"),
    "notes": (4, "/api/notes?shot={shot}&version=3"),
    "standing": (3, "/api/shots/{shot}/versions/3/standing"),
}
Seen = list[tuple[str, float, int]]  # what was asked, milliseconds, status


async def person(browser: Browser, wish: argparse.Namespace, number: int, seen: Seen) -> set[str]:
    """One person until the time is over; the notes that the server said it has kept."""
    dice, wrote = random.Random(number), set()
    csrf = json.loads((await browser.get("/api/me"))[1])["csrf"]
    kinds, weights = list(READS), [weight for weight, _ in READS.values()]
    await asyncio.sleep(dice.random() * wish.think)
    while time.monotonic() < wish.until:
        shot = dice.choice(wish.busy)
        began = time.perf_counter()
        if dice.random() < WRITES:
            kind, text = "write", f"{number}.{len(seen)}"
            note = {"shot": shot, "version": VERSIONS, "frame": 1017, "text": text}
            status, _body = await browser.post("/api/notes", note, csrf)
            if status == 201:
                wrote.add(text)
        else:
            kind = dice.choices(kinds, weights)[0]
            status, _body = await browser.get(READS[kind][1].format(shot=shot))
        seen.append((kind, (time.perf_counter() - began) * 1000, status))
        await asyncio.sleep(dice.expovariate(1 / wish.think) if wish.think else 0)
    browser.close()
    return wrote


async def everybody(address: str, tokens: list[str], wish: argparse.Namespace, seen: Seen) -> set[str]:
    asked = (person(Browser(address, token), wish, number, seen) for number, token in enumerate(tokens))
    return set().union(*await asyncio.gather(*asked))


def pages(address: str, server: int, token: str, shots: list[str]) -> None:
    """Each kind of answer alone: first as whoever asks first gets it (cold), then again (warm), and what of the server's own
    time (process `server`) a warm one takes, which does not depend on what else the machine does.
    """
    headers = {"Cookie": f"battleplate={token}", "Accept": "text/html,*/*"}
    with httpx2.Client(base_url=address, timeout=60, headers=headers) as browser:
        for kind, (_, path) in READS.items():
            path = path.format(shot=shots[1])
            began = time.perf_counter()
            browser.get(path).raise_for_status()
            cold, took, spent = time.perf_counter() - began, [], _spent_s(server)
            for _ in range(WARM):
                began = time.perf_counter()
                answer = browser.get(path)
                took.append(time.perf_counter() - began)
            spent = (_spent_s(server) - spent) / WARM
            print(
                f"{kind:<12} cold {cold * 1000:7.0f} ms   warm {sorted(took)[WARM // 2] * 1000:7.1f} ms, of it the server "
                f"{spent * 1000:6.1f} ms   {len(answer.content) / 1000:6.1f} kB"
            )
        for shot in shots[:BUSY]:
            browser.get(f"/media/{shot}/v003/thumbnail.jpg")


def _spent_s(process: int) -> float:
    """Seconds that a process has computed; 0 where the system does not tell."""
    try:
        told = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def served(show: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The server in a process of its own, answering; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pipeline", "review", str(show), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    while server.poll() is None:
        try:
            httpx2.get(f"{address}/login")
            return server, address
        except httpx2.TransportError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=int, default=400)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--think", type=float, default=0.5, help="mean pause between one person's questions, seconds")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        show = make_show(Path(place) / "show", wish.shots)
        settings, shots = Settings(show), shot_names(wish.shots)
        tokens = join(settings, wish.shots, wish.people)
        server, address = served(show)
        try:
            pages(address, server.pid, tokens[0], shots)
            wish.busy = shots[:BUSY]
            seen: Seen = []
            wish.until, spent = time.monotonic() + wish.seconds, _spent_s(server.pid)
            wrote = asyncio.run(everybody(address, tokens, wish, seen))
            spent = _spent_s(server.pid) - spent
            load = os.getloadavg()[0]
        finally:
            server.terminate()
            server.wait(30)
        database = Database(settings.database_url)
        with database.read() as session:
            kept = set(session.scalars(select(Note.text)))
        fault = Seal(database, settings.seal_folder).verify().fault
        database.close()
    for kind in ("all", "write", *READS):
        times = sorted(ms for asked, ms, _ in seen if kind in ("all", asked))
        middle, late = (times[int(len(times) * part)] for part in (0.5, 0.95))
        print(f"{kind:<16}{len(times):>6}   p50 {middle:7.1f} ms   p95 {late:7.1f} ms")
    print(
        f"{len(seen) / wish.seconds:.0f} answers/s, of each the server {spent / len(seen) * 1000:.1f} ms; 5xx: {sum(s[2] >= 500 for s in seen)}; not 2xx: "
        f"{sum(s[2] >= 300 for s in seen)}; notes lost: {len(wrote - kept)} of {len(wrote)}; audit: {fault or 'whole'}; "
        f"load of the machine {load:.1f}"
    )


if __name__ == "__main__":
    main()
