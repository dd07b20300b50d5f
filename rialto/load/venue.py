"""The market, the users and the money of a measurement, and the ledger looked at afterwards.

The rule of this file: users come in through the gateway's own door; only the market and the money
come by the bus, as an operator's would.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from rialto.client import AsyncClient, ClientError, Tokens
from rialto.errors import RialtoError
from rialto.throwaway import Throwaway
from shared.bus import CommandBus
from shared.channels import Keys
from shared.messages import Command, CreateAsset, CreateMarket, Deposit, FeeAsset, Totals
from shared.outcomes import Answered
from shared.redis_client import connect_async
from shared.wire import decode

BASE, QUOTE = "COIN", "USD"
MARKET = f"{BASE}_{QUOTE}"
FUNDS_ATOMS = 10**15  # Nobody runs short: what is measured are orders, not refusals.
PATIENCE_S = 30.0
LEVELS = 50  # To each side of the book, away from where the orders trade.
LEVELS_AWAY = 20
OPEN_ORDERS = 10  # Of the user who asks for them: what a person has on the screen.
PASSWORD = "correct horse battery staple"


class User(msgspec.Struct, frozen=True):
    """Somebody who trades in a measurement."""

    account_id: int
    token: str


class Ledger(msgspec.Struct, frozen=True):
    """What the exchange says after all: the journal's last number, how far the engine is, and by
    asset what is there beyond what was paid in, which is nothing.
    """

    last_n: int
    position: int
    surplus_atoms: Mapping[str, int]


async def open_venue(place: Throwaway, users: int) -> list[User]:
    """Make the market and so many users with money."""
    async with _at_the_door(place) as client:
        made = [await _user(client, f"trader{number}") for number in range(users)]
    async with _bus(place) as bus:
        for command in _opening(made):
            outcome = await bus.submit(command)
            if not isinstance(outcome, Answered) or outcome.result.code is not None:
                raise RialtoError(f"The exchange refused to be made ready: {outcome}.")
    return made


async def fill_book(place: Throwaway, maker: User, reader: User) -> None:
    """Give the book its levels, and the reader open orders."""
    async with _at_the_door(place, maker.token) as client:
        for level in range(LEVELS):
            for side, sign in (("buy", -1), ("sell", 1)):
                await _place(client, side, 10_000 + sign * (LEVELS_AWAY + level))
    async with _at_the_door(place, reader.token) as client:
        for number in range(OPEN_ORDERS):
            await _place(client, "buy", 10_000 - LEVELS_AWAY - number)


async def read_ledger(place: Throwaway) -> Ledger:
    """Return the ledger, once the engine is at the journal's end."""
    keys = Keys(place.venue)
    client = connect_async(place.redis_url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                pipeline = client.pipeline(transaction=True)
                pipeline.get(keys.n)
                pipeline.hget(keys.meta, "position")
                pipeline.hgetall(keys.balances)
                pipeline.hgetall(keys.totals)
                last_n, position, balances, totals = await pipeline.execute()
                if int(last_n) == int(position):
                    break
                await asyncio.sleep(0.05)
        return Ledger(int(last_n), int(position), _surplus(balances, totals.values()))
    finally:
        await client.aclose()


def _surplus(balances: Mapping[bytes, bytes], totals: Sequence[bytes]) -> dict[str, int]:
    there: dict[str, int] = {}
    for name, amounts in balances.items():
        asset = name.decode().partition(":")[2]
        there[asset] = there.get(asset, 0) + sum(map(int, amounts.split()))
    for row in totals:
        total = decode(row, Totals)
        paid_in = total.deposits_atoms - total.withdrawals_atoms
        there[total.asset] = there.get(total.asset, 0) + total.fees_atoms - paid_in
    return there


@contextlib.asynccontextmanager
async def _bus(place: Throwaway) -> AsyncIterator[CommandBus]:
    bus = CommandBus(
        place.redis_url,
        Keys(place.venue),
        reply_timeout_s=PATIENCE_S,
        engine_silence_max_s=PATIENCE_S,
    )
    await bus.start()
    try:
        if not await bus.wait_until_ready(PATIENCE_S):
            raise RialtoError("The engine did not begin to work.")
        yield bus
    finally:
        await bus.close()


def _opening(users: Sequence[User]) -> list[Command]:
    commands: list[Command] = [
        CreateAsset(idempotency_key="base", asset=BASE, scale=6),
        CreateAsset(idempotency_key="quote", asset=QUOTE, scale=6),
        CreateMarket(
            idempotency_key="market",
            market=MARKET,
            base=BASE,
            quote=QUOTE,
            price_scale=2,
            price_tick=1,
            lot_atoms=10_000,
            fee_asset=FeeAsset.QUOTE,
        ),
    ]
    for user in users:
        for asset in (BASE, QUOTE):
            commands.append(
                Deposit(
                    account_id=user.account_id,
                    idempotency_key=f"deposit:first-{asset}",
                    asset=asset,
                    amount_atoms=FUNDS_ATOMS,
                )
            )
    return commands


@contextlib.asynccontextmanager
async def _at_the_door(place: Throwaway, token: str = "") -> AsyncIterator[AsyncClient]:
    url = f"http://127.0.0.1:{place.settings.api_port}"
    try:
        async with AsyncClient(url, identity=Tokens(token), timeout_s=PATIENCE_S) as client:
            yield client
    except ClientError as error:
        raise RialtoError(f"The gateway refused what the measurement needs: {error}") from error


async def _user(client: AsyncClient, name: str) -> User:
    await client.register(name, PASSWORD)
    logged_in = await client.log_in(name, PASSWORD)
    return User(logged_in.account_id, logged_in.access_token)


async def _place(client: AsyncClient, side: str, ticks: int) -> None:
    price = f"{ticks // 100}.{ticks % 100:02}"
    await client.place_order(MARKET, side, price=price, quantity=1)
