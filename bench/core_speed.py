"""How fast the core is by itself: commands a second in one process, without the pipeline.

The rule of this file: it prints figures and judges nothing. Run `python -m bench.core_speed`.
"""

import random
import sys
import time

from engine.core.exchange import Exchange
from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    MarketRules,
    PlaceOrder,
    Side,
    TimeInForce,
)

ACCOUNTS = 200
COMMANDS = 200_000
DRAIN_EVERY = 512  # As the engine commits.
SEED = 7
FUNDS = 10**15


def funded_exchange() -> Exchange:
    """Return an exchange with one market and accounts that never run short."""
    exchange = Exchange()
    exchange.apply(CreateAsset(asset="INR", scale=2))
    exchange.apply(CreateAsset(asset="TATA", scale=0))
    exchange.apply(
        CreateMarket(
            market="TATA_INR",
            base="TATA",
            quote="INR",
            price_scale=2,
            price_tick=5,
            lot_atoms=1,
            rules=MarketRules(taker_fee_ppm=500),
        )
    )
    for account_id in range(1, ACCOUNTS + 1):
        exchange.apply(Deposit(account_id=account_id, asset="INR", amount_atoms=FUNDS))
        exchange.apply(Deposit(account_id=account_id, asset="TATA", amount_atoms=FUNDS))
    return exchange


def order_flow(seed: int, count: int) -> list[Command]:
    """Return orders around a drifting price, a third of them cancelled, some amended."""
    draw = random.Random(seed)  # The same flow for the same seed.
    commands: list[Command] = []
    placed, middle = 0, 10_000
    for number in range(count):
        kind, account_id = draw.random(), draw.randint(1, ACCOUNTS)
        key = f"k{number}"
        if kind < 0.65 or not placed:
            middle += draw.choice((-1, 0, 1))
            placed += 1
            commands.append(
                PlaceOrder(
                    account_id=placed % ACCOUNTS + 1,
                    idempotency_key=key,
                    client_order_id=f"c{number}",
                    market="TATA_INR",
                    side=draw.choice((Side.BUY, Side.SELL)),
                    price_ticks=middle + draw.randint(-30, 30),
                    quantity_lots=draw.randint(1, 100),
                    time_in_force=TimeInForce.IOC if kind < 0.05 else TimeInForce.GTC,
                )
            )
            continue
        order_id = max(1, placed - draw.randint(0, 200))
        account_id = order_id % ACCOUNTS + 1
        if kind < 0.95:
            commands.append(
                CancelOrder(account_id=account_id, idempotency_key=key, order_id=order_id)
            )
        else:
            commands.append(
                AmendOrder(
                    account_id=account_id, idempotency_key=key, order_id=order_id, quantity_lots=5
                )
            )
    return commands


def run(commands: list[Command]) -> float:
    """Return the commands a second."""
    exchange = funded_exchange()
    fingerprint = b"12345678"
    started = time.perf_counter()
    for number, command in enumerate(commands):
        exchange.apply(command, fingerprint=fingerprint)
        if number % DRAIN_EVERY == 0:
            exchange.drain_changes()
    return len(commands) / (time.perf_counter() - started)


def main() -> None:
    commands = order_flow(SEED, COMMANDS)
    sys.stdout.write(f"{run(commands):,.0f} full commands a second, seed {SEED}\n")


if __name__ == "__main__":
    main()
