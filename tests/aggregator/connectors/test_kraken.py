"""Kraken's messages, against what its checksums say and what the standard library reads."""

import json
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import pytest

from aggregator.books.side import Side as BookSide
from aggregator.connectors import kraken
from aggregator.protocol import (
    NONE,
    UNIT,
    Accepted,
    BookUpdate,
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
from tests.support.recorded import cut_anywhere, exact_json, parse_mutants, recorded_frames

DEPTHS = {"kraken-spot-btcusd-depth10": 10, "kraken-spot-btcusd-depth25": 25}
BOOKS = {"kraken-spot-btcusd-depth10": 301, "kraken-spot-btcusd-depth25": 2052}
MANIFEST = kraken.MANIFESTS[0]
FUZZ_SEED = 20261121
FUZZ_ROUNDS = 20_000
INSTRUMENTS = b"""{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[
{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,
"qty_increment":1e-08,"price_precision":1,"price_increment":0.1,"qty_min":0.00005},
{"symbol":"PEPE/USD","base":"PEPE","quote":"USD","status":"online","qty_precision":5,
"qty_increment":1e-05,"price_precision":9,"price_increment":1e-9,"qty_min":1},
{"symbol":"OLD/USD","base":"OLD","quote":"USD","status":"online","qty_precision":0,
"qty_increment":1,"price_precision":2,"price_increment":0.5,"qty_min":1}]}}"""


class Followed:
    """A book of one symbol, followed with as little as it takes."""

    def __init__(self, depth: int, instrument: Instrument | None = None) -> None:
        self.bids, self.asks = BookSide(1), BookSide(-1)
        self.depth = depth
        self.checksum = kraken.make_checksum(instrument)

    def follow(self, update: BookUpdate) -> bool:
        """Take an update over, and say whether the checksum is the venue's."""
        for side, changes in ((self.bids, update.bids), (self.asks, update.asks)):
            levels = [(side.sign * to_units(p), to_units(q)) for p, q in changes]
            if update.is_snapshot:
                side.replace(levels)
            else:
                side.change(levels)
            side.keep_best(self.depth)
        return self.checksum.value(update, self.bids, self.asks) == update.checksum


def books_in(frames: Sequence[bytes]) -> list[BookUpdate]:
    updates = (update for frame in frames for update in kraken.parse_message(frame, 0))
    return [update for update in updates if isinstance(update, BookUpdate)]


def parsed(text: str | bytes) -> Sequence[Update]:
    return kraken.parse_message(text.encode() if isinstance(text, str) else text, 0)


@pytest.mark.parametrize("name", DEPTHS)
def test_every_checksum_of_a_recording_is_ours(data_dir: Path, name: str) -> None:
    followed = Followed(DEPTHS[name])
    verdicts = [followed.follow(update) for update in books_in(recorded_frames(data_dir, name))]
    assert verdicts == [True] * BOOKS[name]


@pytest.mark.parametrize("name", DEPTHS)
def test_every_digit_is_what_the_standard_library_reads(data_dir: Path, name: str) -> None:
    frames = recorded_frames(data_dir, name)
    read = [exact_json(frame) for frame in frames]
    expected = [
        (
            data["symbol"],
            [(level["price"], level["qty"]) for level in data["bids"]],
            [(level["price"], level["qty"]) for level in data["asks"]],
            message["type"] == "snapshot",
            int(data["checksum"]),
        )
        for message in read
        if message.get("channel") == "book"
        for data in message["data"]
    ]
    got = [
        (update.symbol, update.bids, update.asks, update.is_snapshot, update.checksum)
        for update in books_in(frames)
    ]
    assert got == expected
    assert len(got) == BOOKS[name]


def test_a_window_that_is_not_cut_to_its_depth_is_found_wrong(data_dir: Path) -> None:
    for name, mismatches in (
        ("kraken-spot-btcusd-depth10", 7),
        ("kraken-spot-btcusd-depth25", 1832),
    ):
        uncut = Followed(10_000)
        verdicts = [uncut.follow(update) for update in books_in(recorded_frames(data_dir, name))]
        assert verdicts.count(False) == mismatches


def test_a_lost_update_shows_at_the_next_message(data_dir: Path) -> None:
    updates = books_in(recorded_frames(data_dir, "kraken-spot-btcusd-depth10"))
    caught = harmless = 0
    for lost in (number for number, update in enumerate(updates) if not update.is_snapshot):
        followed = Followed(10)
        next_one = [followed.follow(u) for n, u in enumerate(updates[: lost + 2]) if n != lost]
        caught += not next_one[-1]
        harmless += next_one[-1]
    # As measured with another implementation; what is overwritten at once does no harm.
    assert caught >= 229
    assert caught + harmless == 296


def test_digits_read_as_floats_prove_nothing(data_dir: Path) -> None:
    followed = Followed(10)
    agreed = 0
    for update in books_in(recorded_frames(data_dir, "kraken-spot-btcusd-depth10")):
        followed.follow(update)
        best = [followed.asks.best(10), followed.bids.best(10)]
        numbers = [number / UNIT for levels in best for level in levels for number in level]
        digits = "".join(repr(abs(number)).replace(".", "").lstrip("0") for number in numbers)
        agreed += crc32(digits.encode()) == update.checksum
    assert agreed == 0


def test_a_recording_that_lost_its_zeros_is_proven_all_the_same(data_dir: Path) -> None:
    frames = recorded_frames(data_dir, "kraken-spot-btcusd-depth10")
    stripped = [json.dumps(json.loads(frame)).encode() for frame in frames]
    followed = Followed(10)
    assert [followed.follow(update) for update in books_in(stripped)] == [True] * 301


def test_zeros_that_a_recording_lost_come_back_with_the_instruments_precision() -> None:
    full = (
        '{"channel":"book","type":"snapshot","data":[{"symbol":"OP/USD",'
        '"bids":[{"price":0.5100,"qty":10.50000000}],"asks":[{"price":0.5200,"qty":2.00000000}],'
        '"checksum":0}]}'
    )
    (told,) = books_in([full.encode()])
    (lost,) = books_in([json.dumps(json.loads(full)).encode()])
    padded, unpadded, blind = Followed(10), Followed(10, OP_USD), Followed(10)
    padded.follow(told)
    unpadded.follow(lost)
    blind.follow(lost)
    value = padded.checksum.value(told, padded.bids, padded.asks)
    assert unpadded.checksum.value(lost, unpadded.bids, unpadded.asks) == value
    assert blind.checksum.value(lost, blind.bids, blind.asks) != value


OP_USD = Instrument("OP/USD", "OP", "USD", "0.0001", "0.00000001")


def test_a_book_on_the_wrong_scale_is_found_wrong_at_once(data_dir: Path) -> None:
    update = books_in(recorded_frames(data_dir, "kraken-spot-btcusd-depth10"))[0]
    finer = Followed(10, Instrument("BTC/USD", "BTC", "USD", "0.01", "0.00000001"))
    assert not finer.follow(update)
    assert Followed(10).follow(update)


def test_a_precision_that_turns_out_finer_than_was_told_is_learnt(data_dir: Path) -> None:
    coarse = Followed(10, Instrument("BTC/USD", "BTC", "USD", "1", "0.01"))
    updates = books_in(recorded_frames(data_dir, "kraken-spot-btcusd-depth10"))
    assert all(coarse.follow(update) for update in updates)


def test_a_quantity_beyond_the_exact_floats_keeps_its_last_digit() -> None:
    (update,) = parsed(
        '{"channel":"book","type":"update","data":[{"symbol":"A/B","bids":[{"price":1,'
        '"qty":90071992.54740993}],"asks":[],"checksum":4294967295}]}'
    )
    assert isinstance(update, BookUpdate)
    assert update.bids == [("1", "90071992.54740993")]
    assert to_units(update.bids[0][1]) == 90071992_54740993 * 10**10


def test_numbers_with_exponents_become_plain_ones() -> None:
    (update,) = parsed(
        '{"channel":"book","type":"update","data":[{"symbol":"A/B","asks":[{"price":1.50e-08,'
        '"qty":2E3}],"checksum":1,"timestamp":"2026-08-01T02:53:53.398143Z"}]}'
    )
    assert isinstance(update, BookUpdate)
    assert (update.bids, update.asks) == ([], [("0.0000000150", "2000")])
    assert update.venue_at_ns == 1785552833_398143000


def test_a_message_with_two_payloads_gives_two_updates() -> None:
    data = '{"symbol":"%s","bids":[],"asks":[{"price":2.0,"qty":0}],"checksum":7}'
    first, second = parsed(
        f'{{"channel":"book","type":"update","data":[{data % "A/B"},{data % "C/D"}]}}'
    )
    assert isinstance(first, BookUpdate)
    assert isinstance(second, BookUpdate)
    assert (first.symbol, second.symbol) == ("A/B", "C/D")


def test_trades_have_the_takers_side_and_a_count_and_the_first_fifty_are_history() -> None:
    def trades(kind: str) -> str:
        return (
            f'{{"channel":"trade","type":"{kind}","data":[{{"symbol":"BTC/USD","side":"sell",'
            '"price":63004.9,"qty":0.00010000,"ord_type":"limit","trade_id":4665846,'
            '"timestamp":"2026-08-01T02:53:53.5Z"}]}'
        )

    (live,), (old,) = parsed(trades("update")), parsed(trades("snapshot"))
    assert live == TradeUpdate(
        "BTC/USD",
        "4665846",
        "63004.9",
        "0.00010000",
        Side.SELL,
        1785552833_500000000,
        4665846,
        False,
    )
    assert isinstance(old, TradeUpdate)
    assert old.is_history


def test_the_instruments_keep_their_precision_in_their_ticks() -> None:
    assert list(parsed(INSTRUMENTS)) == [
        Instrument("BTC/USD", "BTC", "USD", "0.1", "0.00000001"),
        Instrument("PEPE/USD", "PEPE", "USD", "0.000000001", "0.00001"),
        Instrument("OLD/USD", "OLD", "USD", "0.50", "1"),
    ]


def test_all_three_names_of_a_coin_are_one() -> None:
    request = kraken.fetch_instruments(MANIFEST)
    assert request is not None
    pairs = {
        "XXBTZUSD": {
            "wsname": "XBT/USD",
            "pair_decimals": 1,
            "lot_decimals": 8,
            "tick_size": "0.1",
        },
        "XDGUSD": {"wsname": "XDG/USD", "pair_decimals": 7, "lot_decimals": 8},
    }
    body = json.dumps({"error": [], "result": pairs}).encode()
    assert list(request.read(body, request.url)) == [
        Instrument("BTC/USD", "BTC", "USD", "0.1", "0.00000001"),
        Instrument("DOGE/USD", "DOGE", "USD", "0.0000001", "0.00000001"),
    ]
    guessed = kraken.guess_instrument(MANIFEST, "XBT/USD")
    assert guessed == Instrument("XBT/USD", "BTC", "USD")
    assert kraken.guess_instrument(MANIFEST, "XBTUSD") is None


def test_a_depth_that_is_not_offered_is_refused_and_not_waited_for() -> None:
    refusal = '{"error":"Subscription depth not supported","method":"subscribe","success":false%s}'
    assert parsed(refusal % ',"symbol":"BTC/USD"') == (
        Refused("Subscription depth not supported", "BTC/USD"),
    )
    assert parsed(refusal % "") == (Refused("Subscription depth not supported"),)


def test_a_refusal_that_is_no_word_on_the_symbol_halts_nothing() -> None:
    for error in ("Already subscribed", "Exceeded msg rate"):
        text = f'{{"error":"{error}","method":"subscribe","success":false,"symbol":"BTC/USD"}}'
        assert parsed(text) == (Pulse(),)
    gone = '{"error":"Subscription Not Found","method":"unsubscribe","success":false}'
    assert parsed(gone) == ()


def test_a_resubscription_is_five_snapshots_and_eight_words_that_it_is_taken(
    data_dir: Path,
) -> None:
    frames = recorded_frames(data_dir, "kraken-spot-btcusd-depth10")
    updates = [update for frame in frames for update in kraken.parse_message(frame, 0)]
    accepted = [update for update in updates if isinstance(update, Accepted)]
    assert accepted == [Accepted("BTC/USD", "book", 10)] * 8
    assert sum(isinstance(u, BookUpdate) and u.is_snapshot for u in updates) == 5
    assert sum(isinstance(u, Pulse) for u in updates) == 61


def test_greetings_heartbeats_and_pongs_are_pulses() -> None:
    status = '{"channel":"status","type":"update","data":[{"connection_id":18446744073709551615}]}'
    pong = '{"method":"pong","req_id":1,"time_in":"2026-08-01T02:53:53.184174Z"}'
    for text in (status, '{"channel":"heartbeat"}', pong):
        assert parsed(text) == (Pulse(),)
    assert parsed('{"channel":"ticker","type":"update","data":[]}') == ()


def test_a_message_of_another_shape_is_refused() -> None:
    for text in (
        "",
        '[0,{},"book-10","XBT/USD"]',
        "{}",
        '{"channel":"book","type":"update","data":{}}',
        '{"channel":"book","type":"update","data":[{"symbol":"A/B","checksum":null}]}',
        '{"channel":"book","type":"update","data":[{"symbol":"A/B","checksum":1,"bids":[{"price":'
        'null,"qty":1}]}]}',
        '{"channel":"book","type":"later","data":[]}',
        '{"channel":"trade","type":"update","data":[{"symbol":"A/B","side":"none"}]}',
        '{"channel":"instrument","data":[]}',
    ):
        with pytest.raises(FrameError):
            parsed(text)


@pytest.mark.parametrize("name", DEPTHS)
def test_a_frame_cut_anywhere_is_refused(data_dir: Path, name: str) -> None:
    frames = recorded_frames(data_dir, name)[:60]
    assert cut_anywhere(frames, kraken.parse_message) == sum(map(len, frames))


def test_a_broken_frame_raises_nothing_but_a_frame_error(data_dir: Path) -> None:
    frames = [*recorded_frames(data_dir, "kraken-spot-btcusd-depth10"), INSTRUMENTS]
    understood, refused = parse_mutants(frames, kraken.parse_message, FUZZ_SEED, FUZZ_ROUNDS)
    assert min(understood, refused) > FUZZ_ROUNDS // 20


def test_subscriptions_name_depth_and_snapshot_and_are_undone_the_same_way() -> None:
    topics = [
        Topic(Kind.BOOK, "BTC/USD", 25),
        Topic(Kind.BOOK, "ETH/USD", 25),
        Topic(Kind.TRADES, "BTC/USD"),
        Topic(Kind.INSTRUMENTS),
    ]
    wanted = kraken.get_subscription_messages(MANIFEST, "v2", topics)
    assert [json.loads(text) for text in wanted] == [
        subscription("subscribe", channel="book", symbol=["BTC/USD", "ETH/USD"], depth=25),
        subscription("subscribe", channel="trade", symbol=["BTC/USD"]),
        subscription("subscribe", channel="instrument"),
    ]
    rid = kraken.get_subscription_messages(MANIFEST, "v2", topics[:1], wanted=False)
    params = {"channel": "book", "symbol": ["BTC/USD"], "depth": 25}
    assert [json.loads(text) for text in rid] == [{"method": "unsubscribe", "params": params}]
    assert kraken.build_subscription_url(MANIFEST, "v2", topics) == "wss://ws.kraken.com/v2"


def subscription(method: str, **params: object) -> dict[str, object]:
    return {"method": method, "params": {**params, "snapshot": True}}


def test_a_depth_that_is_not_offered_is_not_even_asked_for() -> None:
    topics = [Topic(Kind.BOOK, "BTC/USD", 27)]
    with pytest.raises(ValueError, match="no books of depth 27"):
        kraken.build_subscription_url(MANIFEST, "v2", topics)
    with pytest.raises(ValueError, match="no books of depth 27"):
        kraken.get_subscription_messages(MANIFEST, "v2", topics)


def test_many_symbols_are_asked_for_in_several_messages() -> None:
    topics = [Topic(Kind.BOOK, f"A{number}/USD", 10) for number in range(120)]
    texts = kraken.get_subscription_messages(MANIFEST, "v2", topics)
    asked = [json.loads(text)["params"]["symbol"] for text in texts]
    assert [len(symbols) for symbols in asked] == [50, 50, 20]
    assert [name for symbols in asked for name in symbols] == [topic.symbol for topic in topics]


def test_nothing_is_asked_by_http_for_a_book_or_for_trades() -> None:
    assert kraken.fetch_snapshot(MANIFEST, "BTC/USD", 10) is None
    assert kraken.fetch_trades(MANIFEST, "BTC/USD") is None
    assert NONE not in MANIFEST.depths
