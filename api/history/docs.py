"""What the OpenAPI document says of the routes of what was.

The rule of this file: descriptions only, made from the routes' own tables of parameters, so that
none is forgotten.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from api.edge.docs import MIN_SEQUENCE, describe, query
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
from shared.rest.history_queries import (
    CAUSES,
    CSV,
    FILLS,
    INTERVALS,
    JSON,
    KLINES,
    LEDGER,
    ORDER,
    ORDERS,
    REJECTIONS,
    ROLES,
    SIDES,
    STATUSES,
    TICKERS,
    TRADES,
    TYPES,
    HistoryRoute,
)
from shared.rest.market_data import Trades
from shared.rest.texts import INTEGER_MAX

Parameter = dict[str, object]

_MARKET = "For example TATA_INR."
_OF_ALL = ("INVALID_PARAMETER", "SEQUENCE_NOT_REACHED", "HISTORY_OFF", "HISTORY_UNAVAILABLE")
_OF_MARKET = ("UNKNOWN_MARKET", *_OF_ALL)

# What each parameter means, but for `limit`, which is of the route.
_ABOUT: Mapping[str, tuple[str, dict[str, Any]]] = MappingProxyType(
    {
        "market": (_MARKET, {}),
        "interval": ("How long a candle is.", {"enum": list(INTERVALS)}),
        "asset": ("Only lines of this asset.", {}),
        "side": ("Only this side.", {"enum": list(SIDES)}),
        "role": ("Only where you were the one or the other.", {"enum": list(ROLES)}),
        "type": ("Only orders of this type.", {"enum": list(TYPES)}),
        "cause": ("Only lines with this cause.", {"enum": list(CAUSES)}),
        "client_order_id": ("Only orders with this name of yours.", {}),
        "status": (f"Only these, with commas between: {', '.join(STATUSES)}.", {}),
        "format": (
            "csv is a file with all rows, whatever `limit` says.",
            {"enum": [JSON, CSV], "default": JSON},
        ),
        "cursor": ("The `next` of the page before.", {}),
    }
)
_NUMBERS: Mapping[str, str] = MappingProxyType(
    {
        "order_id": "Only of this order.",
        "before": "Only those below this trade_id.",
        "from_ns": "Nothing before this time, in Unix nanoseconds; 0 is from the beginning.",
        "to_ns": "Only what is before this time, in Unix nanoseconds.",
    }
)


def klines() -> dict[str, Any]:
    """Return the description of GET /klines."""
    return _with_csv(_describe(KLINES, Klines, _OF_MARKET))


def tickers() -> dict[str, Any]:
    """Return the description of GET /tickers."""
    return _describe(TICKERS, Tickers, _OF_MARKET)


def trades() -> dict[str, Any]:
    """Return the description of GET /trades, which has two kinds of pages."""
    extra = describe(
        answers={200: (Trades, TradeHistory)},
        parameters=_parameters(TRADES),
        errors=(*_OF_MARKET, "REDIS_UNAVAILABLE"),
        secured=False,
    )
    return _with_csv(extra)


def orders() -> dict[str, Any]:
    """Return the description of GET /orders."""
    return _with_csv(_describe(ORDERS, Orders, _OF_MARKET))


def order() -> dict[str, Any]:
    """Return the description of GET /orders/{order_id}."""
    extra = _describe(ORDER, OrderStory, ("UNKNOWN_ORDER", *_OF_ALL))
    return {
        **extra,
        "parameters": [each for each in extra["parameters"] if each["name"] != "order_id"],
    }


def fills() -> dict[str, Any]:
    """Return the description of GET /fills."""
    return _with_csv(_describe(FILLS, Fills, _OF_MARKET))


def ledger() -> dict[str, Any]:
    """Return the description of GET /ledger."""
    return _with_csv(_describe(LEDGER, Ledger, ("UNKNOWN_ASSET", *_OF_MARKET)))


def rejections() -> dict[str, Any]:
    """Return the description of GET /rejections."""
    return _with_csv(_describe(REJECTIONS, Rejections, _OF_MARKET))


def _describe(route: HistoryRoute, kind: type, errors: tuple[str, ...]) -> dict[str, Any]:
    return describe(
        answers={200: kind},
        parameters=_parameters(route),
        errors=errors,
        secured=route.is_private,
    )


def _parameters(route: HistoryRoute) -> tuple[Parameter, ...]:
    return tuple(_parameter(route, name) for name in route.parameters)


def _parameter(route: HistoryRoute, name: str) -> Parameter:
    if name == "min_sequence":
        return MIN_SEQUENCE
    if name == "limit":
        about = f"At most so many a page; {route.limit_default} if nothing is said."
        return query(name, about, kind="integer", minimum=1, maximum=route.limit_max)
    is_required = name in route.required
    if name in _NUMBERS:
        least = 0 if name == "from_ns" else 1
        bounds: dict[str, Any] = {"minimum": least, "maximum": INTEGER_MAX}
        return query(name, _NUMBERS[name], required=is_required, kind="integer", **bounds)
    about, schema = _ABOUT[name]
    return query(name, about, required=is_required, **schema)


_CSV_HEADERS = MappingProxyType(
    {
        "X-Total-Rows": {
            "description": "Of a CSV: how many rows it has, without its head.",
            "schema": {"type": "integer"},
        },
        "Content-Disposition": {
            "description": "Of a CSV: the name of its file.",
            "schema": {"type": "string"},
        },
    }
)


def _with_csv(extra: dict[str, Any]) -> dict[str, Any]:
    done = extra["responses"]["200"]
    done["content"]["text/csv"] = {"schema": {"type": "string"}}
    done["headers"] = dict(_CSV_HEADERS)
    return extra
