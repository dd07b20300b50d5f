"""Calls for what everybody may see. The rule of this file: one function for each route."""

from rialto.client.call import Call
from shared.rest.market_data import Assets, Depth, Markets, Time, Trades

_V1 = "/api/v1"


def markets() -> Call[Markets]:
    """Return the markets, their grids and rules, and whether they are open."""
    return Call("GET", f"{_V1}/markets", Markets, is_open=True)


def assets() -> Call[Assets]:
    """Return the assets."""
    return Call("GET", f"{_V1}/assets", Assets, is_open=True)


def depth(
    market: str, *, levels: int | None = None, min_sequence: int | None = None
) -> Call[Depth]:
    """Return the best levels of a book."""
    query = {"market": market, "levels": levels, "min_sequence": min_sequence}
    return Call("GET", f"{_V1}/depth", Depth, query=query, is_open=True)


def trades(
    market: str, *, limit: int | None = None, min_sequence: int | None = None
) -> Call[Trades]:
    """Return the recent trades of a market, newest first."""
    query = {"market": market, "limit": limit, "min_sequence": min_sequence}
    return Call("GET", f"{_V1}/trades", Trades, query=query, is_open=True)


def time() -> Call[Time]:
    """Return the gateway's clock."""
    return Call("GET", f"{_V1}/time", Time, is_open=True)
