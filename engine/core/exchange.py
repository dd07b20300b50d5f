"""The exchange: commands in, events out, and nothing else happens.

The rule of this file: one command is decided completely, in the order of the table, before the
next. A refusal is found before anything changes; from the first change on nothing can fail.

| step | rule broken | answer | remembered |
|---|---|---|---|
| 1 | the account id is no account's | INVALID_ACCOUNT | no |
| 2 | the idempotency key is no key | INVALID_COMMAND | no |
| 3 | the key was used within the window | CommandReplayed, or IDEMPOTENCY_MISMATCH | as it was |
| 4 | the sender may not send this | INVALID_ACCOUNT | yes |
| 5 | what it names is unknown or taken | UNKNOWN_MARKET, UNKNOWN_ASSET, ASSET_EXISTS, ... | yes |
| 6 | a field is out of its range | INVALID_PRICE, INVALID_QUANTITY, AMOUNT_LIMIT, ... | yes |
| 7 | the state does not allow it | UNKNOWN_ORDER, INSUFFICIENT_FUNDS, ... | yes |

Steps 1 to 4 are here, the others where the command is carried out: `venue` for money, assets and
markets, `trading` for orders, whose trades `matching` makes. "Remembered": the idempotency key is
used up by that answer.

Each answer is at least one event. An accepted order's events are: OrderAccepted, TradeExecuted for
each trade, OrderExpired if a remainder may not rest, and DepthChanged if the book differs.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from engine.core import restoring, rules, venue
from engine.core.changes import Changes, Depth, Rows
from engine.core.idempotency import Memory, fingerprint_of
from engine.core.rules import Refusal
from engine.core.state import Limits, State
from engine.core.state_hash import state_hash
from engine.core.trading import Trading
from engine.core.venue import Answer
from shared.messages import (
    VENUE_ACCOUNT_ID,
    AmendOrder,
    CancelOrder,
    Command,
    CommandReplayed,
    CommandSkipped,
    CreateAsset,
    CreateMarket,
    Deposit,
    Event,
    Order,
    PlaceOrder,
    Reject,
    Rejected,
    SkipCommand,
    UnreadableCommand,
    Withdraw,
)
from shared.money import AMOUNT_LIMIT

__all__ = ["Exchange", "Limits"]

_DEFAULT_LIMITS = Limits()
_VENUE_COMMANDS = (CreateAsset, CreateMarket, SkipCommand)


class Exchange:
    """A whole exchange in memory: assets, markets, accounts, books and what it remembers."""

    def __init__(self, limits: Limits = _DEFAULT_LIMITS) -> None:
        self.state = State(limits)
        trading = Trading(self.state)
        self._handlers: dict[type, Callable[[Any], Answer]] = {
            CreateAsset: partial(venue.create_asset, self.state),
            CreateMarket: partial(venue.create_market, self.state),
            Deposit: partial(venue.deposit, self.state),
            Withdraw: partial(venue.withdraw, self.state),
            SkipCommand: partial(venue.skip_command, self.state),
            PlaceOrder: trading.place,
            CancelOrder: trading.cancel,
            AmendOrder: trading.amend,
        }

    # ---- commands ----

    def apply(
        self,
        command: Command,
        *,
        n: int | None = None,
        at_ns: int | None = None,
        fingerprint: bytes = b"",
    ) -> list[Event]:
        """Carry out one command and return what happened, at least one event; it never raises.

        `n` is its number in the journal (the next one if None), `at_ns` its time, which never goes
        back. Without a `fingerprint` the command's own bytes tell a repeated key from a misused
        one.
        """
        state = self.state
        state.advance(n, at_ns)
        fault = rules.sender_fault(command)
        if fault is not None:
            return self._rejected(command, fault)
        account_key = command.account_id, command.idempotency_key
        if command.idempotency_key:
            fingerprint = fingerprint or fingerprint_of(command)
            memory = state.window.get(account_key, state.at_ns)
            if memory is not None:
                return self._repeated(command, memory, fingerprint)
            state.window.remember(account_key, Memory(state.n, state.at_ns, fingerprint))
        if (command.account_id == VENUE_ACCOUNT_ID) != (type(command) in _VENUE_COMMANDS):
            return self._rejected(command, Refusal(Reject.INVALID_ACCOUNT, "account_id"))
        answer = self._handlers[type(command)](command)
        return self._rejected(command, answer) if isinstance(answer, Refusal) else answer

    def unreadable(self, n: int | None = None, at_ns: int | None = None) -> list[Event]:
        """Pass over journal entry `n`, which could not be decoded."""
        self.state.advance(n, at_ns)
        return [UnreadableCommand(self.state.next_event(), self.state.n)]

    def skip(
        self,
        n: int | None = None,
        at_ns: int | None = None,
        *,
        command: Command | None = None,
        fingerprint: bytes = b"",
    ) -> list[Event]:
        """Pass over journal entry `n` by the operator's order; `command` is None if unreadable.

        Its idempotency key is used up, or the deadly command would come back with a retry.
        """
        state = self.state
        state.advance(n, at_ns)
        if command is not None and command.idempotency_key and not rules.sender_fault(command):
            account_key = command.account_id, command.idempotency_key
            if state.window.get(account_key, state.at_ns) is None:
                fingerprint = fingerprint or fingerprint_of(command)
                state.window.remember(account_key, Memory(state.n, state.at_ns, fingerprint))
        return [CommandSkipped(state.next_event(), state.n)]

    def _repeated(self, command: Command, memory: Memory, fingerprint: bytes) -> list[Event]:
        if memory.fingerprint != fingerprint:
            return self._rejected(command, Refusal(Reject.IDEMPOTENCY_MISMATCH, "idempotency_key"))
        sequence = self.state.next_event()
        return [CommandReplayed(sequence, command.account_id, memory.n)]

    def _rejected(self, command: Command, fault: Refusal) -> list[Event]:
        account_id, account_sequence = command.account_id, 0
        if VENUE_ACCOUNT_ID < account_id <= rules.ACCOUNT_ID_MAX:
            account_sequence = self.state.next_private_event(account_id)[1]
        else:
            account_id = VENUE_ACCOUNT_ID
        market = getattr(command, "market", "")
        order_id = getattr(command, "order_id", 0)
        client_order_id = getattr(command, "client_order_id", "")
        return [
            Rejected(
                self.state.next_event(),
                account_id,
                account_sequence,
                fault.code,
                fault.field,
                # A name out of shape is not passed on: nobody downstream has to fear it.
                market if market in self.state.markets else "",
                order_id if 0 <= order_id < AMOUNT_LIMIT else 0,
                client_order_id if rules.is_client_text(client_order_id) else "",
            )
        ]

    # ---- rows ----

    def drain_changes(self) -> Changes:
        """Return the rows that changed since the last call, each once, as they are now."""
        return self.state.drain()

    @classmethod
    def restore(cls, rows: Rows, limits: Limits = _DEFAULT_LIMITS) -> "Exchange":
        """Return the exchange that these rows were drained from; it goes on just the same."""
        exchange = cls(limits)
        restoring.restore(exchange.state, rows)
        return exchange

    def rows(self) -> Rows:
        """Return all rows at once, as copies."""
        return restoring.rows_of(self.state)

    def state_hash(self) -> str:
        """Return one hash of all balances, holds, totals, markets and open orders in book order."""
        return state_hash(self.state)

    # ---- looking ----

    @property
    def n(self) -> int:
        return self.state.n

    @property
    def sequence(self) -> int:
        return self.state.sequence

    @property
    def at_ns(self) -> int:
        return self.state.at_ns

    @property
    def next_order_id(self) -> int:
        return self.state.next_order_id

    def balance(self, account_id: int, asset: str) -> tuple[int, int]:
        """Return (available, held) in atoms; who has nothing has (0, 0)."""
        account = self.state.ledger.accounts.get(account_id)
        balance = account.balances.get(asset) if account else None
        return (balance.available, balance.held) if balance else (0, 0)

    def order(self, order_id: int) -> Order | None:
        """Return the living order if it is open, or was changed since the last drain."""
        return self.state.find_order(order_id)

    def open_orders(self, account_id: int) -> list[Order]:
        """Return the account's open orders, oldest first, in the time of looking at all orders."""
        orders = self.state.open.by_id.values()
        own = [order for order in orders if order.account_id == account_id]
        return sorted(own, key=lambda order: order.order_id)

    def best_bid(self, market: str) -> int | None:
        return self.state.markets[market].bids.best_price()

    def best_ask(self, market: str) -> int | None:
        return self.state.markets[market].asks.best_price()

    def depth(self, market: str, levels: int) -> Depth:
        """Return the best `levels` of each side, best first."""
        live = self.state.markets[market]
        return Depth(live.bids.depth(levels), live.asks.depth(levels))
