"""What a provider is told of a character: what it reads, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from assets.people.characters import load_character
from assets.people.recipes import learn_own
from assets.providers.base import UNWATCHED, Capabilities
from assets.providers.request import GUIDE_CHANNELS, Result
from assets.takes.pieces import piece_telling
from assets.takes.propose import propose_character
from assets.takes.record import read_pictures, read_sheet
from assets.takes.sheet import sheet_requests
from assets.takes.telling import tellings
from assets.takes.told import Telling
from pipeline.errors import AssetError
from pipeline.io.images import read_png
from pipeline.sections import CrowdPicks, SetPicks
from stages.generate_crowd import Params

PICKED = CrowdPicks((("peasant", "t02"),))


class Flat:
    """A painter by rule: what is covered gets a colour of the seed. Keeps what it was asked."""

    name, licence, model_digest = "flat", "CC0-1.0", "rule 1"

    def __init__(self, **able):
        self.capabilities = Capabilities(frozenset(GUIDE_CHANNELS), frozenset({"coverage"}), **able)
        self.asked = []

    def generate(self, requests, watch=UNWATCHED):
        for request in requests:
            self.capabilities.check(self.name, request)
        self.asked += requests
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        alpha = request.guides.given()["coverage"][0][..., None]
        rgba = np.concatenate([alpha * np.float32(0.1 * request.seed + 1e-5), alpha, alpha, alpha], axis=-1)
        return Result(rgba[None, None], request.digest(), self.model_digest, self.licence, cost_usd=0.04)


def ask(provider, folder, picks=CrowdPicks(), names=("peasant",)):  # noqa: B008
    return tellings(set(names), picks, provider, folder / "_show", seed=7, steps=1)


def propose(provider, folder, count=3):
    return propose_character("peasant", provider, folder / "_show/takes", count, 1)


def test_a_pick_of_the_shows_own_goes_by_the_name_that_people_say(tmp_path):
    (tmp_path / "guard.toml").write_text('extends = "peasant"\nname = "guard"\nversion = 1\n')
    own = learn_own(tmp_path)["guard"]
    provider = Flat(reads_references=True)
    sheet = propose_character(own, provider, tmp_path / "_show/takes", 3, 1)
    asked = len(provider.asked)

    told = ask(provider, tmp_path, CrowdPicks((("guard", "t03"),)), (own,))[own]

    assert sheet.parent == tmp_path / "_show/takes/flat/guard"
    assert (told.seed, len(told.references), len(provider.asked)) == (3, 6, asked)


def test_a_plain_recipe_without_a_pick_changes_no_request(tmp_path):
    [request, *_] = sheet_requests(load_character("peasant"), Telling(7), 1)

    told = ask(Flat(reads_prompt=True, reads_references=True), tmp_path)["peasant"]

    assert told.told(replace(request, seed=7)).digest() == request.digest()


def test_a_pick_fixes_the_seed_by_its_name_alone(tmp_path):
    told = ask(Flat(), tmp_path, PICKED)["peasant"]

    assert (told.seed, told.references) == (2, ())
    assert (
        ask(Flat(), tmp_path, CrowdPicks((("peasant", "t01"),)))["peasant"].seed == Params().seed
    )  # as without a pick


def test_the_picked_pictures_become_the_references_of_who_reads_them(tmp_path):
    painter = Flat(reads_references=True)
    folder = propose(painter, tmp_path).parent
    sheet, asked = read_sheet(folder), len(painter.asked)

    told = ask(painter, tmp_path, PICKED)["peasant"]

    assert len(painter.asked) == asked  # they lie there: nobody is asked again
    for one, other in zip(told.references, read_pictures(folder, sheet, sheet.take("t02")), strict=True):
        np.testing.assert_array_equal(one, other)


def test_on_another_machine_the_same_take_is_asked_for_again_and_is_the_same_to_the_byte(tmp_path):
    painter = Flat(reads_references=True)
    propose(painter, tmp_path / "here")

    here, there = (ask(painter, tmp_path / place, PICKED)["peasant"] for place in ("here", "there"))

    assert len(here.references) == len(there.references) == 6
    assert all((a == b).all() for a, b in zip(here.references, there.references, strict=True))


def test_an_unknown_take_lists_what_there_is_and_says_what_to_do(tmp_path):
    propose(Flat(), tmp_path, count=2)

    with pytest.raises(AssetError, match=r'peasant = "t05": there is no such take.*t01, t02 .*--of peasant --count 5'):
        ask(Flat(), tmp_path, CrowdPicks((("peasant", "t05"),)))


def test_a_pick_of_someone_unknown_is_an_error_and_of_someone_elsewhere_is_not(tmp_path):
    with pytest.raises(AssetError, match="character 'pheasant' is not known"):
        ask(Flat(), tmp_path, CrowdPicks((("pheasant", "t01"),)))

    assert ask(Flat(), tmp_path, CrowdPicks((("archer", "t02"),)))["peasant"].seed == 7


def test_a_proposal_can_be_told_in_full(tmp_path):
    painter = Flat()

    sheet_file = propose(painter, tmp_path)

    sheet = read_sheet(sheet_file.parent)
    assert sheet_file == tmp_path / "_show/takes/flat/peasant/contact_sheet.png"
    assert sheet.names == ["t01", "t02", "t03"]
    assert [take.seed for take in sheet.takes] == [1, 2, 3]
    assert sheet.take("t02").requests == tuple(request.digest() for request in painter.asked[6:12])
    assert sheet.take("t02").cost_usd == pytest.approx(6 * 0.04)
    assert sheet.take("t02").model_digest == "rule 1"
    assert (sheet_file.parent / sheet.take("t02").pictures).is_file()
    assert read_png(sheet_file).shape[0] > 3 * 256


def test_more_takes_leave_the_first_as_they_are(tmp_path):
    folder = propose(Flat(), tmp_path, count=2).parent
    before = read_sheet(folder)

    propose(Flat(), tmp_path, count=3)
    propose(Flat(), tmp_path, count=1)

    assert read_sheet(folder).takes[:2] == before.takes
    assert read_sheet(folder).names == ["t01", "t02", "t03"]


def test_a_piece_whose_picture_is_needed_and_missing_is_an_error(tmp_path):
    picks = SetPicks((("gate", "t03"),), tmp_path)

    assert piece_telling("gate", 1_000_004, picks, Flat(), otherwise=2).seed == 4
    assert piece_telling("wall", 1_000_004, picks, Flat(), otherwise=2).seed == 2
    with pytest.raises(AssetError, match=r"flat paints after the picture of the take.*--of gate --count 3"):
        piece_telling("gate", 1_000_004, picks, Flat(reads_references=True), otherwise=2)
