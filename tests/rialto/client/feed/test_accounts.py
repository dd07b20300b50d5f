"""An account rebuilt from its updates is the account that a snapshot would show.

The rule of this file: the updates are the broadcaster's own, of the engine's own random days.
"""

from collections.abc import Iterator
from random import Random, SystemRandom
from typing import Any

import msgspec
import pytest

from broadcaster.venue.account_updates import account_news, account_snapshot
from broadcaster.venue.projection import News, Projection
from broadcaster.venue.rows import AccountRows, VenueRows
from rialto.client.feed.accounts import AccountKeeper
from rialto.client.feed.keeper import NotLiveError
from shared.feed import (
    Accepted,
    AccountSnapshot,
    AccountUpdate,
    Balance,
    CancelTimerSet,
    OpenOrder,
    PartiallyFilled,
)
from shared.messages import AccountRow, Applied, Order, OrderStatus, OrderType, Withdrawal
from shared.wire import decode
from tests.support.audited_exchange import AuditedExchange
from tests.support.feed_streams import mutants
from tests.support.naive.days import TENTH, Day
from tests.support.naive.days_money import ACCOUNTS
from tests.support.naive.exchange import NaiveExchange

DAYS = 6
COMMANDS = 150
MUTATED_UPDATES = 25


class Broadcast:
    """A day at the exchange, told to each account."""

    def __init__(self, seed: int) -> None:
        self.naive = NaiveExchange()
        self.day = Day(Random(seed), self.naive.world)
        self.audited = AuditedExchange()
        self.projection = Projection(VenueRows(0, 0, 0, [], []))

    def updates(self) -> Iterator[list[tuple[int, AccountUpdate]]]:
        """Yield what each command of the day means, by account."""
        for command in self.day.opening():
            yield self._apply(command, TENTH)
        for _ in range(COMMANDS):
            yield self._apply(*self.day.next())

    def snapshot(self, account_id: int) -> AccountSnapshot:
        """Return the account as a new subscriber would be shown it now."""
        keeper = self.audited.keeper
        orders = [decode(row, Order) for row in keeper.open_orders.values()]
        balances = {asset: row for (of, asset), row in keeper.balances.items() if of == account_id}
        rows = AccountRows(
            account_id,
            keeper.accounts.get(account_id, AccountRow(0)),
            balances,
            [order for order in orders if order.account_id == account_id],
        )
        pending = [decode(row, Withdrawal) for row in keeper.withdrawals.values()]
        mine = [item for item in pending if item.account_id == account_id]
        now = self.projection.sequence
        assert self.projection.withdrawals.pending_at(now, account_id) == mine
        return account_snapshot(rows, self.projection, "", mine)

    def _apply(self, command: Any, at_ns: int) -> list[tuple[int, AccountUpdate]]:
        self.naive.apply(command, at_ns)
        events = self.audited.apply(command, at_ns)
        news = News()
        self.projection.apply([Applied(1, self.audited.exchange.at_ns, tuple(events))], news)
        return [
            (each.account_id, each.update)
            for event, event_at_ns in news.private
            for each in account_news(event, event_at_ns, self.projection, set(ACCOUNTS))
        ]


def as_told(order: OpenOrder) -> OpenOrder:
    """Return what updates can tell of an order: where a trailing stop is now, they do not."""
    trails = order.type == OrderType.TRAILING_STOP and order.status == OrderStatus.PENDING
    return msgspec.structs.replace(order, stop_price=None) if trails else order


def assert_same(account: AccountKeeper, snapshot: AccountSnapshot, now_ns: int = 0) -> None:
    assert account.sequence == snapshot.sequence
    true = {balance.asset: balance for balance in snapshot.balances}
    assert account.balances == true
    assert [as_told(order) for order in account.open_orders] == [
        as_told(order) for order in snapshot.open_orders
    ]
    assert account.pending_withdrawals == snapshot.pending_withdrawals
    assert (account.tier, account.is_suspended) == (snapshot.tier, snapshot.is_suspended)
    # A timer that found no order to cancel has run out in silence.
    has_run_out = 0 < account.cancel_at_ns <= now_ns
    assert snapshot.cancel_at_ns == (0 if has_run_out else account.cancel_at_ns)


@pytest.fixture
def seed() -> int:
    return SystemRandom().randrange(2**32)


@pytest.mark.parametrize("day", range(DAYS))
def test_after_each_command_of_a_day_the_account_is_as_a_snapshot_shows_it(
    day: int, seed: int
) -> None:
    told = 0
    broadcast = Broadcast(seed + day)
    accounts = {number: AccountKeeper("account") for number in ACCOUNTS}
    for number, account in accounts.items():
        account.take(broadcast.snapshot(number))
    for updates in broadcast.updates():
        for number, update in updates:
            accounts[number].take(update)
            told += 1
        for number, account in accounts.items():
            try:
                now_ns = broadcast.audited.exchange.at_ns
                assert_same(account, broadcast.snapshot(number), now_ns)
            except AssertionError as error:
                error.add_note(f"seed {seed}, day {day}, updates {updates}")
                raise
    assert told > COMMANDS / 2, f"a day without news proves nothing, seed {seed}"


def test_every_update_that_is_lost_doubled_or_late_is_noticed(seed: int) -> None:
    broadcast = Broadcast(seed)
    account_id = next(iter(ACCOUNTS))
    stream: list[AccountSnapshot | AccountUpdate] = [broadcast.snapshot(account_id)]
    truth = {0: (broadcast.snapshot(account_id), 0)}
    for updates in broadcast.updates():
        stream += [update for number, update in updates if number == account_id]
        now_ns = broadcast.audited.exchange.at_ns
        truth[stream[-1].sequence] = broadcast.snapshot(account_id), now_ns
    for name, messages in mutants(stream[:MUTATED_UPDATES]):
        account = AccountKeeper("account")
        for message in messages:
            account.take(message)
            if account.is_live and account.sequence in truth:
                assert_same(account, *truth[account.sequence])
        harmless = name in ("doubled 0", "dropped 0", "swapped 0")
        assert harmless or account.faults, f"{name} was not noticed, seed {seed}"


# ---- by hand ----


def snapshot(sequence: int = 20, **more: Any) -> AccountSnapshot:
    balances = [Balance("INR", "900", "100")]
    return AccountSnapshot(
        channel="account",
        account_id=7,
        sequence=sequence,
        balances=balances,
        open_orders=[],
        **more,
    )


def accepted(sequence: int, order_id: int, **more: Any) -> Accepted:
    fields: dict[str, Any] = {
        "channel": "account",
        "sequence": sequence,
        "at_ns": 5,
        "balances": [],
        "order_id": order_id,
        "client_order_id": "",
        "market": "TATA_INR",
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "gtc",
        "price": "100",
        "quantity": "9",
        "quote_quantity": None,
    }
    return Accepted(**(fields | more))


def kept(*updates: AccountSnapshot | AccountUpdate) -> AccountKeeper:
    account = AccountKeeper("account")
    for update in updates:
        account.take(update)
    return account


def part_fill(sequence: int, filled: str, remaining: str, **more: Any) -> PartiallyFilled:
    fields: dict[str, Any] = {
        "channel": "account",
        "sequence": sequence,
        "at_ns": 6,
        "balances": [],
        "order_id": 5,
        "client_order_id": "",
        "market": "TATA_INR",
        "trade_id": 1,
        "side": "buy",
        "role": "maker",
        "last_price": "99.95",
        "last_quantity": "0.3",
        "filled_quantity": filled,
        "remaining_quantity": remaining,
        "fee": "0.01",
        "fee_asset": "TATA",
    }
    return PartiallyFilled(**(fields | more))


def test_what_fills_add_up_to_is_exact() -> None:
    fills = (part_fill(22, "0.3", "8.7"), part_fill(23, "0.6", "8.4", fee="-0.03"))
    (order,) = kept(snapshot(), accepted(21, 5), *fills).open_orders
    assert (order.filled_quote, order.fee, order.fee_asset) == ("59.97", "-0.02", "TATA")
    assert (order.status, order.filled_quantity) == ("partially_filled", "0.6")


def test_the_child_of_an_order_is_named_at_its_parent() -> None:
    account = kept(snapshot(), accepted(21, 5), accepted(22, 6, parent_order_id=5))
    assert [order.child_order_id for order in account.open_orders] == [6, None]


def test_a_snapshot_in_place_of_updates_is_counted() -> None:
    account = kept(snapshot(), accepted(21, 5), snapshot(25, reason="resync"))
    assert (account.missed, account.open_orders, account.last_reason) == (4, [], "resync")


def test_an_update_that_does_not_follow_changes_nothing_and_is_said() -> None:
    account = kept(snapshot(), accepted(22, 5))
    assert account.resume_after == 20
    for read in ("balances", "open_orders", "tier", "is_suspended", "cancel_at_ns", "account_id"):
        with pytest.raises(NotLiveError, match="22 to 22 does not follow 20"):
            getattr(account, read)


def test_the_cancel_timer_is_shown() -> None:
    timer = CancelTimerSet(channel="account", sequence=21, at_ns=1, balances=[], cancel_at_ns=9)
    account = kept(snapshot(), timer)
    assert (account.account_id, account.cancel_at_ns) == (7, 9)
