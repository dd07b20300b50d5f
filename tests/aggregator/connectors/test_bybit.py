"""Bybit v5: what its messages say."""

import json
from collections import Counter
from pathlib import Path

import pytest

from aggregator.connectors import bybit
from aggregator.protocol import (
    Accepted,
    BookUpdate,
    Chain,
    FrameError,
    Pulse,
    Refused,
    TradeUpdate,
)
from shared.messages import Side
from tests.support.recorded import (
    cut_anywhere,
    exact_json,
    parse_mutants,
    recorded_frames,
    recorded_rows,
)

SPOT, LINEAR, INVERSE = bybit.MANIFESTS
BOTH = "bybit-v5-linear-and-spot"
REPEATS = "bybit-v5-level1-repeats"
SEED = 20_260_724

DELTA = (
    b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT",'
    b'"b":[["30247.20","30.028"],["30245.40","0"]],"a":[["30248.70","0"]],"u":177400507,'
    b'"seq":66544703342},"cts":1687940967464}'
)
SNAPSHOT = DELTA.replace(b'"delta"', b'"snapshot"')
TRADES = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":['
    b'{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick",'
    b'"i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false},'
    b'{"T":1672304486866,"s":"BTCUSDT","S":"Sell","v":"0.002","p":"16578.40","L":"PlusTick",'
    b'"i":"2290000000007764263","BT":false}]}'
)
ACCEPTED = b'{"success":true,"ret_msg":"subscribe","conn_id":"x","req_id":"","op":"subscribe"}'
FRAMES = (DELTA, SNAPSHOT, TRADES, ACCEPTED)


def answer(**fields: object) -> bytes:
    return json.dumps({"success": False, "op": "subscribe", "conn_id": "x", **fields}).encode()


@pytest.mark.parametrize(("name", "books", "trades"), [(BOTH, 2_148, 347), (REPEATS, 337, 0)])
def test_every_recorded_update_is_read_and_none_is_made_up(
    data_dir: Path, name: str, books: int, trades: int
) -> None:
    frames = recorded_frames(data_dir, name)

    found = [update for frame in frames for update in bybit.parse_message(frame, 0)]

    told = [each for update in found if (each := as_told(update))]
    assert told == [one for frame in frames for one in told_by(frame)]
    counts = Counter(type(update) for update in found)
    assert (counts[BookUpdate], counts[TradeUpdate]) == (books, trades)


def told_by(frame: bytes) -> list[tuple[object, ...]]:
    """Read a frame by the standard library, and by nothing of the connector's."""
    message = exact_json(frame)
    kind, *words = message.get("topic", "").split(".")
    data = message.get("data")
    if kind == "orderbook":
        levels = [[tuple(level) for level in data[side]] for side in "ba"]
        is_snapshot = message["type"] == "snapshot"
        at_ns = int(message["cts"]) * 1_000_000
        return [(words[1], int(words[0]), is_snapshot, int(data["u"]), *levels, at_ns)]
    if kind == "publicTrade":
        return [
            (each["s"], each["i"], each["p"], each["v"], each["S"].lower(), int(each["T"]))
            for each in data
        ]
    return []


def as_told(update: object) -> tuple[object, ...] | None:
    if isinstance(update, BookUpdate):
        assert update.first_id == update.last_id
        levels = list(update.bids), list(update.asks)
        what = update.symbol, update.depth, update.is_snapshot, update.last_id
        return (*what, *levels, update.venue_at_ns)
    if isinstance(update, TradeUpdate):
        what_else = update.price, update.quantity, update.taker_side.value
        return (update.symbol, update.trade_id, *what_else, update.venue_at_ns // 1_000_000)
    return None


def test_recorded_changes_are_numbered_one_by_one(data_dir: Path) -> None:
    frames = [row for row in recorded_rows(data_dir, BOTH) if row.kind == "recv"]
    last: dict[tuple[str, str], int] = {}
    changes = 0
    for row in frames:
        for update in bybit.parse_message(row.data.encode(), 0):
            if isinstance(update, BookUpdate):
                book = row.url, update.symbol
                if not update.is_snapshot:
                    assert update.first_id == last[book] + 1
                    changes += 1
                last[book] = update.last_id
    assert (changes, len(last)) == (2_142, 6)
    assert LINEAR.chain is Chain.CONTIGUOUS


def test_a_change_is_numbered_one_after_the_last() -> None:
    (update,) = bybit.parse_message(DELTA, 0)

    assert update == BookUpdate(
        "BTCUSDT",
        [("30247.20", "30.028"), ("30245.40", "0")],
        [("30248.70", "0")],
        first_id=177_400_507,
        last_id=177_400_507,
        depth=50,
        venue_at_ns=1_687_940_967_464_000_000,
    )


def test_a_snapshot_below_the_depth_has_all_the_levels_there_are() -> None:
    (short,) = bybit.parse_message(SNAPSHOT, 0)
    (full,) = bybit.parse_message(SNAPSHOT.replace(b"orderbook.50.", b"orderbook.1."), 0)

    assert isinstance(short, BookUpdate)
    assert isinstance(full, BookUpdate)
    assert (short.is_snapshot, short.is_whole) == (True, True)
    assert (full.is_snapshot, full.is_whole) == (True, False)


def test_number_one_is_a_snapshot_whatever_it_is_called() -> None:
    (update,) = bybit.parse_message(DELTA.replace(b"177400507", b"1"), 0)

    assert isinstance(update, BookUpdate)
    assert (update.is_snapshot, update.last_id) == (True, 1)


def test_repeats_of_a_quiet_book_keep_their_number(data_dir: Path) -> None:
    repeats = 0
    last: dict[str, int] = {}
    for frame in recorded_frames(data_dir, REPEATS):
        for update in bybit.parse_message(frame, 0):
            if isinstance(update, BookUpdate):
                assert update.is_snapshot
                repeats += last.get(update.symbol) == update.last_id
                last[update.symbol] = update.last_id
    assert repeats == 61


def test_one_message_may_have_many_trades(data_dir: Path) -> None:
    said = [bybit.parse_message(frame, 0) for frame in recorded_frames(data_dir, BOTH)]
    tapes = [updates for updates in said if updates and isinstance(updates[0], TradeUpdate)]

    assert (len(tapes), sum(map(len, tapes))) == (120, 347)


def test_the_side_of_a_trade_is_the_takers() -> None:
    bought, sold = bybit.parse_message(TRADES, 0)

    assert bought == TradeUpdate(
        *("BTCUSDT", "20f43950-d8dd-5b31-9112-a178eb6023af", "16578.50", "0.001", Side.BUY),
        venue_at_ns=1_672_304_486_865_000_000,
    )
    assert isinstance(sold, TradeUpdate)
    assert (sold.taker_side, sold.trade_id) == (Side.SELL, "2290000000007764263")


@pytest.mark.parametrize("frame", [DELTA, SNAPSHOT, TRADES])
def test_the_order_of_keys_makes_no_difference(frame: bytes) -> None:
    message = json.loads(frame)
    spaced = json.dumps(message).encode()
    reversed_keys = json.dumps(dict(reversed(message.items()))).encode()

    assert bybit.parse_message(spaced, 0) == bybit.parse_message(frame, 0)
    assert bybit.parse_message(reversed_keys, 0) == bybit.parse_message(frame, 0)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}',
        b'{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}',
        b'{"args":["1675418560633"],"conn_id":"x","op":"pong"}',
        b'{"req_id":"","op":"pong","args":["1675418560633"],"conn_id":"x"}',
    ],
)
def test_every_form_of_pong_is_a_pulse(frame: bytes) -> None:
    assert list(bybit.parse_message(frame, 0)) == [Pulse()]


def test_a_venue_that_no_longer_answers_is_given_up_after_two_pings() -> None:
    for manifest in bybit.MANIFESTS:
        assert manifest.ping is not None
        assert manifest.ping.text == '{"op":"ping"}'
        assert manifest.ping.answer_timeout_s == 2 * manifest.ping.interval_s == 40


@pytest.mark.parametrize(
    "frame",
    [
        b'{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT"},"ts":1}',
        b'{"topic":"kline.1.BTCUSDT","data":[],"ts":1,"type":"snapshot"}',
        DELTA.replace(b"orderbook.50", b"orderbook.full"),
        DELTA.replace(b"orderbook.50", b"orderbook.rpi").replace(b'"0"]', b'"0","1"]'),
        b'{"success":true,"op":"unsubscribe","req_id":"orderbook.50.BTCUSDT"}',
        b'{"success":false,"op":"unsubscribe","req_id":"orderbook.50.BTCUSDT"}',
        b'{"op":"somethingNew"}',
        b'{"topic":"orderbook"}',
        b"{}",
    ],
)
def test_what_is_of_no_interest_says_nothing(frame: bytes) -> None:
    assert list(bybit.parse_message(frame, 0)) == []


@pytest.mark.parametrize(
    "frame",
    [
        DELTA.replace(b'"delta"', b'"other"'),
        DELTA.replace(b'"u":177400507', b'"u":"177400507"'),
        DELTA.replace(b'"u":177400507,', b""),
        DELTA.replace(b'"u":177400507', b'"u":-1'),
        DELTA.replace(b'["30245.40","0"]', b'["30245.40"]'),
        DELTA.replace(b'"30247.20"', b"30247.20"),
        TRADES.replace(b'"Buy"', b'"buy"'),
        TRADES.replace(b'"v":"0.001"', b'"v":null'),
        answer(ret_msg=None),
        b"[]",
        b"7",
        b"",
        b"\xff\xfe",
        b'{"topic":"orderbook.50.BTCUSDT","data":' + b"[" * 100_000,
    ],
)
def test_a_message_of_another_shape_is_refused_whole(frame: bytes) -> None:
    with pytest.raises(FrameError):
        bybit.parse_message(frame, 0)


def test_a_frame_that_was_cut_is_never_taken_for_another(data_dir: Path) -> None:
    frames = [*recorded_frames(data_dir, REPEATS)[:40], *FRAMES]

    assert cut_anywhere(frames, bybit.parse_message) > 5_000


def test_no_accident_to_a_frame_raises_anything_but_that_it_is_broken(data_dir: Path) -> None:
    frames = [*recorded_frames(data_dir, BOTH)[:2_000], *FRAMES * 100]

    understood, refused = parse_mutants(frames, bybit.parse_message, SEED, rounds=20_000)

    assert understood > 1_000
    assert refused > 5_000


def test_a_refusal_is_of_the_topics_that_it_quotes() -> None:
    asked = "orderbook.50.BTCUSDT,orderbook.50.XYZ"
    for text in ("Invalid symbol :[orderbook.50.XYZ]", "error:handler not found,topic:%s"):
        reason = text.replace("%s", "orderbook.50.XYZ")

        said = bybit.parse_message(answer(ret_msg=reason, req_id=asked), 0)

        assert said == [Refused(reason, "XYZ", "orderbook.50.XYZ")]


def test_a_refusal_that_quotes_nothing_is_of_all_that_was_asked_for() -> None:
    frame = answer(ret_msg="Invalid topic", req_id="orderbook.50.BTCUSDT,publicTrade.XYZ")

    assert bybit.parse_message(frame, 0) == [
        Refused("Invalid topic", "BTCUSDT", "orderbook.50.BTCUSDT"),
        Refused("Invalid topic", "XYZ", "publicTrade.XYZ"),
    ]


def test_a_refusal_of_a_request_with_no_name_of_ours_is_of_nobody_known() -> None:
    for name in ({}, {"req_id": ""}, {"req_id": "sub-1"}):
        frame = answer(ret_msg="Invalid topic", **name)

        assert bybit.parse_message(frame, 0) == [Refused("Invalid topic")]


def test_an_acceptance_is_of_all_that_was_asked_for() -> None:
    frame = answer(success=True, ret_msg="", req_id="orderbook.50.BTCUSDT,publicTrade.BTCUSDT")

    assert bybit.parse_message(frame, 0) == [
        Accepted("BTCUSDT", "orderbook.50.BTCUSDT"),
        Accepted("BTCUSDT", "publicTrade.BTCUSDT"),
    ]
    assert bybit.parse_message(ACCEPTED, 0) == [Accepted()]


def test_what_was_subscribed_to_already_is_not_refused() -> None:
    topic = "orderbook.50.BTCUSDT"
    frame = answer(ret_msg=f"error:already subscribed,topic:{topic}", req_id=topic)

    assert bybit.parse_message(frame, 0) == [Accepted("BTCUSDT", topic)]


def test_an_answer_may_list_what_failed() -> None:
    topics = {"failTopics": ["orderbook.50.XYZ"], "successTopics": ["orderbook.50.BTCUSDT"]}
    frame = b'{"success":true,"conn_id":"x","data":%s,"type":"COMMAND_RESP"}'

    assert bybit.parse_message(frame % json.dumps(topics).encode(), 0) == [
        Accepted("BTCUSDT", "orderbook.50.BTCUSDT"),
        Refused("The venue gives no reason.", "XYZ", "orderbook.50.XYZ"),
    ]
