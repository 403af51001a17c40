"""A real Chromium on a review server in this process; numbers are read back from what it draws."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from tests.pipeline.screening.served import Served

_FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# Reads the number back from the canvas in the moment it was drawn.
LISTEN = """() => {
  const canvas = document.querySelector("canvas.picture"), copy = document.createElement("canvas");
  const context = copy.getContext("2d", { willReadFrequently: true });
  window.seen = [];
  window.at = (u, v) => {
    const w = Math.min(canvas.width, canvas.height * 4 / 3), h = w * 3 / 4;
    const [x, y] = [(canvas.width - w) / 2 + u * w, (canvas.height - h) / 2 + v * h];
    return [...context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data.slice(0, 3)];
  };
  window.number = () => {
    [copy.width, copy.height] = [canvas.width, canvas.height];
    context.drawImage(canvas, 0, 0);
    let value = 0;
    for (let row = 0; row < 3; row++)
      for (let column = 0; column < 4; column++)
        value = 2 * value + Number(Math.max(...window.at((column + 0.5) / 4, (row + 0.5) / 3)) > 96);
    return value;
  };
  canvas.addEventListener("presented", (event) => {
    window.seen.push([event.detail.frame, window.number()]);
    window.left = window.at(0.125, 0.5); // bits that are 1 in every number from 1001 on
    window.right = window.at(0.875, 0.167);
  });
}"""


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on PATH: the player is not tried")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield opened
        opened.close()


@contextmanager
def serving(running: Served) -> Iterator[str]:
    """The server on a free loopback port; its address."""
    server = uvicorn.Server(
        uvicorn.Config(running.app, "127.0.0.1", 0, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def until(page, true: str, patience_s: float = 60.0) -> None:
    """Wait for an expression; Playwright's own way needs eval, which the page's policy forbids."""
    from playwright.sync_api import Error

    end = time.monotonic() + patience_s
    while True:
        try:
            if page.evaluate(f"() => Boolean({true})"):
                return
        except Error as error:  # the page was loaded anew just then
            if "context was destroyed" not in str(error):
                raise
        assert time.monotonic() < end, true
        page.wait_for_timeout(10)


def goto(page, frame: int) -> None:
    page.fill("#frame", str(frame))
    page.press("#frame", "Enter")
    until(page, f"document.querySelector('canvas.picture').dataset.frame === '{frame}'")
