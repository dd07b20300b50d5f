"""Which address a request is counted under."""

import pytest

from shared.addresses import Proxies, counted_as
from shared.networks import parse_networks

OURS = Proxies(parse_networks("10.0.0.0/8, 192.0.2.1, fd00::/8"))
CLIENT = "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (CLIENT, [], CLIENT),
        (CLIENT, ["198.51.100.1"], CLIENT),  # A stranger may write what it likes.
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [CLIENT], CLIENT),
        ("10.0.0.1", [f"198.51.100.1, {CLIENT}"], CLIENT),  # What the client made up is before it.
        ("10.0.0.1", ["198.51.100.1", CLIENT], CLIENT),  # Two headers are one list.
        ("10.0.0.1", [f"{CLIENT}, 10.9.9.9, 192.0.2.1"], CLIENT),
        ("10.0.0.1", ["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        ("10.0.0.1", [f"{CLIENT}, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [f"{CLIENT}, nonsense, 10.4.4.4"], "10.4.4.4"),
        ("10.0.0.1", ["", ","], "10.0.0.1"),
        ("10.0.0.1", [f"::ffff:{CLIENT}"], CLIENT),
        ("::ffff:10.0.0.1", [CLIENT], CLIENT),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        ("", [CLIENT], ""),
        ("unix", [CLIENT], "unix"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy_of_ours(
    peer: str, forwarded: list[str], client: str
) -> None:
    headers = [(b"host", b"x"), *((b"x-forwarded-for", text.encode()) for text in forwarded)]
    assert OURS.client_of(peer, headers) == client


def test_without_proxies_no_header_counts() -> None:
    headers = [(b"x-forwarded-for", CLIENT.encode())]
    assert Proxies(()).client_of("127.0.0.1", headers) == "127.0.0.1"


def test_a_long_list_is_read_from_its_end_only() -> None:
    hops = ", ".join([CLIENT, *["10.1.1.1"] * 5_000])
    assert OURS.client_of("10.0.0.1", [(b"x-forwarded-for", hops.encode())]) == "10.1.1.1"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (CLIENT, CLIENT),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", CLIENT),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_an_ipv6_line_is_counted_as_one(address: str, name: str) -> None:
    assert counted_as(address) == name


@pytest.mark.parametrize("text", ["*", "0.0.0.0/0", "::/0", "10.0.0.1/8", "host.example", "10.0.0"])
def test_everybody_and_nonsense_are_no_proxies(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_networks(text)
