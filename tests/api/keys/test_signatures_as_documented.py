"""The examples of docs/PROTOCOL.md, run as they stand, by a shell with openssl and curl."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.signing import hmac_signature, signed_text
from tests.api.conftest import Engine
from tests.api.exchange import Exchange
from tests.api.gateway_process import running_gateway
from tests.api.signer import make_key
from tests.conftest import ROOT

PATIENCE_S = 30.0


def section() -> str:
    page = (ROOT / "docs" / "PROTOCOL.md").read_text()
    return page.split("### API keys\n")[1].split("\n### ")[0]


def scripts() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", section(), re.DOTALL)


def run(script: str, folder: Path, **environ: str) -> Any:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environ},
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    """The public door of a gateway process on the engine of this file."""
    with running_gateway(engine) as doors:
        yield doors.public


def test_the_signature_that_is_written_there_is_that_of_the_lines() -> None:
    page = section()
    secret = re.findall(r'"secret":"([0-9a-f]{64})"', page)[0]
    timestamp = re.findall(r"the timestamp `([0-9]+)`", page)[0]
    text = signed_text(timestamp.encode(), b"GET", b"/api/v1/balances", b"")
    assert f"`{hmac_signature(secret, text)}`" in page


async def test_an_order_is_placed_by_openssl_and_curl(
    exchange: Exchange, url: str, tmp_path: Path
) -> None:
    await exchange.user("by.hand", INR="1000")
    token = exchange.tokens["by.hand"]
    signer, made = await make_key(exchange.client, token, scopes=["read", "trade"])
    placed = run(scripts()[0], tmp_path, URL=url, KEY_ID=signer.key_id, SECRET=str(made["secret"]))
    assert (placed["status"], placed["price"], placed["replayed"]) == ("open", "90", False)
    _, opened = await exchange.ask("by.hand", "GET", "/order/open")
    assert [order["order_id"] for order in opened["orders"]] == [placed["order_id"]]


async def test_a_key_of_ones_own_reads_by_openssl_and_curl(
    exchange: Exchange, url: str, tmp_path: Path
) -> None:
    await exchange.user("by.own.key", INR="77")
    token = exchange.tokens["by.own.key"]["Authorization"].removeprefix("Bearer ")
    balances = run(scripts()[1], tmp_path, URL=url, TOKEN=token)
    assert balances["account_id"] == exchange.accounts["by.own.key"]
    assert balances["balances"]["INR"]["available"] == "77"
