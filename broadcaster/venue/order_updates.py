"""What the engine says of orders, as their owners read it.

The rule of this file: pure translation, one function for each kind of event; the table of them is
in `account_updates`.
"""

from typing import NamedTuple, Protocol

from broadcaster.channels.accounts import ACCOUNT_CHANNEL
from broadcaster.venue.market import MarketPicture
from shared import feed as out
from shared.messages import (
    NO_ORDER_ID,
    BalanceChange,
    FeeAsset,
    Fill,
    Market,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrdersCancelled,
    OrderStatus,
    OrderTriggered,
    Rejected,
    Side,
    TradeExecuted,
)


class Venue(Protocol):
    """What a translation must know of the venue."""

    def picture(self, market: str) -> MarketPicture: ...

    def amount(self, asset: str, atoms: int) -> str: ...


class AccountNews(NamedTuple):
    """An update on its way to the sockets of one account."""

    account_id: int
    sequence: int
    update: out.AccountUpdate


def balances_of(venue: Venue, *changes: BalanceChange) -> list[out.Balance]:
    return [
        out.Balance(
            change.asset,
            venue.amount(change.asset, change.available),
            venue.amount(change.asset, change.held),
        )
        for change in changes
    ]


def accepted(event: OrderAccepted, at_ns: int, venue: Venue) -> list[AccountNews]:
    picture = venue.picture(event.market)
    update = out.Accepted(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=balances_of(venue, event.hold),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        side=event.side.value,
        order_type=event.type.value,
        time_in_force=event.time_in_force.value,
        price=picture.price_if_any(event.price_ticks),
        quantity=picture.quantity_if_any(event.quantity_lots),
        quote_quantity=(
            venue.amount(picture.market.quote, event.budget_atoms) if event.budget_atoms else None
        ),
        status=event.status.value,
        stop_price=picture.price_if_any(event.stop_price_ticks),
        trail=picture.price_if_any(event.trail_ticks),
        trail_ppm=event.trail_ppm or None,
        display_quantity=picture.quantity_if_any(event.display_lots),
        expires_at_ns=event.expires_at_ns,
        post_only=event.post_only,
        peer_order_id=event.peer_order_id,
        parent_order_id=event.parent_order_id,
        self_trade=event.self_trade.value,
        fee_asset=fee_asset_of(picture.market, event.side),
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def triggered(event: OrderTriggered, at_ns: int, venue: Venue) -> list[AccountNews]:
    update = out.Triggered(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=balances_of(venue, event.hold),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        stop_price=venue.picture(event.market).price_if_any(event.stop_price_ticks),
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def trade(event: TradeExecuted, at_ns: int, venue: Venue) -> list[AccountNews]:
    maker_side = Side.SELL if event.taker_side is Side.BUY else Side.BUY
    news = [
        _fill(event, event.maker, maker_side, at_ns, venue=venue),
        _fill(event, event.taker, event.taker_side, at_ns, venue=venue),
    ]
    # An account that trades with itself reads both sides, in the order the engine counted them.
    return sorted(news, key=lambda item: item.sequence)


def _fill(event: TradeExecuted, fill: Fill, side: Side, at_ns: int, *, venue: Venue) -> AccountNews:
    picture = venue.picture(event.market)
    fee_asset = fee_asset_of(picture.market, side)
    kind = out.Filled if fill.status is OrderStatus.FILLED else out.PartiallyFilled
    update = kind(
        channel=ACCOUNT_CHANNEL,
        sequence=fill.account_sequence,
        at_ns=at_ns,
        balances=balances_of(venue, fill.base, fill.quote),
        order_id=fill.order_id,
        client_order_id=fill.client_order_id,
        market=event.market,
        trade_id=event.trade_id,
        side=side.value,
        role="maker" if fill is event.maker else "taker",
        last_price=picture.price(event.price_ticks),
        last_quantity=picture.quantity(event.quantity_lots),
        filled_quantity=picture.quantity(fill.filled_lots),
        remaining_quantity=picture.quantity(fill.remaining_lots),
        fee=venue.amount(fee_asset, fill.fee_atoms),
        fee_asset=fee_asset,
    )
    return AccountNews(fill.account_id, fill.account_sequence, update)


def fee_asset_of(market: Market, side: Side) -> str:
    buyer_pays_base = market.fee_asset is FeeAsset.RECEIVED and side is Side.BUY
    return market.base if buyer_pays_base else market.quote


def cancelled(event: OrderCancelled, at_ns: int, venue: Venue) -> list[AccountNews]:
    return _ended(out.Cancelled, event, at_ns, venue)


def expired(event: OrderExpired, at_ns: int, venue: Venue) -> list[AccountNews]:
    return _ended(out.Expired, event, at_ns, venue)


def _ended(
    kind: type[out.Cancelled] | type[out.Expired],
    event: OrderCancelled | OrderExpired,
    at_ns: int,
    venue: Venue,
) -> list[AccountNews]:
    picture = venue.picture(event.market)
    update = kind(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=balances_of(venue, event.release),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        filled_quantity=picture.quantity(event.filled_lots),
        remaining_quantity=picture.quantity(event.remaining_lots),
        reason=event.reason.value,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def amended(event: OrderAmended, at_ns: int, venue: Venue) -> list[AccountNews]:
    picture = venue.picture(event.market)
    update = out.Amended(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=balances_of(venue, event.hold),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        quantity=picture.quantity(event.quantity_lots),
        filled_quantity=picture.quantity(event.filled_lots),
        remaining_quantity=picture.quantity(event.remaining_lots),
        reason=event.reason.value,
        price=picture.price_if_any(event.price_ticks),
        stop_price=picture.price_if_any(event.stop_price_ticks),
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def orders_cancelled(event: OrdersCancelled, at_ns: int, _venue: Venue) -> list[AccountNews]:
    update = out.OrdersCancelled(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=[],
        count=event.count,
        reason=event.reason.value,
        market=event.market,
        side=event.side.value if event.side else None,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def rejected(event: Rejected, at_ns: int, venue: Venue) -> list[AccountNews]:
    update = out.Rejected(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=[],
        code=event.code.value,
        field=event.field,
        market=event.market,
        order_id=0 if event.order_id == NO_ORDER_ID else event.order_id,
        client_order_id=event.client_order_id,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]
