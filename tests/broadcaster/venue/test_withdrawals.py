"""Pending withdrawals: what was pending at which moment, and what an account's snapshot says."""

import random
from typing import Any

import msgspec
import pytest

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import payload_of
from broadcaster.channels.hub import Hub
from broadcaster.venue import withdrawals
from broadcaster.venue.feed import Feed
from broadcaster.venue.reader import read_account, read_venue
from broadcaster.venue.rows import AccountRows, VenueRows
from broadcaster.venue.withdrawals import PendingWithdrawals
from shared.channels import Keys
from shared.feed import Reason
from shared.messages import (
    AccountRow,
    Applied,
    Asset,
    BalanceChange,
    Event,
    ReturnReason,
    Withdrawal,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from shared.redis_client import connect, connect_async
from shared.wire import encode
from tests.support.fake_engine import venue_with_markets

AT_NS = 99


def row(withdrawal_id: int, account_id: int = 7) -> Withdrawal:
    return Withdrawal(withdrawal_id, account_id, "INR", 250, "rent", AT_NS)


def requested(sequence: int, withdrawal_id: int, account_id: int = 7) -> WithdrawalRequested:
    change = BalanceChange("INR", -250, 250, 0, 250)
    return WithdrawalRequested(sequence, account_id, sequence, change, withdrawal_id, "rent")


def settled(sequence: int, withdrawal_id: int, account_id: int = 7) -> WithdrawalSettled:
    change = BalanceChange("INR", 0, -250, 0, 0)
    return WithdrawalSettled(sequence, account_id, sequence, change, withdrawal_id, "rent", AT_NS)


def returned(sequence: int, withdrawal_id: int, account_id: int = 7) -> WithdrawalReturned:
    change = BalanceChange("INR", 250, -250, 250, 0)
    reason = ReturnReason.REFUSED
    return WithdrawalReturned(
        sequence, account_id, sequence, change, withdrawal_id, "rent", reason, AT_NS
    )


@pytest.mark.parametrize("seed", range(10))
def test_what_was_pending_at_any_moment_since_the_load_is_known(seed: int) -> None:
    chance = random.Random(seed)
    pending = {number: row(number, chance.choice((7, 8))) for number in range(1, 4)}
    known = PendingWithdrawals(10, pending.values())
    moments = {10: dict(pending)}
    for sequence in range(11, 200):
        if pending and chance.random() < 0.5:
            ended = pending.pop(chance.choice(list(pending)))
            end = chance.choice((settled, returned))
            known.end(end(sequence, ended.withdrawal_id, ended.account_id))
        else:
            account_id = chance.choice((7, 8))
            known.request(requested(sequence, 1_000 + sequence, account_id), AT_NS)
            pending[1_000 + sequence] = row(1_000 + sequence, account_id)
        moments[sequence] = dict(pending)
    for sequence, then in moments.items():
        for account_id in (7, 8, 9):
            mine = [item for item in then.values() if item.account_id == account_id]
            assert known.pending_at(sequence, account_id) == mine
    assert known.pending_at(9, 7) is None


def test_what_ended_long_ago_is_forgotten_and_so_is_the_time_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(withdrawals, "ENDED_KEPT_MAX", 2)
    known = PendingWithdrawals(0, [row(number) for number in (1, 2, 3, 4)])
    for sequence in (11, 12, 13):
        known.end(settled(sequence, sequence - 10))
    assert known.pending_at(10, 7) is None
    assert [item.withdrawal_id for item in known.pending_at(11, 7) or ()] == [2, 3, 4]
    assert [item.withdrawal_id for item in known.pending_at(13, 7) or ()] == [4]


class Owner:
    """The owner of account 7, who writes down what snapshots say is pending."""

    def __init__(self, hub: Hub) -> None:
        self.pending: list[list[int]] = []
        self._accounts = hub.accounts
        hub.accounts.join(7, self)

    def start(self, reason: Reason) -> None:
        self._accounts.request_snapshot(7, self, reason)

    def update(self, sequence: int, data: bytes) -> None:
        pass

    def snapshot(self, sequence: int, data: bytes) -> None:
        message: dict[str, Any] = msgspec.json.decode(payload_of(data))
        pending = message.get("pending_withdrawals", [])
        assert all(item["amount"] == "2.5" for item in pending)
        self.pending.append([item["withdrawal_id"] for item in pending])


class Venue:
    """A feed that is loaded at sequence 10, when withdrawal 1 was pending."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.feed = Feed(self.hub, Cadence())
        self.load()
        self.owner = Owner(self.hub)

    def load(self) -> None:
        self.feed.load(VenueRows(1, 10, AT_NS, [Asset("INR", 2)], [], [row(1), row(2, 8)]))

    def apply(self, *events: Event) -> None:
        self.feed.apply([Applied(1, AT_NS, events)])

    def ask(self) -> None:
        self.owner.start("")

    def answer(self, sequence: int) -> None:
        account_id, asked = self.hub.accounts.take_request() or pytest.fail("nobody asked")
        rows = AccountRows(account_id, AccountRow(0), {}, [], sequence)
        self.feed.answer_account(asked, rows)


def test_a_snapshot_has_the_accounts_own_pending_withdrawals() -> None:
    venue = Venue()
    venue.ask()
    venue.answer(10)
    assert venue.owner.pending == [[1]]


def test_a_snapshot_that_is_ahead_of_the_events_waits_for_them() -> None:
    venue = Venue()
    venue.ask()
    venue.answer(12)
    venue.apply(requested(11, 3))
    assert venue.owner.pending == []
    venue.apply(settled(12, 1))
    assert venue.owner.pending == [[3]]
    venue.apply(requested(13, 4))
    assert venue.owner.pending == [[3]], "it is answered once"


def test_a_snapshot_that_is_behind_the_events_says_what_was_pending_then() -> None:
    venue = Venue()
    venue.ask()
    venue.apply(requested(11, 3), settled(12, 1), requested(13, 4))
    venue.answer(11)
    assert venue.owner.pending == [[1, 3]]


def test_a_snapshot_that_waits_when_the_venue_is_loaded_again_is_asked_for_again() -> None:
    venue = Venue()
    venue.ask()
    venue.answer(12)
    venue.load()
    venue.answer(10)
    venue.apply(requested(11, 3), requested(12, 4))
    assert venue.owner.pending == [[1]]
    assert venue.hub.accounts.take_request() is None


def test_of_two_that_wait_neither_is_lost() -> None:
    venue = Venue()
    for sequence in (11, 12):
        venue.ask()
        venue.answer(sequence)
    venue.apply(requested(11, 3))
    venue.apply(requested(12, 4))
    assert venue.owner.pending == [[1, 3], [1, 3, 4]]


async def test_the_rows_are_read_with_the_moment_they_are_of(redis_url: str) -> None:
    keys, client = Keys("test"), connect_async(redis_url)
    with connect(redis_url) as writer:
        engine = venue_with_markets(writer, keys, "TATA")
        writer.hset(keys.withdrawals, mapping={"1": encode(row(1)), "2": encode(row(2, 8))})
    venue = await read_venue(client, keys)
    assert sorted(item.withdrawal_id for item in venue.withdrawals) == [1, 2]
    account = await read_account(client, keys, 7, assets=["INR", "TATA"], markets=1)
    assert account is not None
    assert account.sequence == venue.sequence == engine.sequence
    await client.aclose()
