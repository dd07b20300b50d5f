"""The core's events in the words of the naive exchange.

The rule of this file: one fact an event, without sequences; levels of a depth are sorted, and so
are the markets of adjoining depths, because the page gives no order to those.
"""

from shared.messages import (
    AccountUpdated,
    AssetCreated,
    CancelTimerSet,
    DepthChanged,
    Event,
    FeesPaidOut,
    FundsDeposited,
    FundsTransferred,
    FundsWithdrawn,
    MarketCreated,
    MarketStatusChanged,
    MarketUpdated,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrdersCancelled,
    OrderTested,
    OrderTriggered,
    Rejected,
    TimePassed,
    TradeExecuted,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from tests.support.naive.world import Fact


def facts_of(events: list[Event]) -> list[Fact]:
    """Return what matters of the events of one command."""
    facts: list[Fact] = []
    depths: list[Fact] = []
    for event in events:
        if isinstance(event, DepthChanged):
            levels = sorted(event.bids), sorted(event.asks)
            depths.append(("depth", event.market, *levels))
            continue
        facts += sorted(depths)
        depths = []
        facts.append(_order_fact(event) or _other_fact(event))
    return [*facts, *sorted(depths)]


def _order_fact(event: Event) -> Fact | None:
    match event:
        case OrderAccepted(hold=hold):
            who = event.order_id, event.account_id, str(event.status)
            return "accepted", *who, hold.held_change, event.peer_order_id, event.parent_order_id
        case TradeExecuted(maker=maker, taker=taker):
            what = event.market, event.price_ticks, event.quantity_lots
            fees = maker.fee_atoms, taker.fee_atoms
            return "trade", *what, maker.order_id, taker.order_id, *fees
        case OrderCancelled() | OrderExpired():
            kind = "cancelled" if isinstance(event, OrderCancelled) else "expired"
            left = event.filled_lots, event.remaining_lots
            return kind, event.order_id, str(event.reason), *left, event.release.held_change
        case OrderTriggered(hold=hold):
            return "triggered", event.order_id, event.stop_price_ticks, hold.held_change
        case OrderAmended(hold=hold):
            lots = event.quantity_lots, event.filled_lots, event.remaining_lots
            prices = event.price_ticks, event.stop_price_ticks
            return "amended", event.order_id, *lots, hold.held_change, *prices, str(event.reason)
        case _:
            return None


def _other_fact(event: Event) -> Fact:
    match event:
        case Rejected():
            return "rejected", str(event.code)
        case OrdersCancelled():
            what = event.account_id, event.market, event.side, str(event.reason)
            return "orders_cancelled", *what, event.count
        case MarketStatusChanged():
            words = str(event.status), str(event.reason)
            return "status", event.market, *words, event.until_ns
        case AccountUpdated():
            return "account", event.account_id, event.tier, event.is_suspended
        case CancelTimerSet():
            return "timer", event.account_id, event.cancel_at_ns
        case OrderTested():
            return "tested", event.account_id, event.hold_asset, event.hold_atoms
        case WithdrawalRequested() | WithdrawalSettled() | WithdrawalReturned():
            return _withdrawal_fact(event)
        case FeesPaidOut():
            return "fees_paid_out", event.account_id, event.change.asset, _change(event)
        case FundsDeposited():
            return "deposited", event.account_id, event.change.asset, _change(event)
        case FundsWithdrawn():
            return "withdrawn", event.account_id, event.change.asset, _change(event)
        case FundsTransferred():
            who = event.account_id, event.counterparty_account_id
            return "transferred", *who, event.change.asset, _change(event)
        case MarketCreated() | MarketUpdated():
            created = isinstance(event, MarketCreated)
            return "market_created" if created else "market_updated", event.market.market
        case AssetCreated():
            return "asset_created", event.asset.asset
        case TimePassed():
            return ("time_passed",)
        case _:
            raise AssertionError(f"No word for {event}.")


def _withdrawal_fact(
    event: WithdrawalRequested | WithdrawalSettled | WithdrawalReturned,
) -> Fact:
    who, change = (event.account_id, event.withdrawal_id), event.change
    if isinstance(event, WithdrawalRequested):
        assert change.available_change == -change.held_change
        return "withdrawal_requested", *who, change.asset, change.held_change
    if isinstance(event, WithdrawalSettled):
        assert change.available_change == 0
        return "withdrawal_settled", *who, change.asset, -change.held_change
    assert change.available_change == -change.held_change
    return "withdrawal_returned", *who, change.asset, -change.held_change, str(event.reason)


def _change(event: FundsDeposited | FundsWithdrawn | FundsTransferred | FeesPaidOut) -> int:
    return event.change.available_change
