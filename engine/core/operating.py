"""What an operator does to a market or an account while orders rest.

The rule of this file: an operator's word is carried out at once and completely, for all orders that
it concerns; what ends by it ends with its reason.
"""

from engine.core import rules, venue
from engine.core.amending import cancel_many
from engine.core.rules import Refusal
from engine.core.state import State
from engine.core.triggering import Triggering, set_status
from engine.core.venue import Answer
from shared.messages import (
    CancelReason,
    Event,
    MarketStatus,
    Order,
    Reject,
    SetMarketStatus,
    StatusReason,
    SuspendAccount,
)


class Operating:
    """Carries out the operator's commands that end orders or begin them."""

    __slots__ = ("_state", "_triggering")

    def __init__(self, state: State, triggering: Triggering) -> None:
        self._state = state
        self._triggering = triggering

    def set_market_status(self, command: SetMarketStatus) -> Answer:
        state = self._state
        live = state.markets.get(command.market)
        if live is None:
            return Refusal(Reject.UNKNOWN_MARKET, "market")
        events: list[Event] = []
        set_status(state, live, command.status, StatusReason.OPERATOR, events)
        if command.status is MarketStatus.CLOSED:
            self._cancel_market(live.name, events)
        elif command.status is MarketStatus.OPEN:
            self._triggering.elect_after_opening(live)
            self._triggering.trigger_all(events)
        return events

    def suspend_account(self, command: SuspendAccount) -> Answer:
        state = self._state
        fault = rules.target_fault(command)
        if fault is not None:
            return fault
        account = state.ledger.account(command.target_account_id)
        account.is_suspended = command.is_suspended
        events: list[Event] = [venue.account_updated(state, account)]
        if command.is_suspended and command.cancel_orders and account.orders:
            orders = list(account.orders.values())
            cancel_many(state, account, orders, CancelReason.ACCOUNT_SUSPENDED, events)
        return events

    def _cancel_market(self, market: str, events: list[Event]) -> None:
        state = self._state
        by_account: dict[int, list[Order]] = {}
        for order in state.open.by_id.values():
            if order.market == market:
                by_account.setdefault(order.account_id, []).append(order)
        for account_id in sorted(by_account):
            account = state.ledger.account(account_id)
            cancel_many(
                state,
                account,
                by_account[account_id],
                CancelReason.MARKET_CLOSED,
                events,
                market=market,
            )
