"""Where a request really comes from, and under which name that is counted. Pure.

The rule of this file: a header is believed only as far as machines of the operator's own wrote it.
The last address of X-Forwarded-For was added by the nearest proxy, so it is read from the end, and
the first one that is no proxy of ours is the client's.
"""

import ipaddress
from collections.abc import Iterable

from shared.networks import Network

HOPS_MAX = 16  # More proxies than anybody has one behind the other.
CLIENT_PREFIX_V6 = 64  # One line has that many addresses, so they are counted as one.
FORWARDED = b"x-forwarded-for"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Headers = Iterable[tuple[bytes, bytes]]


class Proxies:
    """The proxies whose word counts."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks

    def client_of(self, peer: str, headers: Headers) -> str:
        """Return the client's address; without trusted proxies that is the peer's, as it is."""
        if not self._networks:
            return peer
        address = _parsed(peer)
        if address is None or not self._is_ours(address):
            return peer
        values = [value.decode("latin-1") for name, value in headers if name == FORWARDED]
        hops = [hop.strip() for hop in ",".join(values).split(",")] if values else []
        for hop in reversed(hops[-HOPS_MAX:]):
            said = _parsed(hop)
            if said is None:
                break  # Nobody knows what was before it: the proxy that passed it on answers.
            address = said
            if not self._is_ours(address):
                break
        return str(address)

    def is_proxy(self, address: str) -> bool:
        """Return whether this is a proxy of the operator's own."""
        parsed = _parsed(address)
        return parsed is not None and self._is_ours(parsed)

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def counted_as(address: str) -> str:
    """Return the name under which an address is counted: IPv6 by its /64."""
    if ":" not in address:
        return address
    parsed = _parsed(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed) if parsed else address
    return str(ipaddress.ip_network((parsed, CLIENT_PREFIX_V6), strict=False))


def is_loopback(address: str) -> bool:
    """Return whether this machine speaks with itself."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
