"""`rialto admin credit`, on a running exchange."""

import asyncio
import re

import msgspec
import pytest

from api.edge.errors import ApiError
from tests.api.conftest import Engine
from tests.api.test_cli import audited, make_admin, run


@pytest.fixture(autouse=True)
def at_the_running_exchange(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIALTO_REDIS_URL", engine.redis_url)
    make_admin("root", engine.home)  # The first time; later ones are refused.


def test_a_credit_shows_the_balance_and_may_be_repeated(engine: Engine) -> None:
    words = ("credit", "root", "INR", "1000.50", "--reference", "first")
    result = run(*words, home=engine.home)
    assert result.exit_code == 0, result.output
    assert "available now: 1000.5 INR" in result.output
    assert result.output.count("\n") == 1, "one sentence, and no line of a log"
    again = run(*words, home=engine.home)
    assert "already" in again.output
    assert "available now: 1000.5 INR" in again.output
    more = run("credit", "root", "INR", "1", home=engine.home)
    assert "available now: 1001.5 INR" in more.output


def test_a_credit_is_in_the_audit_log(engine: Engine) -> None:
    words = ("credit", "root", "INR", "7", "--reference", "noted", "--reason", "bank letter 4")
    assert run(*words, home=engine.home).exit_code == 0
    noted = asyncio.run(audited(engine.home))[0]
    assert (noted.username, noted.action, noted.outcome) == ("cli", "deposit.credit", "done")
    assert noted.reason == "bank letter 4"
    assert msgspec.json.decode(noted.before)["reference"] == "noted"
    assert msgspec.json.decode(noted.after)["amount"] == "7"


@pytest.mark.parametrize(
    ("code", "is_told"),
    [("UNKNOWN_OUTCOME", True), ("BUSY", True), ("AMOUNT_LIMIT", False)],
)
def test_unless_it_is_a_definite_no_the_reference_is_named(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, code: str, is_told: bool
) -> None:
    async def refused(*_args: object) -> None:
        raise ApiError(code)

    monkeypatch.setattr("api.cli.deposit", refused)
    result = run("credit", "root", "INR", "5", home=engine.home)
    assert result.exit_code == 1
    told = re.search(r"--reference cli-[0-9a-f]{32}: it counts once", result.output)
    assert (told is not None) is is_told


@pytest.mark.parametrize(
    ("name", "asset", "amount", "sentence"),
    [
        ("nobody", "INR", "5", "no user nobody"),
        ("root", "GOLD", "5", "no such asset"),
        ("root", "INR", "0", "above zero"),
        ("root", "INR", "five", "plain decimal"),
    ],
)
def test_a_bad_credit_is_one_sentence(
    engine: Engine, name: str, asset: str, amount: str, sentence: str
) -> None:
    result = run("credit", name, asset, amount, home=engine.home)
    assert result.exit_code == 1
    assert sentence in result.output
