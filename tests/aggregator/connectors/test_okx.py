"""OKX, against messages written by hand in the shapes of its documents."""

import json
from collections.abc import Sequence

import pytest

from aggregator.connectors import okx
from aggregator.protocol import (
    NONE,
    Accepted,
    BookUpdate,
    Chain,
    FrameError,
    Goodbye,
    Instrument,
    Kind,
    Pulse,
    Refused,
    SnapshotFrom,
    Topic,
    TradeUpdate,
    Update,
)
from shared.messages import Side
from tests.support.recorded import cut_anywhere, parse_mutants

MANIFEST = okx.MANIFESTS[0]
BOOK = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":'
    b'[["8476.98","415","0","13"],["8477","0","0","0"]],"bids":[["8476.97","256","0","12"]],'
    b'"ts":"1597026383085","checksum":0,"prevSeqId":123456,"seqId":123460}]}'
)
PICTURE = BOOK.replace(b'"update"', b'"snapshot"').replace(b"123456", b"-1")
TRADES = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":'
    b'"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3",'
    b'"source":"0","seqId":1234}]}'
)
SUBSCRIBED = (
    b'{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}'
)
ERROR = (
    b'{"event":"error","code":"60018","msg":"Wrong URL or channel:books,instId:BTC-ABC doesn\'t '
    b'exist. Please use the correct URL, channel and parameters.","connId":"a4d3ae55"}'
)
NOTICE = (
    b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service '
    b'upgrade. Please reconnect.","connId":"a4d3ae55"}'
)
ALL = [BOOK, PICTURE, TRADES, SUBSCRIBED, ERROR, NOTICE]
HTTP_BOOK = (
    b'{"code":"0","msg":"","data":[{"asks":[["41006.8","0.60038921","0","1"]],"bids":[["41006.3",'
    b'"0.30178218","0","2"]],"ts":"1629966436396","seqId":3235851742}]}'
)
FUZZ_SEED = 20261121
FUZZ_ROUNDS = 20_000


def parsed(frame: bytes) -> Sequence[Update]:
    return okx.parse_message(frame, 0)


def only_book(frame: bytes) -> BookUpdate:
    (update,) = parsed(frame)
    assert isinstance(update, BookUpdate)
    return update


def test_its_book_is_linked_and_begins_by_http() -> None:
    assert MANIFEST.from_documents_alone
    assert MANIFEST.chain is Chain.LINKED
    assert MANIFEST.snapshot_from is SnapshotFrom.REST


def test_an_update_names_the_one_before() -> None:
    assert only_book(BOOK) == BookUpdate(
        "BTC-USDT",
        [("8476.97", "256")],
        [("8476.98", "415"), ("8477", "0")],
        last_id=123460,
        previous_id=123456,
        depth=400,
        venue_at_ns=1597026383_085000000,
    )


def test_a_checksum_of_0_is_none() -> None:
    assert only_book(BOOK).checksum == NONE


def test_the_picture_at_the_beginning_has_a_number_to_join_it_by() -> None:
    picture = only_book(PICTURE)
    assert (picture.is_snapshot, picture.last_id, picture.previous_id) == (True, 123460, NONE)


def test_of_former_days_there_is_a_checksum_and_no_number() -> None:
    old = json.loads(BOOK)
    del old["data"][0]["seqId"], old["data"][0]["prevSeqId"]
    old["data"][0]["checksum"] = -855196043
    update = only_book(json.dumps(old).encode())
    assert (update.checksum, update.last_id, update.previous_id) == (-855196043, NONE, NONE)


def test_an_update_with_neither_number_nor_checksum_is_refused() -> None:
    nothing = json.loads(BOOK)
    del nothing["data"][0]["seqId"], nothing["data"][0]["prevSeqId"]
    with pytest.raises(FrameError):
        parsed(json.dumps(nothing).encode())


def test_numbers_that_begin_anew_are_linked_all_the_same() -> None:
    after_maintenance = BOOK.replace(b"123460", b"3")
    assert (only_book(after_maintenance).previous_id, only_book(after_maintenance).last_id) == (
        123456,
        3,
    )


def test_equal_numbers_say_that_nothing_is_missing() -> None:
    same = json.loads(BOOK.replace(b"123460", b"123456"))
    same["data"][0].update(asks=[], bids=[])
    update = only_book(json.dumps(same).encode())
    assert (update.bids, update.asks) == ([], [])
    assert update.last_id == update.previous_id == 123456


def test_trades_have_the_takers_side_and_no_count() -> None:
    at_ns = 1630048897_897000000
    assert parsed(TRADES) == [
        TradeUpdate("BTC-USDT", "130639474", "42219.9", "0.12060306", Side.BUY, at_ns)
    ]


def test_pings_and_pongs_are_bare_words() -> None:
    assert parsed(b"pong") == (Pulse(),)
    assert parsed(b"ping") == (Pulse(answer="pong"),)
    assert MANIFEST.ping is not None
    assert MANIFEST.ping.text == "ping"
    assert MANIFEST.ping.interval_s < 30


def test_events_accept_refuse_and_say_goodbye() -> None:
    assert parsed(SUBSCRIBED) == (Accepted("BTC-USDT", "books"),)
    (refused,) = parsed(ERROR)
    assert isinstance(refused, Refused)
    assert refused.symbol == "BTC-ABC"
    assert refused.reason.startswith("60018: Wrong URL")
    (goodbye,) = parsed(NOTICE)
    assert isinstance(goodbye, Goodbye)
    assert parsed(b'{"event":"unsubscribe","arg":{"channel":"books","instId":"A-B"}}') == ()
    assert parsed(b'{"event":"channel-conn-count","connCount":"2"}') == ()
    assert parsed(b'{"arg":{"channel":"tickers","instId":"A-B"},"data":[{}]}') == ()


def test_a_message_of_another_shape_is_refused() -> None:
    for frame in (
        b"",
        b"{}",
        b"[]",
        BOOK.replace(b"123456", b"-1"),
        BOOK.replace(b'"1597026383085"', b'"now"'),
        BOOK.replace(b'"BTC-USDT"', b'""'),
        BOOK.replace(b'["8476.97","256","0","12"]', b'["8476.97"]'),
        TRADES.replace(b'"buy"', b'"none"'),
    ):
        with pytest.raises(FrameError):
            parsed(frame)


def test_the_book_by_http_has_the_number_that_joins_it() -> None:
    request = okx.fetch_snapshot(MANIFEST, "BTC-USDT", 0)
    assert request is not None
    assert request.url.endswith("/market/books?instId=BTC-USDT&sz=400&source=0")
    (update,) = request.read(HTTP_BOOK, request.url)
    assert update == BookUpdate(
        "BTC-USDT",
        [("41006.3", "0.30178218")],
        [("41006.8", "0.60038921")],
        is_snapshot=True,
        last_id=3235851742,
        depth=400,
        venue_at_ns=1629966436_396000000,
    )
    for body in (b'{"code":"51001","msg":"no such","data":[]}', b"<html>", HTTP_BOOK[:-1]):
        with pytest.raises(FrameError):
            request.read(body, request.url)


def test_instruments_that_are_not_live_are_left_out() -> None:
    request = okx.fetch_instruments(MANIFEST)
    assert request is not None
    body = (
        b'{"code":"0","data":[{"instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","tickSz":'
        b'"0.1","lotSz":"0.00000001","state":"live"},{"instId":"A-B","baseCcy":"A","quoteCcy":"B",'
        b'"state":"suspend"}]}'
    )
    assert request.read(body, request.url) == [
        Instrument("BTC-USDT", "BTC", "USDT", "0.1", "0.00000001")
    ]


def test_subscriptions_of_all_kinds_go_into_one_message() -> None:
    topics = [Topic(Kind.BOOK, "BTC-USDT", 400), Topic(Kind.TRADES, "BTC-USDT")]
    (text,) = okx.get_subscription_messages(MANIFEST, "public", topics)
    arguments = [
        {"channel": "books", "instId": "BTC-USDT"},
        {"channel": "trades", "instId": "BTC-USDT"},
    ]
    assert json.loads(text) == {"op": "subscribe", "args": arguments}
    (rid,) = okx.get_subscription_messages(MANIFEST, "public", topics, wanted=False)
    assert json.loads(rid) == {"op": "unsubscribe", "args": arguments}
    many = [Topic(Kind.BOOK, f"A{number}-USDT", 400) for number in range(150)]
    assert len(okx.get_subscription_messages(MANIFEST, "public", many)) == 2
    assert okx.build_subscription_url(MANIFEST, "public", topics) == MANIFEST.sockets[0].url


def test_names_say_their_pair_and_trades_are_not_asked_for() -> None:
    assert okx.guess_instrument(MANIFEST, "BTC-USDT") == Instrument("BTC-USDT", "BTC", "USDT")
    assert okx.guess_instrument(MANIFEST, "BTC-USDT-SWAP") is None
    assert okx.fetch_trades(MANIFEST, "BTC-USDT") is None


def test_a_frame_cut_anywhere_is_refused() -> None:
    assert cut_anywhere(ALL, okx.parse_message) == sum(map(len, ALL))


def test_a_broken_frame_raises_nothing_but_a_frame_error() -> None:
    understood, refused = parse_mutants(ALL, okx.parse_message, FUZZ_SEED, FUZZ_ROUNDS)
    assert min(understood, refused) > FUZZ_ROUNDS // 20
