"""Earned fees become money of an account, never more than were earned, and the sum stays."""

import pytest

from shared.messages import FeesPaidOut, PayOutFees, Reject, Rejected
from shared.money import AMOUNT_LIMIT
from tests.support.audited_exchange import AuditedExchange
from tests.support.scenario import opened_exchange, play

EARNED = """
    deposit alice 10 BTC
    deposit bob 1000 USD
    sell alice #1 10 @ 100
    buy bob #2 10 @ 100 -> accepted, trade with #1: 10 @ 100 fees 200 3
"""


def exchange_that_earned() -> AuditedExchange:
    """Return an exchange with 200 USD and 3 BTC of fees."""
    audited = opened_exchange(maker_fee_ppm=200_000, taker_fee_ppm=300_000)
    return play(EARNED, audited)


def test_fees_are_available_to_who_gets_them_and_no_fees_any_more() -> None:
    play(
        """
        fees USD 200
        pay_out 150 USD carol -> done
        balance carol USD 150 held 0
        fees USD 50
        pay_out 51 USD carol  -> INSUFFICIENT_FUNDS
        pay_out 50 USD alice  -> done
        fees USD 0
        fees BTC 3
        """,
        exchange_that_earned(),
    )


def test_what_was_paid_out_can_be_withdrawn_and_held() -> None:
    play(
        """
        pay_out 3 BTC carol                -> done
        sell carol #9 1 @ 300              -> accepted
        request_withdrawal carol w1 2 BTC  -> withdrawal requested 2
        balance carol BTC 0 held 3
        settle w1                          -> withdrawal settled 2
        """,
        exchange_that_earned(),
    )


def test_a_suspended_account_may_receive_fees() -> None:
    play("suspend carol\n pay_out 5 USD carol -> done", exchange_that_earned())


def test_the_receiver_is_told() -> None:
    audited = exchange_that_earned()
    command = PayOutFees(asset="USD", amount_atoms=7, to_account_id=3, reference="July")
    (event,) = audited.apply(command)
    assert isinstance(event, FeesPaidOut)
    assert (event.account_id, event.account_sequence, event.reference) == (3, 1, "July")
    assert (event.change.available_change, event.change.available) == (7, 7)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"asset": "GOLD", "to_account_id": 0}, Reject.UNKNOWN_ASSET, "asset"),
        ({"to_account_id": 0, "amount_atoms": 0}, Reject.INVALID_ACCOUNT, "to_account_id"),
        ({"to_account_id": -1}, Reject.INVALID_ACCOUNT, "to_account_id"),
        ({"to_account_id": 2**63}, Reject.INVALID_ACCOUNT, "to_account_id"),
        ({"amount_atoms": 0, "reference": "\n"}, Reject.INVALID_AMOUNT, "amount_atoms"),
        ({"amount_atoms": AMOUNT_LIMIT}, Reject.AMOUNT_LIMIT, "amount_atoms"),
        ({"amount_atoms": 201, "reference": "\n"}, Reject.INVALID_COMMAND, "reference"),
        ({"amount_atoms": 201}, Reject.INSUFFICIENT_FUNDS, "amount_atoms"),
        ({"account_id": 1}, Reject.INVALID_ACCOUNT, "account_id"),
    ],
)
def test_each_rule_in_its_order(fields: dict[str, object], code: Reject, field: str) -> None:
    audited = exchange_that_earned()
    good: dict[str, object] = {"asset": "USD", "amount_atoms": 1, "to_account_id": 3}
    (event,) = audited.apply(PayOutFees(**good | fields))  # type: ignore[arg-type]
    assert isinstance(event, Rejected)
    assert (event.code, event.field) == (code, field)
