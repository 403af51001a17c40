"""What the tests of the contract share: asking at a desk, being killed meanwhile, and holding the ledger against the service.

As a program it is the asker that gets killed: `python -m tests.assets.providers.contract_tools FILE`.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from assets.providers.asking.desk import Desk, open_desk
from assets.providers.asking.ledger import Ledger
from assets.providers.asking.pacing import Clock
from assets.providers.base import Provider
from assets.providers.request import Request
from pipeline.errors import ProviderUnsure
from tests.assets.providers.contract_service import QuickClock, Service, ask, one_line, opened, opening_of

ROOT = Path(__file__).parents[3]


class Tools:
    """size_px, steps, frames: of the requests that are made, where a provider is particular. never: faults that it cannot
    meet, and why."""

    size_px: tuple[int, int] = (48, 64)
    steps: int = 2
    frames: int = 1
    never: ClassVar[Mapping[str, str]] = {}

    def request(self, provider: Provider, seed: int, **changes: Any) -> Request:
        """The contract's request, told from others by its seed."""
        return ask(provider.capabilities, self.size_px, self.frames, seed=seed, steps=self.steps, **changes)

    def desk(self, service: Service, shared: Path, clock: Clock | None = None, **conduct: Any) -> Desk:
        """The desk before this provider alone; it keeps whatever is answered, and waits in no time."""
        entry = replace(service.entry, conduct=replace(service.entry.conduct, **conduct))
        return open_desk((entry,), shared, keep=True, opening=opening_of(service), clock=clock or QuickClock())

    def need(self, service: Service, mood: str) -> None:
        if mood not in service.moods:
            pytest.skip(f"{service.entry.name} is never {mood}")

    def check_ledger(self, service: Service, shared: Path) -> None:
        """What the ledger says was billed is what the service did, in number and order; nothing is left open."""
        calls = Ledger(shared).calls()
        seeds = {self.request(opened(service), seed).digest(): str(seed) for seed in range(10)}
        assert [seeds[call.request] for call in calls if call.billed_usd is not None] == service.done
        assert not [call for call in calls if call.state in ("reserved", "sent")]

    def ask_what_is_unsure(self, service: Service, shared: Path, request: Request) -> None:
        """A request that may have been billed is done again only where that costs nothing."""
        able = opened(service).capabilities
        if able.remembers or not able.paid:
            self.desk(service, shared).generate([request])
        else:
            with pytest.raises(ProviderUnsure, match="providers settle") as unsure:
                self.desk(service, shared).generate([request])
            assert one_line(unsure.value)
        assert service.done == (["1"] if able.remembers or able.paid else ["1", "1"])
        self.check_ledger(service, shared)

    def ask_and_be_killed(self, service: Service, shared: Path, request: Request) -> None:
        """Another process asks; once the service has done it, and before any answer, that process is killed."""
        file = shared / "asker.pickle"
        file.write_bytes(pickle.dumps((service.entry, shared, request, opening_of(service))))
        command = [sys.executable, "-m", "tests.assets.providers.contract_tools", str(file)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True)
        try:
            while not service.done and child.poll() is None:
                time.sleep(0.002)  # until it happened, however long that takes
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
        _, said = child.communicate()
        assert child.returncode == -signal.SIGKILL, said.decode()


def main(file: Path) -> None:
    """Ask at the desk, and be killed meanwhile."""
    entry, shared, request, opening = pickle.loads(file.read_bytes())
    patient = replace(entry, conduct=replace(entry.conduct, timeout_s=60.0, retries=0))
    open_desk((patient,), shared, keep=True, opening=opening).generate([request])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
