"""The strict reader: every way to be almost right, and the code that each gets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.body import parse_json, to_struct
from api.edge.errors import ApiError
from shared.rest.orders import PlaceOcoBody, PlaceOrderBody

GOOD = b'{"market":"TATA_INR","side":"buy","price":"101.5","quantity":"10"}'


def read(data: bytes) -> PlaceOrderBody:
    return to_struct(parse_json(data), PlaceOrderBody)


def refusal(data: bytes) -> tuple[str, str]:
    with pytest.raises(ApiError) as refused:
        read(data)
    return refused.value.code, refused.value.field


def test_a_good_body_is_read() -> None:
    body = read(GOOD)
    assert (body.market, body.side, body.price, body.quantity) == ("TATA_INR", "buy", "101.5", "10")


def with_price(value: bytes) -> bytes:
    return GOOD.replace(b'"101.5"', value)


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "INVALID_JSON", ""),
    "blank": (b"  ", "INVALID_JSON", ""),
    "no JSON": (b"price=1", "INVALID_JSON", ""),
    "cut short": (GOOD[:-1], "INVALID_JSON", ""),
    "two values": (GOOD + GOOD, "INVALID_JSON", ""),
    "a list": (b"[" + GOOD + b"]", "INVALID_JSON", ""),
    "a text": (b'"buy"', "INVALID_JSON", ""),
    "null": (b"null", "INVALID_JSON", ""),
    "single quotes": (GOOD.replace(b'"', b"'"), "INVALID_JSON", ""),
    "a comment": (b"/* hi */" + GOOD, "INVALID_JSON", ""),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "INVALID_JSON", ""),
    "UTF-16": (GOOD.decode().encode("utf-16"), "INVALID_JSON", ""),
    "bad UTF-8": (GOOD.replace(b"buy", b"b\xffy"), "INVALID_JSON", ""),
    "a raw NUL": (GOOD.replace(b"buy", b"b\x00y"), "INVALID_JSON", ""),
    "an escaped NUL": (GOOD.replace(b"buy", b"b\\u0000y"), "INVALID_TEXT", "side"),
    "a lone surrogate": (GOOD.replace(b"buy", b"\\ud800"), "INVALID_TEXT", "side"),
    "deep nesting": (b'{"a":' + b"[" * 8_000 + b"]" * 8_000 + b"}", "INVALID_JSON", ""),
    "deep objects": (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "INVALID_JSON", ""),
    "a number of 5,000 digits": (with_price(b"1" * 5_000), "INVALID_JSON", ""),
    "NaN": (with_price(b"NaN"), "INVALID_JSON", ""),
    "Infinity": (with_price(b"Infinity"), "INVALID_JSON", ""),
    "-Infinity": (with_price(b"-Infinity"), "INVALID_JSON", ""),
    "a number": (with_price(b"101.5"), "AMOUNT_NOT_TEXT", "price"),
    "a whole number": (with_price(b"101"), "AMOUNT_NOT_TEXT", "price"),
    "a negative number": (with_price(b"-1"), "AMOUNT_NOT_TEXT", "price"),
    "1e308": (with_price(b"1e308"), "AMOUNT_NOT_TEXT", "price"),
    "1e400": (with_price(b"1e400"), "AMOUNT_NOT_TEXT", "price"),
    "a bool": (with_price(b"true"), "INVALID_FIELD", "price"),
    "a list as price": (with_price(b'["101.5"]'), "INVALID_FIELD", "price"),
    "a key twice": (GOOD[:-1] + b',"price":"1"}', "DUPLICATE_FIELD", "price"),
    "a key twice, escaped": (GOOD[:-1] + b',"pr\\u0069ce":"1"}', "DUPLICATE_FIELD", "price"),
    "an unknown field": (GOOD[:-1] + b',"prize":"1"}', "UNKNOWN_FIELD", "prize"),
    "a field in other case": (GOOD.replace(b"price", b"Price"), "UNKNOWN_FIELD", "Price"),
    "user_id": (GOOD[:-1] + b',"user_id":"2"}', "USER_ID_NOT_ALLOWED", "user_id"),
    "userId of others": (GOOD[:-1] + b',"account_id":2}', "USER_ID_NOT_ALLOWED", "account_id"),
    "no market": (b'{"side":"buy","price":"1","quantity":"1"}', "MISSING_FIELD", "market"),
    "an empty object": (b"{}", "MISSING_FIELD", "market"),
    "a market that is null": (GOOD.replace(b'"TATA_INR"', b"null"), "INVALID_FIELD", "market"),
    "a side that is a number": (GOOD.replace(b'"buy"', b"1"), "INVALID_FIELD", "side"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_doubtful_body_is_refused(case: str) -> None:
    data, code, field = REFUSED[case]
    assert refusal(data) == (code, field)


def test_the_refusal_of_a_number_names_the_fix() -> None:
    with pytest.raises(ApiError) as refused:
        read(with_price(b"101.5"))
    assert '"price": "101.5"' in refused.value.message


def test_the_refusal_of_a_user_id_says_where_the_account_comes_from() -> None:
    with pytest.raises(ApiError) as refused:
        read(GOOD[:-1] + b',"user_id":"2"}')
    assert "token" in refused.value.message


def test_little_of_the_input_is_ever_said_back() -> None:
    with pytest.raises(ApiError) as refused:
        read(b'{"' + b"x" * 9_000 + b'":1}')
    assert len(refused.value.field) + len(refused.value.message) < 200


def status_of(data: bytes) -> int:
    try:
        read(data)
    except ApiError as refused:
        (refused.message + refused.field).encode()
        return refused.status
    return 200


PAIR = b'{"limit":' + GOOD + b',"stop":' + GOOD + b"}"
OF_PARTS: dict[str, tuple[bytes, str, str]] = {
    "a number": (PAIR.replace(b'"101.5"', b"101.5", 1), "AMOUNT_NOT_TEXT", "limit.price"),
    "a stranger": (PAIR[:-2] + b',"prize":"1"}}', "UNKNOWN_FIELD", "stop.prize"),
    "a user": (PAIR[:-2] + b',"UID":"1"}}', "USER_ID_NOT_ALLOWED", "stop.UID"),
    "a key twice": (PAIR[:-2] + b',"price":"1"}}', "DUPLICATE_FIELD", "price"),
    "nothing in it": (b'{"limit":{},"stop":{}}', "MISSING_FIELD", "limit.market"),
    "no object": (b'{"limit":7,"stop":{}}', "INVALID_FIELD", "limit"),
    "no part": (b'{"stop":' + GOOD + b"}", "MISSING_FIELD", "limit"),
}


@pytest.mark.parametrize("case", OF_PARTS)
def test_a_part_of_a_body_is_read_as_strictly_and_named_by_its_path(case: str) -> None:
    data, code, field = OF_PARTS[case]
    with pytest.raises(ApiError) as refused:
        to_struct(parse_json(data), PlaceOcoBody)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_the_name_of_a_stranger_may_hold_anything() -> None:
    for name in ("`", "a` - at `$.price", "a` - at `$", "", "x\ny", "$.price", "got `int`"):
        data = json.dumps({"market": "M", "side": "buy", name: 1}).encode()
        code, field = refusal(data)
        assert code == "UNKNOWN_FIELD"
        assert field.isprintable()


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    assert status_of(data) in (200, 400, 422)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_field_and_any_text_is_read_or_refused(name: str, value: str) -> None:
    body = json.dumps({"market": "M", "side": value, name: value})
    assert status_of(body.encode()) in (200, 400, 422)
