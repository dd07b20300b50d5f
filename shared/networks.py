"""Networks as a person writes them in a setting. The rule of this file: everybody is no network."""

import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a list with commas; raises ValueError, also for everybody."""
    networks = tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    for network in networks:
        if network.prefixlen == 0:
            raise ValueError(f"{network} is everybody")
    return networks


def reachable_host(host: str) -> str:
    """Return an address to connect to for one that is listened on."""
    return ANY_ADDRESS.get(host, host)
