"""Simulated OKX is held against the rules of its documents; there is no recording of it."""

import itertools
import json

from tests.support.offline_stage import Caller

BOOKS_URL = "https://www.okx.com/api/v5/market/books?instId=BTC-USDT&sz=400&source=0"


def _subscribe(channel: str, symbol: str = "BTC-USDT") -> str:
    return json.dumps({"op": "subscribe", "args": [{"channel": channel, "instId": symbol}]})


def _caller() -> Caller:
    return Caller("okx:spot", "/ws/v5/public")


def test_each_update_names_the_one_before_it_from_the_picture_on() -> None:
    caller = _caller()
    caller.say(_subscribe("books"))
    caller.wait(5_000)
    frames = [json.loads(frame.text) for frame in caller.frames[1:]]
    assert [frame["action"] for frame in frames[:2]] == ["snapshot", "update"]
    data = [frame["data"][0] for frame in frames]
    assert data[0]["prevSeqId"] == -1
    for before, after in itertools.pairwise(data):
        assert after["prevSeqId"] == before["seqId"] < after["seqId"]
    assert {row["checksum"] for row in data} == {0}


def test_a_subscription_may_begin_without_a_picture() -> None:
    caller = _caller()
    caller.faults.moods.has_no_pictures = True
    caller.say(_subscribe("books"))
    caller.wait(1_000)
    assert json.loads(caller.frames[2].text)["action"] == "update"


def test_a_book_by_http_joins_the_stream_unless_it_shall_be_too_old() -> None:
    caller = _caller()
    caller.say(_subscribe("books"))
    caller.wait(1_000)
    first = json.loads(caller.frames[2].text)["data"][0]
    assert json.loads(caller.ask(BOOKS_URL).body)["data"][0]["seqId"] >= first["seqId"]
    caller.faults.moods.old_snapshots = 1
    assert json.loads(caller.ask(BOOKS_URL).body)["data"][0]["seqId"] < first["prevSeqId"]


def test_a_quiet_book_says_after_a_minute_that_nothing_has_changed() -> None:
    caller = _caller()
    caller.say(_subscribe("books"))
    caller.wait(500)
    caller.faults.is_frozen = True
    last = json.loads(caller.frames[-1].text)["data"][0]["seqId"]
    (frame,) = caller.wait(62_000)
    data = json.loads(frame.text)["data"][0]
    assert (data["prevSeqId"], data["seqId"], data["bids"], data["asks"]) == (last, last, [], [])


def test_an_unknown_channel_or_instrument_is_an_error() -> None:
    caller = _caller()
    for message in (_subscribe("books", "NO-COIN"), _subscribe("nothing")):
        said = json.loads(caller.say(message)[0].text)
        assert (said["event"], said["code"]) == ("error", "60018")


def test_a_ping_is_text() -> None:
    assert [frame.text for frame in _caller().say("ping")] == ["pong"]
