"""The audit of the rows: every row in Redis against the exchange in memory, page by page.

The rule of this file: a page is compared at the very position that it was read at, so commits go on
and nobody waits. A hash ends with the rows that memory has and no page has shown, or has a length.

Compared is all that recovery needs: the sequence, the time and the next order id, assets, markets
and their states, totals, accounts, balances, pending withdrawals, open orders, the idempotency keys
by what they guard. Of closed orders memory knows no more than which there are: they are counted,
and each must be one.
"""

from collections.abc import Iterable, Iterator, Mapping

from engine.core.exchange import Exchange
from engine.core.idempotency import Memory
from engine.core.ledger import Account
from engine.core.orders import is_open
from engine.follower import Difference, WentBack
from engine.rows import ResultRow
from engine.watch import Page, Watch
from shared.channels import Keys, balance_field
from shared.messages import AccountRow, Order
from shared.wire import DecodeError, decode, encode

PAGE_ROWS = 500  # A page takes Redis and the standby a millisecond or two.
LOOK_ROWS = 200
# Of whom or what was only spoken there may be a row that says so, or none.
NO_ROW = (b"", b"0 0", encode(AccountRow(0)))
COUNTERS = (b"sequence", b"at_ns", b"next_order_id")


class RowAudit:
    """An endless walk over all rows; `compared` counts them, `rounds` the whole walks."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._keys = watch.keys
        self._walk: Iterator[Page] | None = None
        self._page: Page | None = None
        self.compared = 0
        self.rounds = 0

    def read(self, exchange: Exchange) -> bool:
        """Read the next page; False when the last one still waits for its position, or when a round
        has ended.
        """
        if self._page is not None:
            return False
        if self._walk is None:
            self._walk = self._pages(exchange)
        self._page = next(self._walk, None)
        if self._page is None:
            self._walk = None
            self.rounds += 1
        return self._page is not None

    def compare(self, exchange: Exchange, chain: bytes) -> None:
        """Compare the page that was read if it is of this position; raises Difference."""
        page = self._page
        if page is None or page.position > exchange.n:
            return
        self._page = None
        if page.position < exchange.n:
            raise WentBack(f"The ledger has gone back to entry {page.position}.")
        if page.chain != chain.hex():
            raise Difference(
                exchange.n, f"the chain in the ledger is another one at entry {exchange.n}"
            )
        self._compare_length(exchange, page)
        for name, row in page.rows.items():
            if not _agrees(self._keys, exchange, page.key, name, row):
                told = page.key.removeprefix(self._keys.tag).lstrip(":")
                raise Difference(
                    exchange.n,
                    f"the row {told} {name.decode(errors='replace')} is not what the entries "
                    f"up to {exchange.n} make of it",
                )
        self.compared += len(page.rows)

    def _compare_length(self, exchange: Exchange, page: Page) -> None:
        """Count what no page can be asked for by its names."""
        state = exchange.state
        for key, told, left in (
            (self._keys.results, "results", len(state.window)),
            (self._keys.closed, "closed orders", len(state.closed)),
        ):
            if page.key == key and page.length != left:
                raise Difference(
                    exchange.n,
                    f"{page.length} {told} are stored, but the entries up to {exchange.n} leave "
                    f"{left}",
                )

    def _pages(self, exchange: Exchange) -> Iterator[Page]:
        keys, state = self._keys, exchange.state
        accounts = state.ledger.accounts
        if exchange.n:  # Before the first commit there are none.
            yield self._watch.look(keys.meta, COUNTERS)
        yield from self._whole(keys.assets, state.assets)
        yield from self._whole(keys.markets, state.markets)
        yield from self._whole(keys.market_states, state.markets)
        yield from self._whole(keys.totals, state.ledger.totals)
        yield from self._whole(keys.accounts, accounts)
        yield from self._whole(keys.balances, _balance_names(accounts))
        yield from self._whole(keys.withdrawals, state.withdrawals)
        for account in list(accounts.values()):
            yield from self._whole(keys.open_orders(account.account_id), account.orders)
        yield from self._scan(keys.closed)
        yield from self._scan(keys.results)

    def _whole(self, key: str, names: Iterable[object]) -> Iterator[Page]:
        """Read a hash, then ask for the rows of `names`, as they are by then, that no page had:
        most are younger than the page, but one may be gone.
        """
        shown: set[bytes] = set()
        for page in self._scan(key):
            shown.update(page.rows)
            yield page
        unseen = [name for name in (str(name).encode() for name in names) if name not in shown]
        for i in range(0, len(unseen), LOOK_ROWS):
            yield self._watch.look(key, unseen[i : i + LOOK_ROWS])

    def _scan(self, key: str) -> Iterator[Page]:
        cursor = b"0"
        while True:
            page = self._watch.page(key, cursor, PAGE_ROWS)
            yield page
            cursor = page.cursor
            if cursor == b"0":
                return


def _balance_names(accounts: Mapping[int, Account]) -> Iterator[str]:
    for account in accounts.values():
        for asset in account.balances:
            yield balance_field(account.account_id, asset)


def _agrees(keys: Keys, exchange: Exchange, key: str, name: bytes, row: bytes | None) -> bool:
    try:
        if key == keys.results:
            return row is not None and _is_result(exchange, name, row)
        if key == keys.closed:
            return row is not None and _is_closed(exchange, name, row)
        expected = _expected(keys, exchange, key, name.decode())
    except (DecodeError, KeyError, ValueError):
        return False
    return expected in NO_ROW if row is None else expected == row


def _expected(keys: Keys, exchange: Exchange, key: str, name: str) -> bytes:
    """Return the row that there should be, b"" for none."""
    state = exchange.state
    if key == keys.balances:
        account, _, asset = name.partition(":")
        available, held = exchange.balance(int(account), asset)
        return f"{available} {held}".encode()
    if key == keys.accounts:
        return encode(state.ledger.accounts[int(name)].row())
    if key == keys.assets:
        return encode(state.assets[name])
    if key == keys.markets:
        return encode(state.markets[name].market)
    if key == keys.market_states:
        return encode(state.markets[name].state())
    if key == keys.totals:
        return encode(state.ledger.totals[name].row())
    if key == keys.meta:
        return _counter(exchange, name)
    if key == keys.withdrawals:
        withdrawal = state.withdrawals.get(int(name))
        return b"" if withdrawal is None else encode(withdrawal)
    order = state.open.by_id.get(int(name))
    return b"" if order is None else encode(order)


def _counter(exchange: Exchange, name: str) -> bytes:
    counters = exchange.sequence, exchange.at_ns, exchange.next_order_id
    return b"%d" % counters[COUNTERS.index(name.encode())]


def _is_closed(exchange: Exchange, name: bytes, row: bytes) -> bool:
    order = decode(row, Order)
    was_there = order.order_id == int(name) and order.order_id < exchange.next_order_id
    is_there = order.order_id in exchange.state.open.by_id or is_open(order)
    return was_there and not is_there and order.updated_at_ns <= exchange.at_ns


def _is_result(exchange: Exchange, name: bytes, row: bytes) -> bool:
    account, _, key = name.decode().partition(":")
    result = decode(row, ResultRow)
    # Not only within the window of now: a row that is over stays until a commit forgets it.
    memory = exchange.state.window.find((int(account), key))
    return memory == Memory(result.n, result.at_ns, result.fingerprint)
