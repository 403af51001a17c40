"""The server's side of a WebSocket, by hand from RFC 6455, on a connection that came in as HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Socket:
    """One open socket. `serve` answers pings until the other side closes; `send` may be called by any thread."""

    def __init__(self, handler: Any) -> None:
        self.handler, self.lock = handler, threading.Lock()
        accept = base64.b64encode(hashlib.sha1((handler.headers["Sec-WebSocket-Key"] + _GUID).encode()).digest())
        handler.send_response(101, "Switching Protocols")
        handler.send_header("Upgrade", "websocket")
        handler.send_header("Connection", "Upgrade")
        handler.send_header("Sec-WebSocket-Accept", accept.decode())
        handler.end_headers()
        handler.close_connection = True

    def send(self, kind: str, data: dict[str, Any]) -> None:
        self._frame(1, json.dumps({"type": kind, "data": data}).encode())

    def send_bytes(self, data: bytes) -> None:
        self._frame(2, data)

    def drop(self) -> None:
        """Cut the line without a word, as a network does."""
        with suppress(OSError):
            self.handler.connection.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        with suppress(OSError, struct.error):
            while True:
                first, second = struct.unpack("!BB", self._read(2))
                length = second & 0x7F
                if length >= 126:
                    length = int.from_bytes(self._read(2 if length == 126 else 8), "big")
                mask, data = self._read(4), self._read(length)
                data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
                if first & 0x0F == 8:
                    self._frame(8, data)
                    return
                if first & 0x0F == 9:
                    self._frame(10, data)

    def _read(self, count: int) -> bytes:
        return self.handler.rfile.read(count)

    def _frame(self, code: int, data: bytes) -> None:
        length = len(data)
        head = (
            struct.pack("!BB", 0x80 | code, length) if length < 126 else struct.pack("!BBH", 0x80 | code, 126, length)
        )
        if length >= 65536:
            head = struct.pack("!BBQ", 0x80 | code, 127, length)
        with self.lock, suppress(OSError):
            self.handler.wfile.write(head + data)
