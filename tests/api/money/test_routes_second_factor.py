"""Who has a second factor needs it to take money out, once for each withdrawal."""

import time

import pyotp

from tests.api.exchange import Exchange

WITHDRAWALS = "/api/v1/withdrawals"


async def second_factor(exchange: Exchange, name: str) -> pyotp.TOTP:
    """Give the user a second factor, confirmed with the code of the time step before."""
    found = await exchange.gateway.users.find(name)
    assert found is not None
    begun = await exchange.gateway.identity.totps.begin(found[0])
    codes = pyotp.TOTP(begun.secret)
    code = codes.at(int(time.time()) - codes.interval)
    await exchange.gateway.identity.totps.confirm(found[0].user_id, code)
    return codes


async def test_a_withdrawal_needs_a_code_and_its_repeat_none(exchange: Exchange) -> None:
    await exchange.user("fatima", INR="1000")
    codes = await second_factor(exchange, "fatima")
    wish = {"asset": "INR", "amount": "100", "destination": "bank"}
    status, reply = await exchange.ask("fatima", "POST", WITHDRAWALS, wish, "f-1")
    assert reply["code"] == "TOTP_REQUIRED"
    wrong = {**wish, "totp_code": "12345"}
    status, reply = await exchange.ask("fatima", "POST", WITHDRAWALS, wrong, "f-1")
    assert reply["code"] == "INVALID_TOTP_CODE"
    assert await exchange.balance("fatima", "INR") == ("1000", "0")
    right = {**wish, "totp_code": codes.now()}
    for replayed in (False, True):  # The code is used up; the request is the same.
        status, reply = await exchange.ask("fatima", "POST", WITHDRAWALS, right, "f-1")
        assert (status, reply.get("replayed")) == (201, replayed), reply
    status, reply = await exchange.ask("fatima", "POST", WITHDRAWALS, right, "f-2")
    assert reply["code"] == "INVALID_TOTP_CODE"
    assert await exchange.balance("fatima", "INR") == ("900", "100")
