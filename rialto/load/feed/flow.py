"""What happens on the markets of a measurement.

The rule of this file: the same seed is the same traffic; every command changes a book, and a stated
share of them is a trade, of which each is one trade.
"""

import random
from collections.abc import Iterator, Sequence

from shared.messages import (
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    PlaceOrder,
    Side,
    TimeInForce,
)

QUOTE = "USD"
MAKER, TAKER = 1, 2
FUNDS_ATOMS = 10**15  # Nobody runs short: what is measured are messages, not refusals.
MIDDLE_TICKS = 10_000
LEVELS = 50  # To each side of a book.
MAKER_LOTS, TAKER_LOTS = 10_000, 1  # So a taker meets one maker, and never empties a level.


def opening(markets: Sequence[str]) -> list[Command]:
    """Return the commands that make the markets, the money and the books."""
    assets = [QUOTE, *(market.removesuffix(f"_{QUOTE}") for market in markets)]
    commands: list[Command] = [
        CreateAsset(idempotency_key=f"asset-{asset}", asset=asset, scale=6) for asset in assets
    ]
    for market, base in zip(markets, assets[1:], strict=True):
        commands.append(
            CreateMarket(
                idempotency_key=f"market-{market}",
                market=market,
                base=base,
                quote=QUOTE,
                price_scale=2,
                price_tick=1,
                lot_atoms=100,
                fee_asset=FeeAsset.QUOTE,
            )
        )
    for account_id in (MAKER, TAKER):
        for asset in assets:
            commands.append(
                Deposit(
                    account_id=account_id,
                    idempotency_key=f"first-{asset}",
                    asset=asset,
                    amount_atoms=FUNDS_ATOMS,
                )
            )
    for market in markets:
        for level in range(2 * LEVELS):
            side = (Side.BUY, Side.SELL)[level % 2]
            commands.append(_maker_order(market, side, level // 2 + 1, f"{market}-first-{level}"))
    return commands


def flow(markets: Sequence[str], *, trades_percent: int, prefix: str) -> Iterator[Command]:
    """Yield commands without end, the markets in turn: a maker comes or goes, or a taker trades."""
    draw = random.Random(prefix)
    open_orders: dict[str, list[str]] = {market: [] for market in markets}
    number = 0
    while True:
        for market in markets:
            number += 1
            key = f"{prefix}-{number}"
            side = draw.choice((Side.BUY, Side.SELL))
            orders = open_orders[market]
            if draw.randrange(100) < trades_percent:
                yield _taker_order(market, side, key)
            elif draw.randrange(LEVELS) < len(orders):
                order = orders.pop(draw.randrange(len(orders)))
                yield CancelOrder(
                    account_id=MAKER, idempotency_key=f"c{key}", client_order_id=order
                )
            else:
                orders.append(key)
                yield _maker_order(market, side, draw.randint(2, LEVELS), key)


def _maker_order(market: str, side: Side, away_ticks: int, key: str) -> PlaceOrder:
    return PlaceOrder(
        account_id=MAKER,
        idempotency_key=key,
        market=market,
        side=side,
        price_ticks=MIDDLE_TICKS + (-away_ticks if side is Side.BUY else away_ticks),
        quantity_lots=MAKER_LOTS,
        client_order_id=key,
        post_only=True,
    )


def _taker_order(market: str, side: Side, key: str) -> PlaceOrder:
    return PlaceOrder(
        account_id=TAKER,
        idempotency_key=key,
        market=market,
        side=side,
        time_in_force=TimeInForce.IOC,
        price_ticks=MIDDLE_TICKS + (LEVELS if side is Side.BUY else -LEVELS),
        quantity_lots=TAKER_LOTS,
    )
