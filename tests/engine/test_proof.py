"""The proof report adds up what accounts have, and shows it when that is not what came in."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from typer.testing import CliRunner

from engine.cli import app
from engine.proof import Report, read_proof, rows_of
from engine.redis_link import RedisLink
from shared.messages import Deposit, PlaceOrder, Side, Withdraw
from tests.support.venue import Venue


@pytest.fixture
def venue(redis_url: str) -> Iterator[Venue]:
    """A venue where 100.00 INR came in, 20.50 left, and an order holds a part of the rest."""
    with closing(Venue(redis_url, "rialto")) as venue:
        venue.seed()
        venue.journal(
            Deposit(account_id=1, asset="INR", amount_atoms=6_000),
            Deposit(account_id=2, asset="INR", amount_atoms=4_000),
            Withdraw(account_id=2, asset="INR", amount_atoms=2_050),
            PlaceOrder(
                account_id=1, market="TATA_INR", side=Side.BUY, price_ticks=100, quantity_lots=2
            ),
        )
        venue.engine().run_until_idle()
        yield venue


def proof_of(venue: Venue) -> Report:
    with closing(RedisLink(venue.url)) as link:
        link.open()
        return read_proof(link, venue.keys)


def test_what_entered_and_did_not_leave_is_there(venue: Venue) -> None:
    report = proof_of(venue)
    proof = report.proof
    inr = next(asset for asset in proof.assets if asset.asset == "INR")
    assert (inr.deposits_atoms, inr.withdrawals_atoms) == (10_000, 2_050)
    assert inr.held_atoms > 0
    assert inr.available_atoms + inr.held_atoms == 7_950
    assert report.accounts["INR"] == 2
    assert proof.adds_up


def test_an_atom_too_much_is_shown(venue: Venue) -> None:
    venue.redis.hset(venue.keys.balances, "2:INR", "1951 0")
    report = proof_of(venue)
    assert not report.proof.adds_up
    assert {row["asset"]: row["difference"] for row in rows_of(report)}["INR"] == "0.01"


def test_the_command_prints_the_report_and_fails_when_it_does_not_add_up(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIALTO_REDIS_URL", venue.url)
    good = CliRunner().invoke(app, ["proof", "--json"])
    assert good.exit_code == 0, good.output
    report = json.loads(good.stdout)
    assert report["adds_up"] is True
    assert [row["asset"] for row in report["assets"]] == ["INR", "JIO", "TATA"]
    venue.redis.hset(venue.keys.balances, "2:INR", "1949 0")
    bad = CliRunner().invoke(app, ["proof"])
    assert bad.exit_code == 1
    assert "do not add up" in bad.output
