"""A server that says exactly the bytes it is told to, for those who must bear any."""

import socket
import threading
from contextlib import contextmanager, suppress

from assets.providers.http import Limits, open_http

FAST = Limits(whole_s=20.0, answer_bytes=10_000)


class Scripted:
    """A server that says exactly the bytes of its script, connection by connection. heard: the requests that came."""

    def __init__(self, *script):
        self.script, self.heard, self.over = list(script), [], threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                with connection, suppress(OSError):
                    self.heard.append(self.read(connection))
                    said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    connection.sendall(said) if isinstance(said, bytes) else said(self, connection)

    def read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        wanted = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
        while len(body) < wanted:
            body += connection.recv(65536)
        return head.decode(), body


@contextmanager
def serving(*script):
    server = Scripted(*script)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        with suppress(OSError):
            server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()
        thread.join()


def says(status=200, body=b"{}", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"content-type": "application/json", "content-length": len(body), **given}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


def silence(server, connection):
    """Says nothing more until the other side hangs up."""
    connection.recv(1)


def trickle(start):
    """One byte after the other, for ever."""

    def say(server, connection):
        connection.sendall(start)
        while not server.over.wait(0.01):
            connection.sendall(b"x")

    return say


def opened(server, limits=FAST):
    return open_http("painter", server.url, limits)


def one_line(error):
    return "\n" not in str(error.value) and str(error.value).startswith("painter: ")
