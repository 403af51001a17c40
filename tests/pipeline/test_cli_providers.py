"""`battleplate providers` as a person meets it."""

from __future__ import annotations

import csv
import re

import pytest
from typer.testing import CliRunner

from assets.providers.asking import answers
from assets.providers.asking.ledger import Call, Ledger
from assets.providers.base import Capabilities
from assets.providers.request import Result
from pipeline.__main__ import app
from pipeline.errors import ConfigError
from pipeline.provider_sections import ComfyServer
from tests.assets.providers.contract_service import ask
from tests.assets.providers.wire import picture

SHOW = """
[policy]
providers = ["builtin", "cloud", "elsewhere"]
[providers.cloud]
kind = "diffusers"
folder = "nowhere"
usd_per_picture = 0.04
most_usd = 2
[providers.farm]
kind = "comfyui"
url = "http://127.0.0.1:8188"
workflow = "people.json"
"""
ABLE = Capabilities(guides=frozenset({"depth"}), needed=frozenset(), reads_prompt=True)


@pytest.fixture
def show(tmp_path):
    (tmp_path / "show.toml").write_text(SHOW)
    return tmp_path / "show.toml"


@pytest.fixture
def ledger(show):
    ledger = Ledger(show.parent / "build/_show")
    for number, (state, billed) in enumerate([("answered", 0.04), ("unsure", 0.04), ("refused", None)], 1):
        call = Call(f"{number}{'ab' * 31}c", "cloud", "diffusers", "m", "r", "sh010", expected_usd=0.04)
        ledger.settle(ledger.reserve(call), state, billed, "it is against the rules" if state == "refused" else "")
    return ledger


def say(*arguments):
    said = CliRunner().invoke(app, ["providers", *map(str, arguments)], env={"COLUMNS": "220"})
    if said.exception and not isinstance(said.exception, SystemExit):
        raise said.exception
    return said.output


def line_with(word, text):
    return next(line for line in text.splitlines() if word in line)


def test_the_list_says_kind_policy_price_and_what_is_left(show, ledger):
    said = say("list", show, "--quick")

    assert re.search(r"cloud +diffusers +allowed +not tried +0\.04 +0\.08 +1\.92 of 2\.00", said)
    assert re.search(r"farm +comfyui +not allowed", said)
    assert re.search(r"builtin +builtin +allowed .* no limit", said)
    assert "'elsewhere', which is not described" in said


def test_what_lies_ready_for_other_shots_is_told_and_cleaned(show):
    lying = show.parent / "build/_show/painted"
    for name in ("builtin", "gone"):
        (lying / name / "ab").mkdir(parents=True)
        (lying / name / "ab/picture.npz").write_bytes(bytes(2_000_000))

    assert re.search(r"builtin .* 2\.0$", line_with("builtin", say("list", show, "--quick")).rstrip())
    assert say("clean", show, "--keep-gb", "1") == ""
    assert say("clean", show, "--of", "builtin") == "builtin: 1 pictures removed, 2.0 MB.\n"
    assert say("clean", show) == "gone: 1 pictures removed, 2.0 MB.\n"
    assert not list(lying.glob("*/*/*"))
    with pytest.raises(ConfigError, match="--of buildin: no such provider"):
        say("clean", show, "--of", "buildin")


def test_the_list_says_why_a_provider_does_not_open(show):
    show.write_text(SHOW.replace('"builtin", ', ""))

    assert "nowhere" in line_with("cloud", say("list", show))


def test_the_ledger_lists_unsure_calls_first_and_adds_up(show, ledger, tmp_path):
    said = say("ledger", show, "--csv", tmp_path / "calls.csv")

    states = re.findall(r"\b(unsure|answered|refused) +\dx", said)
    assert states == ["unsure", "refused", "answered"]
    assert "cloud: 3 calls, 0.04 USD billed, 1 unsure (up to 0.04 USD)." in said
    with (tmp_path / "calls.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["answered", "unsure", "refused"]
    assert rows[2]["note"] == "it is against the rules"
    assert rows[2]["billed_usd"] == ""


def test_a_show_that_asked_nobody_has_no_ledger(show):
    assert "No calls yet" in say("ledger", show)
    assert not (show.parent / "build").exists()


def test_a_call_of_a_killed_process_is_listed_as_unsure(show, ledger):
    number = ledger.reserve(Call("f" * 64, "cloud", "diffusers", "m", "r", expected_usd=0.5))
    ledger.sent(number)

    assert "2 unsure (up to 0.54 USD)" in say("ledger", show)


def test_an_unsure_call_is_settled_by_the_beginning_of_its_key(show, ledger):
    assert "Call 2 of cloud is settled" in say("settle", show, "2ab", "--billed", "0.05")

    call = ledger.calls()[1]
    assert (call.state, call.billed_usd, call.note) == ("failed", 0.05, "settled by hand: billed")
    assert ledger.spent_usd("cloud") == pytest.approx(0.09)


def test_what_was_not_billed_is_given_back(show, ledger):
    say("settle", show, "2ab", "--not-billed")

    assert ledger.spent_usd("cloud") == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("2ab",), "either --billed USD or --not-billed"),
        (("2ab", "--billed", "1", "--not-billed"), "either --billed USD or --not-billed"),
        (("1ab", "--not-billed"), "no unsure call has a key that begins so"),
    ],
)
def test_what_cannot_be_settled_is_said(show, ledger, arguments, words):
    with pytest.raises(ConfigError, match=words):
        say("settle", show, *arguments)


def test_an_answer_is_explained_with_everything_of_its_request(show, ledger):
    request = ask(ABLE, (48, 64), seed=77, negative="rain")
    result = Result(picture((1, 1, 64, 48, 4), 7), request.digest(), "model-5", "CC0-1.0", 0.04, {"sampler": "euler"})
    origin = answers.Origin("cloud", "comfyui", ComfyServer("http://127.0.0.1:8188", "people.json"), (1,))
    key = "1" + "ab" * 31 + "c"
    folder = answers.keep(ledger.shared, key, request, result, origin)

    said = say("explain", show, "1ab")

    for name, value in (
        ("request.prompt", "a walker in a red tunic"),
        ("request.negative", "rain"),
        ("request.seed", "77"),
        ("request.identity.name", "walker"),
        ("request.identity.looks[0].albedo", "0.3, 0.2, 0.1"),
        ("model_digest", "model-5"),
        ("licence", "CC0-1.0"),
        ("cost_usd", "0.04"),
        ("metadata.sampler", "euler"),
        ("guides.depth.shape", "1, 64, 48"),
        ("settings.url", "http://127.0.0.1:8188"),
    ):
        assert re.search(rf"^{re.escape(name)} *{re.escape(value)}$", said, re.MULTILINE), name
    assert str(folder) in said
    assert "call 1: answered" in said


def test_a_call_without_an_answer_is_explained_too(show, ledger):
    said = say("explain", show, "3ab")

    assert "No answer is kept" in said
    assert "call 3: refused" in said
    assert "billed nothing. it is against the rules" in said


def test_a_key_that_is_not_there_or_not_enough_is_said(show, ledger):
    ledger.reserve(Call("1" * 64, "cloud", "diffusers", "m", "r"))

    with pytest.raises(ConfigError, match="no answer or call has a key that begins so"):
        say("explain", show, "zz")
    with pytest.raises(ConfigError, match=r"2 keys begin so \(111111111111, 1abababababa\)"):
        say("explain", show, "1")
