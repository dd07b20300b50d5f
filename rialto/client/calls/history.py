"""Calls for what was. The rule of this file: one function for each route.

Times are Unix nanoseconds; `cursor` is the `next` of the page before. A call of these, given to
`download`, brings all its rows as one file instead.
"""

from rialto.client.call import Call, part
from shared.rest.history import (
    Fills,
    Klines,
    Ledger,
    Orders,
    OrderStory,
    Rejections,
    Tickers,
    TradeHistory,
)

_V1 = "/api/v1"


def klines(
    market: str,
    interval: str,
    *,
    from_ns: int | None = None,
    to_ns: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    min_sequence: int | None = None,
) -> Call[Klines]:
    """Return candles of a market, oldest first: 1s, 1m, 5m, 15m, 1h, 4h, 1d or 1w long."""
    query = {
        "market": market,
        "interval": interval,
        **_page(from_ns, to_ns, limit, cursor, min_sequence),
    }
    return Call("GET", f"{_V1}/klines", Klines, query=query, is_open=True)


def tickers(*, market: str | None = None, min_sequence: int | None = None) -> Call[Tickers]:
    """Return the last 24 hours of every market, or of one."""
    query = {"market": market, "min_sequence": min_sequence}
    return Call("GET", f"{_V1}/tickers", Tickers, query=query, is_open=True)


def trade_history(
    market: str,
    *,
    before: int | None = None,
    from_ns: int = 0,
    to_ns: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    min_sequence: int | None = None,
) -> Call[TradeHistory]:
    """Return trades of a market in a span of time, newest first; only those below `before`."""
    page = _page(from_ns, to_ns, limit, cursor, min_sequence)
    query = {"market": market, "before": before, **page}
    return Call("GET", f"{_V1}/trades", TradeHistory, query=query, is_open=True)


def order_history(
    *,
    market: str | None = None,
    side: str | None = None,
    type: str | None = None,
    status: str | None = None,
    client_order_id: str | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    min_sequence: int | None = None,
) -> Call[Orders]:
    """Return orders of the account, ended ones too, the last placed first; `status` may be several,
    with commas between.
    """
    query = {
        "market": market,
        "side": side,
        "type": type,
        "status": status,
        "client_order_id": client_order_id,
        **_page(from_ns, to_ns, limit, cursor, min_sequence),
    }
    return Call("GET", f"{_V1}/orders", Orders, query=query)


def order_story(
    order_id: int,
    *,
    limit: int | None = None,
    cursor: str | None = None,
    min_sequence: int | None = None,
) -> Call[OrderStory]:
    """Return all that has happened to an order of the account, oldest first."""
    query = {"limit": limit, "cursor": cursor, "min_sequence": min_sequence}
    return Call("GET", f"{_V1}/orders/{part('order_id', order_id)}", OrderStory, query=query)


def fills(
    *,
    market: str | None = None,
    side: str | None = None,
    role: str | None = None,
    order_id: int | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    min_sequence: int | None = None,
) -> Call[Fills]:
    """Return the account's sides of trades, newest first; `role` is maker or taker."""
    query = {
        "market": market,
        "side": side,
        "role": role,
        "order_id": order_id,
        **_page(from_ns, to_ns, limit, cursor, min_sequence),
    }
    return Call("GET", f"{_V1}/fills", Fills, query=query)


def ledger(
    *,
    asset: str | None = None,
    cause: str | None = None,
    market: str | None = None,
    order_id: int | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    min_sequence: int | None = None,
) -> Call[Ledger]:
    """Return the statement of the account, newest line first: each change and its cause."""
    query = {
        "asset": asset,
        "cause": cause,
        "market": market,
        "order_id": order_id,
        **_page(from_ns, to_ns, limit, cursor, min_sequence),
    }
    return Call("GET", f"{_V1}/ledger", Ledger, query=query)


def rejections(
    *,
    market: str | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    min_sequence: int | None = None,
) -> Call[Rejections]:
    """Return what the exchange has refused of the account's orders, newest first."""
    query = {"market": market, **_page(from_ns, to_ns, limit, cursor, min_sequence)}
    return Call("GET", f"{_V1}/rejections", Rejections, query=query)


def _page(
    from_ns: int | None,
    to_ns: int | None,
    limit: int | None,
    cursor: str | None,
    min_sequence: int | None,
) -> dict[str, object]:
    return {
        "from_ns": from_ns,
        "to_ns": to_ns,
        "limit": limit,
        "cursor": cursor,
        "min_sequence": min_sequence,
    }
