"""What hands do in the player, in a real Chromium: keys, zoom, full screen, pens, the pixel under the pointer."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from pipeline.io import exr
from pipeline.screening.people.roles import Role
from pipeline.screening.records import Note
from tests.pipeline.screening.browsing import browser, goto, until
from tests.pipeline.screening.playing import SHOT, player, studio

__all__ = ["browser", "player", "studio"]
# How many of a canvas' pixels near a place of the picture (shares of its sides) have a colour.
INK = """([u, v, colour]) => {
  const canvas = document.querySelector("canvas.strokes");
  const w = Math.min(canvas.width, canvas.height * 4 / 3), h = w * 3 / 4;
  const [x, y] = [(canvas.width - w) / 2 + u * w, (canvas.height - h) / 2 + v * h];
  const data = canvas.getContext("2d").getImageData(x - 4, y - 4, 9, 9).data, wanted = colour.match(/../g).map((n) => parseInt(n, 16));
  let found = 0;
  for (let i = 0; i < data.length; i += 4) found += wanted.every((n, k) => Math.abs(data[i + k] - n) < 40) && data[i + 3] > 200;
  return found;
}"""
RED, BLUE = "ff5a36", "4aa8ff"


def place(page, u, v):
    """Where a share of the picture lies on the page."""
    box = page.locator("canvas.picture").bounding_box()
    width = min(box["width"], box["height"] * 4 / 3)
    return (
        box["x"] + box["width"] / 2 + (u - 0.5) * width,
        box["y"] + box["height"] / 2 + (v - 0.5) * width * 3 / 4,
    )


def drag(page, *points):
    page.mouse.move(*place(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*place(page, *point), steps=6)
    page.mouse.up()


def inked(page, u, v, colour=RED):
    return page.evaluate(INK, [u, v, colour]) > 0


def frame_is(page, frame):
    until(page, f"document.querySelector('canvas.picture').dataset.frame === '{frame}'")


def pressed(page, name):
    return page.get_attribute(name, "aria-pressed") == "true"


def test_every_key_does_what_its_page_says(player):
    page = player("version=2&frame=1004")
    keys = page.keyboard
    steps = [("ArrowRight", 1005), ("ArrowLeft", 1004), ("End", 1012), ("Shift+ArrowLeft", 1002), ("Home", 1001)]
    for key, frame in [*steps, ("Shift+ArrowRight", 1011)]:
        keys.press(key)
        frame_is(page, frame)
    keys.press("g")
    keys.type("1006")
    keys.press("Enter")
    frame_is(page, 1006)
    for key, mode in (("3", "wipe"), ("4", "difference"), ("2", "b"), ("1", "a"), ("t", "b"), ("t", "a")):
        keys.press(key)
        until(page, f"document.querySelector('#mode-{mode}').getAttribute('aria-pressed') === 'true'")
    for key, name, said in (
        ("]", "exposure", "+0.3"),
        ("[", "exposure", "0.0"),
        ("'", "gamma", "1.10"),
        (";", "gamma", "1.00"),
    ):
        keys.press(key)
        assert page.text_content(f"#{name}-says") == said
    keys.press("]")
    keys.press("r")
    assert page.text_content("#exposure-says") == "0.0"
    for key, button in (
        ("x", "#exact"),
        ("q", "#probing"),
        ("b", "#draw"),
        ("a", "#tool-arrow"),
        ("e", "#tool-eraser"),
    ):
        keys.press(key)
        assert pressed(page, button), key
    keys.press("Escape")
    assert not pressed(page, "#draw")
    keys.press("m")
    assert not pressed(page, "#drawings")
    keys.press("v")
    until(
        page,
        "document.querySelector('#a-view').value === 'plate' && document.querySelector('#burn-a').textContent.includes('Plate')",
    )
    keys.press("u")
    assert page.locator(".burn-in").is_hidden()
    keys.press("n")
    keys.type("jkl 1")
    assert page.input_value("#note-text") == "jkl 1"  # a letter in a note is no command
    keys.press("Escape")
    keys.press("?")
    assert page.locator("#help").is_visible()
    listed = page.evaluate("() => [...document.querySelectorAll('#help-keys dt')].map((row) => row.textContent)")
    assert len(listed) == len(set(listed)) > 40
    keys.press("Escape")
    assert page.locator("#help").is_hidden()


def test_a_button_in_focus_keeps_its_space_and_a_slider_its_arrows(player):
    page = player("version=2&frame=1004")
    page.focus("#probing")
    page.keyboard.press("Space")
    assert pressed(page, "#probing")
    assert page.evaluate("() => document.activeElement.id") == "probing"
    page.focus("#exposure")
    page.keyboard.press("ArrowRight")
    assert page.text_content("#exposure-says") == "+0.3"
    page.focus("#timeline")
    page.keyboard.press("ArrowRight")
    frame_is(page, 1005)
    assert page.get_attribute("#timeline", "aria-valuenow") == "1005"


def test_playing_backwards_on_a_slow_screen_can_be_stopped(player):
    """Every picture was at hand and each came due while the last was drawn: the page heard no key any more."""
    page = player("version=5")
    for frame in range(1001, 1013):
        goto(page, frame)
    page.evaluate("""() => document.querySelector("canvas.picture").addEventListener("presented", () => {
      const end = performance.now() + 45;
      while (performance.now() < end);
    })""")
    page.keyboard.press("j")
    until(page, "window.seen.length > 20", 20)
    page.keyboard.press("k")
    until(page, "!document.querySelector('#play').classList.contains('on')", 10)


def test_the_wheel_zooms_at_the_pointer_and_a_drag_pans(player):
    page = player("version=2&frame=1008")
    spot = place(page, 16.5 / 64, 12.5 / 48)
    told = "() => document.querySelector('#zoom').textContent"
    whole = page.evaluate(told)
    page.keyboard.press("q")
    page.mouse.move(*spot)
    until(page, "document.querySelector('#probe b')?.textContent === '16, 12'")
    page.mouse.wheel(0, -1200)
    until(page, f"document.querySelector('#zoom').textContent !== '{whole}'")
    page.mouse.move(spot[0] + 1, spot[1])
    page.mouse.move(*spot)
    until(page, "document.querySelector('#probe b')?.textContent === '16, 12'")
    page.mouse.down()
    page.mouse.move(spot[0] - 90, spot[1], steps=4)
    page.mouse.up()
    until(page, "Number(document.querySelector('#probe b')?.textContent.split(',')[0]) >= 15")
    page.mouse.move(*spot)
    until(page, "Number(document.querySelector('#probe b')?.textContent.split(',')[0]) > 16")
    page.keyboard.press("z")
    until(page, "document.querySelector('#zoom').textContent === '100%'")
    page.keyboard.press("h")
    until(page, f"document.querySelector('#zoom').textContent === '{whole}'")


def test_full_screen_shows_the_picture_alone_while_nobody_moves(player):
    page = player("version=2&frame=1008")
    page.keyboard.press("f")
    until(page, "document.fullscreenElement?.id === 'player'")
    until(
        page,
        "document.querySelector('#stage').clientWidth === innerWidth && document.querySelector('#stage').clientHeight === innerHeight",
    )
    until(page, "getComputedStyle(document.querySelector('#player .bottom')).opacity === '0'")
    page.mouse.move(300, 200)
    until(page, "getComputedStyle(document.querySelector('#player .bottom')).opacity === '1'")
    page.keyboard.press("f")
    until(page, "!document.fullscreenElement && document.querySelector('#player aside').offsetWidth > 100")


def test_without_webgl_the_picture_is_the_same(player):
    no = "const get = HTMLCanvasElement.prototype.getContext;"
    no += "HTMLCanvasElement.prototype.getContext = function (kind, how) { return kind === 'webgl2' ? null : get.call(this, kind, how); };"
    page = player("version=2&b=2&b_view=plate&mode=wipe&frame=1003", 2, no)
    goto(page, 1008)
    assert page.evaluate("() => window.seen.at(-1)") == [1008, 1008]
    left, right = page.evaluate("() => [window.left, window.right]")
    assert min(left) > 150
    assert right[0] > 150 > 100 > max(right[1:])
    page.keyboard.press("4")
    goto(page, 1009)
    assert page.evaluate("() => window.left[0]") < 60 < 100 < page.evaluate("() => window.left[1]")
    page.keyboard.press("1")
    for _ in range(16):
        page.keyboard.press("[")  # four stops down, by the server
    until(page, "(window.number(), Math.max(...window.at(0.125, 0.5)) < 110)")


def test_a_graphics_card_that_goes_and_comes_leaves_the_picture(player):
    page = player("version=2&frame=1003")
    page.evaluate("""() => {
      window.lost = document.querySelector("canvas.picture").getContext("webgl2").getExtension("WEBGL_lose_context");
      window.lost.loseContext();
    }""")
    page.wait_for_timeout(50)
    page.evaluate("() => { window.seen = []; window.lost.restoreContext(); }")
    until(page, "window.seen.length && window.seen.at(-1)[1] === 1003")
    goto(page, 1010)
    assert page.evaluate("() => window.seen.at(-1)") == [1010, 1010]


def test_pens_arrows_and_the_eraser_and_a_drawing_stays_with_its_frame(player):
    page = player("version=3&frame=1004")
    page.keyboard.press("d")
    drag(page, (0.2, 0.2), (0.4, 0.2))
    page.keyboard.press("a")
    page.click("#swatches button[title=blue]")
    page.select_option("#pen", "2")
    drag(page, (0.2, 0.6), (0.6, 0.6))
    assert inked(page, 0.3, 0.2)
    assert inked(page, 0.4, 0.6, BLUE)
    assert inked(page, 0.6 - 0.04 * np.cos(0.45), 0.6 - 0.04 * np.sin(0.45) * 4 / 3, BLUE)  # a barb

    page.keyboard.press("ArrowRight")
    frame_is(page, 1005)
    assert not inked(page, 0.3, 0.2)
    assert page.locator("#timeline .draft").count() == 1
    page.keyboard.press("ArrowLeft")
    frame_is(page, 1004)
    assert inked(page, 0.3, 0.2)

    page.keyboard.press("e")
    drag(page, (0.3, 0.1), (0.3, 0.3))
    assert not inked(page, 0.35, 0.2)
    assert inked(page, 0.4, 0.6, BLUE)
    page.keyboard.press("Control+z")
    assert inked(page, 0.35, 0.2)
    page.keyboard.press("Control+y")
    assert not inked(page, 0.35, 0.2)
    page.click("#clear")
    assert not inked(page, 0.4, 0.6, BLUE)
    assert page.locator("#timeline .draft").count() == 0


def test_drawings_lie_on_the_side_of_their_version_and_on_their_frame_alone(player, studio):
    def line(version, frame, v, colour, **more):
        drawing = {"strokes": [{"colour": f"#{colour}", "width": 0.009, "points": [[0.1, v], [0.9, v]]}]}
        by = studio.running.ids[Role.CLIENT]
        return Note(shot=SHOT, version=version, frame=frame, author_id=by, drawing=json.dumps(drawing), **more)

    notes = [line(4, 1006, 0.3, RED, text="of four"), line(5, 1006, 0.7, BLUE, text="of five")]
    notes.append(Note(shot=SHOT, version=4, frame=1008, frame_out=1010, author_id=notes[0].author_id, text="a range"))
    studio.running.services.database.write(lambda session: session.add_all(notes))
    page = player("version=4&b=5&mode=wipe&frame=1005", sources=2)
    page.keyboard.press("ArrowRight")
    frame_is(page, 1006)
    until(page, "document.querySelectorAll('#notes li').length === 3")

    assert [inked(page, u, 0.3) for u in (0.3, 0.7)] == [True, False]
    assert [inked(page, u, 0.7, BLUE) for u in (0.3, 0.7)] == [False, True]
    page.keyboard.press("1")
    assert [inked(page, 0.7, 0.3), inked(page, 0.7, 0.7, BLUE)] == [True, False]
    page.keyboard.press("m")
    assert not inked(page, 0.7, 0.3)
    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    frame_is(page, 1007)
    assert not inked(page, 0.7, 0.3)

    page.click("#notes button.note:has-text('of five')")  # jumps there, and to the side where it is seen
    frame_is(page, 1006)
    until(page, "document.querySelector('#mode-b').getAttribute('aria-pressed') === 'true'")
    assert inked(page, 0.3, 0.7, BLUE)
    page.click("#notes button.note:has-text('a range')")
    frame_is(page, 1008)
    page.click("#notes li:has-text('a range') button:has-text('Answer')")
    page.keyboard.type("done in six")
    page.keyboard.press("Control+Enter")
    until(page, "document.querySelector('#notes .answer')?.textContent.includes('done in six')")
    page.click("#notes li:has-text('of four') button:has-text('Done')")
    until(page, "document.querySelector('#notes').textContent.includes('✓ done')")
    page.keyboard.press("1")
    goto(page, 1006)
    assert not inked(page, 0.7, 0.3)  # what is done with is not in the way


def test_the_pixel_under_the_pointer_has_the_values_of_its_exr(player, studio):
    page = player("version=2&b=2&b_view=layer.crowd&mode=wipe&frame=1010", sources=2)
    file = studio.running.services.settings.show.parent / f"delivery/{SHOT}_v002/exr/{SHOT}_comp_v002.1010.exr"
    stored = exr.read(file).channels
    page.keyboard.press("q")
    for x, y in ((40, 20), (8, 40), (63, 47)):
        page.mouse.move(*place(page, (x + 0.5) / 64, (y + 0.5) / 48))
        until(page, f"document.querySelector('#probe b')?.textContent === '{x}, {y}'")
        told = {of: page.text_content(f"#probe [data-of='{of}']") for of in ("side-A", "side-B", "screen")}
        numbers = {of: [float(n) for n in re.findall(r"-?\d+\.?\d*", text)] for of, text in told.items()}
        assert numbers["side-A"] == pytest.approx([float(stored[c][y, x]) for c in "RGB"], abs=1e-4)
        assert numbers["side-B"] == pytest.approx([float(stored[f"crowd.{c}"][y, x]) for c in "RGBA"], abs=1e-4)
        lit = stored["R"][y, x] > 0.5 if x < 32 else True  # right of the wipe: the layer, grey all over
        assert (min(numbers["screen"]) > 100) == lit
    page.mouse.move(2, 2)
    until(page, "document.querySelector('#probe').textContent === 'Point at the picture.'")


def test_the_loop_is_dragged_at_its_ends_and_asked_for_by_address(player):
    page = player("version=2&frame=1005&in=1004&out=1009")
    box = page.locator("#timeline").bounding_box()
    assert box["height"] > 25
    at = lambda frame: box["x"] + box["width"] * (frame - 1001) / 12  # noqa: E731
    page.mouse.move(at(1010), box["y"] + 20)  # where 1009 ends
    page.mouse.down()
    page.mouse.move(at(1007) + 5, box["y"] + 20, steps=3)
    page.mouse.up()
    page.keyboard.press("End")
    frame_is(page, 1012)
    page.click("#to-last")
    frame_is(page, 1007)
    page.click("#to-first")
    frame_is(page, 1004)
    page.mouse.click(at(1011) + 5, box["y"] + 20)
    frame_is(page, 1011)
