"""The fast reader of bodies says what the strict one says, or leaves the word to it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from api.edge.body import exact, parse_json, read_struct, to_struct
from api.edge.errors import ApiError
from shared.rest.admin import DepositBody
from shared.rest.identity import LoginBody
from shared.rest.money import TransferBody
from shared.rest.orders import (
    AmendOrderBody,
    BatchBody,
    CancelOrderBody,
    PlaceOcoBody,
    PlaceOrderBody,
)

KINDS = (PlaceOrderBody, CancelOrderBody, AmendOrderBody, PlaceOcoBody, BatchBody)
ORDER = {"market": "TATA_INR", "side": "buy", "price": "101.5", "quantity": "10"}

WORDS = "market side price quantity type post_only trail_ppm order_id client_order_id limit stop"
names = st.sampled_from([*WORDS.split(), "commands", "op", "strange", "response"])
texts = st.one_of(
    st.sampled_from(("buy", "1", "place", "", '"', "\\", "\x00", "\ud800", "é")),
    st.text(max_size=4),
)
leaves = st.one_of(
    texts.map(lambda text: json.dumps(text)),
    st.sampled_from(
        ("null", "true", "false", "0", "1", "-0", "1.0", "1e400", "NaN", "5", '"\\u0062uy"', "01")
    ),
    st.integers(-(2**70), 2**70).map(str),
)


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects as text, so that a name can be there twice."""
    pairs = st.tuples(names, values).map(lambda pair: f'"{pair[0]}":{pair[1]}')
    return st.lists(pairs, max_size=8).map(lambda fields: "{" + ",".join(fields) + "}")


bodies = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner), st.lists(inner, max_size=3).map(lambda each: "[" + ",".join(each) + "]")
    ),
    max_leaves=20,
)
good = objects(leaves).map(
    lambda text: text[:1] + json.dumps(ORDER)[1:-1] + ("," if len(text) > 2 else "") + text[1:]
)


def said(read: Any) -> object:
    try:
        return read()
    except ApiError as error:
        return error.code, error.field, error.message


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.one_of(bodies, objects(bodies), good), tail=st.sampled_from(("", " ", "x", "\n")))
def test_both_readers_say_the_same(kind: type[Struct], text: str, tail: str) -> None:
    data = (text + tail).encode("utf-8", "surrogatepass")
    strictly = said(lambda: to_struct(parse_json(data), kind))
    assert said(lambda: read_struct(data, kind)) == strictly
    quickly = exact(data, kind)
    assert quickly is None or quickly == strictly


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (PlaceOrderBody, ORDER),
        (PlaceOrderBody, {**ORDER, "post_only": True, "trail_ppm": 5, "type": "limit"}),
        (CancelOrderBody, {"order_id": 7}),
        (AmendOrderBody, {"client_order_id": "a", "price": "1"}),
        (BatchBody, {"commands": [{"op": "place", **ORDER}, {"op": "cancel", "order_id": 1}]}),
        (PlaceOcoBody, {"limit": ORDER, "stop": ORDER}),
    ],
)
def test_what_a_program_sends_is_read_fast(kind: type[Struct], body: dict[str, object]) -> None:
    for data in (
        json.dumps(body),
        json.dumps(body, indent=1),
        json.dumps(body, separators=(",", ":")),
    ):
        assert exact(data.encode(), kind) == to_struct(body, kind)


def test_a_name_that_is_there_twice_is_left_to_the_strict_reader() -> None:
    for extra in ('"side":"buy"', '"side":"sell"', '"post_only":true,"post_only":true'):
        data = (json.dumps(ORDER)[:-1] + "," + extra + "}").encode()
        assert exact(data, PlaceOrderBody) is None
        with pytest.raises(ApiError) as refused:
            read_struct(data, PlaceOrderBody)
        assert refused.value.code == "DUPLICATE_FIELD"


DEPOSIT = b'"asset":"INR","reference":"r","account":7,"username":null'
TRANSFER = b'"asset":"INR","amount":"1"'


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (TransferBody, b'{%s,"to_account_id":7,"to_account_id":8}' % TRANSFER),
        (DepositBody, b'{%s,"amount":"1","amount":"9"}' % DEPOSIT),
        (LoginBody, b'{"username":"a","password":"b","password":"c"}'),
    ],
)
def test_a_default_that_is_left_out_pays_for_no_name_that_is_there_twice(
    kind: type[Struct], data: bytes
) -> None:
    with pytest.raises(ApiError) as refused:
        read_struct(data, kind)
    assert refused.value.code == "DUPLICATE_FIELD"
