"""What frames mean, and what is no request."""

import json
from typing import Any

import pytest

from api.entry.requests import OPS, Mistake, read_request
from shared.rest.orders import PlaceOrderBody

ORDER = '"market":"TATA_INR","side":"buy","price":"101.5","quantity":"10"'


def with_order(text: str) -> str:
    """Return `text` with what its words in capitals stand for."""
    return text.replace("ORDER", ORDER).replace("LONG", "x" * 65).replace("SPACE", " " * 17_000)


def mistake(text: str) -> Mistake:
    with pytest.raises(Mistake) as made:
        read_request(text.encode())
    return made.value


@pytest.mark.parametrize("request_id", [1, -(2**63), 2**64 - 1, "a", "x" * 64, "é", None])
def test_a_request_keeps_its_id(request_id: int | str | None) -> None:
    text = with_order('{"op":"place","id":ID,"body":{ORDER}}')
    request = read_request(text.replace("ID", json.dumps(request_id), 1).encode())
    assert (request.op, request.id) == ("place", request_id)
    assert request.body == PlaceOrderBody(
        market="TATA_INR", side="buy", price="101.5", quantity="10"
    )


def test_without_a_key_one_is_made_up() -> None:
    keys = {read_request(b'{"op":"place","body":{%s}}' % ORDER.encode()).key for _ in range(20)}
    assert len(keys) == 20
    assert all(len(key) == 32 for key in keys)


def test_escapes_and_any_order_of_fields_are_read() -> None:
    plain = read_request(
        b'{"op":"place","id":"a","idempotency_key":"k","body":{%s}}' % ORDER.encode()
    )
    odd = '{ "body": {ORDER}, "idempotency_key": "\\u006b", "id": "\\u0061", "op": "place" }'
    assert read_request(with_order(odd).encode()) == plain


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("", "INVALID_JSON", ""),
        ("[]", "INVALID_JSON", ""),
        ("{", "INVALID_JSON", ""),
        ("\x00", "INVALID_JSON", ""),
        ("{}", "MISSING_FIELD", "op"),
        ('{"op":"fly"}', "UNKNOWN_OP", "op"),
        ('{"op":5}', "INVALID_FIELD", "op"),
        ('{"op":"ping","op":"ping"}', "DUPLICATE_FIELD", "op"),
        ('{"op":"ping","body":{}}', "UNKNOWN_FIELD", "body"),
        ('{"op":"ping","token":"t"}', "UNKNOWN_FIELD", "token"),
        ('{"op":"auth"}', "TOKEN_MISSING", "token"),
        ('{"op":"auth","token":"t","idempotency_key":"k"}', "UNKNOWN_FIELD", "idempotency_key"),
        ('{"op":"place"}', "MISSING_FIELD", "market"),
        ('{"op":"place","body":[]}', "INVALID_JSON", ""),
        ('{"op":"pl\\u0061ce","body":[]}', "INVALID_FIELD", "body"),
        ('{"op":"place","token":"t","body":{ORDER}}', "UNKNOWN_FIELD", "token"),
        ('{"op":"place","user_id":7,"body":{ORDER}}', "USER_ID_NOT_ALLOWED", "user_id"),
        ('{"op":"place","body":{ORDER,"side":"sell"}}', "DUPLICATE_FIELD", "side"),
        ('{"op":"place","body":{ORDER},"body":{ORDER}}', "DUPLICATE_FIELD", "body"),
        ('{"op":"place","body":{ORDER,"trail":1e400}}', "AMOUNT_NOT_TEXT", "trail"),
        ('{"op":"pl\\u0061ce","body":{ORDER,"trail":1e400}}', "AMOUNT_NOT_TEXT", "trail"),
        ('{"op":"place","body":{ORDER,"trail":NaN}}', "INVALID_JSON", ""),
        ('{"op":"place","body":{ORDER,"account_id":1}}', "USER_ID_NOT_ALLOWED", "account_id"),
        ('{"op":"place","idempotency_key":"a b","body":{ORDER}}', "INVALID_IDEMPOTENCY_KEY",
         "idempotency_key"),
        ('{"op":"place","id":true,"body":{ORDER}}', "INVALID_FIELD", "id"),
        ('{"op":"place","id":"LONG","body":{ORDER}}', "INVALID_FIELD", "id"),
        ('{"op":"place","body":{ORDER}SPACE}', "BODY_TOO_LARGE", ""),
    ],
)  # fmt: skip
def test_what_is_no_request_is_told_why(text: str, code: str, field: str) -> None:
    error = mistake(with_order(text)).error
    assert (error.code, error.field) == (code, field)


def test_a_mistake_names_the_id_when_there_is_one() -> None:
    assert mistake('{"op":"fly","id":"mine"}').id == "mine"
    assert mistake('{"op":"place","id":7,"body":{"market":1}}').id == 7
    assert mistake('{"op":"ping","id":8,"x":1}').id == 8
    assert mistake('{"op":"ping","id":8').id is None


def test_a_batch_may_be_large() -> None:
    order = with_order('{"op":"place",ORDER,"client_order_id":"LONG"}')
    commands = ",".join([order] * 100)
    request = read_request(b'{"op":"batch","id":1,"body":{"commands":[%s]}}' % commands.encode())
    body: Any = request.body
    assert len(body.commands) == 100


def test_the_ops_are_told_in_the_refusal() -> None:
    assert all(op in mistake('{"op":"fly"}').error.message for op in OPS)
