"""Recordings written by hand, of kinds that no real one is at hand of: `rialto replay books`."""

import json
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import pytest
from typer.testing import CliRunner, Result

from rialto.cli import app

AT_NS = 1_790_000_000_000_000_000
NS_A_MS = 1_000_000
Message = dict[str, object]


def replay(folder: Path, rows: Sequence[tuple[str, str, object]]) -> Result:
    """Replay rows of kind, address and what was said, a millisecond apart."""
    file = folder / "by_hand.jsonl"
    lines = [
        json.dumps({"at_ns": AT_NS + n * NS_A_MS, "kind": kind, "url": url, "data": text_of(said)})
        for n, (kind, url, said) in enumerate(rows)
    ]
    file.write_text("\n".join(lines), "utf-8")
    return CliRunner().invoke(app, ["replay", "books", "--json", str(file)])


def text_of(said: object) -> str:
    return said if isinstance(said, str) else json.dumps(said)


def proven(result: Result) -> dict[str, object]:
    """Return what is said of the only book of a recording that proved itself."""
    (line,) = result.stdout.splitlines()
    book = json.loads(line)
    assert result.exit_code == 0, result.stderr
    assert (book["state"], book["mismatched"], book["gaps"]) == ("live", 0, 0)
    return {key: book[key] for key in ("book", "updates", "trades", "best_bid", "best_ask")}


US = "wss://stream.binance.us:9443/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker"
US_BOOK = {"lastUpdateId": 99, "bids": [["100.00", "1"]], "asks": [["101.00", "2"]]}


def us_change(first: int, last: int, bids: list[list[str]]) -> Message:
    what = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": []}
    return {"stream": "btcusdt@depth@100ms", "data": what}


def us_touch(update_id: int, bid: str) -> Message:
    touch = {"u": update_id, "s": "BTCUSDT", "b": bid, "B": "3", "a": "101.00", "A": "2"}
    return {"stream": "btcusdt@bookTicker", "data": touch}


def us_rows() -> list[tuple[str, str, object]]:
    return [
        ("connect", US, ""),
        ("recv", US, us_change(98, 100, [["100.50", "3"]])),
        ("http", "https://api.binance.us/api/v3/depth?symbol=BTCUSDT&limit=1000", US_BOOK),
        ("recv", US, us_touch(100, "100.50")),
        ("recv", US, us_change(101, 103, [["100.50", "0"], ["100.60", "3"]])),
        ("recv", US, us_touch(103, "100.60")),
        ("recv", US, us_change(104, 104, [["90.00", "0"]])),
        ("recv", US, us_touch(105, "100.60")),
    ]


def test_binance_us_is_proven_by_its_touches_and_is_a_venue_of_its_own(tmp_path: Path) -> None:
    assert proven(replay(tmp_path, us_rows())) == {
        "book": "binance-us:spot:BTC/USDT",
        "updates": 4,
        "trades": 0,
        "best_bid": "100.6",
        "best_ask": "101",
    }


def test_a_touch_of_another_quantity_is_found(tmp_path: Path) -> None:
    rows = us_rows()
    wrong = json.dumps(rows[5][2]).replace('"B": "3"', '"B": "4"')
    rows[5] = (*rows[5][:2], wrong)

    assert replay(tmp_path, rows).exit_code == 1


COIN = "wss://dstream.binance.com/stream?streams=btcusd_perp@depth@100ms/btcusd_perp@aggTrade"


def coin_change(first: int, last: int, previous: int) -> Message:
    ids = {"U": first, "u": last, "pu": previous}
    what = {"e": "depthUpdate", "T": 2, "s": "BTCUSD_PERP", "ps": "BTCUSD", **ids}
    return {
        "stream": "btcusd_perp@depth@100ms",
        "data": {**what, "b": [["60000.1", "1500"]], "a": []},
    }


def coin_touch(update_id: int) -> Message:
    touch = {"e": "bookTicker", "u": update_id, "s": "BTCUSD_PERP", "ps": "BTCUSD"}
    best = {"b": "60000.1", "B": "1500", "a": "60000.2", "A": "7"}
    return {"stream": "btcusd_perp@bookTicker", "data": {**touch, **best, "T": 3, "E": 3}}


def test_binance_coin_m_is_one_socket_and_its_changes_are_linked(tmp_path: Path) -> None:
    url = "https://dapi.binance.com/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000"
    book = {"lastUpdateId": 50, "symbol": "BTCUSD_PERP", "pair": "BTCUSD", "E": 1, "T": 1}
    trade = {"e": "aggTrade", "a": 5, "s": "BTCUSD_PERP", "p": "60000.2", "q": "10", "T": 4}
    result = replay(
        tmp_path,
        [
            ("connect", COIN, ""),
            ("recv", COIN, coin_change(45, 52, 44)),
            ("http", url, {**book, "bids": [["60000.0", "9"]], "asks": [["60000.2", "7"]]}),
            ("recv", COIN, coin_touch(52)),
            ("recv", COIN, coin_change(60, 61, 52)),
            ("recv", COIN, coin_touch(61)),
            ("recv", COIN, coin_change(70, 70, 61)),
            ("recv", COIN, coin_touch(71)),
            ("recv", COIN, {"stream": "btcusd_perp@aggTrade", "data": {**trade, "m": False}}),
        ],
    )

    assert proven(result) == {
        "book": "binance:inverse:BTC/USD",
        "updates": 4,
        "trades": 1,
        "best_bid": "60000.1",
        "best_ask": "60000.2",
    }


INVERSE = "wss://stream.bybit.com/v5/public/inverse"


def bybit(kind: str, number: int, bids: list[list[str]], asks: list[list[str]]) -> Message:
    data = {"s": "BTCUSD", "b": bids, "a": asks, "u": number, "seq": number}
    return {"topic": "orderbook.50.BTCUSD", "type": kind, "ts": 5, "data": data, "cts": 4}


def test_bybit_inverse_has_fifty_levels_a_side_after_every_change(tmp_path: Path) -> None:
    bids = [[f"{60000 - n}.5", "10"] for n in range(50)]
    asks = [[f"{60001 + n}.5", "10"] for n in range(50)]
    rows = [
        ("connect", INVERSE, ""),
        ("recv", INVERSE, bybit("snapshot", 7, bids, asks)),
        ("recv", INVERSE, bybit("delta", 8, [["60001.0", "5"], [*bids[-1][:1], "0"]], [])),
    ]

    assert proven(replay(tmp_path, rows)) == {
        "book": "bybit:inverse:BTC/USD",
        "updates": 2,
        "trades": 0,
        "best_bid": "60001",
        "best_ask": "60001.5",
    }


OKX_ADDRESSES = [
    "wss://ws.okx.com:8443/ws/v5/public",
    "wss://wsaws.okex.com:8443/ws/v5/public",
    "wss://ws.okex.com:8443/ws/v5/public",
]


def okx(action: str, **data: object) -> Message:
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return {"arg": arg, "action": action, "data": [{"ts": "1650000000000", **data}]}


def okx_checksum(bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]]) -> int:
    texts = []
    for place in range(25):
        for side in (bids, asks):
            if place < len(side):
                texts.append(f"{side[place][0]}:{side[place][1]}")
    unsigned = crc32(":".join(texts).encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


def okx_of_2022() -> list[Message]:
    bids = [[f"{40000 - n}.10", f"0.{n + 1}0", "0", "1"] for n in range(30)]
    asks = [["40001", "2", "0", "3"], ["40002.5", "1.00", "0", "1"]]
    later = [["40000.90", "7", "0", "1"], *bids]
    books = [(bids, asks), (later, asks), (later, asks[1:])]
    said = [{"bids": bids, "asks": asks}, {"bids": later[:1], "asks": []}]
    said.append({"bids": [], "asks": [["40001", "0", "0", "0"]]})
    return [
        okx("update" if n else "snapshot", **what, checksum=okx_checksum(*book))
        for n, (what, book) in enumerate(zip(said, books, strict=True))
    ]


@pytest.mark.parametrize("url", OKX_ADDRESSES)
def test_okx_of_former_days_is_proven_by_its_checksums(tmp_path: Path, url: str) -> None:
    rows = [("connect", url, ""), *(("recv", url, message) for message in okx_of_2022())]
    result = replay(tmp_path, rows)

    assert json.loads(result.stdout)["verified"] == 3
    assert proven(result) == {
        "book": "okx:spot:BTC/USDT",
        "updates": 3,
        "trades": 0,
        "best_bid": "40000.9",
        "best_ask": "40002.5",
    }


def test_a_lost_update_of_former_days_shows_at_the_next_checksum(tmp_path: Path) -> None:
    url, messages = OKX_ADDRESSES[0], okx_of_2022()
    result = replay(tmp_path, [("recv", url, messages[0]), ("recv", url, messages[2])])

    assert result.exit_code == 1
    assert json.loads(result.stdout)["mismatched"] == 1


def test_okx_of_today_is_proven_by_its_numbers_and_a_gap_is_found(tmp_path: Path) -> None:
    url = OKX_ADDRESSES[0]
    sides = {"bids": [["10", "1", "0", "1"]], "asks": [["11", "1", "0", "1"]], "checksum": 0}
    none = {"bids": [], "asks": [], "checksum": 0}
    rows = [
        ("recv", url, okx("snapshot", **sides, prevSeqId=-1, seqId=100)),
        ("recv", url, okx("update", **sides, prevSeqId=100, seqId=105)),
        ("recv", url, okx("update", **none, prevSeqId=105, seqId=105)),
        ("recv", url, okx("update", **sides, prevSeqId=105, seqId=3)),
    ]
    lossy = [*rows[:1], ("recv", url, okx("update", **sides, prevSeqId=105, seqId=109))]

    assert proven(replay(tmp_path, rows))["best_bid"] == "10"
    gone = json.loads(replay(tmp_path, lossy).stdout)
    assert (gone["gaps"], gone["state"]) == (1, "resync")


def test_a_venue_that_gives_no_evidence_proves_nothing_and_that_is_the_reason(
    tmp_path: Path,
) -> None:
    # given a book without a number and without a checksum, and trades without a gap
    url = "wss://ws-feed.exchange.coinbase.com"
    book = {"type": "snapshot", "product_id": "BTC-USD", "bids": [["10", "1"]], "asks": []}
    change: Message = {"type": "l2update", "product_id": "BTC-USD", "changes": [["buy", "9", "2"]]}
    trade: Message = {"type": "match", "trade_id": 7, "sequence": 50, "side": "buy", "size": "1"}
    trade |= {"product_id": "BTC-USD", "price": "10"}

    result = replay(tmp_path, [("recv", url, said) for said in (book, change, trade)])

    # then it is live, as far as the venue lets us know, and not proven
    said = json.loads(result.stdout)
    assert (said["state"], said["updates"], said["verified"]) == ("live", 2, 0)
    assert result.exit_code == 1
    assert (
        "coinbase-exchange:spot sends nothing that could prove a book (evidence: none)."
    ) in result.stderr
