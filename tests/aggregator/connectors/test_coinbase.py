"""Coinbase Advanced Trade, against a recording with a list of products and a book of 5 MB."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from aggregator.books.side import Side as BookSide
from aggregator.connectors import coinbase
from aggregator.protocol import (
    BookUpdate,
    ConnectionSequence,
    FrameError,
    Instrument,
    Kind,
    Pulse,
    Refused,
    Topic,
    TradeUpdate,
    Update,
    to_units,
)
from shared.messages import Side
from tests.support.recorded import (
    cut_anywhere,
    exact_json,
    parse_mutants,
    recorded_frames,
    recorded_rows,
)

RECORDING = "coinbase-advanced-trade"
MANIFEST = coinbase.MANIFESTS[0]
BIG_BYTES = 256 * 1024  # Of the two books at the beginning, and nothing else.
FUZZ_SEED = 20261121
FUZZ_ROUNDS = 20_000


@pytest.fixture
def frames(data_dir: Path) -> list[bytes]:
    return recorded_frames(data_dir, RECORDING)


def all_updates(frames: Sequence[bytes]) -> list[Update]:
    return [update for frame in frames for update in coinbase.parse_message(frame, 0)]


def parsed(message: dict[str, object]) -> Sequence[Update]:
    return coinbase.parse_message(json.dumps(message).encode(), 0)


def trade_frame(**fields: object) -> dict[str, object]:
    trade = {
        "product_id": "BTC-USD",
        "trade_id": "1068572091",
        "price": "65083.67",
        "size": "0.01034361",
        "time": "2026-08-09T21:05:48.167634Z",
        "side": "SELL",
        **fields,
    }
    events = [{"type": "update", "trades": [trade]}]
    return {"channel": "market_trades", "sequence_num": 9, "events": events}


def test_every_frame_of_whatever_channel_begins_with_its_number(frames: list[bytes]) -> None:
    first = [coinbase.parse_message(frame, 0)[0] for frame in frames]
    assert first == [ConnectionSequence(number) for number in range(1030)]


def test_numbers_of_one_channel_alone_would_raise_false_alarms(frames: list[bytes]) -> None:
    numbers = [
        update.number
        for frame in frames
        for update in coinbase.parse_message(frame, 0)[:1]
        if isinstance(update, ConnectionSequence) and b'"l2_data"' in frame[:40]
    ]
    gaps = sum(after != before + 1 for before, after in pairwise(numbers))
    assert gaps == 195


def test_every_level_is_what_the_standard_library_reads(frames: list[bytes]) -> None:
    expected = []
    for frame in frames:
        message = exact_json(frame)
        for event in message["events"] if message["channel"] == "l2_data" else ():
            sides: dict[str, list[tuple[str, str]]] = {"bid": [], "offer": []}
            for level in event["updates"]:
                sides[level["side"]].append((level["price_level"], level["new_quantity"]))
            is_snapshot = event["type"] == "snapshot"
            expected.append((event["product_id"], sides["bid"], sides["offer"], is_snapshot))
    got = [
        (update.symbol, update.bids, update.asks, update.is_snapshot)
        for update in all_updates(frames)
        if isinstance(update, BookUpdate)
    ]
    assert got == expected
    assert len(got) == 775


def test_the_first_picture_is_the_whole_book_in_one_frame_of_5_mb(frames: list[bytes]) -> None:
    frame = max(frames, key=len)
    _, update = coinbase.parse_message(frame, 0)
    assert len(frame) == 5_079_379
    assert isinstance(update, BookUpdate)
    assert update.is_snapshot
    assert update.is_whole
    assert len(update.bids) + len(update.asks) > 40_000
    assert update.venue_at_ns == 1786309548_170326000


def test_trades_of_the_first_picture_are_history(frames: list[bytes]) -> None:
    trades = [update for update in all_updates(frames) if isinstance(update, TradeUpdate)]
    assert sum(trade.is_history for trade in trades) == 200
    assert sum(not trade.is_history for trade in trades) == 79


def test_trades_are_counted_one_by_one_and_come_oldest_first(frames: list[bytes]) -> None:
    trades = [update for update in all_updates(frames) if isinstance(update, TradeUpdate)]
    for symbol, count in (("BTC-USD", 147), ("ETH-USD", 132)):
        numbers = [trade.number for trade in trades if trade.symbol == symbol]
        assert numbers == list(range(numbers[0], numbers[0] + count))


def test_a_taker_who_buys_does_so_at_the_ask(frames: list[bytes]) -> None:
    """With the side as it is told, none would."""
    said = [
        update
        for update in all_updates(frames)
        if isinstance(update, BookUpdate)
        or (isinstance(update, TradeUpdate) and not update.is_history)
    ]
    books: dict[str, tuple[BookSide, BookSide]] = {}
    verdicts = []
    # Each trade with the book as it was then, by the venue's clock.
    for update in sorted(said, key=lambda update: update.venue_at_ns):
        if isinstance(update, BookUpdate):
            sides = books.setdefault(update.symbol, (BookSide(1), BookSide(-1)))
            for side, changes in zip(sides, (update.bids, update.asks), strict=True):
                levels = [(side.sign * to_units(p), to_units(q)) for p, q in changes]
                (side.replace if update.is_snapshot else side.change)(levels)
        elif update.symbol in books:
            bid, ask = (side.best_price or 0 for side in books[update.symbol])
            price, is_buy = to_units(update.price), update.taker_side is Side.BUY
            verdicts.append(price >= ask if is_buy else price <= bid)
    # The one that is not was at a price between.
    assert (verdicts.count(True), len(verdicts)) == (77, 78)


def test_the_side_told_is_the_resting_orders() -> None:
    (_, taker_bought) = parsed(trade_frame(side="SELL"))
    (_, taker_sold) = parsed(trade_frame(side="BUY"))
    assert isinstance(taker_bought, TradeUpdate)
    assert isinstance(taker_sold, TradeUpdate)
    assert (taker_bought.taker_side, taker_sold.taker_side) == (Side.BUY, Side.SELL)


def test_a_trade_of_the_year_1_has_no_time() -> None:
    _, trade = parsed(trade_frame(time="0001-01-01T00:00:00Z"))
    assert isinstance(trade, TradeUpdate)
    assert trade.venue_at_ns == 0


@pytest.mark.parametrize("size", ["-0.5", "NaN", "", "Infinity"])
def test_sizes_that_mean_nothing_are_passed_over(size: str) -> None:
    assert parsed(trade_frame(size=size)) == [ConnectionSequence(9)]
    level = {"side": "offer", "price_level": "10", "new_quantity": size}
    good = {"side": "offer", "price_level": "11", "new_quantity": "2"}
    event = {"type": "update", "product_id": "BTC-USD", "updates": [level, good]}
    _, update = parsed({"channel": "l2_data", "sequence_num": 3, "events": [event]})
    assert isinstance(update, BookUpdate)
    assert (update.bids, update.asks) == ([], [("11", "2")])


def test_what_says_nothing_here_still_counts() -> None:
    for channel in ("ticker", "candles", "subscriptions", "status", "one that is new"):
        said = parsed({"channel": channel, "sequence_num": 7, "events": [{"anything": 1}]})
        assert said == (ConnectionSequence(7),)
    heartbeat = {"channel": "heartbeats", "sequence_num": 8, "events": [{"heartbeat_counter": 1}]}
    assert parsed(heartbeat) == (ConnectionSequence(8), Pulse())


def test_an_error_is_a_refusal() -> None:
    said = parsed({"type": "error", "message": "channel not supported"})
    assert said == (Refused("channel not supported"),)


def test_a_message_of_another_shape_is_refused() -> None:
    trade_of_letters = trade_frame(trade_id="abc")
    without_number: dict[str, object] = {"channel": "ticker", "events": []}
    side = {"side": "ask", "price_level": "10", "new_quantity": "1"}
    event = {"type": "update", "product_id": "BTC-USD", "updates": [side]}
    other_side: dict[str, object] = {"channel": "l2_data", "sequence_num": 3, "events": [event]}
    messages: tuple[dict[str, object], ...]
    messages = (trade_of_letters, without_number, other_side, {})
    for message in messages:
        with pytest.raises(FrameError):
            parsed(message)


def test_products_tell_under_which_name_their_messages_come(data_dir: Path) -> None:
    (row,) = (row for row in recorded_rows(data_dir, RECORDING) if row.kind == "http")
    request = coinbase.fetch_instruments(MANIFEST)
    assert request is not None
    assert request.url == row.url
    listed = {
        update.symbol: update
        for update in request.read(row.data.encode(), row.url)
        if isinstance(update, Instrument)
    }
    assert listed["BTC-USD"] == Instrument("BTC-USD", "BTC", "USD", "0.01", "0.00000001")
    assert listed["BTC-USDC"].delivered_as == "BTC-USD"
    assert listed["BTC-USDC"].quote == "USDC"
    # 920 products, of which 8 are no longer traded.
    assert len(listed) == 912
    assert sum(bool(instrument.delivered_as) for instrument in listed.values()) == 396


def test_each_channel_is_asked_for_in_a_message_of_its_own() -> None:
    topics = [
        Topic(Kind.BOOK, "BTC-USD"),
        Topic(Kind.TRADES, "BTC-USD"),
        Topic(Kind.BOOK, "ETH-USD"),
        Topic(Kind.PULSE),
    ]
    texts = coinbase.get_subscription_messages(MANIFEST, "market", topics)
    both = ["BTC-USD", "ETH-USD"]
    assert [json.loads(text) for text in texts] == [
        {"type": "subscribe", "product_ids": both, "channel": "level2"},
        {"type": "subscribe", "product_ids": both[:1], "channel": "market_trades"},
        {"type": "subscribe", "channel": "heartbeats"},
    ]
    (rid,) = coinbase.get_subscription_messages(MANIFEST, "market", topics[:1], wanted=False)
    assert json.loads(rid)["type"] == "unsubscribe"
    assert coinbase.build_subscription_url(MANIFEST, "market", topics) == MANIFEST.sockets[0].url
    assert Kind.PULSE in MANIFEST.sockets[0].kinds


def test_names_say_their_pair() -> None:
    assert coinbase.guess_instrument(MANIFEST, "BTC-USD") == Instrument("BTC-USD", "BTC", "USD")
    for name in ("BTCUSD", "BTC-", "-USD", "BTC-USD-PERP"):
        assert coinbase.guess_instrument(MANIFEST, name) is None
    assert coinbase.fetch_snapshot(MANIFEST, "BTC-USD", 0) is None
    assert coinbase.fetch_trades(MANIFEST, "BTC-USD") is None


def test_a_frame_cut_anywhere_is_refused(frames: list[bytes]) -> None:
    small = [frame for frame in frames if len(frame) < 600][:80]
    assert cut_anywhere(small, coinbase.parse_message) == sum(map(len, small))
    big = max(frames, key=len)
    for length in (100, len(big) // 2, len(big) - 1):
        with pytest.raises(FrameError):
            coinbase.parse_message(big[:length], 0)


def test_a_broken_frame_raises_nothing_but_a_frame_error(frames: list[bytes]) -> None:
    small = [frame for frame in frames if len(frame) < 3000]
    understood, refused = parse_mutants(small, coinbase.parse_message, FUZZ_SEED, FUZZ_ROUNDS)
    assert min(understood, refused) > FUZZ_ROUNDS // 20
