"""Accounts, pure: who is told what, and which snapshot serves whom."""

from collections.abc import Callable

import pytest

from broadcaster.channels.accounts import Accounts
from shared.feed import Reason


class Listener:
    """An account's listener that writes down what it gets."""

    def __init__(self) -> None:
        self.got: list[str] = []

    def start(self, reason: Reason) -> None:
        self.got.append(f"start {reason}")

    def update(self, sequence: int, data: bytes) -> None:
        self.got.append(f"update {sequence} {data.decode()}")

    def snapshot(self, sequence: int, data: bytes) -> None:
        self.got.append(f"snapshot {sequence} {data.decode()}")


def joined(accounts: Accounts, *account_ids: int) -> list[Listener]:
    """Return a listener for each account, which has joined and asked."""
    listeners = []
    for account_id in account_ids:
        listener = Listener()
        accounts.join(account_id, listener)
        accounts.request_snapshot(account_id, listener, "")
        listeners.append(listener)
    return listeners


def snapshot_of(text: str) -> Callable[[Reason], bytes]:
    return lambda reason: f"{text}{reason}".encode()


def answer_next(accounts: Accounts, sequence: int = 5) -> int:
    account_id, asked = accounts.take_request() or pytest.fail("nobody asked")
    accounts.answer(account_id, asked, sequence, snapshot_of("s"))
    return account_id


def test_one_read_serves_all_who_asked_before_it() -> None:
    accounts = Accounts()
    first, second, other = joined(accounts, 7, 7, 8)
    assert answer_next(accounts) == 7
    assert first.got == second.got == ["snapshot 5 s"]
    assert other.got == []
    assert answer_next(accounts) == 8
    assert accounts.take_request() is None


def test_a_read_does_not_serve_who_asked_again_since_it_began() -> None:
    accounts = Accounts()
    (listener,) = joined(accounts, 7)
    account_id, asked = accounts.take_request() or pytest.fail("nobody asked")
    accounts.request_snapshot(7, listener, "resync")
    accounts.answer(account_id, asked, 5, snapshot_of("old"))
    assert listener.got == []
    answer_next(accounts, 6)
    assert listener.got == ["snapshot 6 sresync"]


def test_a_read_does_not_serve_who_has_left() -> None:
    accounts = Accounts()
    (listener,) = joined(accounts, 7)
    account_id, asked = accounts.take_request() or pytest.fail("nobody asked")
    accounts.leave(7, listener)
    accounts.answer(account_id, asked, 5, snapshot_of("s"))
    accounts.request_again(account_id, asked)
    assert listener.got == []
    assert accounts.take_request() is None


def test_an_unanswered_request_is_put_back_for_those_who_still_wait() -> None:
    accounts = Accounts()
    first, second = joined(accounts, 7, 7)
    account_id, asked = accounts.take_request() or pytest.fail("nobody asked")
    accounts.request_snapshot(7, first, "resync")
    accounts.request_again(account_id, asked)
    answer_next(accounts)
    assert (first.got, second.got) == (["snapshot 5 sresync"], ["snapshot 5 s"])


def test_updates_go_to_the_accounts_own_listeners_only() -> None:
    accounts = Accounts()
    mine, other = joined(accounts, 7, 8)
    accounts.publish(7, 1, b"x")
    accounts.publish(9, 1, b"y")
    accounts.leave(7, mine)
    accounts.publish(7, 2, b"z")
    assert (mine.got, other.got) == (["update 1 x"], [])


def test_a_resync_reaches_every_listener() -> None:
    accounts = Accounts()
    listeners = joined(accounts, 7, 8)
    accounts.resync()
    assert [listener.got for listener in listeners] == [["start resync"]] * 2
