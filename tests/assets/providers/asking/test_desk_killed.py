"""Workers that ask for the same pictures are killed at any moment, from a service in any mood: nothing is paid twice."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from assets.providers.asking.desk import open_desk
from assets.providers.asking.ledger import Ledger
from assets.providers.base import Capabilities
from pipeline.errors import ProviderUnsure
from pipeline.provider_sections import Conduct
from tests.assets.providers.contract_service import QuickClock, ask
from tests.assets.providers.wire import open_wire, serving

ROOT = Path(__file__).parents[4]
KILLS = 8
ABLE = Capabilities(guides=frozenset({"depth"}), needed=frozenset({"depth"}))
REQUESTS = [ask(ABLE, (48, 64), seed=seed) for seed in range(16)]
CONDUCT = Conduct(at_once=2, wait_s=0.01, most_wait_s=0.05, timeout_s=0.4, usd_per_picture=1, most_usd=len(REQUESTS))
WORKER = """
import pickle, sys
from pathlib import Path
from assets.providers.asking.desk import open_desk
from pipeline.errors import ProviderError
entry, shared, requests, opening = pickle.loads(Path(sys.argv[1]).read_bytes())
desk = open_desk((entry,), shared, opening=opening)
print("ready", flush=True)
sys.stdin.readline()
for request in requests:
    try:
        desk.generate([request])
    except ProviderError as error:
        print(error, flush=True)
"""


def begin(file):
    command = [sys.executable, "-c", WORKER, str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )


def kill_workers(service, folder, moods):
    """Three workers at a time ask for all of it, each in its own order, and are killed."""
    moments = random.Random(20261128)
    service.plan(*moments.choices(moods, k=400))
    for _ in range(KILLS):
        workers = []
        for _ in range(3):
            file = folder / f"work{len(workers)}.pickle"
            file.write_bytes(pickle.dumps((service.entry, folder, moments.sample(REQUESTS, len(REQUESTS)), open_wire)))
            workers.append(begin(file))
        for worker in workers:
            worker.stdout.readline()
        for worker in workers:
            worker.stdin.write(b"go\n")
            worker.stdin.flush()
        for worker in workers:
            time.sleep(moments.uniform(0, 0.25))
            os.killpg(worker.pid, signal.SIGKILL)
            worker.communicate()
    service.plan()


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_paid_twice(tmp_path):
    moods = ["ok", "slow", "slow", "busy", "broken", "silent", "truncated"]
    with serving(remembers=True, conduct=CONDUCT) as service:
        kill_workers(service, tmp_path, moods)
        patient = replace(service.entry, conduct=replace(CONDUCT, timeout_s=30))

        open_desk((patient,), tmp_path, opening=open_wire, clock=QuickClock()).generate(REQUESTS)

        calls = Ledger(tmp_path).calls()
        assert sorted(service.done, key=int) == [str(request.seed) for request in REQUESTS]
        assert Counter(c.request for c in calls if c.billed_usd is not None) == Counter(r.digest() for r in REQUESTS)
        assert {call.state for call in calls} <= {"answered", "failed"}
        assert Ledger(tmp_path).spent_usd("wire") == len(REQUESTS)


@pytest.mark.slow
def test_a_service_without_a_memory_is_never_asked_twice_for_what_it_may_have_done(tmp_path):
    unsure = []
    with serving(remembers=False, conduct=CONDUCT) as service:
        kill_workers(service, tmp_path, ["ok", "slow", "slow", "busy", "broken", "silent"])
        desk = open_desk((service.entry,), tmp_path, opening=open_wire, clock=QuickClock())

        for request in REQUESTS:
            try:
                desk.generate([request])
            except ProviderUnsure:
                unsure.append(str(request.seed))

        calls = Ledger(tmp_path).calls()
        seeds = {request.digest(): str(request.seed) for request in REQUESTS}
        billed = [seeds[call.request] for call in calls if call.billed_usd is not None]
        assert len(set(service.done)) == len(service.done)
        assert sorted(billed, key=int) == list(seeds.values())
        assert {seeds[call.request] for call in calls if call.state == "unsure"} == set(unsure)
        assert set(billed) - set(service.done) <= set(unsure)
        assert unsure
