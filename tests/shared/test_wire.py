"""The codec: everything that is said arrives as it was said, and bad bytes are a DecodeError."""

import contextlib
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages import (
    Applied,
    CancelOrder,
    Command,
    Event,
    Order,
    OrderType,
    PlaceOrder,
    Reject,
    Side,
    SkipCommand,
    TimeInForce,
)
from shared.wire import (
    NOBODY,
    PAYLOAD_SIZE_MAX,
    WIRE_VERSION,
    CommandResult,
    DecodeError,
    Envelope,
    FillReport,
    Reply,
    TradeRow,
    decode,
    decode_batch,
    decode_command,
    decode_envelope,
    encode,
    fingerprint,
)

COMMANDS = get_args(Command)
EVENTS = get_args(Event)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

st.register_type_strategy(int, st.integers(-(2**63), 2**64 - 1))
st.register_type_strategy(str, TEXTS)


def built(kind: type) -> st.SearchStrategy[Any]:
    """Values of a message type with every field drawn, also those that have a default."""
    fields = msgspec.structs.fields(kind)
    drawn = {field.name: _drawn(field.type) for field in fields}
    return st.fixed_dictionaries(drawn).map(lambda values: kind(**values))


def _drawn(kind: Any) -> st.SearchStrategy[Any]:
    return (
        built(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        else (st.from_type(kind))
    )


PLACE = PlaceOrder(
    account_id=7,
    idempotency_key="key",
    market="TATA_INR",
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    price_ticks=100,
    quantity_lots=3,
    client_order_id="mine",
)
DECODERS: list[Callable[[bytes], object]] = [
    decode_envelope,
    decode_command,
    decode_batch,
    lambda data: decode(data, CommandResult),
    lambda data: decode(data, list[Reply]),
    lambda data: decode(data, Order),
    lambda data: decode(data, TradeRow),
]


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_every_command_arrives_as_it_was_sent(kind: type) -> None:
    @settings(max_examples=30)
    @given(built(kind))
    def check(command: Command) -> None:
        data = encode(command)
        arrived = decode_command(data)
        assert arrived == command
        assert type(arrived) is kind
        assert encode(arrived) == data

    check()


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_arrives_as_it_was_told(kind: type) -> None:
    @settings(max_examples=30)
    @given(built(kind), st.integers(1, 2**63), st.integers(0, 2**63))
    def check(event: Event, n: int, at_ns: int) -> None:
        batch = [Applied(n, at_ns, (event, event))]
        arrived = decode_batch(encode(batch))
        assert arrived == batch
        assert type(arrived[0].events[0]) is kind

    check()


@given(built(Order), st.sampled_from([None, *Reject]), st.lists(built(FillReport), max_size=3))
def test_an_answer_arrives_as_it_was_stored(
    order: Order, code: Reject | None, fills: list[FillReport]
) -> None:
    result = CommandResult(1, 2, 3, b"12345678", code, "field", order, "reason", tuple(fills))
    assert decode(encode(result), CommandResult) == result
    replies = [Reply(1, 2, result), Reply(2, 3, None)]
    assert decode(encode(replies), list[Reply]) == replies


def test_a_command_travels_unread_in_its_envelope() -> None:
    data = encode(PLACE)
    arrived = decode_envelope(encode(Envelope(WIRE_VERSION, NOBODY, 9, msgspec.Raw(data))))
    assert (arrived.version, arrived.gateway, arrived.request_id) == (WIRE_VERSION, NOBODY, 9)
    assert bytes(arrived.command) == data
    assert decode_command(arrived.command) == PLACE
    assert fingerprint(arrived.command) == fingerprint(data)


def test_nobody_is_a_gateway_that_no_gateway_is() -> None:
    assert NOBODY == ""


def test_every_message_has_a_name_of_its_own() -> None:
    tags = [kind.__struct_config__.tag for kind in (*COMMANDS, *EVENTS)]
    assert len(set(tags)) == len(tags) == 50
    assert all(isinstance(tag, str) for tag in tags)


# ---- the fingerprint ----


def test_the_fingerprint_is_the_same_in_every_process_and_version() -> None:
    assert fingerprint(encode(PLACE)).hex() == "9d7230f7d75605f9"
    assert fingerprint(b"").hex() == "e4a6a0577479b2b4"


@given(built(PlaceOrder), built(PlaceOrder))
def test_other_parameters_have_another_fingerprint(one: PlaceOrder, other: PlaceOrder) -> None:
    same = fingerprint(encode(one)) == fingerprint(encode(other))
    assert same == (one == other)


def test_every_field_of_an_order_is_in_its_fingerprint() -> None:
    changes: dict[str, Any] = {"side": Side.SELL, "type": OrderType.MARKET}
    changes["time_in_force"] = TimeInForce.IOC
    for field in msgspec.structs.fields(PlaceOrder):
        value = getattr(PLACE, field.name)
        other = changes.get(field.name, value + 1 if isinstance(value, int) else "other")
        changed = msgspec.structs.replace(PLACE, **{field.name: other})
        assert fingerprint(encode(changed)) != fingerprint(encode(PLACE)), field.name


# ---- bad bytes ----


def test_a_message_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode_command(encode(["launch_rocket", 1, "key"]))
    with pytest.raises(DecodeError):
        decode_batch(encode([[1, 2, [["launch_rocket", 3]]]]))


@pytest.mark.parametrize("kind", [*COMMANDS, *EVENTS], ids=lambda kind: kind.__name__)
def test_a_message_with_a_field_too_many_is_refused(kind: type) -> None:
    @settings(max_examples=3)
    @given(built(kind))
    def check(message: Command | Event) -> None:
        fields = [*decode(encode(message), list[Any]), 0]
        with pytest.raises(DecodeError):
            decode_command(encode(fields))
        with pytest.raises(DecodeError):
            decode_batch(encode([[1, 2, [fields]]]))

    check()


def test_an_envelope_with_a_field_too_many_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode_envelope(encode([WIRE_VERSION, NOBODY, 9, b"", 0]))


@pytest.mark.parametrize(
    "fields",
    [
        ["place_order", "7", "key", "TATA_INR", "buy"],
        ["place_order", 7, 7, "TATA_INR", "buy"],
        ["place_order", 7, "key", "TATA_INR", "hold"],
        ["place_order", 7, "key", None, "buy"],
        ["place_order", 7, "key", "TATA_INR", "buy", "limit", "gtc", 1.5],
        ["place_order", 7, "key", "TATA_INR", "buy", "limit", "gtc", True],
        ["place_order", 7, "key", "TATA_INR"],
        ["place_order"],
        ["cancel_order", 7, "key", "1", ""],
        {"kind": "place_order", "account_id": 7},
        [], {}, None, 7, "place_order", b"place_order", [["place_order"]], [7, "place_order"],
    ],
    ids=repr,
)  # fmt: skip
def test_a_field_of_another_type_is_refused(fields: object) -> None:
    with pytest.raises(DecodeError):
        decode_command(encode(fields))


def test_a_text_that_is_no_utf8_is_refused() -> None:
    data = encode(CancelOrder(account_id=7, idempotency_key="????")).replace(
        b"????", b"\xff\xfe\xc0a"
    )
    with pytest.raises(DecodeError):
        decode_command(data)


def test_every_truncation_of_a_payload_is_refused() -> None:
    payload = encode(Envelope(WIRE_VERSION, "gateway", 9, msgspec.Raw(encode(PLACE))))
    for size in range(len(payload)):
        with pytest.raises(DecodeError):
            decode_command(decode_envelope(payload[:size]).command)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(DecodeError):
        decode_command(encode(PLACE) + b"\x00")


def test_the_error_keeps_the_bytes_for_whoever_looks_into_it() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_command(msgspec.Raw(b"\xc1\xc1"))
    assert caught.value.data == b"\xc1\xc1"


@pytest.mark.parametrize(
    "data",
    [
        b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\x81" * 100_000, b"\xc1", b"",
    ],
    ids=["nested arrays", "array", "text", "bytes", "map", "ext", "nested maps", "unused", "empty"],
)  # fmt: skip
def test_a_promise_of_too_much_is_refused(data: bytes) -> None:
    for decoder in DECODERS:
        with pytest.raises(DecodeError):
            decoder(data)


@given(st.binary(max_size=200))
def test_random_bytes_are_a_message_or_a_decode_error(data: bytes) -> None:
    for decoder in DECODERS:
        with contextlib.suppress(DecodeError):
            decoder(data)


@given(st.data())
def test_a_damaged_payload_is_a_message_or_a_decode_error(data: st.DataObject) -> None:
    payload = bytearray(encode(Envelope(WIRE_VERSION, "gateway", 9, msgspec.Raw(encode(PLACE)))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError):
        decode_command(decode_envelope(bytes(payload)).command)


# ---- sizes ----


def test_a_full_order_is_far_below_the_largest_payload() -> None:
    order = msgspec.structs.replace(PLACE, client_order_id="x" * 64, idempotency_key="y" * 64)
    order = msgspec.structs.replace(order, price_ticks=2**63, quantity_lots=2**63)
    payload = encode(Envelope(WIRE_VERSION, "g" * 32, 2**63, msgspec.Raw(encode(order))))
    assert len(payload) < 400


def test_a_payload_above_the_largest_is_refused_unread() -> None:
    def payload(size: int) -> bytes:
        command = SkipCommand(skip_n=1, idempotency_key="k" * size)
        return encode(Envelope(WIRE_VERSION, NOBODY, 0, msgspec.Raw(encode(command))))

    rest = len(payload(PAYLOAD_SIZE_MAX)) - PAYLOAD_SIZE_MAX
    assert decode_envelope(payload(PAYLOAD_SIZE_MAX - rest)).gateway == NOBODY
    with pytest.raises(DecodeError):
        decode_envelope(payload(PAYLOAD_SIZE_MAX - rest + 1))
