"""The ledger holds whoever shares it, and whatever kills it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from assets.providers.asking.ledger import Call, Ledger
from pipeline.errors import ProviderBudget, StoreError

ROOT = Path(__file__).parents[4]


def call(**changes):
    return Call(**{"key": "ab" * 32, "provider": "house", "kind": "bedrock", "model": "m", "request": "r", **changes})


def test_a_call_is_read_back_as_it_was_booked(tmp_path):
    ledger = Ledger(tmp_path)
    number = ledger.reserve(call(shot="sh010", stage="generate_set", pictures=4, expected_usd=0.16))
    ledger.sent(number)
    ledger.settle(number, "answered", 0.12, "fine")

    (read,) = Ledger(tmp_path).calls()

    assert (read.shot, read.stage, read.pictures, read.expected_usd) == ("sh010", "generate_set", 4, 0.16)
    assert (read.state, read.attempts, read.billed_usd, read.note) == ("answered", 1, 0.12, "fine")
    assert read.began <= read.ended  # to the millisecond
    assert read.began.endswith("+00:00")


def test_calls_are_found_by_provider_and_by_the_beginning_of_their_key(tmp_path):
    ledger = Ledger(tmp_path)
    for key, provider in (("aa" * 32, "house"), ("ab" * 32, "house"), ("ab" * 32, "other")):
        ledger.reserve(call(key=key, provider=provider))

    assert [c.id for c in ledger.calls("house")] == [1, 2]
    assert [c.id for c in ledger.calls(key="ab")] == [2, 3]
    assert [c.id for c in ledger.calls("other", "ab" * 32)] == [3]
    assert ledger.calls(key="%") == []


def test_what_is_set_aside_sent_unsure_and_billed_counts_and_what_failed_does_not(tmp_path):
    ledger = Ledger(tmp_path)
    numbers = [ledger.reserve(call(expected_usd=1)) for _ in range(5)]

    ledger.sent(numbers[1])
    ledger.settle(numbers[2], "unsure", 1)
    ledger.settle(numbers[3], "answered", 0.25)
    ledger.settle(numbers[4], "failed", None)

    assert ledger.spent_usd("house") == 3.25
    assert ledger.spent_usd("other") == 0


def test_a_budget_is_used_to_its_last_cent_and_not_beyond(tmp_path):
    ledger = Ledger(tmp_path)
    for _ in range(10):
        ledger.reserve(call(expected_usd=0.1), most_usd=1.0)

    with pytest.raises(ProviderBudget, match=r"house: 1\.00 of 1\.00 USD are spent, 0\.10 more"):
        ledger.reserve(call(expected_usd=0.1), most_usd=1.0)


def test_where_nobody_knows_the_price_a_spent_budget_still_stops(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.settle(ledger.reserve(call(), most_usd=1.0), "answered", 1.2)

    with pytest.raises(ProviderBudget):
        ledger.reserve(call(), most_usd=1.0)
    ledger.reserve(call(), most_usd=1.0, paid=False)


SPENDER = """
import sys
from pathlib import Path
from assets.providers.asking.ledger import Call, Ledger
from pipeline.errors import ProviderBudget
ledger, booked = Ledger(Path(sys.argv[1])), 0
sys.stdin.readline()
for _ in range(20):
    try:
        ledger.reserve(Call("k", "house", "bedrock", "m", "r", expected_usd=1), most_usd=30)
        booked += 1
    except ProviderBudget:
        pass
print(booked)
"""


def test_processes_that_begin_a_ledger_together_cannot_overspend(tmp_path):
    command = [sys.executable, "-c", SPENDER, str(tmp_path)]
    spenders = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]

    for spender in spenders:
        spender.stdin.write("go\n")
        spender.stdin.flush()
    booked = [int(spender.communicate()[0]) for spender in spenders]

    assert sum(booked) == len(Ledger(tmp_path).calls()) == 30


def test_a_ledger_of_a_newer_battleplate_is_left_alone(tmp_path):
    Ledger(tmp_path).reserve(call())
    with sqlite3.connect(tmp_path / "ledger.sqlite") as book:
        book.execute("PRAGMA user_version = 99")

    with pytest.raises(StoreError, match="newer Battleplate"):
        Ledger(tmp_path).calls()


def test_what_is_no_ledger_is_one_clear_line(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"no database at all" * 100)

    with pytest.raises(StoreError, match=r"ledger\.sqlite: the ledger cannot be read or written") as error:
        Ledger(tmp_path).calls()

    assert "\n" not in str(error.value)


def test_looking_at_a_show_without_a_ledger_writes_nothing(tmp_path):
    assert Ledger(tmp_path / "_show").calls() == []
    assert Ledger(tmp_path / "_show").spent_usd("house") == 0
    assert not (tmp_path / "_show").exists()
