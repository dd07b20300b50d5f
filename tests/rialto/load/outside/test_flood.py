"""The venue of the throughput: what it sends a second time is as new as the first time."""

import itertools
import json
import lzma
from pathlib import Path
from typing import Any

from websockets.frames import Frame
from websockets.protocol import Protocol, Side, State

from rialto.load.outside.flood import Recording, joined, template_of

URL = "wss://stream.bybit.com/v5/public/spot"
BOOK = '{"topic":"orderbook.50.BTCUSDT","type":"delta","data":{"b":[["1","2"]],"a":[],"u":7}}'
TRADES = '{"topic":"publicTrade.BTCUSDT","data":[{"i":"22","p":"1"},{"i":"23%","p":"1"}]}'


def messages(data: bytes) -> list[dict[str, Any]]:
    client = Protocol(Side.CLIENT, state=State.OPEN)
    client.receive_data(data)
    events = client.events_received()
    return [json.loads(bytes(event.data)) for event in events if isinstance(event, Frame)]


def test_numbers_of_books_go_on_and_trades_are_others() -> None:
    made = joined([template_of(text.encode()) for text in (BOOK, TRADES, BOOK)])
    first, second = messages(made.frames(0)), messages(made.frames(1))
    assert len(first) == len(second) == 3
    assert first[0] == first[2]
    assert second[0]["data"]["u"] > first[0]["data"]["u"]
    names = [trade["i"] for said in (first, second) for trade in said[1]["data"]]
    assert len(set(names)) == 4
    assert names[1].endswith("23%")
    assert second[0]["data"]["b"] == [["1", "2"]], "and nothing else is another"


def test_a_recording_is_sent_again_and_again_and_only_what_is_asked_for(tmp_path: Path) -> None:
    rows = [
        {"kind": "connect", "url": URL},
        {"kind": "recv", "url": URL, "data": BOOK},
        {"kind": "recv", "url": URL, "data": '{"topic":"tickers.BTCUSDT"}'},
        {"kind": "recv", "url": URL, "data": TRADES},
        {"kind": "http", "url": "https://api.bybit.com/v5/list?category=spot", "data": "{}"},
    ]
    path = tmp_path / "day.jsonl.xz"
    path.write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))
    recording = Recording(str(path))
    stream = recording.streams["stream.bybit.com/v5/public/spot"]
    chunks = list(itertools.islice(recording.chunks(stream), 3))
    sent = [said for chunk in chunks for said in messages(chunk)]
    assert [said["topic"] for said in sent] == ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT"] * 3
    assert len({said["data"]["u"] for said in sent[::2]}) == 3
    assert recording.body("/api.bybit.com/v5/list?category=spot&limit=9") == b"{}"
    assert recording.body("/api.bybit.com/v5/list?category=linear") is None
