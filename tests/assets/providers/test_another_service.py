"""The provider that docs/providers.md shows as a template keeps the contract, run as it stands there."""

from __future__ import annotations

import json
import re
import sys
import threading
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest

from assets.providers.base import Provider
from pipeline.provider_sections import ComfyServer, Conduct, ProviderEntry
from tests.assets.providers.aws.awspainting import painted, seen, sent
from tests.assets.providers.aws.awsserver import MOODS, listening
from tests.assets.providers.aws.awsstate import reply
from tests.assets.providers.contract import ProviderContract
from tests.assets.providers.contract_service import ask

DOCUMENT = Path(__file__).parents[3] / "docs" / "providers.md"


@pytest.fixture(scope="module")
def template() -> Iterator[types.ModuleType]:
    """The one Python block of the document's last section, as a module."""
    section = DOCUMENT.read_text("utf-8").split("\n## Another service\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    module = types.ModuleType("paint_of_the_document")
    sys.modules[module.__name__] = module
    exec(compile(code, str(DOCUMENT), "exec"), module.__dict__)
    yield module
    del sys.modules[module.__name__]


class PaintServer:
    """The service on loopback: remembers keys. Its entry only says where it is."""

    moods = MOODS - {"silent"}

    def __init__(self, template: types.ModuleType) -> None:
        self.template, self.planned, self.done, self.strayed = template, [], [], []
        self.known: dict[str, dict[str, Any]] = {}
        self.lock, self.bill = threading.Lock(), {}
        self.servers = [listening(_handler(self, there=False)), listening(_handler(self, there=True))]
        self.entry = ProviderEntry("paint", ComfyServer(self.url(0), Path()), Conduct(wait_s=0.01, timeout_s=5.0))

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.servers[number].server_address[1]}"

    def opening(self, entry: ProviderEntry) -> Provider:
        return self.template.open_paint(self.template.PaintService(entry.settings.url), entry.conduct, entry.name)

    def plan(self, *moods: str) -> None:
        self.planned = list(moods)

    def answer(self, handler: Any, asked: dict[str, Any], authorization: str) -> None:
        with self.lock:
            mood = self.planned.pop(0) if self.planned else "ok"
        if authorization != "Bearer s3cret":
            return reply(handler, 401, b'{"error": "who are you?"}', {})
        if mood == "busy":
            return reply(handler, 429, b"{}", {"Retry-After": "7"})
        if mood == "broken":
            return reply(handler, 500, b"{}", {})
        if mood == "redirect":
            return reply(handler, 307, b"{}", {"Location": self.url(1) + "/paint"})
        if mood == "refused":
            return reply(handler, 200, b'{"blocked": true}', {})
        if asked["key"] not in self.known:
            self.known[asked["key"]] = asked
            self.done.append(str(asked["seed"]))
        if mood == "slow":
            threading.Event().wait(0.2)
        told = {"picture": sent(painted(seen(asked["depth"]), asked["seed"]), mood), **self.bill}
        return reply(handler, 200, json.dumps(told).encode(), {}, mood)

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()


def _handler(service: PaintServer, there: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if there:
                service.strayed.append(self.path)
            service.answer(self, asked, self.headers.get("Authorization", ""))

    return Handler


class TestTemplate(ProviderContract):
    never: ClassVar = {"silent": "nobody is killed here: another process could not import the document"}

    @pytest.fixture
    def service(self, template: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaintServer]:
        monkeypatch.setenv("PAINT_KEY", "s3cret")
        server = PaintServer(template)
        yield server
        server.close()

    def test_what_the_service_bills_is_what_it_says(self, service: PaintServer) -> None:
        provider = service.opening(service.entry)
        service.bill["usd"] = 0.03

        (result,) = provider.generate([ask(provider.capabilities, self.size_px, seed=1)])

        assert result.cost_usd == 0.03
