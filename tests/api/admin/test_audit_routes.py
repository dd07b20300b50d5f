"""Reading the audit log at the operators' door."""

import httpx
import pytest

from api.gateway import Gateway
from tests.api.admin.operators import ADMIN, an_operator
from tests.api.exchange import token_for


async def note(gateway: Gateway, count: int) -> None:
    for n in range(count):
        async with gateway.audit.by_cli("test.act", target=f"thing:{n}", reason="why", before={}):
            pass


async def test_the_log_is_read_page_by_page(gateway: Gateway) -> None:
    await note(gateway, 5)
    async with an_operator(gateway, "root") as root:
        status, first = await root.ask("GET", "/audit?limit=3")
        assert status == 200
        assert [action["target"] for action in first["actions"]] == [
            "thing:4",
            "thing:3",
            "thing:2",
        ]
        assert first["actions"][0]["before"] == {}
        _, second = await root.ask("GET", f"/audit?limit=3&cursor={first['next_cursor']}")
        assert [action["target"] for action in second["actions"]] == ["thing:1", "thing:0"]
        assert second["next_cursor"] is None
        _, found = await root.ask("GET", "/audit?target=thing:3&action=test.act&user=cli")
        assert len(found["actions"]) == 1
        status, verdict = await root.ask("GET", "/audit/verify")
        assert (status, verdict["ok"], verdict["records"]) == (200, True, 10)


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=x", "user=%00", "action=%0a"])
async def test_a_bad_question_is_refused(gateway: Gateway, query: str) -> None:
    async with an_operator(gateway, "root") as root:
        status, reply = await root.ask("GET", f"/audit?{query}")
    assert (status, reply["code"]) == (422, "INVALID_PARAMETER")


async def test_a_traders_token_reads_nothing(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient
) -> None:
    token = await token_for(client, "alice")
    for path in ("/audit", "/audit/verify"):
        response = await admin_client.get(f"{ADMIN}{path}", headers=token)
        assert response.status_code == 401
