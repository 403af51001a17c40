"""Asking a ComfyUI service in tests: the shipped workflow with other titles, and requests of one small size."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

from assets.providers.base import Watch
from assets.providers.comfy.comfyui import open_comfyui
from tests.assets.providers.contract_service import ask

SHIPPED = json.loads((Path(__file__).parents[4] / "docs/workflows/comfyui_depth_pose.json").read_text("utf-8"))
SIZE = (32, 48)


def workflow(**titles):
    """The shipped workflow with other titles: node n5 and so on."""
    graph = copy.deepcopy(SHIPPED)
    for node, title in titles.items():
        graph[node[1:]]["_meta"]["title"] = title
    return graph


def opened(service, timeout_s=20.0, **settings):
    entry = service.entry
    entry = replace(
        entry,
        settings=replace(entry.settings, **settings),
        conduct=replace(entry.conduct, timeout_s=timeout_s),
    )
    return open_comfyui(entry, entry.settings)


def asked(provider, **changes):
    return ask(provider.capabilities, SIZE, **{"seed": 1, **changes})


def answer(provider, request, key=""):
    return provider.generate([request], Watch(keys=(key,) if key else ()))[0]


def sent(service, path):
    return service.log.count(("POST", path))
