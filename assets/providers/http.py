"""The one door to HTTP for providers on a server: limits are kept, and what happened to a request is told truly."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NoReturn

from assets.providers.http_answers import READ_OF_AN_ERROR, Answer, first_line, printable, retry_after_s, said
from pipeline.errors import ProviderBusy, ProviderDown, ProviderError, ProviderNonsense, ProviderRefused, ProviderUnsure

if TYPE_CHECKING:
    import httpx2

MOST_REDIRECTS = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a server may take and how much it may say. read_s: without one byte; whole_s: from asking to the last byte."""

    connect_s: float = 10.0
    read_s: float = 60.0
    whole_s: float = 300.0
    answer_bytes: int = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Http:
    """One server. Asks over a connection of its own each time: one that was kept open and has died in the meantime looks
    like a request that left and was never answered. Keeps no cookies; goes past proxies on this machine.
    """

    name: str
    url: str
    limits: Limits
    client: httpx2.Client

    def get(self, path: str, params: Mapping[str, str] | None = None, most_bytes: int = 0) -> Answer:
        """Read something. most_bytes: of the answer, 0 for the server's limit.

        Raises ProviderBusy (429, or 503 with Retry-After), ProviderDown (not reached, no answer, 5xx), ProviderRefused
        (4xx, a redirect to another host or scheme), ProviderNonsense (truncated, oversized).
        """
        path_and_query = path + (f"?{_query(params)}" if params else "")
        for _ in range(MOST_REDIRECTS):
            answer = self._ask("GET", path_and_query, {}, ProviderDown, most_bytes)
            if not 300 <= answer.status < 400:
                return self._good(answer, ProviderDown, frozenset())
            path_and_query = self._redirected(answer)
        raise ProviderRefused(f"{self.name}: {path} redirects without end. Check the url {self.url}.")

    def post(
        self,
        path: str,
        content: Mapping[str, Any],
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        lost: type[ProviderError] = ProviderUnsure,
        accepted: frozenset[int] = frozenset(),
    ) -> Answer:
        """Send `content` as JSON, or as the fields of a form with `files`: field to (name, bytes, content type).

        lost: what is raised when it left and no answer came; ProviderDown where doing it twice costs nothing. accepted:
        statuses of failure that come back as answers. Raises as `get` does, and `lost`. Redirects are not followed.
        """
        sent: dict[str, Any] = {"json": content} if files is None else {"data": content, "files": files}
        answer = self._ask("POST", path, sent, lost, 0)
        if 300 <= answer.status < 400:
            self._redirected(answer)
            raise ProviderRefused(
                f"{answer.where} redirects, which a request with content does not follow. Correct the url."
            )
        return self._good(answer, lost, accepted)

    def _ask(self, method: str, path: str, sent: dict[str, Any], lost: type[ProviderError], most_bytes: int) -> Answer:
        import httpx2

        where, limits = f"{self.name}: {method} {self.url}{path.partition('?')[0]}", self.limits
        timeout = httpx2.Timeout(min(limits.read_s, limits.whole_s), connect=min(limits.connect_s, limits.whole_s))
        with _Deadline(limits.whole_s) as deadline:
            request = self.client.build_request(
                method, self.url + path, timeout=timeout, extensions={"trace": deadline.trace}, **sent
            )
            try:
                response = self.client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
                raise ProviderDown(
                    f"{where}: cannot be reached ({said(error)}). Is it running, and the url right?"
                ) from error
            except httpx2.TransportError as error:
                raise lost(
                    f"{where}: no answer came ({deadline.told(error)}). Ask again, or look at the server."
                ) from error
            try:
                body = _body(response, where, most_bytes or limits.answer_bytes)
            except (httpx2.RemoteProtocolError, httpx2.ReadError) as error:
                if deadline.over:
                    raise lost(
                        f"{where}: the answer took longer than {limits.whole_s:g} s. Raise timeout_s."
                    ) from error
                raise ProviderNonsense(f"{where}: the answer broke off ({said(error)}). Ask again.") from error
            except httpx2.TransportError as error:
                raise lost(f"{where}: the answer stood still ({deadline.told(error)}). Raise timeout_s.") from error
            finally:
                response.close()
        return Answer(
            where, str(request.url), response.status_code, {k.lower(): v for k, v in response.headers.items()}, body
        )

    def _good(self, answer: Answer, lost: type[ProviderError], accepted: frozenset[int]) -> Answer:
        status, wait_s = answer.status, retry_after_s(answer.headers.get("retry-after", ""))
        if 200 <= status < 300 or status in accepted:
            return answer
        line = f"{answer.where} answers {status}: {first_line(answer.body)}"
        if status == 429 or (status == 503 and wait_s):
            raise ProviderBusy(f"{line} It asks to wait {wait_s:g} s.", wait_s)
        if status in (502, 504):  # a gateway lost the server's answer: RFC 9110, 15.6.3 and 15.6.5
            raise lost(f"{line} Ask again, or look at the server behind the gateway.")
        if status >= 500:
            raise ProviderDown(f"{line} Ask again, or look at the server's log.")
        raise ProviderRefused(f"{line} Mend what it says, or the url and rights in show.toml.")

    def _redirected(self, answer: Answer) -> str:
        """Where a redirect leads, as path and query on this server. Raises ProviderRefused when it leads elsewhere."""
        import httpx2

        here = httpx2.URL(self.url)
        try:
            there = httpx2.URL(answer.url).join(answer.headers["location"])
        except (httpx2.InvalidURL, ValueError, KeyError) as error:
            raise ProviderRefused(f"{answer.where} redirects to no url. Check what serves there.") from error
        if (there.scheme, there.host, there.port, there.userinfo) != (here.scheme, here.host, here.port, b""):
            raise ProviderRefused(
                f"{answer.where} redirects to {there.scheme}://{there.host}, another host or scheme: not followed. "
                "Write that url in show.toml if you trust it."
            )
        if not (path := there.raw_path.decode("ascii")).startswith(prefix := here.raw_path.decode("ascii").rstrip("/")):
            raise ProviderRefused(f"{answer.where} redirects out of {self.url}: not followed. Correct the url.")
        return path.removeprefix(prefix)


def open_http(name: str, url: str, limits: Limits | None = None) -> Http:
    """The server at `url` (http or https, no user, password, query or fragment). Nothing is sent yet, nothing to close.

    Raises ProviderError when the url is of another kind.
    """
    import httpx2

    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError) as error:
        raise ProviderError(f"{name}: {printable(str(url))!r} is no url ({error}). Write http://host:port.") from error
    if parsed.userinfo:
        raise ProviderError(f"{name}: its url carries a password or user. Take it out: show files are shared.")
    whole = parsed.host and not parsed.query and not parsed.fragment and 0 < (parsed.port or 80) < 65536
    if parsed.scheme not in ("http", "https") or not whole:
        raise ProviderError(
            f"{name}: {printable(url)!r} is not http://host:port or https://host/path. Correct the url."
        )
    # Without TLS an empty context, which trusts nobody: to load the authorities takes a tenth of a second.
    verify = True if parsed.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client = httpx2.Client(
        verify=verify,
        trust_env=not is_loopback(parsed.host),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx2.Limits(max_keepalive_connections=0),
        headers={"accept-encoding": "identity", "user-agent": "battleplate"},
    )
    return Http(name, url.rstrip("/"), limits or Limits(), client)


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine itself."""
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost" or host.endswith(".localhost")


@dataclass(eq=False)
class _Deadline:
    """Ends a request's connection when its time is up: the library's own timeouts begin anew with every byte."""

    limit_s: float
    over: bool = False
    sockets: list[Any] = field(default_factory=list)

    def __enter__(self) -> _Deadline:
        self.timer = threading.Timer(self.limit_s, self._end)
        self.timer.daemon = True
        self.timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()

    def trace(self, event: str, told: dict[str, Any]) -> None:
        """httpcore's trace extension: takes hold of the sockets that a request opens."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.sockets.append(told["return_value"].get_extra_info("socket"))
            if self.over:
                self._end()

    def told(self, error: Exception) -> str:
        return f"{self.limit_s:g} s are over" if self.over else said(error)

    def _end(self) -> None:
        self.over = True
        for opened in self.sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


def _body(response: httpx2.Response, where: str, most_bytes: int) -> bytes:
    """The whole answer; of one that tells a failure only the beginning."""
    good, body = response.status_code < 400, bytearray()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProviderNonsense(f"{where}: the answer is compressed, which was not asked for. Check what serves there.")
    claimed = response.headers.get("content-length", "0")
    if good and claimed.isdigit() and int(claimed) > most_bytes:
        _too_large(where, most_bytes)
    for part in response.iter_raw():
        body += part
        if len(body) > most_bytes and good:
            _too_large(where, most_bytes)
        if len(body) > READ_OF_AN_ERROR and not good:
            break
    return bytes(body)


def _too_large(where: str, most_bytes: int) -> NoReturn:
    raise ProviderNonsense(f"{where}: the answer is larger than {most_bytes:,} bytes, the limit. It was not read on.")


def _query(params: Mapping[str, str]) -> str:
    from urllib.parse import urlencode

    return urlencode(params)
