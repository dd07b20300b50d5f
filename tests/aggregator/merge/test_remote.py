"""Books of other processes in the consolidated book: only while they are known to be right."""

import random

import msgspec
import pytest

from aggregator.books.side import Side
from aggregator.merge import MergeOptions, Merger
from aggregator.merge.remote import UNREADABLE, RemoteBook
from aggregator.protocol import UNIT, to_text
from shared.messages import BookState
from shared.messages.outside import OutsideBook
from shared.publishing import BookChange, BookImage, Level
from shared.publishing.following import BookFollower
from tests.support.outside_books import TableBook

NAME = "kraken:spot:BTC/USD"
CENT = UNIT // 100


def info(
    state: BookState = BookState.LIVE,
    *,
    reason: str = "",
    trusted_bid: str = "",
    trusted_ask: str = "",
) -> bytes:
    said = OutsideBook(
        at_ns=1,
        book=NAME,
        state=state,
        since_ns=5,
        reason=reason,
        trusted_bid=trusted_bid,
        trusted_ask=trusted_ask,
    )
    return msgspec.json.encode(said)


def levels(side: Side, keys: list[int] | None = None) -> tuple[Level, ...]:
    """Return levels as they are published: keys are prices in cents."""
    return tuple(
        (abs(key) // CENT, (to_text(abs(key)), to_text(quantity)) if quantity else ())
        for key in (side.keys if keys is None else keys)
        for quantity in [side.quantities.get(key, 0)]
    )


def image(sequence: int, book: TableBook, said: bytes) -> BookImage:
    return BookImage(sequence, 9, levels(book.bids), levels(book.asks), said)


def shown(merger: Merger) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    merger.take_changes(1)
    book = merger.symbols["BTC/USD"]
    return [texts[:2] for _, texts in book.bids.levels()], [
        texts[:2] for _, texts in book.asks.levels()
    ]


def test_a_book_of_another_process_is_rebuilt_level_by_level() -> None:
    for seed in range(4):
        draw, merger = random.Random(seed), Merger(MergeOptions())
        remote, theirs = RemoteBook(NAME, merger), TableBook()
        follower = BookFollower(remote)
        follower.take(image(1, theirs, info()))
        for sequence in range(2, 200):
            keys: tuple[list[int], list[int]] = [], []
            for _ in range(draw.randrange(5)):
                at = draw.randrange(2)
                key = draw.randrange(90, 100) * CENT if not at else -draw.randrange(100, 110) * CENT
                (theirs.bids, theirs.asks)[at].change([(key, draw.randrange(3) * UNIT)])
                keys[at].append(key)
            change = levels(theirs.bids, keys[0]), levels(theirs.asks, keys[1])
            follower.take(BookChange(sequence, sequence, 9, *change))
            expected = [
                [(to_text(abs(key)), to_text(side.quantities[key])) for key in reversed(side.keys)]
                for side in (theirs.bids, theirs.asks)
            ]
            assert list(shown(merger)) == expected, f"seed {seed}, {sequence}"


def test_a_book_that_the_other_process_does_not_show_is_left_out() -> None:
    merger = Merger(MergeOptions())
    remote = RemoteBook(NAME, merger)
    book = TableBook([("100", "1")], [("101", "1")])
    remote.show(image(1, book, info(trusted_bid="99", trusted_ask="102")), "")
    assert shown(merger) == ([("100", "1")], [("101", "1")])
    said = merger.symbols["BTC/USD"].info(0)
    assert (said.trusted_bid, said.trusted_ask) == ("99", "102")
    # When it says that the book is not live, its levels are gone.
    remote.follow(BookChange(2, 2, 9, (), (), info(BookState.RESYNC, reason="a gap")))
    assert shown(merger) == ([], [])
    (status,) = merger.symbols["BTC/USD"].info(0).left_out
    assert (status.state, status.since_ns, status.reason) == (BookState.RESYNC, 5, "a gap")
    # What changes meanwhile does not bring it back, its own word does.
    remote.follow(BookChange(3, 3, 9, ((9_900, ("99", "2")),), ()))
    assert shown(merger) == ([], [])
    remote.show(image(4, book, info()), "resync")
    assert shown(merger)[0] == [("100", "1")]


def test_a_book_whose_process_is_lost_is_left_out_until_its_next_image() -> None:
    merger = Merger(MergeOptions())
    remote = RemoteBook(NAME, merger)
    remote.show(image(1, TableBook([("100", "1")]), info()), "")
    remote.lose("the process is silent", 77)
    assert shown(merger) == ([], [])
    (status,) = merger.symbols["BTC/USD"].info(0).left_out
    assert (status.state, status.since_ns) == (BookState.STALE, 77)
    remote.follow(BookChange(2, 2, 9, ((9_900, ("99", "2")),), ()))
    assert shown(merger) == ([], [])
    remote.show(image(3, TableBook([("98", "1")]), info()), "")
    assert shown(merger)[0] == [("98", "1")]


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ((1, ("x", "1")), None),
        ((1, ("1",)), None),
        ((1, ("1", "-1")), None),
        ((1, ("1", "1")), b"{"),
        ((1, ("1", "1")), b'{"kind":"bbo"}'),
    ],
)
def test_what_cannot_be_read_is_left_out_and_not_guessed(level: Level, said: bytes | None) -> None:
    merger = Merger(MergeOptions())
    remote = RemoteBook(NAME, merger)
    remote.show(image(1, TableBook([("100", "1")]), info()), "")
    remote.follow(BookChange(2, 2, 9, (level,), (), said))
    assert remote.is_unreadable
    assert shown(merger) == ([], [])
    assert merger.symbols["BTC/USD"].info(0).left_out[0].reason == UNREADABLE
    # Nothing but an image can help, and that one has to be readable, too.
    remote.follow(BookChange(3, 3, 9, (), (), info()))
    assert shown(merger) == ([], [])
    remote.show(BookImage(4, 9, (level,), (), said or b""), "")
    assert shown(merger) == ([], [])
    remote.show(image(5, TableBook([("100", "1")]), info()), "")
    assert shown(merger)[0] == [("100", "1")]


def test_a_removal_of_what_is_not_there_is_nothing() -> None:
    merger = Merger(MergeOptions())
    remote = RemoteBook(NAME, merger)
    remote.show(image(1, TableBook([("100", "1")]), info()), "")
    remote.follow(BookChange(2, 2, 9, ((1, ()),), ()))
    assert remote.level_count == 1
