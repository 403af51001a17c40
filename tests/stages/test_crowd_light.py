"""Sprites that came back in another light: found over all of them, relit, and noted for the near people."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from assets.providers.asking.desk import Desk
from assets.providers.base import Capabilities
from assets.providers.request import GUIDE_CHANNELS, Result
from assets.relight.answers import in_asked_light
from assets.sprites.guides import ROOT_M
from assets.sprites.likeness import sums_of
from pipeline.provider_sections import BuiltinModel, ProviderEntry
from pipeline.stage import silent
from stages.crowd_light import in_shot_light
from tests.assets.relight.litpeople import LIGHTS, apart_deg, off, people

ENTRY = ProviderEntry("farm", BuiltinModel())


class Painter:
    """Somebody who has painted; what counts here is whose light he says that he paints in."""

    name, licence, model_digest = "farm", "none", "0"

    def __init__(self, light):
        self.capabilities = Capabilities(frozenset(GUIDE_CHANNELS), frozenset(), light=light)


def desk_of(folder, light):
    return Desk((ENTRY,), folder, opening=lambda entry: Painter(light))


@pytest.fixture
def batches(tmp_path):
    """Two files of sprites that the sun lights from the left, without their empty columns; asked was for the right."""
    painted, asked, files = people("peasant", "left"), people("peasant", "right"), []
    for first in (0, 2):
        file = tmp_path / f"{first:06d}.npz"
        pictures = [one.truth[:, 8:-8].astype(np.float16) for one in painted[first : first + 2]]
        reliefs = [one.request.guides.given()["depth"][0][:, 8:-8, None] for one in painted[first : first + 2]]
        rows = {
            f"{i}": np.concatenate(pair, axis=-1, dtype=np.float16)
            for i, pair in enumerate(zip(pictures, reliefs, strict=True))
        }
        sums = [sums_of(one.request, one.truth, ROOT_M) for one in painted[first : first + 2]]
        np.savez(file, **rows, painters=["farm", "farm"], digests=["a", "b"], widths=[48, 48], sums=sums)
        files.append(file)
    return files, [partial(getattr, one, "request") for one in asked]


def test_a_painter_who_obeys_is_not_looked_at(batches, tmp_path):
    files, asked = batches

    assert in_shot_light(desk_of(tmp_path, "asked"), files, asked, 1.0, silent) == (files, {})
    assert in_shot_light(desk_of(tmp_path, "fixed"), files, asked, 0.0, silent) == (files, {})


def test_one_light_is_found_in_all_sprites_and_each_is_relit(batches, tmp_path):
    files, asked = batches

    lit, lights = in_shot_light(desk_of(tmp_path, "fixed"), files, asked, 1.0, silent)

    [found] = lights.values()
    assert apart_deg(found.to_sun, LIGHTS["left"].sun_direction) < 15
    for file, before, first in zip(lit, files, (0, 2), strict=True):
        with np.load(file) as after, np.load(before) as painted:
            assert set(after.files) == set(painted.files)
            assert np.array_equal(after["0"][..., 3:], painted["0"][..., 3:])
            truth = people("peasant", "right")[first].truth[:, 8:-8]
            old, new = (off(each["0"][..., :4].astype(np.float32), truth) for each in (painted, after))
            assert new < 0.55 * old
            request = people("peasant", "right")[first].request
            right = sums_of(request, people("peasant", "right")[first].truth, ROOT_M)
            assert np.abs(after["sums"][0] - right).sum() < 0.6 * np.abs(painted["sums"][0] - right).sum()


def test_a_near_person_takes_the_light_found_in_his_sprites(batches, tmp_path):
    files, asked = batches
    desk = desk_of(tmp_path, "unknown")
    _, lights = in_shot_light(desk, files, asked, 1.0, silent)
    painted, request = people("peasant", "left")[1].truth, asked[1]()
    answer = Result(painted[None, None], request.digest(), "0", "none", metadata={"provider": "farm"})

    near = in_asked_light(desk, request, answer, lights, 1.0)

    truth = people("peasant", "right")[1].truth
    assert off(near.takes[0, 0], truth) < 0.55 * off(painted, truth)
    assert near.metadata["relit"].startswith("sun ")
    assert in_asked_light(desk_of(tmp_path, "asked"), request, answer, lights, 1.0) is answer
    same = replace(request, light=LIGHTS["left"])
    assert in_asked_light(desk, same, answer, {}, 1.0) is answer
