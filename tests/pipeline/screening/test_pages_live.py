"""A review server of its own process in a real Chromium: the first one joins, sees a run go on and stop, changes a password."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.io import exr
from pipeline.log import Reporter
from pipeline.screening.shows import Shows
from tests.pipeline.screening import ministudio
from tests.pipeline.screening.browsing import browser, until

__all__ = ["browser"]
SHOT, FIRST, SECOND = "bp_010_0010", "a long way to the ridge", "and a longer one down again"


@pytest.fixture
def review(tmp_path) -> Iterator[tuple[Path, str]]:
    """The show file of a running server, and the link that its first start prints."""
    show = ministudio.make_show(tmp_path / "mini")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pipeline", "review", str(show), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        said = ""
        while not (link := re.search(rf"http://127\.0\.0\.1:{port}/join/\S+", said)):
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line, said
            said += line
        yield show, link[0]
    finally:
        server.terminate()
        server.wait(30)


def joined(browser, link: str):
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    for _ in range(100):
        try:
            page.goto(link)
            break
        except Exception:  # not listening yet
            page.wait_for_timeout(100)
    page.fill("input[name=name]", "first")
    page.fill("input[name=password]", FIRST)
    page.click("form.card button")
    page.wait_for_url(link.split("/join/")[0] + "/")
    return page, link.split("/join/")[0]


def begin(build: Path) -> Path:
    """A run's ingest is there, its comp has begun: the folder that its frames come into."""
    for stage, fingerprint in (("ingest", "abc"), ("composite", "def")):
        (build / stage / fingerprint).mkdir(parents=True)
    told = {"width": 64, "height": 36, "pixel_aspect": 1.0, "rate": {"numerator": 24, "denominator": 1}}
    (build / "ingest" / "abc" / "receipt.json").write_text(json.dumps({"result": told}))
    (build / "ingest" / "latest.json").write_text(json.dumps({"fingerprint": "abc"}))
    return build / "composite" / "def"


def finish(folder: Path, frame: int) -> None:
    exr.write(folder / f"comp.{frame}.exr", {c: ministudio.picture(frame, 2)[..., i] for i, c in enumerate("RGB")})


def test_a_run_is_told_on_the_page_while_it_goes_on(browser, review):
    show, link = review
    shot = Shows(show).shot(SHOT).shot
    page, home = joined(browser, link)
    page.goto(f"{home}/shots/{SHOT}")
    live = "document.getElementById('live')"
    with suppress(RuntimeError), Reporter(Console(file=io.StringIO()), shot.build / "logs") as report:
        report.start(["ingest", "composite", "deliver"])
        report.skipped("ingest")
        report.began("composite", ["frame 1001 is missing"])
        frames = begin(shot.build)
        for done, frame in enumerate((1003, 1004), 3):
            finish(frames, frame)
            report.progress("composite")(done, 8)
            shown = f"{live}.querySelector('img')"
            until(page, f"!{live}.hidden && {live}.querySelector('h2').textContent === 'Rendering'")
            until(page, f"{shown} && {shown}.alt.startsWith('frame {frame}') && {shown}.naturalWidth > 0")
        until(page, f"{live}.querySelector('progress') && {live}.querySelector('progress').max === 8")
        assert "waiting" not in page.text_content("#live")
        assert not page.query_selector("#newer")
        ministudio.deliver(show.parent / SHOT / "delivery", SHOT, 2)
        until(page, "document.getElementById('newer')")
        assert page.get_attribute("#newer", "href").endswith("?version=2")
        raise RuntimeError("the disk is full")
    until(page, f"{live}.querySelector('h2').textContent === 'The run stopped'")
    assert page.query_selector("#live img") is None


def test_another_password_by_ones_own_name(browser, review):
    page, home = joined(browser, review[1])
    page.click(".who a[href='/account']")
    page.fill("input[name=password]", FIRST)
    page.fill("input[name=new]", SECOND)
    page.click("button:has-text('Change it')")
    page.wait_for_url(f"{home}/")
    page.context.clear_cookies()

    for password, works in ((FIRST, False), (SECOND, True)):
        page.goto(f"{home}/login")
        page.fill("input[name=name]", "first")
        page.fill("input[name=password]", password)
        page.click("button:has-text('Sign in')")
        page.wait_for_load_state()
        assert (page.query_selector("[role=alert]") is None) == works
