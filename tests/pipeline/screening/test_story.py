"""A supervisor's whole story in a real Chromium: log in, open, play, step, wipe, draw, approve; a pixel changes, and it is void."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pipeline.frames import FrameRate
from pipeline.io.files import sha256
from pipeline.screening.people.passwords import hash_password
from pipeline.screening.people.roles import Role
from pipeline.screening.records import Decision, Note, User
from tests.pipeline.screening.browsing import LISTEN, browser, goto, serving, until
from tests.pipeline.screening.numbered import deliver
from tests.pipeline.screening.served import Served, served

__all__ = ["browser"]
SHOT, PASSWORD = "nn_010_0010", "a long way to the ridge"


@pytest.fixture
def studio(tmp_path) -> Iterator[tuple[str, Served, object]]:
    """A running show of one shot whose frames carry their number, delivered once, and its supervisor's password."""
    root = tmp_path / "show"
    footage = deliver(root, FrameRate(24000, 1001), 20)
    (root / "shot.toml").write_text(f'[shot]\nname = "{SHOT}"\n[plate]\npath = "plate.mov"\n')
    report = footage.comp.folder.parent / "report.json"
    told = json.loads(report.read_text())
    told["files"] = {f"exr/{f.name}": sha256(f) for f in map(footage.comp.path, footage.frames)}
    report.write_text(json.dumps(told))
    with served(root / "show.toml") as running, serving(running) as home:

        def join(session) -> None:
            session.get(User, running.ids[Role.SUPERVISOR]).password_hash = hash_password(PASSWORD, "supervisor")

        running.services.database.write(join)
        yield home, running, footage


def test_a_supervisor_looks_decides_and_a_changed_pixel_voids_it(browser, studio):
    home, running, footage = studio
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)

    page.goto(home)
    page.fill("input[name=name]", "supervisor")
    page.fill("input[name=password]", PASSWORD)
    page.click("button:has-text('Sign in')")
    page.click(f"a[href='/shots/{SHOT}']")
    until(page, "document.querySelector('h1').textContent.includes('pending')")
    page.click("a[href*='/play']")
    until(page, "document.querySelector('video') && !document.querySelector('#making').textContent"
                " && document.querySelector('canvas.picture').dataset.frame")  # fmt: skip
    page.evaluate(LISTEN)
    page.click("#play")
    until(page, "window.seen.length > 3")
    page.click("#play")
    shown = page.evaluate("() => window.seen.splice(0)")
    assert all(said == true for said, true in shown), shown

    goto(page, 1016)
    page.evaluate("() => window.seen.splice(0)")
    page.keyboard.press("ArrowRight")
    until(page, "window.seen.length && document.querySelector('canvas.picture').dataset.frame === '1017'")
    assert page.evaluate("() => window.seen.at(-1)") == [1017, 1017]

    page.select_option("#b-version", "1")
    page.select_option("#b-view", "plate")
    page.click("#mode-wipe")
    until(page, "window.left && window.right && window.left[1] > 96 && window.right[0] > 96 && window.right[1] < 60")

    page.click("#draw")
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.mouse.up()
    page.fill("#note-text", "the ridge is too sharp")
    page.click("#note-save")
    until(page, "document.querySelector('#notes').textContent.includes('too sharp')")

    page.goto(f"{home}/shots/{SHOT}")
    page.fill("#decide textarea", "good")
    page.click("#decide button[value=approve]")
    until(page, "document.querySelector('h1').textContent.includes('approved')")
    with running.services.database.read() as session:
        [note] = session.query(Note).all()
        [decision] = session.query(Decision).all()
        assert (note.frame, len(json.loads(note.drawing)["strokes"])) == (1017, 1)
        assert (decision.kind, decision.text, len(decision.digest)) == ("approve", "good", 64)

    with footage.comp.path(1017).open("r+b") as file:
        file.seek(-9, 2)
        byte = file.read(1)
        file.seek(-9, 2)
        file.write(bytes([byte[0] ^ 1]))
    page.goto(f"{home}/shots/{SHOT}")
    until(page, "document.querySelector('h1').textContent.includes('void: frame 1017 changed')")
    page.goto(home)  # a row that was not drawn yet has text, but no inner text
    until(page, "document.querySelector('main').textContent.includes('void: frame 1017 changed')")
    assert not wrong
