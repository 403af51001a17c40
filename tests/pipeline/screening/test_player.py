"""The player in a real Chromium: the number in the pixels is the number that it says, on every frame it shows."""

import json
import random

import pytest

from tests.pipeline.screening.browsing import browser, goto, until
from tests.pipeline.screening.playing import FRAMES, RATES, SHOT, player, studio

__all__ = ["browser", "player", "studio"]


def seen(page) -> list[tuple[int, int]]:
    return page.evaluate("() => window.seen.splice(0)")


@pytest.mark.parametrize("version", range(1, len(RATES) + 1), ids=map(str, RATES))
def test_no_frame_is_shown_under_another_number(player, version):
    page = player(f"version={version}")
    every = list(range(1001, 1001 + FRAMES))

    page.keyboard.press("Home")
    for frame in every[1:]:
        page.keyboard.press("ArrowRight")
        until(page, f"document.querySelector('canvas.picture').dataset.frame === '{frame}'")
    stepped = seen(page)
    sought = random.Random(version).sample(every, len(every))
    for frame in sought:
        goto(page, frame)
    jumped = seen(page)
    page.keyboard.press("Home")
    played = []
    for keys in (" ", "j", "ll"):
        for key in keys:
            page.keyboard.press(key)
        until(page, "window.seen.length > 8")
        page.keyboard.press("k")
        played += seen(page)

    assert [said for said, _ in stepped][-FRAMES:] == every
    assert set(sought) <= {said for said, _ in jumped}
    assert [pair for pair in stepped + jumped + played if pair[0] != pair[1]] == []


def test_a_wipe_shows_a_on_the_left_and_b_on_the_right_and_can_be_dragged(player):
    page = player("version=2&b=2&b_view=plate&mode=wipe", sources=2)
    goto(page, 1008)

    left, right = page.evaluate("() => [window.left, window.right]")
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    goto(page, 1009)
    wiped = page.evaluate("() => window.left")

    assert min(left) > 150  # A: the comp, white
    assert right[0] > 150 > 100 > max(right[1:])  # B: the plate, red
    assert wiped[0] > 150 > 100 > max(wiped[1:])


def test_the_difference_of_equal_is_black_and_of_others_is_not(player):
    page = player("version=2&b=2&b_view=comp&mode=difference", sources=2)
    goto(page, 1010)
    page.keyboard.press("]")
    goto(page, 1011)
    equal = page.evaluate("() => [window.left, window.right]")
    page.select_option("#b-view", "plate")
    until(page, "document.querySelector('#burn-b').textContent.includes('Plate')")
    until(page, "!document.querySelector('#making').textContent")
    goto(page, 1012)
    other = page.evaluate("() => window.left")

    assert equal == [[0, 0, 0], [0, 0, 0]]
    assert max(other[1:]) > 100


def test_the_burn_in_and_the_loop_follow_the_frame(player):
    page = player("version=4&frame=1005")

    goto(page, 1007)
    page.keyboard.press("i")
    goto(page, 1009)
    page.keyboard.press("o")
    burnt = [page.text_content(f"#burn-{part}") for part in ("a", "frame", "time")]
    seen(page)
    page.keyboard.press("l")
    until(page, "window.seen.length > 7")
    page.keyboard.press("k")

    assert burnt == [f"{SHOT} v004 Comp", "1009", "01:00:00:08"]
    assert {said for said, _ in seen(page)} <= {1007, 1008, 1009}


def test_a_drawing_goes_into_the_note(player):
    page, sent = player("version=3"), []
    page.route("**/api/notes", lambda route: (sent.append(route.request), route.fulfill(json={"id": 1})))
    goto(page, 1004)
    page.keyboard.press("d")
    box = page.locator("canvas.strokes").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for down in (40, 80):
        page.mouse.move(middle[0], middle[1])
        page.mouse.down()
        page.mouse.move(middle[0] + 60, middle[1] + down, steps=6)
        page.mouse.up()
    page.keyboard.press("Control+z")
    page.keyboard.press("n")
    page.keyboard.type("the shadow is late")
    page.keyboard.press("Control+Enter")
    until(page, "document.querySelector('#note-said').textContent === 'Kept.'")

    body = json.loads(next(r for r in sent if r.method == "POST").post_data)
    assert {key: body[key] for key in ("shot", "version", "frame", "text")} == {
        "shot": SHOT,
        "version": 3,
        "frame": 1004,
        "text": "the shadow is late",
    }
    (stroke,) = body["drawing"]["strokes"]
    assert stroke["colour"].startswith("#")
    assert 0 < stroke["width"] < 0.1
    assert stroke["points"][0] == pytest.approx([0.5, 0.5], abs=0.01)
    assert stroke["points"][-1][0] > 0.55
    assert next(r for r in sent if r.method == "POST").headers["x-csrf"]
