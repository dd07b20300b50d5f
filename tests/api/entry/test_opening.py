"""What a process shows of its connections."""

from websockets.asyncio.client import connect

from tests.api.entry.clients import ask, log_in
from tests.api.entry.conftest import Port
from tests.api.exchange import two_users


async def test_the_figures_tell_of_connections_and_answers(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-figures")
    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        await ask(client, op="cancel", id=1, body={"order_id": 999_999_999})
        text = port.exchange.gateway.metrics.text().decode()
    assert "rialto_api_sockets 1.0" in text
    for status in (200, 404):
        assert f'rialto_api_socket_answers_total{{status="{status}"}} 1.0' in text
