"""What happens because time passes: orders expire, cancel timers run out, markets reopen.

The rule of this file: whatever is due happens before the command that finds it due, the oldest
first, at the journal time of that command. So an order whose time is over never trades, and a
replay does the same at the same entry.
"""

from engine.core import ending, rules
from engine.core.amending import cancel_many
from engine.core.markets import LiveMarket
from engine.core.state import State
from engine.core.timers import TimerKind
from engine.core.triggering import Triggering, set_status
from engine.core.venue import Answer
from shared.messages import (
    CancelReason,
    CancelTimerSet,
    Event,
    ExpiryReason,
    MarketStatus,
    SetCancelTimer,
    StatusReason,
    TimePassed,
)


class Timing:
    """Carries out what is due in one exchange."""

    __slots__ = ("_state", "_triggering")

    def __init__(self, state: State, triggering: Triggering) -> None:
        self._state = state
        self._triggering = triggering

    def carry_out_due(self, events: list[Event]) -> None:
        """Do everything that is due at the exchange's time."""
        state = self._state
        opened: list[LiveMarket] = []
        due = state.timers.pop_due(state.at_ns)
        while due is not None:
            kind, timer_id = due
            if kind is TimerKind.ORDER_EXPIRY:
                assert isinstance(timer_id, int), "An order has a number."
                order = state.open.by_id[timer_id]
                ending.expire(state, order, ExpiryReason.TIME, events)
            elif kind is TimerKind.ACCOUNT:
                assert isinstance(timer_id, int), "An account has a number."
                self._cancel_orders_of(timer_id, events)
            else:
                self._go_on(state.markets[str(timer_id)], events, opened)
            due = state.timers.pop_due(state.at_ns)
        # Last, because what they elect trades, and by now whatever is over is gone.
        for live in opened:
            if live.status is MarketStatus.OPEN:
                self._triggering.elect_after_opening(live)
                self._triggering.trigger_all(events)

    def tick(self, _command: object) -> Answer:
        return [TimePassed(self._state.next_event())]

    def set_cancel_timer(self, command: SetCancelTimer) -> Answer:
        state, timeout_ns = self._state, command.timeout_ns
        fault = rules.timeout_fault(command)
        if fault is not None:
            return fault
        account, account_sequence = state.next_private_event(command.account_id)
        account.cancel_at_ns = state.at_ns + timeout_ns if timeout_ns else 0
        if timeout_ns:
            state.timers.set(TimerKind.ACCOUNT, account.account_id, account.cancel_at_ns)
        else:
            state.timers.clear(TimerKind.ACCOUNT, account.account_id)
        sequence = state.next_event()
        return [
            CancelTimerSet(sequence, account.account_id, account_sequence, account.cancel_at_ns)
        ]

    def _cancel_orders_of(self, account_id: int, events: list[Event]) -> None:
        state = self._state
        account = state.ledger.account(account_id)
        account.cancel_at_ns = 0
        state.ledger.touch_account(account)
        if account.orders:
            orders = list(account.orders.values())
            cancel_many(state, account, orders, CancelReason.CANCEL_TIMER, events)

    def _go_on(self, live: LiveMarket, events: list[Event], opened: list[LiveMarket]) -> None:
        """Take a halted market one step towards open."""
        state = self._state
        if live.status is MarketStatus.HALTED:
            until_ns = state.at_ns + live.rules.reopen_ns
            status = MarketStatus.POST_ONLY
            set_status(state, live, status, StatusReason.REOPENING, events, until_ns=until_ns)
            return
        set_status(state, live, MarketStatus.OPEN, StatusReason.REOPENING, events)
        opened.append(live)
