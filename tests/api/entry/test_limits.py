"""Counting connections."""

from api.entry.limits import SocketCount


def test_an_address_has_its_share_and_this_machine_is_not_limited() -> None:
    counts = SocketCount(sockets_max=10, per_address_max=2)
    assert [counts.enter("192.0.2.7") for _ in range(3)] == [True, True, False]
    assert counts.enter("192.0.2.8")
    assert all(counts.enter("127.0.0.1") for _ in range(4))
    assert all(counts.enter("::1") for _ in range(3))
    assert not counts.enter("::1"), "all together have a limit, too"
    counts.leave("192.0.2.7")
    assert counts.enter("192.0.2.7")
    assert counts.total == 10


def test_an_address_that_is_none_is_limited_like_one() -> None:
    counts = SocketCount(per_address_max=1)
    assert [counts.enter("") for _ in range(2)] == [True, False]


def test_an_account_has_its_share() -> None:
    counts = SocketCount(per_account_max=1)
    assert [counts.log_in(7), counts.log_in(7), counts.log_in(8)] == [True, False, True]
    counts.log_out(7)
    assert counts.log_in(7)


def test_the_addresses_of_one_line_are_one() -> None:
    counts = SocketCount(per_address_max=2)
    assert [counts.enter(f"2001:db8::{n}") for n in range(3)] == [True, True, False]
    counts.leave("2001:db8::9")
    assert counts.enter("2001:db8::2")
