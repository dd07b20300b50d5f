"""From the engine's events to what an account's owner reads.

The rule of this file: pure translation by a table keyed by event type; an event that is not in the
table concerns no account.
"""

from collections.abc import Callable, Container, Iterable
from typing import Any

from broadcaster.channels.accounts import ACCOUNT_CHANNEL
from broadcaster.venue import order_updates as orders
from broadcaster.venue.order_updates import (
    AccountNews,
    Venue,
    balances_of,
    fee_asset_of,
)
from broadcaster.venue.rows import AccountRows
from shared import feed as out
from shared.messages import (
    VENUE_ACCOUNT_ID,
    AccountUpdated,
    CancelTimerSet,
    Event,
    FeesPaidOut,
    FundsDeposited,
    FundsTransferred,
    FundsWithdrawn,
    Order,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrdersCancelled,
    OrderTerms,
    OrderTriggered,
    Rejected,
    TradeExecuted,
    Withdrawal,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)

_NO_TERMS = OrderTerms()

_WithdrawalEvent = WithdrawalRequested | WithdrawalSettled | WithdrawalReturned


def account_news(
    event: Event, at_ns: int, venue: Venue, listeners: Container[int]
) -> list[AccountNews]:
    """Return what `event` means to those of its accounts that are listened to, in order."""
    translate = _TRANSLATIONS.get(type(event))
    if translate is None or not any(account in listeners for account in _accounts_of(event)):
        return []
    return [news for news in translate(event, at_ns, venue) if news.account_id in listeners]


def _accounts_of(event: Event) -> tuple[int, ...]:
    if isinstance(event, TradeExecuted):
        return (event.maker.account_id, event.taker.account_id)
    account_id: int = getattr(event, "account_id", VENUE_ACCOUNT_ID)
    return (account_id,)


def account_snapshot(
    rows: AccountRows,
    venue: Venue,
    reason: out.Reason,
    withdrawals: Iterable[Withdrawal] = (),
) -> out.AccountSnapshot:
    """Return the account as its owner reads it; assets and markets must be known to `venue`.

    `withdrawals` are those that were pending at the moment of the rows.
    """
    return out.AccountSnapshot(
        channel=ACCOUNT_CHANNEL,
        account_id=rows.account_id,
        sequence=rows.account.account_sequence,
        balances=[
            out.Balance(asset, venue.amount(asset, available), venue.amount(asset, held))
            for asset, (available, held) in sorted(rows.balances.items())
        ],
        open_orders=[
            _open_order(order, venue)
            for order in sorted(rows.open_orders, key=lambda order: order.order_id)
        ],
        reason=reason,
        tier=rows.account.tier,
        is_suspended=rows.account.is_suspended,
        cancel_at_ns=rows.account.cancel_at_ns,
        pending_withdrawals=[
            out.PendingWithdrawal(
                withdrawal_id=withdrawal.withdrawal_id,
                asset=withdrawal.asset,
                amount=venue.amount(withdrawal.asset, withdrawal.amount_atoms),
                reference=withdrawal.reference,
                requested_at_ns=withdrawal.requested_at_ns,
            )
            for withdrawal in withdrawals
        ],
    )


def _open_order(order: Order, venue: Venue) -> out.OpenOrder:
    picture = venue.picture(order.market)
    quote = picture.market.quote
    fee_asset = fee_asset_of(picture.market, order.side)
    by_budget = order.budget_atoms > 0
    remaining_lots = order.quantity_lots - order.filled_lots
    terms = order.terms or _NO_TERMS
    return out.OpenOrder(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        market=order.market,
        side=order.side.value,
        type=order.type.value,
        time_in_force=order.time_in_force.value,
        status=order.status.value,
        price=picture.price_if_any(order.price_ticks),
        quantity=None if by_budget else picture.quantity(order.quantity_lots),
        quote_quantity=venue.amount(quote, order.budget_atoms) if by_budget else None,
        filled_quantity=picture.quantity(order.filled_lots),
        remaining_quantity=None if by_budget else picture.quantity(remaining_lots),
        filled_quote=venue.amount(quote, order.filled_quote_atoms),
        fee=venue.amount(fee_asset, order.fee_atoms),
        fee_asset=fee_asset,
        placed_at_ns=order.placed_at_ns,
        updated_at_ns=order.updated_at_ns,
        stop_price=picture.price_if_any(terms.stop_price_ticks),
        trail=picture.price_if_any(terms.trail_ticks),
        trail_ppm=terms.trail_ppm or None,
        display_quantity=picture.quantity_if_any(terms.display_lots),
        expires_at_ns=order.expires_at_ns or None,
        post_only=order.post_only,
        self_trade=order.self_trade.value,
        peer_order_id=terms.peer_order_id or None,
        parent_order_id=terms.parent_order_id or None,
        child_order_id=terms.child_order_id or None,
    )


def _deposited(event: FundsDeposited, at_ns: int, venue: Venue) -> list[AccountNews]:
    return _funds(out.Deposited, event, at_ns, venue)


def _withdrawn(event: FundsWithdrawn, at_ns: int, venue: Venue) -> list[AccountNews]:
    return _funds(out.Withdrawn, event, at_ns, venue)


def _fees_paid_out(event: FeesPaidOut, at_ns: int, venue: Venue) -> list[AccountNews]:
    return _funds(out.FeesPaidOut, event, at_ns, venue)


def _funds(
    kind: type[out.Deposited] | type[out.Withdrawn] | type[out.FeesPaidOut],
    event: FundsDeposited | FundsWithdrawn | FeesPaidOut,
    at_ns: int,
    venue: Venue,
) -> list[AccountNews]:
    change = event.change
    moved_atoms = abs(change.available_change + change.held_change)
    update = kind(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=balances_of(venue, change),
        asset=change.asset,
        amount=venue.amount(change.asset, moved_atoms),
        reference=event.reference,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _transferred(event: FundsTransferred, at_ns: int, venue: Venue) -> list[AccountNews]:
    change = event.change
    update = out.Transferred(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=balances_of(venue, change),
        asset=change.asset,
        amount=venue.amount(change.asset, abs(change.available_change)),
        reference=event.reference,
        direction="in" if change.available_change > 0 else "out",
        counterparty_account_id=event.counterparty_account_id,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _withdrawal_requested(
    event: WithdrawalRequested, at_ns: int, venue: Venue
) -> list[AccountNews]:
    fields = _withdrawal_fields(event, at_ns, venue)
    return _to_owner(event, out.WithdrawalRequested(**fields))


def _withdrawal_settled(event: WithdrawalSettled, at_ns: int, venue: Venue) -> list[AccountNews]:
    fields = _withdrawal_fields(event, at_ns, venue)
    return _to_owner(event, out.WithdrawalSettled(**fields))


def _withdrawal_returned(event: WithdrawalReturned, at_ns: int, venue: Venue) -> list[AccountNews]:
    fields = _withdrawal_fields(event, at_ns, venue)
    return _to_owner(event, out.WithdrawalReturned(**fields, reason=event.reason.value))


def _withdrawal_fields(event: _WithdrawalEvent, at_ns: int, venue: Venue) -> dict[str, Any]:
    change = event.change
    return {
        "channel": ACCOUNT_CHANNEL,
        "sequence": event.account_sequence,
        "at_ns": at_ns,
        "balances": balances_of(venue, change),
        "asset": change.asset,
        "amount": venue.amount(change.asset, abs(change.held_change)),
        "reference": event.reference,
        "withdrawal_id": event.withdrawal_id,
    }


def _to_owner(event: _WithdrawalEvent, update: out.AccountUpdate) -> list[AccountNews]:
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _cancel_timer_set(event: CancelTimerSet, at_ns: int, _venue: Venue) -> list[AccountNews]:
    update = out.CancelTimerSet(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=[],
        cancel_at_ns=event.cancel_at_ns,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _account_updated(event: AccountUpdated, at_ns: int, _venue: Venue) -> list[AccountNews]:
    update = out.AccountUpdated(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=[],
        tier=event.tier,
        is_suspended=event.is_suspended,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


_TRANSLATIONS: dict[type, Callable[..., list[AccountNews]]] = {
    OrderAccepted: orders.accepted,
    OrderTriggered: orders.triggered,
    TradeExecuted: orders.trade,
    OrderCancelled: orders.cancelled,
    OrderExpired: orders.expired,
    OrderAmended: orders.amended,
    OrdersCancelled: orders.orders_cancelled,
    Rejected: orders.rejected,
    FundsDeposited: _deposited,
    FundsWithdrawn: _withdrawn,
    FundsTransferred: _transferred,
    FeesPaidOut: _fees_paid_out,
    WithdrawalRequested: _withdrawal_requested,
    WithdrawalSettled: _withdrawal_settled,
    WithdrawalReturned: _withdrawal_returned,
    CancelTimerSet: _cancel_timer_set,
    AccountUpdated: _account_updated,
}

PRIVATE_EVENTS = tuple(_TRANSLATIONS)
