"""Who a client is: tokens that renew themselves, and keys whose signatures a gateway checks."""

import base64
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rialto.client import AsyncClient, Client, RefusedError, SignedBy, Tokens
from shared.rest.keys import KeyKind
from tests.api.exchange import PASSWORD
from tests.rialto.client.conftest import Settings, Venue, running_gateway
from tests.support.deadlines import eventually
from tests.support.processes import Service

SCOPES = ("read", "trade", "withdraw")


def hmac_key(client: Client, window_ms: int | None = None) -> SignedBy:
    made = client.make_key("bot", scopes=SCOPES)
    assert made.secret is not None
    return SignedBy.hmac_sha256(made.key_id, made.secret, window_ms=window_ms)


def ed25519_key(client: Client, window_ms: int | None = None) -> SignedBy:
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    made = client.make_key("mine", kind=KeyKind.ED25519, public_key=public, scopes=SCOPES)
    return SignedBy.ed25519(made.key_id, private, window_ms=window_ms)


@pytest.mark.parametrize("make", [hmac_key, ed25519_key])
@pytest.mark.parametrize("window_ms", [None, 20_000])
def test_signed_requests_of_every_shape_are_taken(
    venue: Venue, make: Callable[[Client, int | None], SignedBy], window_ms: int | None
) -> None:
    name = f"{make.__name__}.{window_ms}"
    with (
        venue.trader(name, "INR") as owner,
        Client(venue.url, identity=make(owner, window_ms)) as bot,
    ):
        placed = bot.place_order("TATA_INR", "buy", price="90", quantity="2")
        assert bot.amend_order(placed.order_id, quantity="3").remaining_quantity == "3"
        # A query whose signs have to be written in another way, and an answer to it.
        with pytest.raises(RefusedError) as raised:
            bot.open_orders(market="A B&ü/?")
        assert raised.value.code == "UNKNOWN_MARKET"
        assert bot.open_orders(market="TATA_INR", limit=5).orders[0].order_id == placed.order_id
        assert bot.cancel_all_orders(market="TATA_INR").count == 1
        assert bot.withdraw("INR", "1", "IBAN Ünïcode").status == "pending"


async def test_an_async_client_signs_too(venue: Venue) -> None:
    with venue.trader("async.signer", "INR") as owner:
        async with AsyncClient(venue.url, identity=hmac_key(owner)) as bot:
            assert (await bot.balances()).balances["INR"].available == "100000"


def test_the_window_is_part_of_what_is_signed(venue: Venue) -> None:
    def slow_clock() -> float:
        return time.time() - 8

    with venue.trader("slow") as owner:
        made = owner.make_key("bot")
        assert made.secret is not None
        sign = SignedBy.hmac_sha256(made.key_id, made.secret)._sign
        for window_ms, is_taken in ((None, False), (7_000, False), (30_000, True)):
            identity = SignedBy(made.key_id, sign, window_ms=window_ms, clock=slow_clock)
            with Client(venue.url, identity=identity) as bot:
                if is_taken:
                    assert bot.balances().balances
                    continue
                with pytest.raises(RefusedError) as raised:
                    bot.balances()
                assert raised.value.code == "TIMESTAMP_OUT_OF_WINDOW"
                assert raised.value.details["server_time_ms"]


def test_a_window_that_was_changed_on_the_way_is_refused(venue: Venue) -> None:
    with venue.trader("attacked") as owner:
        headers = dict(hmac_key(owner, 1_000).headers("GET", "/api/v1/balances", b"", ""))
        longer = httpx.get(
            f"{venue.url}/api/v1/balances", headers={**headers, "X-Recv-Window": "60000"}
        )
        assert longer.json()["code"] == "INVALID_KEY"


def test_a_revoked_key_is_refused_and_a_narrow_one_is_kept_to_its_scope(venue: Venue) -> None:
    with venue.trader("owner.of.keys", "INR") as owner:
        made = owner.make_key("reader")
        assert made.secret is not None
        with Client(venue.url, identity=SignedBy.hmac_sha256(made.key_id, made.secret)) as reader:
            assert reader.balances().balances
            with pytest.raises(RefusedError) as raised:
                reader.cancel_all_orders()
            assert (raised.value.code, raised.value.field) == ("FORBIDDEN", "trade")
            assert owner.change_key(made.key_id, label="watcher").label == "watcher"
            owner.revoke_key(made.key_id)
            with pytest.raises(RefusedError) as raised:
                reader.balances()
            assert raised.value.code == "INVALID_KEY"


def test_a_key_does_not_log_in(venue: Venue) -> None:
    with Client(venue.url, identity=SignedBy.hmac_sha256("rk_1", "00")) as client:
        with pytest.raises(TypeError, match="log in"):
            client.log_in("alice", "correct horse battery")
        with pytest.raises(TypeError, match="refresh"):
            client.refresh()
        with pytest.raises(TypeError, match="log"):
            client.log_out()


def test_an_expired_token_renews_itself_again_and_again(
    home: Path, settings: Settings, engine: Service
) -> None:
    assert engine.is_running
    with (
        running_gateway(home, settings, token_lifetime_s=1) as brief,
        brief.trader("long.lived") as client,
    ):
        logged_in = client.log_in("long.lived", PASSWORD)
        wait_until_expired(brief, logged_in.access_token)
        refresh_token, used = logged_in.refresh_token, set()
        for _ in range(3):
            tokens = Tokens(logged_in.access_token, refresh_token)
            with Client(brief.url, identity=tokens) as later:
                assert later.me().session_id == logged_in.session_id
            used.add(refresh_token)
            refresh_token = tokens.refresh_token  # The one before would end the session now.
        assert len(used | {refresh_token}) == 4


def wait_until_expired(venue: Venue, access_token: str) -> None:
    def is_expired() -> bool:
        headers = {"Authorization": f"Bearer {access_token}"}
        reply = httpx.get(f"{venue.url}/api/v1/auth/me", headers=headers)
        return bool(reply.json().get("code") == "TOKEN_EXPIRED")

    eventually(is_expired)
