"""`python -m broadcaster` as a process: start, stop, kill, and what it says when it cannot run."""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from api.identity.tokens import TokenIssuer, load_or_create_signing_key
from rialto.embedded_redis import choose_port
from shared.channels import Keys
from shared.redis_client import connect, limits_url
from shared.revocations import Revocations
from tests.broadcaster.sockets.test_server import close_code
from tests.broadcaster.venue.test_relay import as_text
from tests.support.deadlines import eventually_async
from tests.support.fake_engine import venue_with_markets
from tests.support.feed_client import FeedClient, open_feed
from tests.support.ports import ports_in_a_row
from tests.support.processes import ROOT, Service, running_service

MARKET = "TATA_INR"
CHANNEL = f"depth:{MARKET}"


async def subscribed(port: int, *channels: str, token: str = "") -> FeedClient:
    """Connect as soon as the service listens and is ready, and subscribe."""

    async def try_once() -> FeedClient | None:
        try:
            client = await open_feed(f"ws://127.0.0.1:{port}/ws")
        except (OSError, InvalidHandshake, ConnectionClosed):
            return None
        if token:
            answer = await client.ask(op="auth", token=token)
            assert answer["op"] == "authenticated", answer
        answer = await client.ask(op="subscribe", channels=list(channels))
        if answer["op"] == "subscribed":
            return client
        assert answer["code"] == "NOT_READY", answer
        await client.connection.close()
        return None

    client = await eventually_async(try_once)
    assert client is not None
    return client


def run_in(folder: Path, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run the service to its end."""
    return subprocess.run(
        [sys.executable, "-m", "broadcaster", *words],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings(redis_url: str, port: int) -> dict[str, object]:
    return {"redis_url": redis_url, "ws_port": port, "venue": "test"}


async def test_a_killed_service_comes_back_and_clients_are_right_again(
    redis_url: str, tmp_path: Path
) -> None:
    port = choose_port()
    redis = connect(redis_url)
    engine = venue_with_markets(redis, Keys("test"), "TATA")
    with running_service("broadcaster", tmp_path / "home", settings(redis_url, port)) as service:
        price = 0
        for _ in range(3):
            client = await subscribed(port, CHANNEL)
            for _ in range(20):
                price += 1
                engine.change_depth(MARKET, bids={price: price})
                engine.commit()
            view = await client.until_sequence(MARKET, price)
            assert view.bids == as_text(engine.books[MARKET][0])
            service.kill()
            assert await close_code(client) == 1006
            engine.change_depth(MARKET, bids={1: 0})
            price += 1
            engine.change_depth(MARKET, asks={1_000: price})
            engine.commit()
            price += 1
            service.start()
        client = await subscribed(port, CHANNEL)
        view = await client.until_sequence(MARKET, price)
        assert view.bids == as_text(engine.books[MARKET][0])
        await client.connection.close()
    redis.close()


async def test_sigterm_says_1012_and_ends_in_time(redis_url: str, tmp_path: Path) -> None:
    port = choose_port()
    with (
        connect(redis_url) as redis,
        running_service("broadcaster", tmp_path / "home", settings(redis_url, port)) as service,
    ):
        venue_with_markets(redis, Keys("test"), "TATA")
        client = await subscribed(port)
        with socket.create_connection(("127.0.0.1", port)) as half_open:
            half_open.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
            assert await asyncio.to_thread(service.terminate) == 0
        assert await close_code(client) == 1012


def test_a_failed_background_task_ends_the_service_with_exit_code_1(
    redis_url: str, tmp_path: Path
) -> None:
    keys = Keys("test")
    with connect(redis_url) as redis:
        venue_with_markets(redis, keys, "TATA")
        redis.hset(keys.market_states, "TATA_INR", b"nonsense")
    ended = settings(redis_url, choose_port())
    with running_service("broadcaster", tmp_path / "home", ended) as service:
        assert service.wait() == 1


def issued_by(issuer: TokenIssuer, audience: str) -> str:
    return issuer.issue(
        user_id=7, account_id=7, role="user", audience=audience, session_id="session"
    )


async def test_tokens_of_the_gateway_open_the_account_and_forged_ones_do_not(
    redis_url: str, tmp_path: Path
) -> None:
    port, home = choose_port(), tmp_path / "home"
    redis = connect(redis_url)
    engine = venue_with_markets(redis, Keys("test"), "TATA")
    engine.deposit(7, "INR", 100)
    engine.commit()
    with running_service("broadcaster", home, settings(redis_url, port)):
        early = await subscribed(port)  # Before there is a key: the gateway starts later.
        home.mkdir(exist_ok=True)
        issuer = TokenIssuer(load_or_create_signing_key(home), lifetime_s=900)
        token = issued_by(issuer, "rialto")
        assert (await early.ask(op="auth", token=token))["account_id"] == 7
        client = await subscribed(port, "account", token=token)
        await client.until_account(1)
        assert client.account[0]["balances"][0]["available"] == "1"
        stranger = TokenIssuer(load_or_create_signing_key(tmp_path / "else"), lifetime_s=900)
        head, body, signature = token.split(".")
        for forged in (
            issued_by(stranger, "rialto"),
            issued_by(issuer, "rialto-admin"),
            f"{head}.{body}.",
            f"{head}.{body[:-2]}AA.{signature}",
            "eyJhbGciOiJub25lIn0." + body + ".",
            "x" * 10_000,
        ):
            answer = await early.ask(op="auth", token=forged)
            assert answer["code"] == "INVALID_TOKEN", forged
        await early.connection.close()
        await client.connection.close()
    redis.close()


async def test_a_session_that_the_gateway_ends_is_over_here(redis_url: str, tmp_path: Path) -> None:
    port, home = choose_port(), tmp_path / "home"
    home.mkdir()
    token = issued_by(TokenIssuer(load_or_create_signing_key(home), lifetime_s=900), "rialto")
    with connect(redis_url) as redis:
        venue_with_markets(redis, Keys("test"), "TATA")
    gateway = Revocations(limits_url(redis_url, ""), "test", is_source=True)
    with running_service("broadcaster", home, settings(redis_url, port)):
        client = await subscribed(port, CHANNEL, token=token)
        await gateway.announce({"session": int(time.time()) + 900})
        assert await close_code(client) == 4401
        again = await subscribed(port, CHANNEL)
        assert (await again.ask(op="auth", token=token))["code"] == "SESSION_REVOKED"
        await again.connection.close()
    with running_service("broadcaster", home, settings(redis_url, port)):
        # One that starts later reads the record; a socket that was quicker is closed by it.
        late = await subscribed(port, CHANNEL)
        answer = await late.ask(op="auth", token=token)
        if answer["op"] == "authenticated":
            assert await close_code(late) == 4401
        else:
            assert answer["code"] == "SESSION_REVOKED"
            await late.connection.close()
    await gateway.close()


@pytest.mark.parametrize("words", [["0"], ["3"], ["x"], ["-1"], ["1", "2"]])
def test_a_broadcaster_that_there_is_none_of_is_refused(tmp_path: Path, words: list[str]) -> None:
    environ = {"RIALTO_BROADCASTERS": "2", "RIALTO_LOG": "critical", "PYTHONPATH": str(ROOT)}
    done = run_in(tmp_path, {**environ, "REDIS_URL": "redis://127.0.0.1:1/0"}, *words)
    assert done.returncode == 78
    (sentence,) = done.stderr.splitlines()
    assert "RIALTO_BROADCASTERS" in sentence
    assert words[-1] in sentence


async def test_one_of_several_listens_beside_the_others_and_at_its_own_port(
    redis_url: str, tmp_path: Path
) -> None:
    with connect(redis_url) as redis:
        venue_with_markets(redis, Keys("test"), "TATA")
    shared, own = choose_port(), ports_in_a_row(2)
    ours = {**settings(redis_url, shared), "broadcasters": 2, "ws_private_port": own}
    second = Service("broadcaster", tmp_path / "home", ours, arguments=["2"])
    alone = socket.create_server(("127.0.0.1", shared), reuse_port=True)
    second.start()
    try:
        client = await subscribed(own + 1, CHANNEL)
        await client.connection.close()
        with pytest.raises(ConnectionRefusedError):
            await open_feed(f"ws://127.0.0.1:{own}/ws")
    finally:
        alone.close()
        second.kill()


@pytest.mark.parametrize("has_redis", [True, False])
def test_a_bad_configuration_is_one_sentence_and_exit_code_78(
    tmp_path: Path, has_redis: bool
) -> None:
    # One broadcaster has its port for itself, even where another would share.
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        environ = {
            "RIALTO_HOME": str(tmp_path / "home"),
            "RIALTO_WS_PORT": str(port),
            "RIALTO_LOG_FORMAT": "text",
            "RIALTO_LOG": "critical",
            "PYTHONPATH": str(ROOT),
        }
        if has_redis:
            environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
        done = run_in(tmp_path, environ)
    assert done.returncode == 78, done.stderr
    (sentence,) = done.stderr.splitlines()
    assert (f"127.0.0.1:{port}" if has_redis else "REDIS_URL") in sentence
