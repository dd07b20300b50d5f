"""The second factor: switched on, asked for, used once, and switched off."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from api.gateway import Gateway
from api.identity import totp
from api.identity.vault import VaultError
from tests.api.exchange import PASSWORD
from tests.api.identity.people import AUTH, Answer, Person, log_in, newcomer, try_login

TOTP = f"{AUTH}/totp"
NOW_S = 1_900_000_000


@pytest.fixture
def now(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the second factors see."""
    now = [float(NOW_S)]
    monkeypatch.setattr(gateway.identity.totps, "_clock", lambda: now[0])
    return now


def code_at(secret: str, at_s: float) -> str:
    return pyotp.TOTP(secret).at(int(at_s))


async def begun(person: Person) -> str:
    """Begin and return the secret."""
    status, reply = await person.ask("POST", TOTP, {"current_password": PASSWORD})
    assert status == 201, reply
    return str(reply["secret"])


async def confirm(person: Person, code: str) -> Answer:
    return await person.ask("POST", f"{TOTP}/confirm", {"totp_code": code})


async def with_factor(client: httpx.AsyncClient, now: list[float]) -> tuple[Person, str]:
    """Return a user with a second factor, whose last code was of the step before now."""
    alice = await newcomer(client, "alice")
    secret = await begun(alice)
    assert await confirm(alice, code_at(secret, now[0])) == (200, {"totp_enabled": True})
    now[0] += totp.STEP_S
    return alice, secret


async def test_the_secret_is_for_an_authenticator(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    _, reply = await alice.ask("POST", TOTP, {"current_password": PASSWORD})
    uri = urlsplit(reply["otpauth_uri"])
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Rialto:alice")
    assert parse_qs(uri.query) == {"secret": [reply["secret"]], "issuer": ["Rialto"]}
    read = pyotp.parse_uri(reply["otpauth_uri"])
    assert isinstance(read, pyotp.TOTP)
    assert read.at(NOW_S) == code_at(reply["secret"], NOW_S)


async def test_nothing_changes_before_a_code_is_confirmed(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    alice = await newcomer(client, "alice")
    first = await begun(alice)
    second = await begun(alice)
    assert (await try_login(client, "alice"))[0] == 200
    assert (await confirm(alice, code_at(first, now[0])))[1]["code"] == "INVALID_TOTP_CODE"
    assert (await confirm(alice, code_at(second, now[0])))[0] == 200
    assert (await try_login(client, "alice"))[1]["code"] == "TOTP_REQUIRED"
    assert (await alice.ask("GET", f"{AUTH}/me"))[1]["totp_enabled"] is True


async def test_a_login_needs_the_code_but_says_so_only_after_the_password(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    _, secret = await with_factor(client, now)
    code = code_at(secret, now[0])
    wrong = await try_login(client, "alice", password="wrong password")
    assert wrong[1]["code"] == "INVALID_CREDENTIALS"
    wrong = await try_login(client, "alice", password="wrong password", totp_code=code)
    assert wrong[1]["code"] == "INVALID_CREDENTIALS"
    status, reply = await try_login(client, "alice")
    assert (status, reply["code"]) == (401, "TOTP_REQUIRED")
    assert (await try_login(client, "alice", totp_code=code))[0] == 200


async def test_a_code_counts_once_and_so_does_any_before_it(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    _, secret = await with_factor(client, now)
    code = code_at(secret, now[0])
    assert (await try_login(client, "alice", totp_code=code))[0] == 200
    for old in (code, code_at(secret, now[0] - totp.STEP_S)):
        status, reply = await try_login(client, "alice", totp_code=old)
        assert (status, reply["code"]) == (401, "INVALID_TOTP_CODE")


async def test_of_many_at_once_with_one_code_one_gets_in(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    _, secret = await with_factor(client, now)
    code = code_at(secret, now[0])
    replies = await asyncio.gather(*(try_login(client, "alice", totp_code=code) for _ in range(4)))
    assert sorted(status for status, _ in replies) == [200, 401, 401, 401]


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
async def test_a_clock_may_be_wrong_by_one_step(
    client: httpx.AsyncClient, now: list[float], steps: int, status: int
) -> None:
    _, secret = await with_factor(client, now)
    now[0] += 10 * totp.STEP_S
    code = code_at(secret, now[0] + steps * totp.STEP_S)
    assert (await try_login(client, "alice", totp_code=code))[0] == status


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\u0661" * 6, " " * 6])
async def test_what_is_no_code_is_refused(
    client: httpx.AsyncClient, now: list[float], code: str
) -> None:
    await with_factor(client, now)
    assert (await try_login(client, "alice", totp_code=code))[1]["code"] == "INVALID_TOTP_CODE"


async def test_guessing_is_stopped_for_a_while_even_with_the_right_code(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    _, secret = await with_factor(client, now)
    wrong = "000000" if code_at(secret, now[0]) != "000000" else "000001"
    for _ in range(totp.FAILURES_MAX):
        assert (await try_login(client, "alice", totp_code=wrong))[0] == 401
    response = await client.post(
        "/login",
        json={"username": "alice", "password": PASSWORD, "totp_code": code_at(secret, now[0])},
    )
    assert (response.status_code, response.json()["code"]) == (429, "TOO_MANY_ATTEMPTS")
    assert 0 < int(response.headers["retry-after"]) <= totp.PAUSE_S
    now[0] += totp.PAUSE_S + 1
    reply = await try_login(client, "alice", totp_code=code_at(secret, now[0]))
    assert reply[0] == 200


async def test_changing_the_password_needs_the_code_too(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    alice, secret = await with_factor(client, now)
    body = {"current_password": PASSWORD, "new_password": "battery staple horse"}
    status, reply = await alice.ask("POST", f"{AUTH}/password", body)
    assert (status, reply["code"]) == (401, "TOTP_REQUIRED")
    body["totp_code"] = code_at(secret, now[0])
    assert (await alice.ask("POST", f"{AUTH}/password", body))[0] == 200


async def test_a_stolen_token_switches_nothing_on_or_off(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    alice = await newcomer(client, "alice")
    guess = {"current_password": "wrong password"}
    assert (await alice.ask("POST", TOTP, guess))[1]["code"] == "INVALID_CREDENTIALS"
    secret = await begun(alice)
    await confirm(alice, code_at(secret, now[0]))
    now[0] += totp.STEP_S
    remove = f"{TOTP}/remove"
    code = code_at(secret, now[0])
    assert (await alice.ask("POST", remove, {**guess, "totp_code": code}))[0] == 401
    wrong = {"current_password": PASSWORD, "totp_code": "1"}
    assert (await alice.ask("POST", remove, wrong))[1]["code"] == "INVALID_TOTP_CODE"
    assert (await try_login(client, "alice"))[1]["code"] == "TOTP_REQUIRED"
    right = {"current_password": PASSWORD, "totp_code": code}
    assert await alice.ask("POST", remove, right) == (200, {"totp_enabled": False})
    assert (await log_in(client, "alice")).login["access_token"]


async def test_what_is_on_is_not_begun_again_and_what_is_off_not_removed(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    alice, _ = await with_factor(client, now)
    status, reply = await alice.ask("POST", TOTP, {"current_password": PASSWORD})
    assert (status, reply["code"]) == (409, "TOTP_ENABLED")
    assert (await confirm(alice, "123456"))[1]["code"] == "TOTP_ENABLED"
    bobby = await newcomer(client, "bobby")
    assert (await confirm(bobby, "123456"))[1]["code"] == "TOTP_NOT_ENABLED"
    body = {"current_password": PASSWORD, "totp_code": "123456"}
    assert (await bobby.ask("POST", f"{TOTP}/remove", body))[1]["code"] == "TOTP_NOT_ENABLED"


async def test_the_database_alone_does_not_have_the_secret(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    alice = await newcomer(client, "alice")
    secret = await begun(alice)
    async with gateway.identity.sessions.engine.connect() as connection:
        rows = (await connection.exec_driver_sql("SELECT * FROM totps")).all()
    assert secret not in str(rows)
    sealed = rows[0].sealed_secret
    user_id = rows[0].user_id
    assert gateway.vault.open(sealed, purpose=f"totp:{user_id}").decode() == secret
    with pytest.raises(VaultError):
        gateway.vault.open(sealed, purpose=f"totp:{user_id + 1}")


async def test_real_time_is_what_counts(client: httpx.AsyncClient) -> None:
    alice = await newcomer(client, "alice")
    secret = await begun(alice)
    assert (await confirm(alice, code_at(secret, time.time())))[0] == 200


async def test_a_key_is_made_and_changed_only_with_a_code(
    client: httpx.AsyncClient, now: list[float]
) -> None:
    alice, secret = await with_factor(client, now)
    wish: dict[str, object] = {"label": "bot", "scopes": ["withdraw"]}
    status, reply = await alice.ask("POST", "/api/v1/keys", wish)
    assert (status, reply["code"]) == (401, "TOTP_REQUIRED")
    made = await alice.ask("POST", "/api/v1/keys", wish | {"totp_code": code_at(secret, now[0])})
    assert made[0] == 201
    path = f"/api/v1/keys/{made[1]['key_id']}"
    status, reply = await alice.ask("PATCH", path, {"scopes": ["trade"]})
    assert (status, reply["code"]) == (401, "TOTP_REQUIRED")
    now[0] += totp.STEP_S
    change = {"scopes": ["trade"], "totp_code": code_at(secret, now[0])}
    assert (await alice.ask("PATCH", path, change))[0] == 200
    # then whoever has lost the telephone can still revoke it
    assert (await alice.ask("DELETE", path))[0] == 200
