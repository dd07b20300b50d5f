"""The audit of the rows: every row in Redis against the exchange in memory, page by page.

The rule of this file: a page is compared at the very position that it was read at, so commits go on
and nobody waits. A round ends with the rows that memory has and no page has shown.

Compared are the rows that recovery needs: assets, markets and their states, totals, accounts,
balances, open orders, and the idempotency keys by what they guard.
"""

from collections.abc import Iterator

from engine.core.exchange import Exchange
from engine.core.idempotency import Memory
from engine.follower import Difference, WentBack
from engine.rows import ResultRow
from engine.watch import Page, Watch
from shared.channels import Keys, balance_field
from shared.wire import DecodeError, decode, encode

PAGE_ROWS = 500  # A page takes Redis and the standby a millisecond or two.
LOOK_ROWS = 200
NO_ROW = (b"", b"0 0")  # Who has nothing of an asset may have a row that says so, or none.


class RowAudit:
    """An endless walk over all rows; `compared` counts them, `rounds` the whole walks."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._keys = watch.keys
        self._walk: Iterator[Page] | None = None
        self._page: Page | None = None
        self._shown: set[tuple[str, bytes]] = set()
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
            self._shown.clear()
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
        if page.key == self._keys.results and page.length != len(exchange.state.window):
            raise Difference(
                exchange.n,
                f"{page.length} results are stored, but the entries up to {exchange.n} leave "
                f"{len(exchange.state.window)}",
            )
        for name, row in page.rows.items():
            if not _agrees(self._keys, exchange, page.key, name, row):
                told = page.key.removeprefix(self._keys.tag).lstrip(":")
                raise Difference(
                    exchange.n,
                    f"the row {told} {name.decode(errors='replace')} is not what the entries "
                    f"up to {exchange.n} make of it",
                )
        self.compared += len(page.rows)

    def _pages(self, exchange: Exchange) -> Iterator[Page]:
        keys = self._keys
        for key in (keys.assets, keys.markets, keys.market_states, keys.totals, keys.accounts):
            yield from self._scan(key)
        yield from self._scan(keys.balances, keep=True)
        for account_id in list(exchange.state.ledger.accounts):
            yield from self._scan(keys.open_orders(account_id), keep=True)
        yield from self._scan(keys.results)
        yield from self._unseen(exchange)

    def _scan(self, key: str, *, keep: bool = False) -> Iterator[Page]:
        cursor = b"0"
        while True:
            page = self._watch.page(key, cursor, PAGE_ROWS)
            if keep:
                self._shown.update((key, name) for name in page.rows)
            yield page
            cursor = page.cursor
            if cursor == b"0":
                return

    def _unseen(self, exchange: Exchange) -> Iterator[Page]:
        """Ask for the rows that memory has and no page had; most are younger than the page."""
        unseen: dict[str, list[bytes]] = {}
        for order in list(exchange.state.open.by_id.values()):
            key, name = self._keys.open_orders(order.account_id), b"%d" % order.order_id
            if (key, name) not in self._shown:
                unseen.setdefault(key, []).append(name)
        for account in list(exchange.state.ledger.accounts.values()):
            for asset in account.balances:
                name = balance_field(account.account_id, asset).encode()
                if (self._keys.balances, name) not in self._shown:
                    unseen.setdefault(self._keys.balances, []).append(name)
        for key, names in unseen.items():
            for i in range(0, len(names), LOOK_ROWS):
                yield self._watch.look(key, names[i : i + LOOK_ROWS])


def _agrees(keys: Keys, exchange: Exchange, key: str, name: bytes, row: bytes | None) -> bool:
    try:
        if key == keys.results:
            return row is not None and _is_result(exchange, name, row)
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
    order = state.open.by_id.get(int(name))
    return b"" if order is None else encode(order)


def _is_result(exchange: Exchange, name: bytes, row: bytes) -> bool:
    account, _, key = name.decode().partition(":")
    result = decode(row, ResultRow)
    # Not only within the window of now: a row that is over stays until a commit forgets it.
    memory = exchange.state.window.find((int(account), key))
    return memory == Memory(result.n, result.at_ns, result.fingerprint)
