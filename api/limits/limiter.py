"""Who may go on, and who must wait: the limits of one gateway process.

The rule of this file: nothing here waits. Every decision comes from the memory of this process,
which learns four times a second what the others have counted (api.limits.sharing). What is refused
is not counted as used; it is counted against the address, and too much of it is a ban.
"""

import time
from collections.abc import Callable, Mapping

from msgspec import Struct

from api.edge.errors import ApiError
from api.identity.caller import Caller
from api.limits.bans import Bans
from api.limits.tallies import Table, Tally, Window
from api.limits.weights import Weights, may_go_on
from shared.addresses import counted_as
from shared.logs import get_logger

ADDRESSES_MAX = 50_000  # Of each table, about 20 MB when full.
ACCOUNTS_MAX = 20_000  # Those that trade through one process on one day.
# Taking an order back makes the venue safer, so it is let through up to this many times a limit.
CANCEL_SHARE = 2
DAY_S = 86_400

_log = get_logger(__name__)


class Rules(Struct, frozen=True, kw_only=True):
    """The limits; 0 is none."""

    weight_per_minute: int = 0
    orders_per_10s: int = 0
    orders_per_10s_address: int = 0
    orders_per_day: int = 0
    refusals_per_minute: int = 0  # More of them are a ban.


class AccountLimits(Struct, frozen=True):
    """What an operator set for one account instead; None is as for everybody, 0 is no limit."""

    orders_per_10s: int | None = None
    orders_per_day: int | None = None


class Charge:
    """What one request was charged, for its headers; `orders` are the account's tallies.

    `share` is how many times a limit it may go up to, `own` what was set for the account.
    """

    __slots__ = ("address", "orders", "own", "share", "tally", "weight", "window_n")

    def __init__(self, address: str, tally: Tally, weight: int, share: int) -> None:
        self.address = address
        self.tally = tally
        self.weight = weight
        self.share = share
        self.window_n = 0  # In which the weight was counted.
        self.orders: tuple[Tally, ...] = ()
        self.own: AccountLimits | None = None


class Limits:
    """The limits of one process."""

    def __init__(
        self,
        rules: Rules,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rules = rules
        self.bans = Bans()
        self.busy: set[Tally] = set()
        self.own_limits: Mapping[int, AccountLimits] = {}  # By account; see api.limits.accounts.
        self.refused = {"requests": 0, "orders": 0, "bans": 0, "banned": 0}
        self.clock = clock
        self._weights = Weights()
        minute = Window("weight", 60, rules.weight_per_minute)
        self._weight = self._table(minute, ADDRESSES_MAX)
        self._weight_account = self._table(Window("weight-account", 60, minute.limit), ACCOUNTS_MAX)
        self._refusals = self._table(
            Window("refusals", 60, rules.refusals_per_minute), ADDRESSES_MAX
        )
        ten, day = rules.orders_per_10s, rules.orders_per_day
        address_ten = Window("orders-10s-address", 10, rules.orders_per_10s_address)
        self._orders_address = (self._table(address_ten, ADDRESSES_MAX),)
        self._orders_account = (
            self._table(Window("orders-10s", 10, ten), ACCOUNTS_MAX),
            self._table(Window("orders-day", DAY_S, day), ACCOUNTS_MAX),
        )
        self._orders_key = (
            self._table(Window("orders-10s-key", 10, ten), ACCOUNTS_MAX),
            self._table(Window("orders-day-key", DAY_S, day), ACCOUNTS_MAX),
        )

    def attempts(self, name: str, per_minute: int) -> Table:
        """Return a table for attempts at something, counted by all gateways together.

        Names are what anybody types, so that only those tried again and again are shared.
        """
        window = Window(f"attempts-{name}", 60, per_minute, share_percent=30)
        return self._table(window, ADDRESSES_MAX)

    def _table(self, window: Window, size_max: int) -> Table:
        return Table(window, size_max=size_max, busy=self.busy)

    @property
    def sizes(self) -> dict[str, int]:
        """How many subjects each table holds."""
        tables = (self._weight, self._weight_account, self._refusals)
        orders = (*self._orders_address, *self._orders_account, *self._orders_key)
        return {table.window.name: len(table) for table in (*tables, *orders)}

    # ---- requests ----

    def enter(
        self, client: str, method: str, path: str, query: bytes
    ) -> tuple[Charge, ApiError | None]:
        """Charge a request to its address; return the charge and why it is refused, or None."""
        now_s = self.clock()
        address = counted_as(client)
        weight = self._weights.weigh(method, path, query)
        tally = self._weight.of(address)
        share = CANCEL_SHARE if may_go_on(method, path) else 1
        charge = Charge(address, tally, weight, share)
        if weight == 0:
            tally.total(now_s)
            return charge, None
        if left_s := self.bans.left_s(address, now_s):
            self.refused["banned"] += 1
            return charge, ApiError("BANNED", retry_after_s=left_s)
        limit = tally.window.limit
        if tally.total(now_s) + weight > limit * share and limit:
            charge.weight = 0
            return charge, self._refuse(address, tally, "TOO_MANY_REQUESTS", now_s)
        self._weight.add(tally, weight)
        charge.window_n = tally.window_n
        return charge, None

    def charge_account(self, caller: Caller, charge: Charge) -> None:
        """Charge the request to the account too, now that it is known; raises ApiError."""
        limit = self._weight_account.window.limit
        if not limit or not charge.weight:
            return
        now_s = self.clock()
        tally = self._weight_account.of(caller.account_id)
        if tally.total(now_s) + charge.weight > limit * charge.share:
            raise self._refuse(charge.address, tally, "TOO_MANY_REQUESTS", now_s)
        self._weight_account.add(tally, charge.weight)

    # ---- orders ----

    def take_orders(
        self, caller: Caller, client: str, count: int = 1, *, cancels: bool = False
    ) -> tuple[Tally, ...]:
        """Count orders to the account, the key and the address, all of them or none.

        Returns the account's tallies; raises ApiError TOO_MANY_ORDERS, BANNED. `cancels` says that
        they only take orders back.
        """
        now_s = self.clock()
        address = client if ":" not in client else counted_as(client)
        if left_s := self.bans.left_s(address, now_s):
            self.refused["banned"] += 1
            raise ApiError("BANNED", retry_after_s=left_s)
        own = self.own_limits.get(caller.account_id)
        mine = tuple([table.of(caller.account_id) for table in self._orders_account])
        takes = [*zip(self._orders_account, mine, strict=True)]
        takes += [(table, table.of(address)) for table in self._orders_address]
        if caller.key_id:
            takes += [(table, table.of(caller.key_id)) for table in self._orders_key]
        share = CANCEL_SHARE if cancels else 1
        for _, tally in takes:
            limit = tally.window.limit if own is None else limit_of(tally, own)
            if tally.total(now_s) + count > limit * share and limit:
                raise self._refuse(address, tally, "TOO_MANY_ORDERS", now_s)
        for table, tally in takes:
            table.add(tally, count)
        return mine

    def give_back(self, caller: Caller, charge: Charge) -> None:
        """Take back a request's weight: it was counted as orders instead.

        Not when a slow body has brought it into the next minute, which would get a present.
        """
        if not charge.weight:
            return
        takes = [(self._weight, charge.tally)]
        if self._weight_account.window.limit:
            takes.append((self._weight_account, self._weight_account.of(caller.account_id)))
        now_s = self.clock()
        for table, tally in takes:
            tally.total(now_s)
            if tally.window_n == charge.window_n:
                table.add(tally, -charge.weight)
        charge.weight = 0

    # ---- refusals ----

    def _refuse(self, address: str, tally: Tally, code: str, now_s: float) -> ApiError:
        self.refused["orders" if code == "TOO_MANY_ORDERS" else "requests"] += 1
        refusals = self._refusals.of(address)
        total, most = refusals.total(now_s), self.rules.refusals_per_minute
        self._refusals.add(refusals, 1)
        if most and total + 1 > most:
            ban = self.bans.ban(address, now_s)
            self.refused["bans"] += 1
            _log.warning("banned", address=address, count=ban.count, until_s=ban.until_s)
        elif total == 0:
            _log.info("limited", address=address, limit=tally.window.name, subject=tally.subject)
        return ApiError(code, retry_after_s=tally.wait_s(now_s))


def limit_of(tally: Tally, own: AccountLimits) -> int:
    """Return the limit of one of an account's tallies, or of one of its keys'."""
    window = tally.window
    special = None
    if window.name in ("orders-10s", "orders-10s-key"):
        special = own.orders_per_10s
    elif window.name in ("orders-day", "orders-day-key"):
        special = own.orders_per_day
    return window.limit if special is None else special
