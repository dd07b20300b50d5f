"""An answer that never comes, and a gateway that is killed: one effect, however often it is sent.

The rule of this file: what has happened is read over a way that loses nothing, and added up.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from rialto.client import AsyncClient, Client, UnansweredError
from tests.api.exchange import PASSWORD
from tests.rialto.client.conftest import Settings, Venue, running_gateway
from tests.support.deadlines import eventually_async
from tests.support.processes import Service
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

ORDERS = 40
PATIENCE_S = 30.0  # A gateway that is started again needs a few seconds on a busy machine.


def way_through(proxy: TcpProxy) -> str:
    return f"http://127.0.0.1:{proxy.port}"


async def test_each_kind_of_command_whose_answer_is_lost_has_one_effect(venue: Venue) -> None:
    async with (
        tcp_proxy(venue.url) as proxy,
        await venue.async_trader("unlucky", "INR", url=way_through(proxy)) as client,
    ):
        other = await client.create_account("other")

        async def losing(command: Callable[[], Awaitable[object]]) -> object:
            proxy.lose_next_reply = True
            before = proxy.requests
            answer = await command()
            assert not proxy.lose_next_reply, "an answer was lost"
            assert proxy.requests >= before + 2, "and asked for again"
            return answer

        await losing(lambda: client.place_order("TATA_INR", "buy", price="90", quantity="2"))
        (order,) = (await client.open_orders()).orders
        await losing(lambda: client.amend_order(order.order_id, quantity="5"))
        assert (await client.order(order.order_id)).quantity == "5"
        await losing(lambda: client.cancel_order(order.order_id))
        assert (await client.order(order.order_id)).status == "cancelled"

        await losing(lambda: client.transfer(other.account_id, "INR", "100"))
        await losing(lambda: client.withdraw("INR", "50", "IBAN"))
        (withdrawal,) = (await client.withdrawals()).withdrawals
        row = (await client.balances()).balances["INR"]
        assert (row.available, row.held) == ("99850", "50")
        await losing(lambda: client.cancel_withdrawal(withdrawal.withdrawal_id))
        row = (await client.balances()).balances["INR"]
        assert (row.available, row.held) == ("99900", "0")


async def test_a_waiting_client_asks_again_too(venue: Venue) -> None:
    async with tcp_proxy(venue.url) as proxy:

        def trade() -> list[str | None]:
            with venue.trader("unlucky.too", "INR"), Client(way_through(proxy)) as client:
                client.log_in("unlucky.too", PASSWORD)
                proxy.lose_next_reply = True
                client.place_order("TATA_INR", "buy", price="90", quantity="2")
                return [order.quantity for order in client.open_orders().orders]

        assert await asyncio.to_thread(trade) == ["2"]


async def test_a_lost_refresh_keeps_the_session(venue: Venue) -> None:
    async with (
        tcp_proxy(venue.url) as proxy,
        await venue.async_trader("refreshed", url=way_through(proxy)) as client,
    ):
        for _ in range(3):
            proxy.lose_next_reply = True
            await client.refresh()
            assert not proxy.lose_next_reply
            assert (await client.me()).username == "refreshed"


async def test_without_any_answer_it_is_unanswered_and_the_key_asks_for_it(venue: Venue) -> None:
    async with (
        tcp_proxy(venue.url) as proxy,
        await venue.async_trader("cut.off", "INR") as healthy,
        AsyncClient(way_through(proxy), timeout_s=0.5) as client,
    ):
        await client.log_in("cut.off", PASSWORD)
        proxy.passing.clear()
        sending = asyncio.create_task(
            client.place_order("TATA_INR", "buy", price="90", quantity="3")
        )

        async def is_placed() -> bool:
            return bool((await healthy.open_orders()).orders)

        await eventually_async(is_placed)
        await proxy.refuse()
        with pytest.raises(UnansweredError) as raised:
            await sending
        answer = await healthy.order_answer(raised.value.idempotency_key)
        again = await healthy.place_order(
            "TATA_INR",
            "buy",
            price="90",
            quantity="3",
            idempotency_key=raised.value.idempotency_key,
        )
        assert (again.order_id, again.replayed) == (answer.order_id, True)
        assert len((await healthy.open_orders()).orders) == 1


async def test_what_is_accepted_and_carried_out_later_is_answered_in_full(
    home: Path, settings: Settings, engine: Service
) -> None:
    with running_gateway(home, settings, reply_timeout_ms=50) as venue:
        async with await venue.async_trader("patient", "INR") as client:
            other = await client.create_account("other")
            statuses: list[int] = []

            async def note(response: httpx.Response) -> None:
                statuses.append(response.status_code)

            client._http.event_hooks = {"response": [note]}
            engine.signal(signal.SIGSTOP)
            try:
                working = asyncio.gather(
                    client.place_order("TATA_INR", "buy", price="90", quantity="1"),
                    client.set_cancel_timer(3_600),
                    client.transfer(other.account_id, "INR", "10"),
                    client.withdraw("INR", "20", "IBAN"),
                )
                await eventually_async(lambda: statuses.count(202) >= 8)
            finally:
                engine.signal(signal.SIGCONT)
            order, timer, transfer, withdrawal = await working
            assert (order.status, transfer.amount, withdrawal.status) == ("open", "10", "pending")
            assert timer.cancel_at_ns is not None
            newest = max(each.sequence for each in (order, timer, transfer, withdrawal))
            row = (await client.balances(min_sequence=newest)).balances["INR"]
            assert (row.available, row.held) == ("99880", "110")


async def test_a_gateway_that_is_killed_in_between_loses_and_doubles_nothing(venue: Venue) -> None:
    async with AsyncClient(venue.url, timeout_s=PATIENCE_S) as client:
        await client.register("busy", PASSWORD)
        await client.log_in("busy", PASSWORD)
        await client.take_from_faucet("INR")
        placing = [
            asyncio.create_task(
                client.place_order(
                    "TATA_INR", "buy", price="90", quantity=1, client_order_id=f"o-{number}"
                )
            )
            for number in range(ORDERS)
        ]
        await asyncio.wait(placing, return_when=asyncio.FIRST_COMPLETED)
        venue.gateway.kill()
        assert not all(task.done() for task in placing), "the kill came in between"
        venue.gateway.start()
        answers = await asyncio.gather(*placing)

        newest = max(answer.sequence for answer in answers)
        resting = (await client.open_orders(min_sequence=newest)).orders
        assert {order.order_id for order in resting} == {answer.order_id for answer in answers}
        assert sorted(order.client_order_id for order in resting) == sorted(
            f"o-{number}" for number in range(ORDERS)
        )
        row = (await client.balances()).balances["INR"]
        assert (row.held, row.available) == (str(90 * ORDERS), str(100_000 - 90 * ORDERS))
