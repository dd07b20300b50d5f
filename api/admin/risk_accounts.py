"""Who has how much, and how much of it is at stake.

The rule of this file: all balances are walked over and only the largest are kept; those are then
read again, each account of one instant. Values are whole atoms of one quote asset, rounded down.
"""

import heapq
from collections.abc import Iterable, Mapping

from msgspec import Struct

from api.admin.balance_walk import balance_pages
from api.gateway import Gateway
from shared.channels import balance_field
from shared.messages import Market, MarketState, Order, OrderTerms, Side
from shared.money import format_decimal
from shared.rest.risk import Exposure, Holding
from shared.wire import decode

ORDERS_READ_MAX = 5_000  # Of one account; decoding them takes some ten milliseconds.
ROWS_READ_MAX = 2_000  # Balances read again at once: Redis is busy with them for a millisecond.
_NO_TERMS = OrderTerms()


class Prices(Struct, frozen=True):
    """The markets in one quote asset, by base, with the price of the last trade in ticks."""

    quote: str
    scale: int
    markets: dict[str, tuple[Market, int]]

    def value_atoms(self, asset: str, atoms: int) -> int | None:
        """Return what so much of the asset is worth, None without a price."""
        if asset == self.quote:
            return atoms
        market, last_ticks = self.markets.get(asset, (None, 0))
        if market is None or not last_ticks:
            return None
        return atoms * last_ticks * market.atoms_per_tick_lot // market.lot_atoms

    def text(self, atoms: int | None) -> str | None:
        return None if atoms is None else format_decimal(atoms, self.scale)


class Holders(Struct, frozen=True):
    """What the largest holders have: (available, held) in atoms, by account and asset."""

    sequence: int
    amounts: dict[int, dict[str, tuple[int, int]]]


async def largest_holders(gateway: Gateway, assets: Iterable[str], count: int) -> Holders:
    """Return those who have the most of any asset, or have the most of it on hold."""
    wanted = {asset.encode() for asset in assets}
    by_total: dict[bytes, list[tuple[int, int]]] = {asset: [] for asset in wanted}
    by_held: dict[bytes, list[tuple[int, int]]] = {asset: [] for asset in wanted}
    async for _, rows in balance_pages(gateway):
        for field, row in rows.items():
            account, _, asset = field.partition(b":")
            if asset in wanted:
                available, _, held = row.partition(b" ")
                _keep(by_total[asset], int(available) + int(held), int(account), count)
                _keep(by_held[asset], int(held), int(account), count)
    heaps = (*by_total.values(), *by_held.values())
    accounts = sorted({account for heap in heaps for _, account in heap})
    return await _read_again(gateway, accounts, sorted(one.decode() for one in wanted))


def _keep(heap: list[tuple[int, int]], atoms: int, account: int, count: int) -> None:
    one = atoms, account
    if not atoms or (len(heap) == count and one <= heap[0]) or one in heap:
        return  # One that is there already: a walk may come by twice.
    if len(heap) < count:
        heapq.heappush(heap, one)
    else:
        heapq.heapreplace(heap, one)


async def _read_again(gateway: Gateway, accounts: list[int], assets: list[str]) -> Holders:
    sequence, amounts = 0, {}
    at_once = max(1, ROWS_READ_MAX // max(1, len(assets)))
    for first in range(0, len(accounts), at_once):
        some = accounts[first : first + at_once]
        fields = [balance_field(account, asset) for account in some for asset in assets]
        command = ("HMGET", gateway.store.keys.balances, *fields)
        sequence, (rows,) = await gateway.store.read(command)
        read = iter(rows)
        for account in some:
            amounts[account] = {asset: _amounts(next(read)) for asset in assets}
    return Holders(sequence, amounts)


def _amounts(row: bytes | None) -> tuple[int, int]:
    available, _, held = (row or b"0 0").partition(b" ")
    return int(available), int(held)


def holdings_of(
    holders: Holders, asset: str, scale: int, prices: Prices, count: int
) -> list[Holding]:
    """Return who has the most of the asset, the largest first."""
    found = [(account, *amounts[asset]) for account, amounts in holders.amounts.items()]
    found = [one for one in found if one[1] + one[2]]
    found.sort(key=lambda one: (-one[1] - one[2], one[0]))
    return [
        Holding(
            account,
            format_decimal(available, scale),
            format_decimal(held, scale),
            format_decimal(available + held, scale),
            prices.text(prices.value_atoms(asset, available + held)),
        )
        for account, available, held in found[:count]
    ]


async def exposures_of(
    gateway: Gateway, holders: Holders, prices: Prices, *, market: str, count: int
) -> list[Exposure]:
    """Return those of the holders with the most at stake, of one market's orders or ("") all."""
    worth = [(_worth(amounts, prices), account) for account, amounts in holders.amounts.items()]
    worth.sort(key=lambda one: (-one[0][0], one[1]))
    exposures = []
    for (value, held_value, unpriced), account in worth[:count]:
        user = await gateway.users.find_account(account)
        open_orders, notionals = await _notionals(gateway, account, prices, market)
        exposures.append(
            Exposure(
                account_id=account,
                username=user.username if user else None,
                value=format_decimal(value, prices.scale),
                held_value=format_decimal(held_value, prices.scale),
                unpriced=unpriced,
                open_orders=open_orders,
                buy_notional=prices.text(notionals[Side.BUY]),
                sell_notional=prices.text(notionals[Side.SELL]),
            )
        )
    return exposures


def _worth(amounts: Mapping[str, tuple[int, int]], prices: Prices) -> tuple[int, int, list[str]]:
    value = held_value = 0
    unpriced = []
    for asset, (available, held) in amounts.items():
        all_of_it = prices.value_atoms(asset, available + held)
        if all_of_it is None:
            unpriced += [asset] if available + held else []
            continue
        value += all_of_it
        held_value += prices.value_atoms(asset, held) or 0
    return value, held_value, unpriced


async def _notionals(
    gateway: Gateway, account: int, prices: Prices, market: str
) -> tuple[int, dict[Side, int | None]]:
    key = gateway.store.keys.open_orders(account)
    _, (count,) = await gateway.store.read(("HLEN", key))
    if count > ORDERS_READ_MAX:
        return count, {Side.BUY: None, Side.SELL: None}
    _, (rows,) = await gateway.store.read(("HGETALL", key))
    sums: dict[Side, int] = {Side.BUY: 0, Side.SELL: 0}
    of_market = {known.market: (known, last) for known, last in prices.markets.values()}
    for row in rows.values():
        order = decode(row, Order)
        if order.market in of_market and market in ("", order.market):
            sums[order.side] += _notional_atoms(order, *of_market[order.market])
    return len(rows), dict(sums)


def _notional_atoms(order: Order, market: Market, last_ticks: int) -> int:
    """Return what is left of the order at its own price, else at its stop's, else the last one."""
    if order.budget_atoms:
        return order.budget_atoms - order.filled_quote_atoms
    stop_ticks = (order.terms or _NO_TERMS).stop_price_ticks
    price_ticks = order.price_ticks or stop_ticks or last_ticks
    return (order.quantity_lots - order.filled_lots) * price_ticks * market.atoms_per_tick_lot


def prices_in(
    quote: str, scale: int, markets: Iterable[Market], states: Mapping[str, MarketState]
) -> Prices:
    """Return the last prices of the markets in this quote asset."""
    found = {
        market.base: (
            market,
            states[market.market].last_price_ticks if market.market in states else 0,
        )
        for market in markets
        if market.quote == quote
    }
    return Prices(quote, scale, found)
