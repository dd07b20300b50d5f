"""How the history is asked: the parameters of each route, and what is wrong with them.

The rule of this file: read once and by one function, at the gateway as at the history's own door,
so that both agree; whoever asks names every parameter once and none that is not known.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from shared.rest.texts import INTEGER_MAX

INTERVALS = ("1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w")
LIMIT_DEFAULT, LIMIT_MAX = 100, 1_000
KLINES_DEFAULT, KLINES_MAX = 500, 1_000
CURSOR_LENGTH_MAX = 128  # The names of a row, as text.
CSV, JSON = "csv", "json"

SIDES = ("buy", "sell")
ROLES = ("maker", "taker")
STATUSES = ("pending", "open", "partially_filled", "filled", "cancelled", "expired")
TYPES = ("limit", "market", "stop", "stop_limit", "trailing_stop")
CAUSES = (
    "deposit",
    "withdrawal",
    "withdrawal_requested",
    "withdrawal_settled",
    "withdrawal_returned",
    "transfer",
    "fees_paid_out",
    "order_accepted",
    "order_triggered",
    "order_amended",
    "order_cancelled",
    "order_expired",
    "trade",
)

_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_CURSOR = re.compile(rf"[A-Za-z0-9_-]{{1,{CURSOR_LENGTH_MAX}}}")


class QueryFault(Exception):
    """A parameter is no good: the error's code, a sentence, and the name of the parameter."""

    def __init__(self, code: str, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.field = code, sentence, field


class HistoryQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked: "" and 0 where something is not. Times are journal time in nanoseconds.

    Rows of [from_ns, to_ns) are given, at most `limit` a page; a CSV has them all. `from_ns` is 1
    where all from the beginning are wanted. `statuses` are those wanted, all if there is none;
    `before` is the trade_id that all of them are below.
    `account_id` is set by the gateway, never by a client.
    """

    account_id: int = 0
    market: str = ""
    interval: str = ""
    asset: str = ""
    side: str = ""
    role: str = ""
    type: str = ""
    cause: str = ""
    client_order_id: str = ""
    statuses: tuple[str, ...] = ()
    order_id: int = 0
    before: int = 0
    from_ns: int = 0
    to_ns: int = 0
    limit: int = 0
    cursor: str = ""
    format: str = JSON
    min_sequence: int = 0

    def pairs(self) -> list[tuple[str, str]]:
        """Return it as the parameters that `read_query` reads."""
        found = []
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name == "statuses":
                name, value = "status", ",".join(value)
            if value and not (name == "format" and value == JSON):
                found.append((name, str(value)))
        return found


class HistoryRoute(NamedTuple):
    """A route of the history: its path below the prefix, and what it may be asked.

    `is_private`: of one account, whose id the gateway adds as `account_id`.
    """

    path: str
    parameters: tuple[str, ...]
    required: tuple[str, ...] = ()
    is_private: bool = False
    limit_default: int = LIMIT_DEFAULT
    limit_max: int = LIMIT_MAX


_SPAN = ("from_ns", "to_ns")
_PAGE = ("limit", "cursor", "format", "min_sequence")
KLINES = HistoryRoute(
    "/klines",
    ("market", "interval", *_SPAN, *_PAGE),
    ("market", "interval"),
    limit_default=KLINES_DEFAULT,
    limit_max=KLINES_MAX,
)
TICKERS = HistoryRoute("/tickers", ("market", "min_sequence"))
# `before`: only trades with a smaller trade_id, which is how the gateway goes on where its list of
# recent trades ends.
TRADES = HistoryRoute("/trades", ("market", "before", *_SPAN, *_PAGE), ("market",))
ORDERS = HistoryRoute(
    "/orders",
    ("market", "side", "type", "status", "client_order_id", *_SPAN, *_PAGE),
    is_private=True,
)
ORDER = HistoryRoute(
    "/orders/story", ("order_id", "limit", "cursor", "min_sequence"), ("order_id",), is_private=True
)
FILLS = HistoryRoute(
    "/fills", ("market", "side", "role", "order_id", *_SPAN, *_PAGE), is_private=True
)
LEDGER = HistoryRoute(
    "/ledger", ("asset", "cause", "market", "order_id", *_SPAN, *_PAGE), is_private=True
)
REJECTIONS = HistoryRoute("/rejections", ("market", *_SPAN, *_PAGE), is_private=True)
ROUTES = (KLINES, TICKERS, TRADES, ORDERS, ORDER, FILLS, LEDGER, REJECTIONS)


def read_query(
    route: HistoryRoute, given: list[tuple[str, str]], *, account_id: int = 0
) -> HistoryQuery:
    """Return what a route is asked, of names and values as they came; raises QueryFault.

    `account_id` is whose rows are wanted: a client that names one itself is refused.
    """
    texts: dict[str, str] = {}
    for name, text in given:
        if name not in route.parameters:
            raise QueryFault("UNKNOWN_PARAMETER", "There is no such parameter here.", name)
        if name in texts:
            raise QueryFault("INVALID_PARAMETER", "Give each parameter once.", name)
        texts[name] = text
    for name in route.required:
        if name not in texts:
            raise QueryFault("MISSING_FIELD", f"The parameter {name} is missing.", name)
    values = {_FIELDS.get(name, name): _READERS[name](name, text) for name, text in texts.items()}
    limit = values.pop("limit", route.limit_default)
    if not isinstance(limit, int) or not 1 <= limit <= route.limit_max:
        sentence = f"limit is a whole number from 1 to {route.limit_max}."
        raise QueryFault("INVALID_PARAMETER", sentence, "limit")
    query = HistoryQuery(**values, limit=limit, account_id=account_id)
    if query.to_ns and query.to_ns <= query.from_ns:
        raise QueryFault("INVALID_PARAMETER", "to_ns comes after from_ns.", "to_ns")
    return query


def _integer(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) > INTEGER_MAX:
        sentence = f"{name} is a whole number from 0 to {INTEGER_MAX}."
        raise QueryFault("INVALID_PARAMETER", sentence, name)
    return int(text)


def _id(name: str, text: str) -> int:
    if text == "0":  # There is none, and 0 is what stands for any.
        raise QueryFault("INVALID_PARAMETER", f"{name} is a whole number from 1 on.", name)
    return _integer(name, text)


def _from_ns(name: str, text: str) -> int:
    # From 0 on is from the beginning. Journal time is above 0, and 0 is what stands for any.
    return max(1, _integer(name, text))


def _name(name: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        sentence = f"{name} has 1 to 64 letters, digits or any of _ . : -"
        raise QueryFault("INVALID_PARAMETER", sentence, name)
    return text


def _cursor(name: str, text: str) -> str:
    if not _CURSOR.fullmatch(text):
        sentence = "A cursor is the next of the page before, as it is."
        raise QueryFault("INVALID_PARAMETER", sentence, name)
    return text


def _interval(name: str, text: str) -> str:
    # As it is written: 1M is a month to others, and no minute.
    if text not in INTERVALS:
        sentence = f"{name} is one of {', '.join(INTERVALS)}, in lower case."
        raise QueryFault("INVALID_PARAMETER", sentence, name)
    return text


class _WordOf:
    """Reads one of some words, in any case."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def __call__(self, name: str, text: str) -> str:
        word = text.lower()
        if word not in self._words:
            sentence = f"{name} is one of {', '.join(self._words)}."
            raise QueryFault("INVALID_PARAMETER", sentence, name)
        return word


def _statuses(name: str, text: str) -> tuple[str, ...]:
    read = _WordOf(*STATUSES)
    return tuple(dict.fromkeys(read(name, word) for word in text.split(",")))


_FIELDS: Mapping[str, str] = {"status": "statuses"}
_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "market": _name,
    "interval": _interval,
    "asset": _name,
    "side": _WordOf(*SIDES),
    "role": _WordOf(*ROLES),
    "type": _WordOf(*TYPES),
    "cause": _WordOf(*CAUSES),
    "client_order_id": _name,
    "status": _statuses,
    "order_id": _id,
    "before": _id,
    "from_ns": _from_ns,
    "to_ns": _id,
    "limit": _integer,
    "cursor": _cursor,
    "format": _WordOf(JSON, CSV),
    "min_sequence": _integer,
}
