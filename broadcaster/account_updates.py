"""From the engine's events to what an account's owner reads.

The rule of this file: pure translation by a table keyed by event type; an event that is not in the
table concerns no account.
"""

from collections.abc import Callable, Container
from typing import NamedTuple, Protocol

from broadcaster import messages as out
from broadcaster.book import MarketPicture
from broadcaster.rows import AccountRows
from shared.messages import (
    NO_ORDER_ID,
    VENUE_ACCOUNT_ID,
    BalanceChange,
    Event,
    FeeAsset,
    Fill,
    FundsDeposited,
    FundsWithdrawn,
    Market,
    Order,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderStatus,
    Rejected,
    Side,
    TradeExecuted,
)

ACCOUNT_CHANNEL = "account"


class Venue(Protocol):
    """What a translation must know of the venue."""

    def picture(self, market: str) -> MarketPicture: ...

    def amount(self, asset: str, atoms: int) -> str: ...


class AccountNews(NamedTuple):
    """An update on its way to the sockets of one account."""

    account_id: int
    sequence: int
    update: out.AccountUpdate


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


def account_snapshot(rows: AccountRows, venue: Venue, reason: out.Reason) -> out.AccountSnapshot:
    """Return the account as its owner reads it; assets and markets must be known to `venue`."""
    return out.AccountSnapshot(
        channel=ACCOUNT_CHANNEL,
        account_id=rows.account_id,
        sequence=rows.account_sequence,
        balances=[
            out.Balance(asset, venue.amount(asset, available), venue.amount(asset, held))
            for asset, (available, held) in sorted(rows.balances.items())
        ],
        open_orders=[
            _open_order(order, venue)
            for order in sorted(rows.open_orders, key=lambda order: order.order_id)
        ],
        reason=reason,
    )


def _open_order(order: Order, venue: Venue) -> out.OpenOrder:
    picture = venue.picture(order.market)
    quote = picture.market.quote
    fee_asset = _fee_asset(picture.market, order.side)
    by_budget = order.budget_atoms > 0
    remaining_lots = order.quantity_lots - order.filled_lots
    return out.OpenOrder(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        market=order.market,
        side=order.side.value,
        type=order.type.value,
        time_in_force=order.time_in_force.value,
        status=order.status.value,
        price=picture.price(order.price_ticks) if order.price_ticks else None,
        quantity=None if by_budget else picture.quantity(order.quantity_lots),
        quote_quantity=venue.amount(quote, order.budget_atoms) if by_budget else None,
        filled_quantity=picture.quantity(order.filled_lots),
        remaining_quantity=None if by_budget else picture.quantity(remaining_lots),
        filled_quote=venue.amount(quote, order.filled_quote_atoms),
        fee=venue.amount(fee_asset, order.fee_atoms),
        fee_asset=fee_asset,
        placed_at_ns=order.placed_at_ns,
        updated_at_ns=order.updated_at_ns,
    )


def _balances(venue: Venue, *changes: BalanceChange) -> list[out.Balance]:
    return [
        out.Balance(
            change.asset,
            venue.amount(change.asset, change.available),
            venue.amount(change.asset, change.held),
        )
        for change in changes
    ]


def _accepted(event: OrderAccepted, at_ns: int, venue: Venue) -> list[AccountNews]:
    picture = venue.picture(event.market)
    update = out.Accepted(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=_balances(venue, event.hold),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        side=event.side.value,
        order_type=event.type.value,
        time_in_force=event.time_in_force.value,
        price=picture.price(event.price_ticks) if event.price_ticks else None,
        quantity=picture.quantity(event.quantity_lots) if event.quantity_lots else None,
        quote_quantity=(
            venue.amount(picture.market.quote, event.budget_atoms) if event.budget_atoms else None
        ),
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _trade(event: TradeExecuted, at_ns: int, venue: Venue) -> list[AccountNews]:
    maker_side = Side.SELL if event.taker_side is Side.BUY else Side.BUY
    news = [
        _fill(event, event.maker, maker_side, at_ns, venue=venue),
        _fill(event, event.taker, event.taker_side, at_ns, venue=venue),
    ]
    # An account that trades with itself reads both sides, in the order the engine counted them.
    return sorted(news, key=lambda item: item.sequence)


def _fill(event: TradeExecuted, fill: Fill, side: Side, at_ns: int, *, venue: Venue) -> AccountNews:
    picture = venue.picture(event.market)
    fee_asset = _fee_asset(picture.market, side)
    kind = out.Filled if fill.status is OrderStatus.FILLED else out.PartiallyFilled
    update = kind(
        channel=ACCOUNT_CHANNEL,
        sequence=fill.account_sequence,
        at_ns=at_ns,
        balances=_balances(venue, fill.base, fill.quote),
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


def _fee_asset(market: Market, side: Side) -> str:
    buyer_pays_base = market.fee_asset is FeeAsset.RECEIVED and side is Side.BUY
    return market.base if buyer_pays_base else market.quote


def _cancelled(event: OrderCancelled, at_ns: int, venue: Venue) -> list[AccountNews]:
    picture = venue.picture(event.market)
    update = out.Cancelled(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=_balances(venue, event.release),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        filled_quantity=picture.quantity(event.filled_lots),
        remaining_quantity=picture.quantity(event.remaining_lots),
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _expired(event: OrderExpired, at_ns: int, venue: Venue) -> list[AccountNews]:
    picture = venue.picture(event.market)
    update = out.Expired(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=_balances(venue, event.release),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        filled_quantity=picture.quantity(event.filled_lots),
        remaining_quantity=picture.quantity(event.remaining_lots),
        reason=event.reason.value,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _amended(event: OrderAmended, at_ns: int, venue: Venue) -> list[AccountNews]:
    picture = venue.picture(event.market)
    update = out.Amended(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=_balances(venue, event.release),
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        market=event.market,
        quantity=picture.quantity(event.quantity_lots),
        filled_quantity=picture.quantity(event.filled_lots),
        remaining_quantity=picture.quantity(event.remaining_lots),
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


def _rejected(event: Rejected, at_ns: int, venue: Venue) -> list[AccountNews]:
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


def _deposited(event: FundsDeposited, at_ns: int, venue: Venue) -> list[AccountNews]:
    return _funds(out.Deposited, event, at_ns, venue)


def _withdrawn(event: FundsWithdrawn, at_ns: int, venue: Venue) -> list[AccountNews]:
    return _funds(out.Withdrawn, event, at_ns, venue)


def _funds(
    kind: type[out.Deposited] | type[out.Withdrawn],
    event: FundsDeposited | FundsWithdrawn,
    at_ns: int,
    venue: Venue,
) -> list[AccountNews]:
    change = event.change
    moved_atoms = abs(change.available_change + change.held_change)
    update = kind(
        channel=ACCOUNT_CHANNEL,
        sequence=event.account_sequence,
        at_ns=at_ns,
        balances=_balances(venue, change),
        asset=change.asset,
        amount=venue.amount(change.asset, moved_atoms),
        reference=event.reference,
    )
    return [AccountNews(event.account_id, event.account_sequence, update)]


_TRANSLATIONS: dict[type, Callable[..., list[AccountNews]]] = {
    OrderAccepted: _accepted,
    TradeExecuted: _trade,
    OrderCancelled: _cancelled,
    OrderExpired: _expired,
    OrderAmended: _amended,
    Rejected: _rejected,
    FundsDeposited: _deposited,
    FundsWithdrawn: _withdrawn,
}

PRIVATE_EVENTS = tuple(_TRANSLATIONS)
