"""A call is a value, and floats never become money."""

from decimal import Decimal

import msgspec
import pytest

from rialto.client import calls
from rialto.client.call import new_key


def test_only_what_is_given_is_sent() -> None:
    call = calls.place_order("TATA_INR", "buy", price="101.5", quantity="10")
    assert call.content() == b'{"market":"TATA_INR","side":"buy","price":"101.5","quantity":"10"}'


def test_a_decimal_is_sent_as_plain_text() -> None:
    call = calls.place_order("TATA_INR", "buy", price=Decimal("1E+2"), quantity=Decimal("0.10"))
    body = msgspec.to_builtins(call.body)
    assert (body["price"], body["quantity"]) == ("100", "0.10")


def test_a_whole_number_is_sent_as_text() -> None:
    call = calls.withdraw("INR", 250, "IBAN")
    assert msgspec.to_builtins(call.body)["amount"] == "250"


def test_a_float_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="price"):
        calls.place_order("TATA_INR", "buy", price=101.5, quantity="1")  # type: ignore[arg-type]


def test_a_query_is_part_of_the_target_and_none_is_left_out() -> None:
    assert calls.depth("TATA_INR", levels=5).target == "/api/v1/depth?market=TATA_INR&levels=5"
    assert calls.time().target == "/api/v1/time"


def test_a_command_has_a_key_of_its_own() -> None:
    first, second = (calls.cancel_all_orders() for _ in range(2))
    assert first.key
    assert first.key != second.key
    assert calls.cancel_all_orders(idempotency_key="mine").key == "mine"


def test_keys_are_what_the_gateway_takes() -> None:
    assert len(new_key()) == 32
    assert new_key().isalnum()


@pytest.mark.parametrize("nothing", ["", ".", ".."])
def test_a_part_of_a_path_that_leads_elsewhere_is_refused(nothing: str) -> None:
    with pytest.raises(ValueError, match="session_id"):
        calls.end_session(nothing)


def test_a_part_of_a_path_stays_one_part() -> None:
    assert calls.market("A/B?c").path == "/api/v1/markets/A%2FB%3Fc"
