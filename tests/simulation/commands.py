"""What the clients of the simulation send.

The rule of this file: everything random comes from the caller.
"""

from random import Random
from typing import Any

from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    MarketRules,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
    Withdraw,
)

ACCOUNTS = 3


def venue_commands() -> list[Command]:
    commands: list[Command] = [
        CreateAsset(asset=asset, scale=2, idempotency_key=f"asset-{asset}")
        for asset in ("TATA", "INR")
    ]
    commands.append(
        CreateMarket(
            market="TATA_INR",
            base="TATA",
            quote="INR",
            price_scale=0,
            price_tick=1,
            lot_atoms=100,
            rules=MarketRules(maker_fee_ppm=1_000, taker_fee_ppm=2_000),
            idempotency_key="market",
        )
    )
    for account_id in range(1, ACCOUNTS + 1):
        commands += [
            Deposit(
                account_id=account_id,
                asset=asset,
                amount_atoms=500_000,
                idempotency_key=f"first-{asset}",
            )
            for asset in ("TATA", "INR")
        ]
    return commands


def random_command(random: Random, key: str) -> Command:
    sender: dict[str, Any] = {
        "account_id": random.randint(1, ACCOUNTS),
        "idempotency_key": key,
    }
    roll = random.random()
    if roll < 0.12:
        kind = random.choice((Deposit, Withdraw))
        return kind(asset="INR", amount_atoms=random.randint(1, 9_000), **sender)
    if roll < 0.27:
        return CancelOrder(order_id=random.randint(1, 20), **sender)
    if roll < 0.37:
        return AmendOrder(
            order_id=random.randint(1, 20), quantity_lots=random.randint(1, 5), **sender
        )
    side, lots = random.choice((Side.BUY, Side.SELL)), random.randint(1, 8)
    if roll < 0.45:
        return PlaceOrder(
            market="TATA_INR", side=side, type=OrderType.MARKET, quantity_lots=lots, **sender
        )
    return PlaceOrder(
        market="TATA_INR",
        side=side,
        time_in_force=random.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC)),
        price_ticks=random.randint(97, 103),
        quantity_lots=lots,
        **sender,
    )
