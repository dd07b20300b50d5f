"""What the contract shows as examples of asking is read as it says, and so is nothing else."""

from typing import Any, get_args

import msgspec
import pytest

from broadcaster.clients.requests import DEPTH_FORMS, OPS, BadRequest, parse_request
from shared.feed import ID_LENGTH_MAX, Op, Subscribe, Unsubscribe
from shared.feed.contract.examples import EXAMPLES
from shared.feed.contract.schemas import tag_of
from shared.feed.contract.short_forms import ShortForm, SubscribeOrderbook, UnsubscribeOrderbook

ASKED = [
    pytest.param(kind, message, id=f"{kind.__name__}: {title}")
    for kind in get_args(Op)
    for title, message in EXAMPLES[kind].items()
]


@pytest.mark.parametrize(("kind", "message"), ASKED)
def test_an_example_of_an_op_is_read_as_that_op(
    kind: type[msgspec.Struct], message: dict[str, Any]
) -> None:
    request_id, op = parse_request(msgspec.json.encode(message).decode())
    assert type(op) is kind
    assert request_id == message.get("id")
    assert msgspec.to_builtins(op) == message


def test_the_short_forms_mean_what_the_contract_says() -> None:
    meant = {
        SubscribeOrderbook: Subscribe(channels=["depth:TATA_INR"]),
        UnsubscribeOrderbook: Unsubscribe(channels=["depth:TATA_INR"]),
    }
    for kind, op in meant.items():
        (message,) = EXAMPLES[kind].values()
        assert parse_request(msgspec.json.encode(message).decode()) == (None, op)


def test_the_contract_names_every_op_and_every_short_form() -> None:
    assert {tag_of(kind) for kind in get_args(Op)} == set(OPS)
    fields = {msgspec.structs.fields(kind)[0].encode_name for kind in get_args(ShortForm)}
    assert fields == set(DEPTH_FORMS)


@pytest.mark.parametrize(("kind", "message"), ASKED)
def test_an_op_with_one_field_too_many_is_refused(
    kind: type[msgspec.Struct], message: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_request(msgspec.json.encode({**message, "more": 1}).decode())
    assert refused.value.code == "INVALID_FIELD"
    assert refused.value.request_id == message.get("id"), kind


@pytest.mark.parametrize("wish", ["interval_ms", "levels", "after_sequence"])
@pytest.mark.parametrize("value", [-1, 2**63, 1.5, "250", True])
def test_a_wish_that_is_out_of_bounds_or_no_whole_number_is_refused(
    wish: str, value: object
) -> None:
    message = {"op": "subscribe", "channels": [{"channel": "depth:TATA_INR", wish: value}]}
    with pytest.raises(BadRequest) as refused:
        parse_request(msgspec.json.encode(message).decode())
    assert refused.value.code == "INVALID_FIELD"


def test_a_name_of_the_client_is_echoed_up_to_its_length() -> None:
    longest = "i" * ID_LENGTH_MAX
    request_id, _ = parse_request(f'{{"op":"ping","id":"{longest}"}}')
    assert request_id == longest
    with pytest.raises(BadRequest, match="An id"):
        parse_request(f'{{"op":"ping","id":"{longest}i"}}')
