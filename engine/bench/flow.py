"""The order flow of the benchmarks: who trades, on what, and a made-up day of any length.

The rule of this file: the same seed is the same flow, and no answer is needed to write the next
command: orders are named by the ids that their clients gave them.
"""

import random
from collections.abc import Iterator

from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    MarketRules,
    PlaceOrder,
    SelfTrade,
    Side,
    TimeInForce,
)

ACCOUNTS = 1_000
BASE, QUOTE = "COIN", "USD"
MARKET = f"{BASE}_{QUOTE}"
MAKER_FEE_PPM, TAKER_FEE_PPM = 100, 500
FUNDS_ATOMS = 10**15  # Nobody runs short: what is measured are orders, not refusals.
MIDDLE_TICKS = 10_000
# How far an order may be on the far side of the middle, and on its own: about every third trades.
CROSS_TICKS, REACH_TICKS = 4, 30
LOTS_MIN, LOTS_MAX = 2, 100
PLACED, CANCELLED = 0.55, 0.90  # Of a hundred commands 55 place, 35 cancel, 10 amend.
MEMORY = 2_000  # Orders that may still be cancelled or amended; a few are gone by then.
IMMEDIATE = 0.05  # Of the orders, which rest nowhere.

# Every rule is on; none of them refuses what the flow does.
ALL_RULES = MarketRules(
    maker_fee_ppm=MAKER_FEE_PPM,
    taker_fee_ppm=TAKER_FEE_PPM,
    self_trade=SelfTrade.EXPIRE_TAKER,
    quantity_max_lots=10**9,
    notional_min_atoms=1,
    buy_band_ppm=500_000,
    sell_band_ppm=500_000,
    reference_price_ticks=MIDDLE_TICKS,
    open_orders_max=100_000,
    halt_move_ppm=900_000,
)
FEES_ONLY = MarketRules(maker_fee_ppm=MAKER_FEE_PPM, taker_fee_ppm=TAKER_FEE_PPM)


def opening(rules: MarketRules = ALL_RULES) -> list[Command]:
    """Return the commands that make the market and fund every account."""
    commands: list[Command] = [
        CreateAsset(idempotency_key="base", asset=BASE, scale=6),
        CreateAsset(idempotency_key="quote", asset=QUOTE, scale=6),
        create_market(rules),
    ]
    for account_id in range(1, ACCOUNTS + 1):
        for asset in (BASE, QUOTE):
            commands.append(
                Deposit(
                    account_id=account_id,
                    idempotency_key=f"first-{asset}",
                    asset=asset,
                    amount_atoms=FUNDS_ATOMS,
                )
            )
    return commands


def create_market(rules: MarketRules) -> CreateMarket:
    """Return the command for the one market, with fees on both sides of a trade."""
    return CreateMarket(
        idempotency_key="market",
        market=MARKET,
        base=BASE,
        quote=QUOTE,
        price_scale=2,
        price_tick=1,
        lot_atoms=10_000,
        fee_asset=FeeAsset.QUOTE,
        rules=rules,
    )


def flow(seed: int) -> Iterator[Command]:
    """Yield a day without end: orders around a wandering middle, cancels and amends of them."""
    draw = random.Random(seed)
    lots_of: dict[int, int] = {}  # The orders that may still be open.
    numbers: list[int] = []
    middle_ticks, number = MIDDLE_TICKS, 0
    while True:
        number += 1
        kind = draw.random()
        if kind < PLACED or not numbers:
            middle_ticks = max(middle_ticks + draw.choice((-1, 0, 1)), REACH_TICKS + 1)
            place = _place(draw, number, middle_ticks)
            lots_of[number] = place.quantity_lots
            numbers.append(number)
            yield place
            continue
        slot = draw.randrange(max(0, len(numbers) - MEMORY), len(numbers))
        order = numbers[slot]
        if kind < CANCELLED:
            numbers[slot] = numbers[-1]
            numbers.pop()
            del lots_of[order]
            yield CancelOrder(
                account_id=_owner(order),
                idempotency_key=f"m{number}",
                client_order_id=f"o{order}",
            )
        else:
            lots_of[order] = max(lots_of[order] - 1, 1)
            yield AmendOrder(
                account_id=_owner(order),
                idempotency_key=f"m{number}",
                client_order_id=f"o{order}",
                quantity_lots=lots_of[order],
            )


def _owner(order: int) -> int:
    return order * 7 % ACCOUNTS + 1


def _place(draw: random.Random, order: int, middle_ticks: int) -> PlaceOrder:
    side = draw.choice((Side.BUY, Side.SELL))
    away_ticks = draw.randint(-CROSS_TICKS, REACH_TICKS)
    return PlaceOrder(
        account_id=_owner(order),
        idempotency_key=f"o{order}",
        market=MARKET,
        side=side,
        time_in_force=TimeInForce.IOC if draw.random() < IMMEDIATE else TimeInForce.GTC,
        price_ticks=middle_ticks + (-away_ticks if side is Side.BUY else away_ticks),
        quantity_lots=draw.randint(LOTS_MIN, LOTS_MAX),
        client_order_id=f"o{order}",
    )
