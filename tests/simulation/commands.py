"""What the clients of the simulation send.

The rule of this file: everything random comes from the caller.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from shared.messages import (
    AmendOrder,
    CancelOrder,
    CancelWithdrawal,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    MarketRules,
    OrderType,
    PayOutFees,
    PlaceOrder,
    RequestWithdrawal,
    ResolveWithdrawal,
    Side,
    TestOrder,
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


def random_command(random: Random, key: str, requests: Sequence[int]) -> Command:
    """Draw a command; `requests` are the journal numbers of withdrawals that were asked for."""
    sender: dict[str, Any] = {
        "account_id": random.randint(1, ACCOUNTS),
        "idempotency_key": key,
    }
    roll = random.random()
    if roll < 0.28:
        return _money(random, sender, requests)
    if roll < 0.38:
        return CancelOrder(order_id=random.randint(1, 20), **sender)
    if roll < 0.46:
        return AmendOrder(
            order_id=random.randint(1, 20), quantity_lots=random.randint(1, 5), **sender
        )
    order = _order(random, sender)
    return TestOrder(order=order, **sender) if roll < 0.50 else order


def _money(random: Random, sender: dict[str, Any], requests: Sequence[int]) -> Command:
    amount, roll = random.randint(1, 9_000), random.random()
    if roll < 0.25:
        kind = random.choice((Deposit, Withdraw))
        return kind(asset="INR", amount_atoms=amount, **sender)
    key = sender["idempotency_key"]
    if roll < 0.32:
        receiver = random.randint(1, ACCOUNTS)
        few = random.randint(1, 5)
        return PayOutFees(
            asset="INR", amount_atoms=few, to_account_id=receiver, idempotency_key=key
        )
    if roll < 0.6 or not requests:
        return RequestWithdrawal(asset="INR", amount_atoms=amount, **sender)
    withdrawal_id = random.choice(requests)
    if roll < 0.75:
        return CancelWithdrawal(withdrawal_id=withdrawal_id, **sender)
    is_settled = random.random() < 0.5
    return ResolveWithdrawal(
        withdrawal_id=withdrawal_id, is_settled=is_settled, idempotency_key=key
    )


def _order(random: Random, sender: dict[str, Any]) -> PlaceOrder:
    side, lots = random.choice((Side.BUY, Side.SELL)), random.randint(1, 8)
    if random.random() < 0.13:
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
