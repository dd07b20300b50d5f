"""The demo assets and markets that an empty venue begins with, so that a newcomer can trade at
once.

The rule of this file: no users and no balances. Money enters by a deposit that somebody answers
for.
"""

from msgspec import Raw

from engine.redis_link import RedisLink
from shared.channels import Keys
from shared.messages import Command, CreateAsset, CreateMarket
from shared.wire import NOBODY, WIRE_VERSION, Envelope, encode

ASSETS = (("INR", 2), ("TATA", 0), ("JIO", 0))
MARKETS = (("TATA_INR", "TATA", "INR"), ("JIO_INR", "JIO", "INR"))
MAKER_FEE_PPM = 0
TAKER_FEE_PPM = 0


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
            maker_fee_ppm=MAKER_FEE_PPM,
            taker_fee_ppm=TAKER_FEE_PPM,
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
