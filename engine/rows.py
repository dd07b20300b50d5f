"""Rows: what the exchange changed as Redis writes, and what Redis keeps as rows of the exchange.

The rule of this file: each row is written in one place and read in one place, side by side here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import msgspec
from msgspec import Raw, Struct

from engine.core.changes import Changes, ClosedOrder, RememberedKey, Rows
from shared.channels import Keys, balance_field, result_field
from shared.messages import AccountRow, Asset, Market, MarketState, Order, Totals, Withdrawal
from shared.wire import PAYLOAD_SIZE_MAX, decode, encode

DATA_VERSION = 3  # Of all rows; a program refuses to open what a newer one wrote.
# What this program reads, too: rows of version 2 mean the same, and there are no withdrawals yet.
OLDEST_DATA_VERSION = 2
DEAD_ENTRIES_MAX = 1_000  # Enough to find the faulty sender, at most 4 MB.
SCAN_COUNT = 2_000  # Rows in one answer while loading: a few hundred kilobytes.

# The heads of a msgpack list and string with four-byte lengths.
ARRAY32, STR32 = b"\xdd", b"\xdb"

Argument = str | Raw  # A text, or bytes by `raw_string`.
Call = Callable[..., object]


class OtherVersion(Exception):
    """The rows were written by a program of another version; the sentence says what to do."""


class Meta(Struct, frozen=True, kw_only=True):
    """The row of the commit itself: how far the venue is.

    `halted_n` is the entry that an engine has halted over before it began, 0 if it is no such halt;
    `lifts` is how many halts were lifted: what was loaded before the last of them is out of date.
    """

    position: int = 0
    sequence: int = 0
    chain: bytes = b""
    at_ns: int = 0
    next_order_id: int = 1
    unreadable: int = 0
    halt: str = ""
    halted_n: int = 0
    lifts: int = 0
    version: int = DATA_VERSION


class ResultRow(Struct, frozen=True, array_like=True, gc=False):
    """The beginning of a result's row; see `CommandResult`."""

    n: int
    at_ns: int
    sequence: int
    fingerprint: bytes


_RESULT = msgspec.msgpack.Decoder(ResultRow)  # Used a million times in a row.


@dataclass(slots=True)
class Program:
    """The writes of one commit: groups of command, key, count and arguments.

    Redis' own msgpack knows no `bin` type, and its numbers are doubles; so all arguments are
    strings: texts as they are, bytes by `raw_string`.
    """

    arguments: list[Argument] = field(default_factory=list)

    def write(self, command: str, key: str, arguments: list[Argument]) -> None:
        if arguments:
            self.arguments += (command, key, str(len(arguments)))
            self.arguments += arguments

    def packed(self) -> bytes:
        """Return the program as one msgpack list."""
        return encode(self.arguments)


def raw_string(data: bytes) -> Raw:
    """Return bytes as a string of msgpack, though they need not be text."""
    return Raw(_string_head(len(data)) + data)


@cache
def _string_head(size: int) -> bytes:
    # There are as many as rows have sizes: a few hundred, at most the 64 KiB of a full result.
    return STR32 + size.to_bytes(4, "big")


def write_meta(program: Program, keys: Keys, meta: Meta) -> None:
    program.write(
        "HSET",
        keys.meta,
        [
            "position", str(meta.position), "sequence", str(meta.sequence),
            "chain", meta.chain.hex(), "at_ns", str(meta.at_ns),
            "next_order_id", str(meta.next_order_id), "unreadable", str(meta.unreadable),
            "version", str(meta.version),
        ],
    )  # fmt: skip


def write_changes(
    program: Program, keys: Keys, changes: Changes, results: dict[int, bytes], trades_max: int
) -> None:
    """Append the writes for what changed; `results` are the encoded results by entry number."""
    _write_structs(program, keys.assets, changes.assets)
    _write_structs(program, keys.markets, changes.markets)
    _write_structs(program, keys.market_states, changes.market_states)
    _write_structs(program, keys.totals, changes.totals)
    _write_structs(program, keys.accounts, changes.accounts)
    balances: list[Argument] = []
    for (account_id, asset), (available, held) in changes.balances.items():
        balances += (balance_field(account_id, asset), f"{available} {held}")
    program.write("HSET", keys.balances, balances)
    _write_structs(program, keys.withdrawals, changes.withdrawals)
    program.write("HDEL", keys.withdrawals, list(map(str, changes.ended_withdrawals)))
    _write_orders(program, keys, changes)
    _write_market_data(program, keys, changes, trades_max)
    added: list[Argument] = []
    for (account_id, key), (n, _fingerprint) in changes.results_added.items():
        added += (result_field(account_id, key), raw_string(results[n]))
    program.write("HSET", keys.results, added)
    forgotten: list[Argument] = [result_field(*name) for name in changes.results_forgotten]
    program.write("HDEL", keys.results, forgotten)


def write_dead(program: Program, keys: Keys, payloads: list[bytes]) -> None:
    if payloads:
        rows: list[Argument] = [raw_string(payload[:PAYLOAD_SIZE_MAX]) for payload in payloads]
        program.write("LPUSH", keys.dead, rows)
        program.write("LTRIM", keys.dead, ["0", str(DEAD_ENTRIES_MAX - 1)])


def _write_structs(
    program: Program, key: str, rows: Mapping[str, Struct] | Mapping[int, Struct]
) -> None:
    arguments: list[Argument] = []
    for name, row in rows.items():
        arguments += (str(name), raw_string(encode(row)))
    program.write("HSET", key, arguments)


def _write_orders(program: Program, keys: Keys, changes: Changes) -> None:
    open_rows: dict[int, list[Argument]] = {}
    for order in changes.open_orders.values():
        open_rows.setdefault(order.account_id, []).extend(_order_row(order))
    for account_id, arguments in open_rows.items():
        program.write("HSET", keys.open_orders(account_id), arguments)
    gone: dict[int, list[Argument]] = {}
    closed: list[Argument] = []
    for order in changes.closed_orders.values():
        gone.setdefault(order.account_id, []).append(str(order.order_id))
        closed += _order_row(order)
    for account_id, arguments in gone.items():
        program.write("HDEL", keys.open_orders(account_id), arguments)
    program.write("HSET", keys.closed, closed)
    program.write("HDEL", keys.closed, list(map(str, changes.forgotten_closed)))


def _order_row(order: Order) -> tuple[str, Raw]:
    return str(order.order_id), raw_string(encode(order))


def _write_market_data(program: Program, keys: Keys, changes: Changes, trades_max: int) -> None:
    for market, depth in changes.depth.items():
        levels = [("b", *level) for level in depth.bids.items()]
        levels += [("a", *level) for level in depth.asks.items()]
        present: list[Argument] = []
        for side, price_ticks, lots in levels:
            if lots:
                present += (f"{side}{price_ticks}", str(lots))
        gone: list[Argument] = [f"{side}{price}" for side, price, lots in levels if not lots]
        program.write("HSET", keys.depth(market), present)
        program.write("HDEL", keys.depth(market), gone)
    for market, trades in changes.trades.items():
        rows: list[Argument] = [raw_string(encode(trade)) for trade in trades[-trades_max:]]
        program.write("LPUSH", keys.trades(market), rows)
        program.write("LTRIM", keys.trades(market), ["0", str(trades_max - 1)])


# ---- loading ----


def load_meta(call: Call, keys: Keys) -> Meta:
    raw = _hash(call("HGETALL", keys.meta))
    return Meta(
        position=int(raw.get(b"position", 0)),
        sequence=int(raw.get(b"sequence", 0)),
        chain=bytes.fromhex(raw.get(b"chain", b"").decode()),
        at_ns=int(raw.get(b"at_ns", 0)),
        next_order_id=int(raw.get(b"next_order_id", 1)),
        unreadable=int(raw.get(b"unreadable", 0)),
        halt=raw.get(b"halt", b"").decode(),
        halted_n=int(raw.get(b"halted_n", 0)),
        lifts=int(raw.get(b"lifts", 0)),
        version=int(raw.get(b"version", DATA_VERSION)),
    )


def load_rows(call: Call, keys: Keys, meta: Meta) -> Rows:
    """Read everything that an exchange is restored from; nobody else may write meanwhile.

    Raises OtherVersion before it reads a row that it could misread.
    """
    _check_version(meta)
    rows = Rows(
        n=meta.position,
        sequence=meta.sequence,
        at_ns=meta.at_ns,
        next_order_id=meta.next_order_id,
        assets=[decode(row, Asset) for _, row in _scan(call, keys.assets)],
        markets=[decode(row, Market) for _, row in _scan(call, keys.markets)],
        market_states=[decode(row, MarketState) for _, row in _scan(call, keys.market_states)],
        totals=[decode(row, Totals) for _, row in _scan(call, keys.totals)],
        accounts={int(name): decode(row, AccountRow) for name, row in _scan(call, keys.accounts)},
    )
    for name, row in _scan(call, keys.balances):
        account_id, _, asset = name.decode().partition(":")
        available, _, held = row.partition(b" ")
        rows.balances[int(account_id), asset] = int(available), int(held)
    rows.withdrawals += [decode(row, Withdrawal) for _, row in _scan(call, keys.withdrawals)]
    for owner in rows.accounts:
        for _, row in _scan(call, keys.open_orders(owner)):
            rows.open_orders.append(decode(row, Order))
    for _, row in _scan(call, keys.closed):
        order = decode(row, Order)
        rows.closed_orders.append(ClosedOrder(order.order_id, order.updated_at_ns))
    for name, row in _scan(call, keys.results):
        account, _, key = name.decode().partition(":")
        result = _RESULT.decode(row)
        rows.remembered_keys.append(
            RememberedKey(int(account), key, result.n, result.at_ns, result.fingerprint)
        )
    return rows


def can_read(version: int) -> bool:
    """Say whether rows of this data version are understood here."""
    return OLDEST_DATA_VERSION <= version <= DATA_VERSION


def _check_version(meta: Meta) -> None:
    if can_read(meta.version):
        return
    age, advice = "a newer", "install that one"
    if meta.version < DATA_VERSION:
        age, advice = "an older", "go on with that one, or begin anew with `rialto reset`"
    raise OtherVersion(
        f"The data was written by {age} Rialto (version {meta.version} of the rows, "
        f"this program reads {OLDEST_DATA_VERSION} to {DATA_VERSION}): {advice}."
    )


def _hash(response: object) -> dict[bytes, bytes]:
    assert isinstance(response, list), "a hash comes as a list of names and values"
    return dict(zip(response[::2], response[1::2], strict=True))


def _scan(call: Call, key: str) -> Iterator[tuple[bytes, bytes]]:
    # HSCAN may repeat a row, never with another value, since nobody writes; a dict would hide that.
    seen: set[bytes] = set()
    cursor: bytes = b"0"
    while True:
        response = call("HSCAN", key, cursor, "COUNT", SCAN_COUNT)
        assert isinstance(response, list), "HSCAN answers with a cursor and a page"
        cursor, flat = response
        page = _hash(flat)
        if not seen.isdisjoint(page):
            page = {name: value for name, value in page.items() if name not in seen}
        seen.update(page)
        yield from page.items()
        if cursor == b"0":
            return
