"""A served shot of numbered frames at every rate, and a browser's player on it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session

from pipeline.frames import FrameRate
from pipeline.screening.people import sessions
from pipeline.screening.people.roles import Role
from pipeline.screening.records import User
from tests.pipeline.screening.browsing import LISTEN, serving, until
from tests.pipeline.screening.numbered import deliver
from tests.pipeline.screening.served import Served, served

FRAMES = 12
SHOT = "nn_010_0010"
RATES = [FrameRate(24000, 1001), FrameRate(24), FrameRate(25), FrameRate(30000, 1001), FrameRate(30)]


@dataclass(frozen=True)
class Studio:
    """home: the server's address; token: a supervisor's session."""

    home: str
    running: Served
    token: str


@pytest.fixture(scope="session")
def studio(tmp_path_factory):
    """A running server for one shot with a version at each rate, and an artist's cookie."""
    root = tmp_path_factory.mktemp("show")
    for number, rate in enumerate(RATES, start=1):
        deliver(root, rate, FRAMES, version=number)
    (root / "shot.toml").write_text(f'[shot]\nname = "{SHOT}"\nversion = 5\n[plate]\npath = "plate.mov"\n')
    with served(root / "show.toml") as running, serving(running) as home:

        def begin(session: Session) -> str:
            return sessions.begin(session, session.get(User, running.ids[Role.SUPERVISOR]))

        yield Studio(home, running, running.services.database.write(begin))


@pytest.fixture
def player(browser, studio):
    """Opens the player: `player("version=1")`; its errors are errors of the test. before: a script that runs first."""
    context = browser.new_context(viewport={"width": 1000, "height": 600})
    context.add_cookies([{"name": "battleplate", "value": studio.token, "url": studio.home}])
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)

    def open_player(query: str, sources: int = 1, before: str = ""):
        if before:
            page.add_init_script(before)
        page.goto(f"{studio.home}/shots/{SHOT}/play?{query}")
        until(
            page,
            f"document.querySelectorAll('video').length >= {sources} && !document.querySelector('#making').textContent"
            " && document.querySelector('canvas.picture').dataset.frame",
        )
        page.evaluate(LISTEN)
        return page

    yield open_player
    context.close()
    assert not wrong
