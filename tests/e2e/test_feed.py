"""Clients that believe only what they can prove hold what the engine holds, whatever is traded.

The rule of this file: real processes; every state that any client has ever shown is compared with
the engine's own events at that sequence, and the last one with what the gateway answers. After each
step (one command, or one batch) both full books, the best five levels and the best prices are
compared with REST; what speaks at intervals, and the accounts, after every twentieth.
"""

from pathlib import Path
from random import Random

import pytest

from tests.support.feed_exchange import running_feed_exchange
from tests.support.feed_judge import TRADES, Judge
from tests.support.feed_orders import Trader, step
from tests.support.redis_server import RedisServer

COMMANDS = 10_000
SINGLES_RATE = 0.75  # Some 750 steps, in less than a minute on two busy cores.
ALL_COMPARED_EVERY = 20
TRADERS = 3


@pytest.mark.timeout(300)
async def test_ten_thousand_commands_leave_every_client_with_the_engines_picture(
    redis_server: RedisServer, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    async with (
        running_feed_exchange(redis_server.url, tmp_path) as exchange,
        exchange.session(),
    ):
        clients = [await exchange.trader(f"trader{number}") for number in range(TRADERS)]
        traders = [Trader(client, random) for client in clients]
        judge = Judge(exchange, clients)
        await judge.open()
        steps = 0
        while sum(trader.sent for trader in traders) < COMMANDS:
            await step(random.choice(traders), singles_rate=SINGLES_RATE)
            steps += 1
            sequence = max(trader.sequence for trader in traders)
            await judge.compare(sequence, all_of_it=steps % ALL_COMPARED_EVERY == 0)
        await judge.compare(sequence, all_of_it=True)

        truth = exchange.check()
        for feed in exchange.feeds:
            assert (feed.repairs, feed.connections) == (0, 1)
        full = next(watch for watch in exchange.watches if watch.shows is judge.full)
        for channel in TRADES:
            truth.check_trades(full, channel)
            assert len(full.trades[channel]) > COMMANDS / 20, "too few trades prove little"
        assert sum(trader.refused for trader in traders) < COMMANDS / 2
