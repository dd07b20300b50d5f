"""Where there is a faucet, and where there is none."""

import httpx

from api.gateway import Gateway
from tests.api.money.test_faucet import FAUCET


async def test_where_it_is_not_switched_on_it_is_not_there(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    assert gateway.money.faucet is None
    response = await client.post(FAUCET, json={"asset": "INR"})
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
    assert "/api/v1/faucet" not in (await client.get("/openapi.json")).json()["paths"]
