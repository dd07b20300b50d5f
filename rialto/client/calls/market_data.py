"""Calls for what everybody may see. The rule of this file: one function for each route."""

from rialto.client.call import Amount, Call, decimal_text, part
from shared.rest.market_data import Assets, AssetView, Depth, Markets, MarketView, Time, Trades

_V1 = "/api/v1"


def markets(*, min_sequence: int | None = None) -> Call[Markets]:
    """Return the markets, their grids and rules, and whether they are open."""
    query = {"min_sequence": min_sequence}
    return Call("GET", f"{_V1}/markets", Markets, query=query, is_open=True)


def market(name: str, *, min_sequence: int | None = None) -> Call[MarketView]:
    """Return one market."""
    path, query = f"{_V1}/markets/{part('name', name)}", {"min_sequence": min_sequence}
    return Call("GET", path, MarketView, query=query, is_open=True)


def assets(*, min_sequence: int | None = None) -> Call[Assets]:
    """Return the assets."""
    query = {"min_sequence": min_sequence}
    return Call("GET", f"{_V1}/assets", Assets, query=query, is_open=True)


def asset(name: str) -> Call[AssetView]:
    """Return one asset."""
    return Call("GET", f"{_V1}/assets/{part('name', name)}", AssetView, is_open=True)


def depth(
    market: str,
    *,
    levels: int | None = None,
    grouping: Amount | None = None,
    min_sequence: int | None = None,
) -> Call[Depth]:
    """Return the best levels of a book, of each price or of each step of `grouping`."""
    query = {
        "market": market,
        "levels": levels,
        "grouping": decimal_text("grouping", grouping),
        "min_sequence": min_sequence,
    }
    return Call("GET", f"{_V1}/depth", Depth, query=query, is_open=True)


def trades(
    market: str,
    *,
    limit: int | None = None,
    before: int | None = None,
    min_sequence: int | None = None,
) -> Call[Trades]:
    """Return a page of the trades of a market, newest first; `before` is `next` of the last."""
    query = {"market": market, "limit": limit, "before": before, "min_sequence": min_sequence}
    return Call("GET", f"{_V1}/trades", Trades, query=query, is_open=True)


def time() -> Call[Time]:
    """Return the gateway's clock."""
    return Call("GET", f"{_V1}/time", Time, is_open=True)
