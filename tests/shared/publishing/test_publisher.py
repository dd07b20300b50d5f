"""What a producer says, pure: numbers, bounds, and what each kind bears to lose."""

import pytest

from shared.channels import Keys
from shared.publishing import (
    Alive,
    Ask,
    BookChange,
    BookImage,
    BookNow,
    ChannelState,
    Kind,
    LogEntries,
    LogEntry,
    LogImage,
    Publication,
    Publisher,
    ValueNow,
    channels,
    decode_alive,
    decode_publication,
    encode,
    publisher,
)
from shared.publishing.channels import Flow
from shared.wire import DecodeError

KEYS = Keys("test")
BOOT = 1_000_000


def a_publisher(*, taken: bool = True) -> Publisher:
    """Return one whose first heartbeat was taken already."""
    made = Publisher("prices", KEYS, boot_us=BOOT)
    if taken:
        made.take(0.0)
    return made


def said(publisher: Publisher, at_s: float = 0.0) -> list[Publication]:
    """Take what is published on channels, without heartbeats."""
    return [
        decode_publication(payload)
        for address, payload in publisher.take(at_s)
        if address != KEYS.feeds_channel
    ]


def heartbeats(publisher: Publisher, at_s: float) -> list[Alive]:
    return [
        decode_alive(payload)
        for address, payload in publisher.take(at_s)
        if address == KEYS.feeds_channel
    ]


def empty() -> BookNow:
    return BookNow([], [])


def entries(first_sequence: int, *data: bytes) -> LogEntries:
    return LogEntries(first_sequence, tuple(LogEntry(5, each) for each in data))


def test_a_value_is_published_as_it_is_when_it_is_taken() -> None:
    prices = a_publisher()
    value = prices.open_value("price:BTC")
    assert said(prices) == []
    value.set(5, b"1")
    value.set(6, b"2")
    assert said(prices) == [ValueNow(BOOT + 2, 6, b"2")]
    assert said(prices) == []


def test_a_final_value_is_published_by_itself_whatever_follows() -> None:
    candles = a_publisher()
    value = candles.open_value("klines:X:1s")
    value.set(5, b"1")
    value.set(6, b"2", is_final=True)
    value.set(7, b"3")
    assert said(candles) == [ValueNow(BOOT + 2, 6, b"2"), ValueNow(BOOT + 3, 7, b"3")]
    value.set(8, b"4", is_final=True)
    assert said(candles) == [ValueNow(BOOT + 4, 8, b"4")]
    assert value.flow() == (4, 3, 1, 0, 0)


def test_of_too_many_final_values_the_latest_are_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "PENDING_FINALS_MAX", 2)
    candles = a_publisher()
    value = candles.open_value("klines:X:1s")
    for number in range(1, 5):
        value.set(number, b"%d" % number, is_final=True)
    value.set(5, b"5")
    assert said(candles) == [ValueNow(BOOT + each, each, b"%d" % each) for each in (3, 4, 5)]


def test_changes_of_a_book_are_published_together_the_last_of_each_level() -> None:
    prices = a_publisher()
    book = prices.open_book("book:x", empty)
    book.change(5, [(100, ("100", "1")), (99, ("99", "2"))], [(101, ("101", "3"))], b"1")
    book.change(6, [(100, ())])
    assert said(prices) == [
        BookChange(
            BOOT + 1, BOOT + 2, 6, ((100, ()), (99, ("99", "2"))), ((101, ("101", "3")),), b"1"
        )
    ]
    book.change(7)
    assert said(prices) == [BookChange(BOOT + 3, BOOT + 3, 7, (), ())]


def test_entries_of_a_log_are_published_all_in_order() -> None:
    prices = a_publisher()
    log = prices.open_log("trades:x:y")
    for data in (b"1", b"2", b"3"):
        log.add(5, data)
    assert said(prices) == [entries(BOOT + 1, b"1", b"2", b"3")]
    log.add(5, b"4")
    assert said(prices) == [entries(BOOT + 4, b"4")]


def test_a_message_of_a_log_is_not_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MESSAGE_ENTRIES_MAX", 2)
    prices = a_publisher()
    log = prices.open_log("trades:x:y")
    for data in (b"1", b"2", b"3"):
        log.add(5, data)
    assert said(prices) == [entries(BOOT + 1, b"1", b"2"), entries(BOOT + 3, b"3")]


def test_messages_go_to_the_channel_of_their_own_producer() -> None:
    prices = a_publisher()
    prices.open_value("price:BTC").set(5, b"1")
    [(address, _)] = [each for each in prices.take(0.0) if each[0] != KEYS.feeds_channel]
    assert address == "{test}:feed:prices:price:BTC"


def test_an_image_is_published_for_who_asks_after_what_there_is_to_say() -> None:
    prices = a_publisher()
    bids = {100: ("100", "1")}
    book = prices.open_book("book:x", lambda: BookNow(bids.items(), [], b"1"))
    value = prices.open_value("price:BTC")
    log = prices.open_log("trades:x:y", kept=2)
    value.set(5, b"1")
    for data in (b"1", b"2", b"3"):
        log.add(5, data)
    said(prices)
    book.change(7, bids.items())
    prices.asked(encode(Ask(("book:x", "price:BTC", "trades:x:y", "unknown"))))
    assert said(prices) == [
        BookChange(BOOT + 1, BOOT + 1, 7, ((100, ("100", "1")),), ()),
        BookImage(BOOT + 1, 7, ((100, ("100", "1")),), (), b"1"),
        ValueNow(BOOT + 1, 5, b"1"),
        LogImage(BOOT + 3, (LogEntry(5, b"2"), LogEntry(5, b"3"))),
    ]
    assert said(prices, 1.0) == []


def test_images_of_a_channel_that_are_asked_for_again_and_again_are_one() -> None:
    prices = a_publisher()
    prices.open_book("book:x", empty)
    ask = encode(Ask(("book:x",)))
    for _ in range(5):
        prices.asked(ask)
    assert len(said(prices, 10.0)) == 1
    prices.asked(ask)
    assert said(prices, 10.09) == [], "those who ask meanwhile hear the next one"
    assert prices.due_s() == pytest.approx(10.1)
    assert len(said(prices, 10.1)) == 1
    assert said(prices, 20.0) == []


def test_images_are_published_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "TAKEN_IMAGES_MAX", 2)
    prices = a_publisher()
    names = tuple(f"book:{number}" for number in range(5))
    for name in names:
        prices.open_book(name, empty)
    prices.asked(encode(Ask(names)))
    counts: list[int] = []
    while prices.due_s() <= 1.0 and len(counts) < 9:
        counts.append(len(said(prices, 1.0)))
    assert counts == [2, 2, 1]


def test_a_value_of_which_nothing_was_said_has_no_image() -> None:
    prices = a_publisher()
    prices.open_value("price:BTC")
    prices.asked(encode(Ask(("price:BTC",))))
    assert said(prices) == []


def test_a_heartbeat_comes_once_a_second_and_names_what_is_published() -> None:
    prices = a_publisher(taken=False)
    book = prices.open_book("book:x", empty)
    prices.open_value("price:BTC", interval_ms=250)
    prices.open_log("trades:x:y")
    states = (
        ChannelState("book:x", Kind.BOOK, BOOT, 1_000, 5),
        ChannelState("price:BTC", Kind.VALUE, BOOT, 250),
        ChannelState("trades:x:y", Kind.LOG, BOOT),
    )
    assert heartbeats(prices, 0.0) == [Alive("prices", BOOT, 1, states)]
    assert heartbeats(prices, 0.99) == []
    assert prices.due_s() == 1.0
    book.change(5)
    [alive] = heartbeats(prices, 1.0)
    assert (alive.beat, alive.channels[0].sequence) == (2, BOOT + 1)
    book.change(6)
    _, payload = prices.alive()
    assert decode_alive(payload).channels[0].sequence == BOOT + 1, "it was not taken yet"


def test_a_heartbeat_comes_at_once_when_it_is_asked_for_or_channels_change() -> None:
    prices = a_publisher()
    value = prices.open_value("price:BTC")
    assert heartbeats(prices, 0.05) == []
    assert len(heartbeats(prices, 0.1)) == 1
    prices.asked(encode(Ask()))
    assert len(heartbeats(prices, 0.2)) == 1
    prices.close(value)
    [alive] = heartbeats(prices, 0.4)
    assert alive.channels == ()


def test_a_channel_that_is_opened_again_goes_on_above_all_its_numbers() -> None:
    prices = a_publisher()
    value = prices.open_value("price:BTC")
    for _ in range(3):
        value.set(5, b"1")
    prices.close(value)
    assert said(prices) == [], "what was not published when it was closed never is"
    again = prices.open_value("price:BTC")
    again.set(5, b"2")
    assert said(prices) == [ValueNow(BOOT + 5, 5, b"2")]


def test_a_book_with_too_much_to_say_is_published_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "PENDING_LEVELS_MAX", 2)
    prices = a_publisher()
    bids: dict[int, tuple[str, ...]] = {}
    book = prices.open_book("book:x", lambda: BookNow(bids.items(), []))
    for price in range(1, 6):
        bids[price] = (str(price), "1")
        book.change(5, [(price, bids[price])])
    assert said(prices) == [BookImage(BOOT + 5, 5, tuple(bids.items()), ())]
    book.change(6, [(1, ())])
    assert said(prices) == [BookChange(BOOT + 6, BOOT + 6, 6, ((1, ()),), ())]


def test_a_log_with_too_much_to_say_loses_the_oldest_which_is_counted_and_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "PENDING_ENTRIES_MAX", 2)
    prices = a_publisher()
    log = prices.open_log("trades:x:y")
    for data in (b"1", b"2", b"3", b"4"):
        log.add(5, data)
    assert said(prices) == [entries(BOOT + 3, b"3", b"4")]
    assert prices.dropped_entries == 2
    prices.asked(encode(Ask(("trades:x:y",))))
    [image] = said(prices)
    assert isinstance(image, LogImage)
    assert [entry.data for entry in image.entries] == [b"1", b"2", b"3", b"4"]
    prices.close(log)
    assert prices.dropped_entries == 2


def test_of_what_waits_the_lower_rank_is_published_first() -> None:
    publisher = a_publisher()
    last, first = publisher.open_value("price:b"), publisher.open_value("price:a")
    last.rank = 1
    last.set(1, b"1")
    first.set(1, b"2")
    assert [each.data for each in said(publisher) if isinstance(each, ValueNow)] == [b"2", b"1"]


def test_whoever_publishes_is_told_when_there_is_something_to_take() -> None:
    prices = a_publisher()
    told: list[str] = []
    prices.on_work = lambda: told.append("work")
    value = prices.open_value("price:BTC")
    assert told == ["work"]
    value.set(5, b"1")
    value.set(6, b"2")
    assert told == ["work"] * 2, "once until it is taken"
    assert prices.due_s() < 0.0
    prices.take(0.0)
    value.set(7, b"3")
    prices.asked(encode(Ask(("price:BTC",))))
    assert told == ["work"] * 4


def test_what_cannot_be_read_is_counted_and_raised() -> None:
    prices = a_publisher()
    with pytest.raises(DecodeError):
        prices.asked(b"what?")
    assert prices.unreadable == 1


@pytest.mark.parametrize("name", ["depth:TATA_INR", "account", "Bad", "a b", "a:*", "a" * 129])
def test_a_name_that_is_not_to_be_had_is_a_mistake_of_the_program(name: str) -> None:
    with pytest.raises(AssertionError):
        a_publisher().open_value(name)


def test_what_no_broadcaster_could_read_is_told_to_who_says_it() -> None:
    made = a_publisher()
    value, log = made.open_value("price:X"), made.open_log("trades:of:X")
    book = made.open_book("book:X", lambda: BookNow([], []))
    with pytest.raises(TypeError, match="not as str"):
        value.set(1, "1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not as dict"):
        log.add(1, {"price": "1"})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not as str"):
        book.change(1, info="{}")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an integer and texts"):
        book.change(1, bids=[(1, (1, 2))])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="an integer and texts"):
        book.change(1, asks=[("1", ("1", "2"))])  # type: ignore[list-item]
    assert said(made) == [], "and nothing of it was published"


def test_a_channel_is_opened_once_and_closed_once() -> None:
    prices = a_publisher()
    value = prices.open_value("price:BTC")
    with pytest.raises(AssertionError, match="open already"):
        prices.open_book("price:BTC", empty)
    prices.close(value)
    with pytest.raises(AssertionError, match="not open"):
        prices.close(value)
    with pytest.raises(AssertionError, match="was closed"):
        value.set(5, b"1")


def test_there_is_an_end_to_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "CHANNELS_MAX", 1)
    prices = a_publisher()
    prices.open_value("one")
    with pytest.raises(AssertionError, match="at most 1"):
        prices.open_value("two")


def test_a_producers_own_name_is_one_word() -> None:
    with pytest.raises(AssertionError, match="one word"):
        Publisher("bad:name", KEYS, boot_us=1)


def test_what_was_said_adds_up_by_what_became_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "PENDING_ENTRIES_MAX", 3)
    made = a_publisher()
    assert made.flow() == Flow()
    price, tape, book = (
        made.open_value("price:x"),
        made.open_log("trades:x:y"),
        made.open_book("book:x:y", empty),
    )
    for number in range(5):
        price.set(1, b"%d" % number)
        tape.add(1, b"%d" % number)
        book.change(1, [(number, ("1", "1"))])
    assert made.flow() == Flow(put=15, taken=0, coalesced=0, dropped=2, waiting=13)
    said(made)
    # One value, three entries, one change of a book.
    assert made.flow() == Flow(put=15, taken=5, coalesced=8, dropped=2, waiting=0)
    book.renew()
    book.change(1)
    price.set(1, b"9")
    said(made)
    assert made.flow() == Flow(put=17, taken=7, coalesced=8, dropped=2, waiting=0)
