"""The demo assets and markets that an empty venue begins with, so that a newcomer can trade at
once.

The rule of this file: no users and no balances. Money enters by a deposit that somebody answers
for.
"""

from msgspec import Raw

from engine.redis_link import RedisLink
from shared.channels import Keys
from shared.messages import Command, CreateAsset, CreateMarket, MarketRules, SelfTrade
from shared.wire import NOBODY, WIRE_VERSION, Envelope, encode

ASSETS = (("INR", 2), ("TATA", 0), ("JIO", 0))
MARKETS = (("TATA_INR", "TATA", "INR"), ("JIO_INR", "JIO", "INR"))
# What a newcomer can do wrong without noticing is prevented; see docs/ORDERS.md for each.
RULES = MarketRules(
    self_trade=SelfTrade.EXPIRE_TAKER,
    buy_band_ppm=200_000,
    sell_band_ppm=200_000,  # A price more than 20 % from the last one is a slip of the finger.
    open_orders_max=1_000,  # Of one account; a grid of a hundred levels is far below it.
    halt_move_ppm=100_000,  # 10 % within a minute: a minute's halt, then one to put orders in.
)


def demo_commands() -> list[Command]:
    """Return the commands that make them: shares by the piece, prices by 0.05 rupees."""
    commands: list[Command] = [
        CreateAsset(asset=asset, scale=scale, idempotency_key=f"demo-asset-{asset}")
        for asset, scale in ASSETS
    ]
    commands += [
        CreateMarket(
            market=market,
            base=base,
            quote=quote,
            price_scale=2,
            price_tick=5,
            lot_atoms=1,
            rules=RULES,
            idempotency_key=f"demo-market-{market}",
        )
        for market, base, quote in MARKETS
    ]
    return commands


def seed(link: RedisLink, keys: Keys) -> None:
    """Journal the demo commands if the journal has never had an entry."""
    if link.call("EXISTS", keys.n):
        return
    payloads = [
        encode(Envelope(WIRE_VERSION, NOBODY, 0, Raw(encode(command))))
        for command in demo_commands()
    ]
    link.run("enqueue", [keys.n, keys.journal, keys.meta], [len(payloads), *payloads])
