"""What tests ask of tiny models: fixtures that save and load each family once, requests, and whether pictures differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.providers.diffusion.folder import Folder
from assets.providers.request import Guides, Identity, Request
from tests.assets.providers.diffusion import tinymodels

SAVED, OPENED = pytest.StashKey[dict](), pytest.StashKey[dict]()  # shared by the modules that use these fixtures
WIDTH, HEIGHT = 30, 22  # no family can paint these sides
Y, X = np.mgrid[:HEIGHT, :WIDTH]
INSIDE = ((abs(X - WIDTH / 2) < WIDTH / 3) & (abs(Y - HEIGHT / 2) < HEIGHT / 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch, tmp_path):
    monkeypatch.setenv("BATTLEPLATE_CACHE", str(tmp_path / "cache"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def saved(pytestconfig, tmp_path_factory):
    """Settings of a family's tiny model, saved once."""
    made = pytestconfig.stash.setdefault(SAVED, {})

    def of(family):
        if family not in made:
            made[family] = tinymodels.FAMILIES[family](tmp_path_factory.mktemp(family))
        return made[family]

    return of


@pytest.fixture(scope="session")
def opened(pytestconfig, saved):
    """A family's provider, loaded once."""
    made = pytestconfig.stash.setdefault(OPENED, {})

    def of(family):
        if family not in made:
            made[family] = Folder.open(saved(family))
        return made[family]

    return of


def request(provider, frames=1, depth=0.3, arm=0.5, **changes):
    """A block before a limb of the pose, by the guides that lead this provider."""
    block = np.repeat(INSIDE[None], frames, 0)
    guides = {"coverage": block, "depth": block * np.float32(depth)}
    if "pose" in provider.capabilities.guides:
        guides["pose"] = block[..., None] * np.array([1, arm, 0], np.float32)
    settings = {"identity": Identity("walker", ()), "metres_per_px": 0.02, "prompt": "a man", "steps": 2}
    return Request(Guides(**guides), **{**settings, **changes})


def with_guides(asked, **guides):
    return replace(asked, guides=Guides(**{**asked.guides.given(), **guides}))


def paint(provider, asked):
    (result,) = provider.generate([asked])
    return result.takes


def reference(red):
    return np.full((24, 16, 4), (red, 0.2, 0.6, 1), np.float32)


def init_picture():
    picture = np.random.default_rng(5).uniform(0, 1, (1, HEIGHT, WIDTH, 4)).astype(np.float32)
    picture[..., :3] *= picture[..., 3:]
    return picture


def differ(first, second):
    return float(np.abs(first - second).max()) > 1e-3
