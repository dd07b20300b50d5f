"""Replies that never come and connections that break: a sender is told the truth, once.

The rule of this file: only the sender's wire is bad; the engine's is sound.
"""

from collections import Counter

from engine.entries import decode_entry
from shared.messages import Deposit, FundsDeposited
from shared.outcomes import Answered, NotAccepted, Unknown
from tests.support.bus_load import opened_load
from tests.support.deadlines import eventually_async
from tests.support.engines import VENUE, Engines, journal_length
from tests.support.lossy_proxy import running_proxy
from tests.support.redis_server import RedisServer
from tests.support.replay import read_record

CUT_RATE = 0.1
AMOUNT = 7  # Atoms; no other deposit here is of that size.
ANSWERS = 300
READY_S = 20.0


async def test_a_command_whose_reply_is_lost_is_unknown_and_has_one_effect(
    redis_server: RedisServer, engines: Engines, seed: int
) -> None:
    engines.make("engine").start()
    async with running_proxy(redis_server.port, seed) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        async with opened_load(url, VENUE, seed) as load:
            await load.open_venue()
            journalled = journal_length(redis_server.url)
            assert await load.bus.wait_until_ready(READY_S)
            command = Deposit(
                account_id=1, asset="INR", amount_atoms=AMOUNT, idempotency_key="lost"
            )
            proxy.lose_replies = 1
            assert await load.bus.submit(command) == Unknown()
            # Nobody repeated it behind our back.
            await eventually_async(lambda: journal_length(redis_server.url) == journalled + 1)

            async def again() -> Answered | None:
                outcome = await load.bus.submit(command)
                assert isinstance(outcome, Answered | NotAccepted), outcome
                return outcome if isinstance(outcome, Answered) else None

            answer = await eventually_async(again)
            assert (answer.replayed, answer.result.n) == (True, journalled + 1)
            assert journal_length(redis_server.url) == journalled + 2
            replayed = await load.check()
            firsts = [events[0] for events in replayed.events.values()]
            deposits = [event for event in firsts if isinstance(event, FundsDeposited)]
            assert [event.change.available_change for event in deposits].count(AMOUNT) == 1


async def test_on_a_wire_that_breaks_at_random_every_command_has_one_effect(
    redis_server: RedisServer, engines: Engines, seed: int
) -> None:
    engines.make("engine").start()
    async with running_proxy(redis_server.port, seed) as proxy:
        async with opened_load(f"redis://127.0.0.1:{proxy.port}/0", VENUE, seed) as load:
            await load.open_venue()
            proxy.cut_rate = CUT_RATE
            async with load.working():
                await load.progress(ANSWERS)
            proxy.cut_rate = 0.0
            await load.check()
        assert load.outcomes["Unknown"] > 0
        assert proxy.lost_replies > 0
        assert proxy.lost_requests > 0
    entries = read_record(redis_server.url, VENUE).entries
    commands = [decode_entry(entry).command for entry in entries]
    journalled = Counter((command.account_id, command.idempotency_key) for command in commands)
    more = {name: count for name, count in journalled.items() if count > max(1, load.sent[name])}
    assert not more, f"Journalled more often than sent: {more}"
