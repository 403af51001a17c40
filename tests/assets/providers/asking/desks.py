"""Desks over services on loopback, and what is asked at them."""

from __future__ import annotations

from pathlib import Path

from assets.providers.asking.desk import open_desk
from assets.providers.base import Capabilities, Watch
from assets.providers.request import Identity, PartLook, Request
from pipeline.provider_sections import ComfyServer, ProviderEntry
from tests.assets.providers.contract_service import QuickClock, ask
from tests.assets.providers.wire import open_wire

ABLE = Capabilities(guides=frozenset({"coverage", "depth"}), needed=frozenset({"depth"}))
CLOSED = ProviderEntry("closed", ComfyServer("http://127.0.0.1:9", Path("wire.json")))


def request_of(seed=1, name="walker", **changes) -> Request:
    return ask(ABLE, (48, 64), seed=seed, identity=Identity(name, (PartLook(4, (0.3, 0.2, 0.1)),)), **changes)


def desk_of(shared, *entries, clock=None, **settings):
    return open_desk(entries, shared, opening=open_wire, clock=clock or QuickClock(), **settings)


def told(notes):
    return Watch(progress=lambda done, total, note: notes.append(note))
