"""Where a call may go: a name is resolved once, every address it has is judged, and the judged one is connected to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.errors import ReviewRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # deprecated, and understood by some all the same


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call goes. host: as the certificate and the Host header have it; address: that is connected to."""

    scheme: str
    host: str
    port: int
    address: str
    target: str  # path and query

    @property
    def url(self) -> str:
        """With the address instead of the name."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}{self.target}"

    @property
    def host_header(self) -> str:
        """The name, with its port where that is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, as the machine's resolver tells. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def check_url(url: str, allow_private: bool) -> tuple[str, str, int, str]:
    """Scheme, host, port, path with query, of an address that a webhook may have; nothing is resolved.

    Raises ReviewRefused for another scheme than https (http only where private ones are allowed), for names and
    passwords in it, and for what is no address.
    """
    if any(not 32 < ord(letter) < 127 for letter in url):
        raise ReviewRefused(f"{url!r}: has characters that an address cannot have. Write them as %XX.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except (ValueError, UnicodeError) as error:
        raise ReviewRefused(f"{url!r}: is no address ({error}). Write https://HOST/PATH.") from error
    if parts.username is not None or parts.password is not None:
        raise ReviewRefused(f"{host}: an address with a name or password in it is written into logs. Take them out.")
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not host:
        raise ReviewRefused(f"{url!r}: must begin with {' or '.join(f'{s}://' for s in schemes)}. Change it.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80), target


def place_of(url: str, allow_private: bool, resolve: Resolve = resolved) -> Place:
    """Resolve once, and judge what was found: a name that has one private address is refused whole.

    Raises ReviewRefused for an address that is not allowed, OSError when the name has none.
    """
    scheme, host, port, target = check_url(url, allow_private)
    found = resolve(host, port)
    if not found:
        raise OSError(f"{host} has no address")
    for address in found if not allow_private else ():
        if (why := private(address)) is not None:
            raise ReviewRefused(
                f"{host} is {address}, {why}: not called. Allow private addresses for it, or change it."
            )
    return Place(scheme, host, port, found[0], target)


def private_name(host: str) -> str | None:
    """Why a host that is itself an address, or this machine's name, is never called; None: its name must be resolved."""
    if host == "localhost" or host.endswith(".localhost"):
        return "this machine"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return private(host)


def private(address: str) -> str | None:
    """Why an address is not one of the open internet, in words; None: it is. What hides another in it is judged by both."""
    try:
        ip: Address = ipaddress.ip_address(address)
    except ValueError:
        return "no address"
    inner = _hidden(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    if inner is not None and (why := private(str(inner))) is not None:
        return why
    if ip.is_loopback:
        return "this machine"
    if ip.is_link_local:
        return "link-local"
    if ip.is_multicast or ip.is_unspecified or (ip.is_reserved and inner is None):
        return "no single machine's"
    return None if ip.is_global or inner is not None else "private"


def _hidden(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address carries."""
    if ip.ipv4_mapped is not None or ip.sixtofour is not None:
        return ip.ipv4_mapped or ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None
