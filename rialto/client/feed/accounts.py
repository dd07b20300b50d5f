"""An account, rebuilt from its snapshot and every update: balances, open orders, its standing.

The rule of this file: an update is taken over by its number, once; the amounts are the server's
texts, and sums of them are exact.
"""

from collections.abc import Callable
from decimal import Context, Decimal, Inexact
from typing import Any

from msgspec.structs import replace

from rialto.client.feed.keeper import Keeper
from shared.feed import (
    Accepted,
    AccountSnapshot,
    AccountUpdate,
    AccountUpdated,
    Amended,
    Balance,
    Cancelled,
    CancelTimerSet,
    Expired,
    Filled,
    OpenOrder,
    OrdersCancelled,
    PartiallyFilled,
    PendingWithdrawal,
    Triggered,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)

_PENDING = "pending"
_CANCEL_TIMER = "cancel_timer"
_STOPS = frozenset({"stop", "stop_limit", "trailing_stop"})
_DIGITS = 80  # Twice what two amounts below 2**63 multiply to; more would raise Inexact.


class AccountKeeper(Keeper):
    """Balances and open orders of the account at `sequence`.

    `missed` counts updates that were never received one by one, because a snapshot came in their
    place. What no update says is as of the last one that did: the `stop_price` of a trailing stop
    moves with the market, and is told when it is reached.
    """

    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self.missed = 0
        self._newest: int | None = None  # The last update that was ever taken over.
        self._account_id = 0
        self._balances: dict[str, Balance] = {}
        self._orders: dict[int, OpenOrder] = {}
        self._withdrawals: dict[int, PendingWithdrawal] = {}
        self._tier = 0
        self._is_suspended = False
        self._cancel_at_ns = 0

    @property
    def account_id(self) -> int:
        self.need_live()
        return self._account_id

    @property
    def balances(self) -> dict[str, Balance]:
        """Return what the account has, by asset. Raises NotLiveError."""
        self.need_live()
        return dict(self._balances)

    @property
    def open_orders(self) -> list[OpenOrder]:
        """Return the open and pending orders, oldest first. Raises NotLiveError."""
        self.need_live()
        return [self._orders[order_id] for order_id in sorted(self._orders)]

    @property
    def pending_withdrawals(self) -> list[PendingWithdrawal]:
        """Return what is asked for and not decided, oldest first. Raises NotLiveError."""
        self.need_live()
        return [self._withdrawals[number] for number in sorted(self._withdrawals)]

    @property
    def tier(self) -> int:
        self.need_live()
        return self._tier

    @property
    def is_suspended(self) -> bool:
        self.need_live()
        return self._is_suspended

    @property
    def cancel_at_ns(self) -> int:
        """Return when the cancel timer runs out, 0 when it is off. Raises NotLiveError.

        Where no order was left to be cancelled nothing is said, and a time that is past stays.
        """
        self.need_live()
        return self._cancel_at_ns

    def take(self, update: AccountSnapshot | AccountUpdate) -> None:
        """Take over the next message of the channel; a hole is a `fault`."""
        if isinstance(update, AccountSnapshot):
            self._take_snapshot(update)
        elif self._follow(update.sequence, update.sequence):
            self._newest = update.sequence
            self._balances |= {balance.asset: balance for balance in update.balances}
            change = _CHANGES.get(type(update))
            if change is not None:
                change(self, update)

    def _take_snapshot(self, update: AccountSnapshot) -> None:
        if not self._begin(update.sequence, update.reason):
            return
        if self._newest is not None:
            self.missed += max(0, update.sequence - self._newest)
        self._newest = update.sequence
        self._account_id = update.account_id
        self._balances = {balance.asset: balance for balance in update.balances}
        self._orders = {order.order_id: order for order in update.open_orders}
        self._withdrawals = {item.withdrawal_id: item for item in update.pending_withdrawals}
        self._tier, self._is_suspended = update.tier, update.is_suspended
        self._cancel_at_ns = update.cancel_at_ns

    def expect_snapshot(self, reason: str) -> None:
        self.pause(reason)  # What it leaves out is counted from here.

    # ---- one method per update that changes more than balances ----

    def _accepted(self, update: Accepted) -> None:
        self._orders[update.order_id] = _opened(update)
        parent = self._orders.get(update.parent_order_id)
        if parent is not None:
            self._orders[parent.order_id] = replace(parent, child_order_id=update.order_id)

    def _triggered(self, update: Triggered) -> None:
        order = self._orders.get(update.order_id)
        if order is None:
            return
        # A stop whose parent is filled goes on waiting, now for its price.
        waits_on = order.type in _STOPS and update.stop_price is None
        self._orders[order.order_id] = replace(
            order,
            status=_PENDING if waits_on else "open",
            stop_price=update.stop_price or order.stop_price,
            updated_at_ns=update.at_ns,
        )

    def _filled(self, update: PartiallyFilled | Filled) -> None:
        order = self._orders.get(update.order_id)
        if order is None:
            return
        if isinstance(update, Filled):
            del self._orders[order.order_id]
            return
        cost = _EXACT.multiply(Decimal(update.last_price), Decimal(update.last_quantity))
        self._orders[order.order_id] = replace(
            order,
            status="partially_filled",
            filled_quantity=update.filled_quantity,
            remaining_quantity=None if order.quantity is None else update.remaining_quantity,
            filled_quote=_sum(order.filled_quote, cost),
            fee=_sum(order.fee, Decimal(update.fee)),
            fee_asset=update.fee_asset,
            updated_at_ns=update.at_ns,
        )

    def _ended(self, update: Cancelled | Expired) -> None:
        self._orders.pop(update.order_id, None)

    def _amended(self, update: Amended) -> None:
        order = self._orders.get(update.order_id)
        if order is None:
            return
        by_budget = order.quantity is None
        self._orders[order.order_id] = replace(
            order,
            price=update.price,
            quantity=None if by_budget else update.quantity,
            filled_quantity=update.filled_quantity,
            remaining_quantity=None if by_budget else update.remaining_quantity,
            stop_price=update.stop_price,
            updated_at_ns=update.at_ns,
        )

    def _withdrawal_requested(self, update: WithdrawalRequested) -> None:
        self._withdrawals[update.withdrawal_id] = PendingWithdrawal(
            withdrawal_id=update.withdrawal_id,
            asset=update.asset,
            amount=update.amount,
            reference=update.reference,
            requested_at_ns=update.at_ns,
        )

    def _withdrawal_ended(self, update: WithdrawalSettled | WithdrawalReturned) -> None:
        self._withdrawals.pop(update.withdrawal_id, None)

    def _timer_set(self, update: CancelTimerSet) -> None:
        self._cancel_at_ns = update.cancel_at_ns

    def _all_cancelled(self, update: OrdersCancelled) -> None:
        if update.reason == _CANCEL_TIMER:
            self._cancel_at_ns = 0  # It has run out.

    def _updated(self, update: AccountUpdated) -> None:
        self._tier, self._is_suspended = update.tier, update.is_suspended


_CHANGES: dict[type, Callable[[AccountKeeper, Any], None]] = {
    Accepted: AccountKeeper._accepted,
    Triggered: AccountKeeper._triggered,
    PartiallyFilled: AccountKeeper._filled,
    Filled: AccountKeeper._filled,
    Cancelled: AccountKeeper._ended,
    Expired: AccountKeeper._ended,
    Amended: AccountKeeper._amended,
    OrdersCancelled: AccountKeeper._all_cancelled,
    WithdrawalRequested: AccountKeeper._withdrawal_requested,
    WithdrawalSettled: AccountKeeper._withdrawal_ended,
    WithdrawalReturned: AccountKeeper._withdrawal_ended,
    CancelTimerSet: AccountKeeper._timer_set,
    AccountUpdated: AccountKeeper._updated,
}

_EXACT = Context(prec=_DIGITS, traps=[Inexact])


def _opened(update: Accepted) -> OpenOrder:
    return OpenOrder(
        order_id=update.order_id,
        client_order_id=update.client_order_id,
        market=update.market,
        side=update.side,
        type=update.order_type,
        time_in_force=update.time_in_force,
        status=update.status,
        price=update.price,
        quantity=update.quantity,
        quote_quantity=update.quote_quantity,
        filled_quantity="0",
        remaining_quantity=update.quantity,
        filled_quote="0",
        fee="0",
        fee_asset=update.fee_asset,
        placed_at_ns=update.at_ns,
        updated_at_ns=update.at_ns,
        stop_price=update.stop_price,
        trail=update.trail,
        trail_ppm=update.trail_ppm,
        display_quantity=update.display_quantity,
        expires_at_ns=update.expires_at_ns or None,
        post_only=update.post_only,
        self_trade=update.self_trade,
        peer_order_id=update.peer_order_id or None,
        parent_order_id=update.parent_order_id or None,
        child_order_id=None,
    )


def _sum(text: str, more: Decimal) -> str:
    """Return the shortest exact text, as the server writes it."""
    total = _EXACT.add(Decimal(text), more)
    return format(total.normalize(_EXACT), "f") if total else "0"
