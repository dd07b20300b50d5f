"""Both clients trade on a real exchange, and say the same of it."""

import pytest

from rialto.client import AsyncClient, Client, RefusedError

PASSWORD = "correct horse battery"


def test_a_client_registers_logs_in_and_reads(url: str) -> None:
    with Client(url) as client:
        registered = client.register("waiting", PASSWORD)
        assert client.log_in("waiting", PASSWORD).account_id == registered.account_id
        balances = client.balances()
        assert balances.account_id == registered.account_id
        assert balances.balances["INR"].available == "0"
        assert {market.market for market in client.markets().markets} >= {"TATA_INR"}
        assert client.depth("TATA_INR", levels=5).bids == []
        assert client.open_orders().orders == []


def test_a_refusal_is_an_error_with_its_code(url: str) -> None:
    with Client(url) as client:
        client.register("poor", PASSWORD)
        client.log_in("poor", PASSWORD)
        with pytest.raises(RefusedError) as raised:
            client.place_order("TATA_INR", "buy", price="100", quantity="1")
        assert raised.value.code == "INSUFFICIENT_FUNDS"


async def test_an_async_client_does_the_same(url: str) -> None:
    async with AsyncClient(url) as client:
        registered = await client.register("awaited", PASSWORD)
        await client.log_in("awaited", PASSWORD)
        assert (await client.balances()).account_id == registered.account_id
        with pytest.raises(RefusedError) as raised:
            await client.place_order("TATA_INR", "buy", price="100", quantity="1")
        assert raised.value.code == "INSUFFICIENT_FUNDS"


def test_both_clients_offer_the_same_calls() -> None:
    def offered(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert offered(Client) == offered(AsyncClient)
    assert "place_order" in offered(Client)
