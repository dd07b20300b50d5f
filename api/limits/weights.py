"""What a request weighs: the table of routes. Pure.

The rule of this file: a weight follows the work, in units of the lightest read, about a third of a
millisecond of the gateway; what is not in the table weighs 1.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from api.paths import PREFIX
from shared.rest.history_queries import KLINES_DEFAULT

WEIGHT_DEFAULT = 1
PASSWORD_WEIGHT = 20  # A hash of a password is twenty milliseconds of a core.
_DIGITS = re.compile(rb"(?:^|&)(?:levels|limit)=([0-9]{1,9})(?=&|$)")

# Up to so many levels or rows the answer weighs that much; what is above is refused by the route.
DEPTH_STEPS = ((100, 1), (500, 5), (1_000, 10), (5_000, 50))
LIST_STEPS = ((100, 1), (500, 3), (1_000, 5))
OPEN_STEPS = ((1_000, 3), (5_000, 15))
# A file of all rows keeps a connection and the history's database busy for seconds: of the usual
# 6,000 a minute it takes a thirtieth.
CSV_WEIGHT = 200

_CSV = re.compile(rb"(?:^|&)format=csv(?=&|$)", re.IGNORECASE)

_Weigh = Callable[[bytes], int]


def _fixed(weight: int) -> _Weigh:
    return lambda _query: weight


def _stepped(steps: tuple[tuple[int, int], ...], default: int = 0) -> _Weigh:
    def weigh(query: bytes) -> int:
        # As the route will read it, which decodes it; of two it is the larger.
        count = max(map(int, _DIGITS.findall(_plain(query))), default=default)
        return next((weight for most, weight in steps if count <= most), WEIGHT_DEFAULT)

    return weigh


def _listed(default: int = 0) -> _Weigh:
    """Return what weighs a list of the history, of `default` rows where no limit is named."""
    of_page = _stepped(LIST_STEPS, default)

    def weigh(query: bytes) -> int:
        return CSV_WEIGHT if _CSV.search(_plain(query)) else of_page(query)

    return weigh


def _plain(query: bytes) -> bytes:
    return unquote_to_bytes(query) if b"%" in query else query


def _table() -> Mapping[tuple[str, str], _Weigh]:
    free = _fixed(0)
    return MappingProxyType(
        {
            # A machine that watches must never be told to come back later.
            ("GET", "/health"): free,
            ("HEAD", "/health"): free,
            ("GET", "/ready"): free,
            ("HEAD", "/ready"): free,
            ("GET", "/metrics"): _fixed(10),
            ("GET", "/openapi.json"): _fixed(5),
            ("GET", f"{PREFIX}/depth"): _stepped(DEPTH_STEPS),
            ("GET", f"{PREFIX}/tickers"): _fixed(2),
            ("GET", f"{PREFIX}/klines"): _listed(KLINES_DEFAULT),
            ("GET", f"{PREFIX}/trades"): _listed(),
            ("GET", f"{PREFIX}/orders"): _listed(),
            ("GET", f"{PREFIX}/fills"): _listed(),
            ("GET", f"{PREFIX}/ledger"): _listed(),
            ("GET", f"{PREFIX}/rejections"): _listed(),
            ("GET", f"{PREFIX}/withdrawals"): _stepped(LIST_STEPS),
            ("GET", f"{PREFIX}/deposits"): _stepped(LIST_STEPS),
            ("GET", f"{PREFIX}/order/open"): _stepped(OPEN_STEPS),
            ("GET", f"{PREFIX}/markets"): _fixed(2),
            # Of what is under /auth this needs no password.
            ("POST", f"{PREFIX}/auth/ticket"): _fixed(WEIGHT_DEFAULT),
        }
    )


class Weights:
    """Tells what a request weighs."""

    def __init__(self) -> None:
        self._table = _table()
        self._story = _stepped(LIST_STEPS)

    def weigh(self, method: str, path: str, query: bytes) -> int:
        """Return the weight of a request to a canonical path."""
        weigh = self._table.get((method, path))
        if weigh is None and method == "POST" and path.startswith(f"{PREFIX}/auth/"):
            return PASSWORD_WEIGHT
        if weigh is None and method == "GET" and path.startswith(f"{PREFIX}/orders/"):
            weigh = self._story
        return WEIGHT_DEFAULT if weigh is None else weigh(query)


def may_go_on(method: str, path: str) -> bool:
    """Return whether a request takes orders back, which is let through longer than all else."""
    return method == "DELETE" and path.startswith(f"{PREFIX}/order")
