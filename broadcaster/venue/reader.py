"""Reading the venue's rows and events from Redis.

The rule of this file: everything that belongs together is read in one MULTI with `meta.sequence`,
so it is one moment; nothing is kept here.
"""

from typing import Any, NamedTuple

import redis.asyncio

from broadcaster.venue.market import RECENT_TRADES_MAX
from broadcaster.venue.rows import AccountRows, MarketRows, VenueRows
from shared.channels import Keys, balance_field
from shared.messages import AccountRow, Applied, Asset, Market, MarketState, Order, Side, Withdrawal
from shared.wire import TradeRow, decode, decode_batch

LOAD_ATTEMPTS_MAX = 10  # Each fails only when a market is created in the same millisecond.
BATCHES_PER_READ_MAX = 100  # Commits in one answer: below 10 MB, and clients are served in between.

_SIDES = {b"b": Side.BUY, b"a": Side.SELL}


class EventPage(NamedTuple):
    """Batches after a sequence, and the venue's epoch and sequence at the same moment."""

    epoch: int
    sequence: int
    batches: list[list[Applied]]
    is_last: bool


async def read_events(client: redis.asyncio.Redis, keys: Keys, after_sequence: int) -> EventPage:
    """Return the first batches whose last event comes after `after_sequence`."""
    async with client.pipeline(transaction=True) as pipe:
        pipe.hmget(keys.meta, "epoch", "sequence")
        pipe.xrange(keys.events, min=f"({after_sequence}", count=BATCHES_PER_READ_MAX)
        (epoch, sequence), entries = await pipe.execute()
    batches = [decode_batch(fields[b"e"]) for _, fields in entries]
    is_last = len(entries) < BATCHES_PER_READ_MAX
    return EventPage(int(epoch or 0), int(sequence or 0), batches, is_last)


async def read_venue(client: redis.asyncio.Redis, keys: Keys) -> VenueRows:
    """Return the public rows of one moment."""
    for _ in range(LOAD_ATTEMPTS_MAX):
        names = sorted(_text(name) for name in await client.hkeys(keys.markets))
        async with client.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.meta, "epoch", "sequence", "at_ns")
            pipe.hgetall(keys.assets)
            pipe.hgetall(keys.markets)
            pipe.hgetall(keys.market_states)
            pipe.hgetall(keys.withdrawals)
            for name in names:
                pipe.hgetall(keys.depth(name))
                pipe.lrange(keys.trades(name), 0, RECENT_TRADES_MAX - 1)
            meta, assets, markets, states, withdrawals, *details = await pipe.execute()
        if {_text(name) for name in markets} == set(names):
            epoch, sequence, at_ns = (int(value or 0) for value in meta)
            rows = [
                _market_rows(markets, states, name, details[2 * i : 2 * i + 2])
                for i, name in enumerate(names)
            ]
            return VenueRows(
                epoch,
                sequence,
                at_ns,
                [decode(row, Asset) for row in assets.values()],
                rows,
                [decode(row, Withdrawal) for row in withdrawals.values()],
            )
    raise redis.RedisError("the list of markets did not hold still while it was read")


async def read_account(
    client: redis.asyncio.Redis,
    keys: Keys,
    account_id: int,
    *,
    assets: list[str],
    markets: int,
) -> AccountRows | None:
    """Return the account's rows of one moment; None when `assets` or `markets` is out of date.

    `assets` names all assets, `markets` counts all markets that the caller knows.
    """
    async with client.pipeline(transaction=True) as pipe:
        pipe.hget(keys.meta, "sequence")
        pipe.hlen(keys.assets)
        pipe.hlen(keys.markets)
        pipe.hget(keys.accounts, str(account_id))
        pipe.hgetall(keys.open_orders(account_id))
        if assets:
            pipe.hmget(keys.balances, [balance_field(account_id, asset) for asset in assets])
        sequence, assets_now, markets_now, row, orders, *balances = await pipe.execute()
    if assets_now != len(assets) or markets_now != markets:
        return None
    amounts = {
        asset: _balance(text)
        for asset, text in zip(assets, balances[0] if balances else (), strict=True)
        if text is not None
    }
    open_orders = [decode(row, Order) for row in orders.values()]
    account = AccountRow(0) if row is None else decode(row, AccountRow)
    return AccountRows(account_id, account, amounts, open_orders, int(sequence or 0))


def _market_rows(
    markets: dict[bytes, bytes], states: dict[bytes, bytes], name: str, details: list[Any]
) -> MarketRows:
    levels, trades = details
    state = states.get(name.encode())
    return MarketRows(
        decode(markets[name.encode()], Market),
        None if state is None else decode(state, MarketState),
        [(_SIDES[key[:1]], int(key[1:]), int(lots)) for key, lots in levels.items()],
        [decode(row, TradeRow) for row in trades],
    )


def _balance(text: bytes) -> tuple[int, int]:
    available, held = text.split()
    return int(available), int(held)


def _text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode()
