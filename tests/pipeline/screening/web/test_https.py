"""The server as `battleplate review --cert --key` starts it, asked over real TLS on loopback."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading

import httpx2
import pytest
import uvicorn

from pipeline.errors import ConfigError
from pipeline.review_commands import review
from tests.pipeline.screening import ministudio


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed one for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    place = tmp_path_factory.mktemp("tls")
    files = place / "cert.pem", place / "key.pem"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    subprocess.run(["openssl", *kind, *name, "-keyout", files[1], "-out", files[0]], check=True, capture_output=True)
    return files


def start(show, monkeypatch, **wish):
    """Run the command in a thread; the server, once it answers, and its port."""
    servers: list[uvicorn.Server] = []

    class Kept(uvicorn.Server):
        def __init__(self, config):
            super().__init__(config)
            servers.append(self)

    monkeypatch.setattr(uvicorn, "Server", Kept)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    asked = {"host": "127.0.0.1", "name": None, "proxy": False, "database": "", "seal": None, "reseal": False}
    thread = threading.Thread(target=review, args=(show,), kwargs={**asked, "port": port, **wish})
    thread.start()
    waiting = threading.Event()
    while thread.is_alive() and not (servers and servers[0].started):
        waiting.wait(0.02)
    return servers[0], thread, port


def test_over_https_the_cookie_is_secure_and_browsers_are_told_to_stay(tmp_path, monkeypatch, capsys, certificate):
    cert, key = certificate
    show = ministudio.make_show(tmp_path / "mini", pixels=False)
    server, thread, port = start(show, monkeypatch, cert=cert, key=key)
    try:
        home = f"https://127.0.0.1:{port}"
        with httpx2.Client(base_url=home, verify=ssl.create_default_context(cafile=cert)) as browser:
            login = browser.get("/login")
            link = next(line.split()[2] for line in capsys.readouterr().out.splitlines() if "first admin" in line)
            joined = browser.post(link, data={"name": "ada", "password": "the ridge at dawn, again"})
            me = browser.get("/api/me")
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{port}/login")
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{home}/login")  # whose certificate nobody vouches for
    finally:
        server.should_exit = True
        thread.join(20)

    assert link.startswith(home)
    assert "max-age=31536000" in login.headers["strict-transport-security"]
    said = set(joined.headers["set-cookie"].split("; "))
    assert joined.headers["set-cookie"].startswith("__Host-battleplate=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= said
    assert (joined.status_code, me.json()["name"]) == (303, "ada")
    assert not thread.is_alive()


def test_off_loopback_it_does_not_start_without_https(tmp_path):
    show = ministudio.make_show(tmp_path / "mini", pixels=False)
    asked = {"port": 1, "name": None, "cert": None, "key": None, "database": "", "seal": None, "reseal": False}
    with pytest.raises(ConfigError, match="read passwords on their way"):
        review(show, host="0.0.0.0", proxy=False, **asked)
