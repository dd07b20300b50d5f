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
markets, `withdrawals` for those that wait, `operating` for the operator's hand on what trades,
`trading` for new orders, `amending` for living ones, `timing` for what time does; docs/ORDERS.md
gives the order within a step.
"Remembered": the idempotency key is used up by that answer.

Each answer is at least one event. Before it stand the events of what was due at the entry's time;
`answer_at` says how many. DepthChanged closes both parts, if a book differs.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from engine.core import restoring, rules, venue, withdrawals
from engine.core.amending import Amending
from engine.core.changes import Changes, Depth, Rows
from engine.core.idempotency import Memory, fingerprint_of
from engine.core.operating import Operating
from engine.core.rules import Refusal
from engine.core.state import Limits, State
from engine.core.state_hash import state_hash
from engine.core.timing import Timing
from engine.core.trading import Trading
from engine.core.triggering import Triggering
from engine.core.venue import Answer
from shared.messages import (
    VENUE_ACCOUNT_ID,
    AmendOrder,
    CancelAll,
    CancelOrder,
    CancelWithdrawal,
    Command,
    CommandReplayed,
    CommandSkipped,
    CreateAsset,
    CreateMarket,
    Deposit,
    Event,
    Order,
    PayOutFees,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    Reject,
    Rejected,
    RequestWithdrawal,
    ResolveWithdrawal,
    SetAccountTier,
    SetCancelTimer,
    SetMarketStatus,
    SkipCommand,
    SuspendAccount,
    TestOrder,
    Tick,
    Transfer,
    UnreadableCommand,
    UpdateMarket,
    Withdraw,
)
from shared.money import AMOUNT_LIMIT

__all__ = ["Exchange", "Limits"]

_DEFAULT_LIMITS = Limits()
_VENUE_COMMANDS = (
    CreateAsset,
    CreateMarket,
    UpdateMarket,
    SetMarketStatus,
    SetAccountTier,
    SuspendAccount,
    ResolveWithdrawal,
    PayOutFees,
    SkipCommand,
    Tick,
)


class Exchange:
    """A whole exchange in memory: assets, markets, accounts, books and what it remembers.

    `answer_at` is the index in the last returned events where the answer to the command begins.
    """

    def __init__(self, limits: Limits = _DEFAULT_LIMITS) -> None:
        self.state = state = State(limits)
        self.answer_at = 0
        triggering = Triggering(state)
        self._timing = timing = Timing(state, triggering)
        trading, amending = Trading(state, triggering), Amending(state, triggering)
        operating = Operating(state, triggering)
        self._handlers: dict[type, Callable[[Any], Answer]] = {
            CreateAsset: partial(venue.create_asset, state),
            CreateMarket: partial(venue.create_market, state),
            UpdateMarket: partial(venue.update_market, state),
            SetAccountTier: partial(venue.set_account_tier, state),
            Deposit: partial(venue.deposit, state),
            Withdraw: partial(venue.withdraw, state),
            Transfer: partial(venue.transfer, state),
            PayOutFees: partial(venue.pay_out_fees, state),
            RequestWithdrawal: partial(withdrawals.request_withdrawal, state),
            CancelWithdrawal: partial(withdrawals.cancel_withdrawal, state),
            ResolveWithdrawal: partial(withdrawals.resolve_withdrawal, state),
            SkipCommand: partial(venue.skip_command, state),
            SetMarketStatus: operating.set_market_status,
            SuspendAccount: operating.suspend_account,
            PlaceOrder: trading.place,
            TestOrder: trading.test,
            PlaceOco: trading.place_oco,
            PlaceOto: trading.place_oto,
            CancelOrder: amending.cancel,
            CancelAll: amending.cancel_all,
            AmendOrder: amending.amend,
            SetCancelTimer: timing.set_cancel_timer,
            Tick: timing.tick,
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
        events = self._begin(n, at_ns)
        answer = self._answer(command, fingerprint)
        if not events:
            return answer
        events += answer
        return events

    def unreadable(self, n: int | None = None, at_ns: int | None = None) -> list[Event]:
        """Pass over journal entry `n`, which could not be decoded."""
        events = self._begin(n, at_ns)
        return [*events, UnreadableCommand(self.state.next_event(), self.state.n)]

    def skip(
        self,
        n: int | None = None,
        at_ns: int | None = None,
        *,
        command: Command | None = None,
        fingerprint: bytes = b"",
    ) -> list[Event]:
        """Pass over journal entry `n` by the operator's order; `command` is None if unreadable.

        Its idempotency key is used up, or the deadly command would come back with a retry. Nothing
        that was due happens either, for that may be what was deadly: it comes with the next entry.
        """
        state = self.state
        state.advance(n, at_ns)
        self.answer_at = 0
        if command is not None and command.idempotency_key and not rules.sender_fault(command):
            account_key = command.account_id, command.idempotency_key
            fingerprint = fingerprint or fingerprint_of(command)
            state.window.remember(account_key, Memory(state.n, state.at_ns, fingerprint))
        return [CommandSkipped(state.next_event(), state.n)]

    def _begin(self, n: int | None, at_ns: int | None) -> list[Event]:
        """Go on to a journal entry, and carry out what is due by then."""
        state = self.state
        state.advance(n, at_ns)
        events: list[Event] = []
        if state.timers.are_due(state.at_ns):
            self._timing.carry_out_due(events)
            state.publish_depths(events)
        self.answer_at = len(events)
        return events

    def _answer(self, command: Command, fingerprint: bytes) -> list[Event]:
        state = self.state
        fault = rules.sender_fault(command)
        if fault is not None:
            return self._rejected(command, fault)
        if command.idempotency_key:
            account_key = command.account_id, command.idempotency_key
            memory = Memory(state.n, state.at_ns, fingerprint or fingerprint_of(command))
            first = state.window.remember(account_key, memory)
            if first is not None:
                return self._repeated(command, first, memory.fingerprint)
        if (command.account_id == VENUE_ACCOUNT_ID) != (type(command) in _VENUE_COMMANDS):
            return self._rejected(command, Refusal(Reject.INVALID_ACCOUNT, "account_id"))
        answer = self._handlers[type(command)](command)
        if isinstance(answer, Refusal):
            return self._rejected(command, answer)
        state.publish_depths(answer)
        return answer

    def _repeated(self, command: Command, memory: Memory, fingerprint: bytes) -> list[Event]:
        if memory.fingerprint != fingerprint:
            return self._rejected(command, Refusal(Reject.IDEMPOTENCY_MISMATCH, "idempotency_key"))
        sequence = self.state.next_event()
        return [CommandReplayed(sequence, command.account_id, memory.n)]

    def _rejected(self, command: Command, fault: Refusal) -> list[Event]:
        account_id, account_sequence = command.account_id, 0
        if VENUE_ACCOUNT_ID < account_id <= rules.ACCOUNT_ID_MAX:
            ledger = self.state.ledger
            account_sequence = ledger.next_sequence(ledger.account(account_id))
        else:
            account_id = VENUE_ACCOUNT_ID
        market, order_id, client_order_id = _named_by(command)
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
        """Return the account's open and pending orders, oldest first."""
        account = self.state.ledger.accounts.get(account_id)
        own = account.orders.values() if account else ()
        return sorted(own, key=lambda order: order.order_id)

    def next_due_ns(self) -> int:
        """Return when something is due next, in journal time; 0 if nothing is."""
        return self.state.timers.next_due_ns() or 0

    def best_bid(self, market: str) -> int | None:
        return self.state.markets[market].bids.best_price()

    def best_ask(self, market: str) -> int | None:
        return self.state.markets[market].asks.best_price()

    def depth(self, market: str, levels: int) -> Depth:
        """Return the best `levels` of each side, best first."""
        live = self.state.markets[market]
        return Depth(live.bids.depth(levels), live.asks.depth(levels))


def _named_by(command: Command) -> tuple[str, int, str]:
    """Return the market, the order id and the client order id that a command speaks of."""
    match command:
        case PlaceOrder():
            return command.market, 0, command.client_order_id
        case TestOrder():
            return command.order.market, 0, command.order.client_order_id
        case CancelOrder() | AmendOrder():
            return "", command.order_id, command.client_order_id
        case PlaceOco():
            return command.limit.market, 0, command.limit.client_order_id
        case PlaceOto():
            return command.parent.market, 0, command.parent.client_order_id
        case CreateMarket() | UpdateMarket() | SetMarketStatus() | CancelAll():
            return command.market, 0, ""
        case _:
            return "", 0, ""
