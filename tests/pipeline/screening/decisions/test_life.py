"""The life of a version: every step of it, allowed or refused, and what is void."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.errors import ReviewRefused
from pipeline.screening.decisions.life import TRANSITIONS, Made, Standing, Status, after, allowed, standing

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
MOVES = ("approve", "request_changes", "withdraw", "deliver")
ALLOWED = {  # the promise, written out a second time
    "pending": {"approve": "approved", "request_changes": "changes requested"},
    "changes requested": {"approve": "approved", "request_changes": "changes requested", "withdraw": "pending"},
    "approved": {"request_changes": "changes requested", "withdraw": "pending", "deliver": "delivered"},
    "void": {"approve": "approved", "request_changes": "changes requested", "withdraw": "pending"},
    "delivered": {},
}


def made(*kinds: str, role: str = "supervisor", digest: str = "d1") -> list[Made]:
    return [Made(kind, "ada", role, NOON, digest) for kind in kinds]


@pytest.mark.parametrize("status", list(Status), ids=str)
@pytest.mark.parametrize("kind", MOVES)
def test_every_step_leads_on_or_is_refused_in_one_line(status, kind):
    wanted = ALLOWED[status].get(kind)
    if wanted:
        assert after(Standing(status), kind, "supervisor", "bp v001") == wanted
        return
    with pytest.raises(ReviewRefused, match=r"^bp v001: cannot ") as refused:
        after(Standing(status), kind, "supervisor", "bp v001")
    assert "\n" not in str(refused.value)


def test_the_table_is_whole():
    assert set(TRANSITIONS) == {(status, kind) for status in Status for kind in MOVES}


def test_an_unknown_decision_is_refused():
    with pytest.raises(ReviewRefused, match="no decision"):
        after(Standing(), "publish", "admin", "bp v001")


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ((), "pending"),
        (("approve",), "approved"),
        (("approve", "request_changes"), "changes requested"),
        (("approve", "withdraw"), "pending"),
        (("request_changes", "approve", "deliver"), "delivered"),
        (("approve", "pick"), "approved"),
        (("approve", "deliver", "withdraw"), "delivered"),
    ],
)
def test_decisions_lead_to_a_status(kinds, status):
    assert standing(made(*kinds)).status == status


def test_an_approval_is_void_when_a_pixel_changes():
    now = standing(made("approve"), ["exr/bp_comp_v001.1017.exr"])

    assert now.status is Status.VOID
    assert now.words == "void: frame 1017 changed"
    with pytest.raises(ReviewRefused, match=r"void: frame 1017 changed"):
        after(now, "deliver", "admin", "bp v001")


def test_a_delivered_version_that_changed_says_so_and_stays_delivered():
    now = standing(made("approve", "deliver"), ["exr/bp_comp_v001.1003.exr", "exr/bp_comp_v001.1004.exr"])

    assert now.status is Status.DELIVERED
    assert now.words == "delivered, but: frames 1003-1004 changed"


def test_what_changed_voids_nothing_where_nothing_was_approved():
    assert standing(made("request_changes"), ["exr/x.1001.exr"]).words == "changes requested"


def test_a_clients_approval_is_written_down_and_moves_nothing():
    now = standing(made("approve", role="client"))

    assert now.status is Status.PENDING
    assert now.client is not None
    with pytest.raises(ReviewRefused, match="approved already"):
        after(now, "approve", "client", "bp v001")
    assert after(now, "approve", "supervisor", "bp v001") is Status.APPROVED


def test_a_clients_approval_of_other_pixels_counts_no_more():
    both = [*made("approve", role="client", digest="d1"), *made("approve", digest="d2")]

    assert standing(both).client is None
    assert standing([*made("approve", role="client"), *made("approve")]).client is not None


def test_a_client_may_ask_for_changes_and_take_back_their_own_approval():
    now = standing(made("approve", role="client"))

    assert after(now, "request_changes", "client", "bp v001") is Status.CHANGES
    assert after(now, "withdraw", "client", "bp v001") is Status.PENDING
    assert standing([*made("approve", "withdraw", role="client")]).client is None


def test_a_show_without_approval_delivers_what_nobody_objected_to():
    assert after(Standing(), "deliver", "artist", "bp v001", unapproved=True) is Status.DELIVERED
    for status in (Status.CHANGES, Status.VOID):
        with pytest.raises(ReviewRefused):
            after(Standing(status), "deliver", "artist", "bp v001", unapproved=True)


def test_buttons_are_those_of_the_table():
    assert allowed(Standing(), "supervisor") == ["approve", "request_changes"]
    assert allowed(Standing(Status.APPROVED), "supervisor") == ["request_changes", "withdraw", "deliver"]
    assert allowed(Standing(Status.DELIVERED), "client") == []
