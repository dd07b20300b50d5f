"""What the reading process does with calls, without a process."""

import io
import pickle

import msgspec
import pytest

from aggregator.books.prepared import PreparedSnapshot
from aggregator.feed.apart_process import (
    CHANGES_MAX,
    LENGTH,
    Piece,
    pieces_of,
    put_together,
    read_and_prepare,
    serve,
)
from aggregator.protocol import BookUpdate, FrameError, Pulse, Update, to_units
from tests.support import fake_connector


def book(bids: int, asks: int = 0) -> BookUpdate:
    return BookUpdate(
        "BTCUSD",
        [(str(n), "1") for n in range(bids)],
        [(str(n), "2") for n in range(asks)],
        is_snapshot=True,
        last_id=7,
    )


@pytest.mark.parametrize("count", [0, 1, CHANGES_MAX, CHANGES_MAX + 1, 3 * CHANGES_MAX])
def test_what_is_cut_is_put_together_as_it_was(count: int) -> None:
    trades: list[Update] = [Pulse(str(n)) for n in range(count // 10)]
    updates: list[Update] = [Pulse(), book(count, count // 2), book(1), *trades]
    pieces = list(pieces_of(updates))
    assert put_together(pieces) == updates
    for _kind, content in pieces:
        assert not isinstance(content, list) or len(content) <= CHANGES_MAX


def test_a_prepared_snapshot_comes_with_both_its_sides() -> None:
    levels = [[str(n), "2"] for n in range(1, 3_001)]
    frame = msgspec.json.encode({"bids": levels})
    updates = read_and_prepare(frame, 1_000, fake_connector.parse_message, 1)
    again = put_together(pickle.loads(pickle.dumps(list(pieces_of(updates)))))
    snapshot = again[1]
    assert isinstance(snapshot, PreparedSnapshot)
    assert snapshot.bid_side.keys == [to_units(str(n)) for n in range(1, 3_001)]
    assert set(snapshot.bid_side.quantities) == set(snapshot.bid_side.keys)
    assert snapshot.ask_side.keys == []


def answers_to(*frames: bytes) -> list[Piece | None]:
    requests = io.BytesIO()
    for frame in frames:
        for data in (pickle.dumps((fake_connector.parse_message, (1,))), frame):
            requests.write(LENGTH.pack(len(data)) + data)
    requests.seek(0)
    answers = io.BytesIO()
    serve(requests, answers)
    answers.seek(0)
    pieces: list[Piece | None] = []
    while head := answers.read(LENGTH.size):
        length = LENGTH.unpack(head)[0]
        pieces.append(pickle.loads(answers.read(length)) if length else None)
    return pieces


def test_calls_are_answered_one_after_the_other_until_there_are_no_more() -> None:
    assert answers_to(b"1", b"1") == [("updates", [Pulse()]), None, ("updates", [Pulse()]), None]


def test_an_error_is_an_answer() -> None:
    pieces = answers_to(b"{")
    assert pieces[-1] is None
    with pytest.raises(FrameError, match="FrameError"):
        put_together([piece for piece in pieces if piece is not None])
