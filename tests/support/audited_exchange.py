"""An exchange under audit: whatever is applied to it, everything that must hold is checked at once.

The rule of this file: it applies commands and never decides what a test expects of them.
"""

from collections import Counter
from random import Random

from engine.core import invariants
from engine.core.exchange import Exchange, Limits
from shared.messages import (
    CancelOrder,
    CancelWithdrawal,
    Command,
    DepthChanged,
    Event,
    MarketStatus,
    OrderStatus,
    SetMarketStatus,
    TradeExecuted,
)
from shared.wire import decode_batch, encode
from tests.support.keeper import Keeper

Entry = tuple[Command, int]
Applied = tuple[int, int, list[Event]]


class AuditedExchange:
    """Applies commands one at a time, keeps the journal and the rows, and audits after each."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.exchange = Exchange(self.limits)
        self.keeper = Keeper()
        self.journal: list[Entry] = []
        self.events: list[list[Event]] = []

    def apply(self, command: Command, at_ns: int = 0) -> list[Event]:
        exchange, sequence = self.exchange, self.exchange.sequence
        account_sequences = self._account_sequences()
        at_ns = max(at_ns, exchange.at_ns)
        events = exchange.apply(command, at_ns=at_ns)
        assert events, "A command was left without an answer."
        self.journal.append((command, at_ns))
        self.events.append(events)
        assert [event.sequence for event in events] == list(
            range(sequence + 1, exchange.sequence + 1)
        ), "The sequence has a gap."
        assert decode_batch(encode([(exchange.n, at_ns, events)]))[0].events == tuple(events)
        changes = exchange.drain_changes()
        invariants.check_changes(exchange, changes)
        invariants.check(exchange)
        self.keeper.write(changes, exchange.at_ns)
        self._check_account_sequences(account_sequences, events)
        self._check_depth()
        return events

    def replayed(self) -> Exchange:
        """Return a new exchange that went through the same journal; its events are the same."""
        again = Exchange(self.limits)
        for (command, at_ns), events in zip(self.journal, self.events, strict=True):
            assert again.apply(command, at_ns=at_ns) == events, "A replay gave other events."
        assert again.state_hash() == self.exchange.state_hash()
        return again

    def restored(self, seed: int = 0) -> Exchange:
        """Return a new exchange made from the kept rows."""
        again = Exchange.restore(self.keeper.rows(self.exchange, Random(seed)), self.limits)
        invariants.check(again)
        assert again.state_hash() == self.exchange.state_hash(), "The rows give another state."
        return again

    def finish(self) -> None:
        """Replay, restore, then take every order and withdrawal out of all of them alike."""
        others = self.replayed(), self.restored()
        for market, live in self.exchange.state.markets.items():
            if live.status is MarketStatus.HALTED:
                thaw = SetMarketStatus(market=market, status=MarketStatus.CANCEL_ONLY)
                self._apply_to_all(thaw, others)
        for order in list(self.exchange.state.open.by_id.values()):
            if order.order_id not in self.exchange.state.open.by_id:
                continue  # The other order of its pair has taken it along.
            self._apply_to_all(
                CancelOrder(account_id=order.account_id, order_id=order.order_id), others
            )
        for withdrawal_id, withdrawal in list(self.exchange.state.withdrawals.items()):
            whose = withdrawal.account_id
            command = CancelWithdrawal(account_id=whose, withdrawal_id=withdrawal_id)
            self._apply_to_all(command, others)
        assert not self.keeper.open_orders
        assert not self.keeper.withdrawals
        assert not self.keeper.depth
        held = [key for key, (_, held_atoms) in self.keeper.balances.items() if held_atoms]
        assert not held, f"Without an order or a withdrawal, these still hold: {held}."

    def _apply_to_all(self, command: Command, others: tuple[Exchange, ...]) -> None:
        events = self.apply(command)
        for other in others:
            assert other.apply(command) == events

    def _check_account_sequences(self, before: dict[int, int], events: list[Event]) -> None:
        counted: Counter[int] = Counter(before)
        for event in events:
            sides = [event.maker, event.taker] if isinstance(event, TradeExecuted) else [event]
            for side in sides:
                account_id, sequence = (
                    getattr(side, "account_id", 0),
                    getattr(side, "account_sequence", None),
                )
                if sequence is None or not account_id:
                    continue
                counted[account_id] += 1
                assert sequence == counted[account_id], "An account's sequence has a gap."
        assert counted == Counter(self._account_sequences())

    def _account_sequences(self) -> dict[int, int]:
        rows = self.keeper.accounts.items()
        return {account_id: row.account_sequence for account_id, row in rows}

    def _check_depth(self) -> None:
        """What the changes add up to is the depth that the living orders give."""
        summed: Counter[tuple[str, str, int]] = Counter()
        for order in self.exchange.state.open.by_id.values():
            if order.status is OrderStatus.PENDING:
                continue
            assert order.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
            side = "bid" if order.side == "buy" else "ask"
            key = order.market, side, order.price_ticks
            summed[key] += order.open_lots
        assert summed == Counter(self.keeper.depth), "The depth's changes lost a level."
        for market, live in self.exchange.state.markets.items():
            told = [
                event.market_sequence
                for events in self.events
                for event in events
                if isinstance(event, DepthChanged) and event.market == market
            ]
            assert told[-1:] == ([live.depth_sequence] if live.depth_sequence else [])
