"""What a follower of one book sees: only what is live, and of that the truth."""

import json
import random
from typing import Any

import pytest

from aggregator.books.words import BookState, Trade
from aggregator.outlet.listing import ListingOutlet
from aggregator.outlet.texts import Texts
from aggregator.protocol import to_text, to_units
from shared.messages import Side
from shared.publishing import BookChange, BookImage
from tests.aggregator.outlet.listings import FakeListing, Told, a_publisher

NAME = "kraken:spot:BTC/USD"
BIDS = [("100.5", "1"), ("100", "2"), ("99.5", "3")]
ASKS = [("101", "4"), ("101.5", "5")]


class Stage:
    """A listing, its channels, and who follows them."""

    def __init__(self, levels_max: int = 1_000) -> None:
        self.publisher = a_publisher()
        self.listing = FakeListing()
        self.outlet = ListingOutlet(
            self.listing, self.publisher, Texts(), levels_max=levels_max, evidence="checksum"
        )
        self.told = Told(self.publisher)
        self.say(1)

    def say(self, at_ns: int) -> None:
        difference = self.listing.take_change()
        self.outlet.say_touch(at_ns)
        self.outlet.say_book(at_ns, difference)
        self.said = self.told.take()

    def bbo(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.told.values(self.said, f"bbo:{NAME}")[-1])
        return found

    def info(self) -> dict[str, object]:
        said = [each for at, each in self.said if at == f"book:{NAME}"][-1]
        assert not isinstance(said, str)
        found: dict[str, object] = json.loads(getattr(said, "info", b"") or b"{}")
        return found

    def is_image(self) -> bool:
        return any(isinstance(each, BookImage) for _, each in self.said)


def test_a_book_that_has_never_been_live_says_so_from_the_beginning() -> None:
    stage = Stage()
    assert stage.bbo()["state"] == "empty"
    assert stage.info()["state"] == "empty"
    image = stage.publisher.channels[f"book:{NAME}"].image()
    assert isinstance(image, BookImage)
    assert (image.bids, image.asks) == ((), ())


def test_a_live_book_is_shown_whole_and_then_by_its_changes() -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    assert stage.is_image()
    assert stage.told.book(f"book:{NAME}") == (BIDS, ASKS)
    assert stage.bbo() | {"bid": "100.5", "bid_quantity": "1", "ask": "101"} == stage.bbo()
    stage.listing.change([("100.5", "0"), ("100", "7")], [("101.25", "1.5")])
    stage.say(3)
    assert stage.told.book(f"book:{NAME}") == (
        [("100", "7"), ("99.5", "3")],
        [("101", "4"), ("101.25", "1.5"), ("101.5", "5")],
    )
    assert stage.bbo()["bid"] == "100"


def test_a_change_on_the_same_ticks_is_no_image() -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    stage.listing.change([("98.5", "1")])
    stage.say(3)
    assert not stage.is_image()
    assert stage.told.book(f"book:{NAME}")[0] == [*BIDS, ("98.5", "1")]


@pytest.mark.parametrize("state", [each for each in BookState if each is not BookState.LIVE])
def test_a_book_that_is_not_live_any_more_has_no_level_and_no_touch(state: BookState) -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    stage.listing.fail(state, "a gap")
    stage.say(3)
    assert stage.told.book(f"book:{NAME}") == ([], [])
    assert (stage.info()["state"], stage.info()["reason"]) == (state.value, "a gap")
    assert stage.bbo()["state"] == state.value
    assert not {"bid", "ask"} & {key for key, value in stage.bbo().items() if value}
    stage.listing.change([("100", "9")])
    stage.say(4)
    assert stage.told.book(f"book:{NAME}") == ([], []), "whatever happens to it meanwhile"
    stage.listing.go_live(ASKS[:1], [])
    stage.say(5)
    assert stage.told.book(f"book:{NAME}") == (ASKS[:1], [])


def test_an_image_asked_for_before_a_failure_was_told_shows_nothing() -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    stage.listing.fail(BookState.RESYNC, "a checksum")
    image = stage.publisher.channels[f"book:{NAME}"].image()
    assert isinstance(image, BookImage)
    assert (image.bids, image.asks) == ((), ())
    assert json.loads(image.info)["state"] == "resync"


@pytest.mark.parametrize("has_failed", [False, True])
def test_an_image_asked_for_before_a_live_book_was_told_does_not_call_it_live(
    has_failed: bool,
) -> None:
    stage = Stage()
    if has_failed:
        stage.listing.go_live(BIDS, ASKS)
        stage.say(2)
        stage.listing.fail(BookState.RESYNC, "a checksum")
        stage.say(3)
    stage.listing.go_live(BIDS, ASKS, at_ns=4)
    assert stage.outlet.put_off(stage.listing.take_change())

    image = stage.publisher.channels[f"book:{NAME}"].image()

    assert isinstance(image, BookImage)
    assert (image.bids, image.asks) == ((), ())
    said = json.loads(image.info)
    told = ("resync", 3, "a checksum") if has_failed else ("empty", 1, "")
    assert (said["state"], said["since_ns"], said.get("reason", "")) == told
    stage.say(5)
    assert stage.info()["state"] == "live"
    assert stage.told.book(f"book:{NAME}") == (BIDS, ASKS)


def test_an_image_asked_for_before_a_finer_price_was_told_spoils_nobodys_book() -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    stage.listing.change([("100.123", "1")])
    image = stage.publisher.channels[f"book:{NAME}"].image()
    assert isinstance(image, BookImage)
    assert len(image.bids) == 4
    stage.say(3)
    assert stage.told.book(f"book:{NAME}")[0] == sorted(
        [*BIDS, ("100.123", "1")], key=lambda level: to_units(level[0]), reverse=True
    )


def test_the_touch_is_told_only_when_it_is_another_one() -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    stage.listing.change([("99.5", "4")])
    stage.say(3)
    assert not stage.told.values(stage.said, f"bbo:{NAME}")
    stage.listing.change([("100.5", "4")])
    stage.say(4)
    assert stage.bbo()["bid_quantity"] == "4"


def test_only_so_many_levels_are_shown_and_how_far_they_go_is_said() -> None:
    stage = Stage(levels_max=10)
    bids = [(str(price), "1") for price in range(100, 0, -1)]
    stage.listing.go_live(bids, [("101", "1")])
    stage.say(2)
    assert stage.told.book(f"book:{NAME}")[0] == bids[:10]
    assert (stage.info()["trusted_bid"], stage.info()["trusted_ask"]) == ("91", "")
    stage.listing.change([("50", "2")])
    stage.say(3)
    assert stage.told.book(f"book:{NAME}")[0] == bids[:10], "far away, nobody is told"
    stage.listing.change([(str(price), "0") for price in range(100, 94, -1)])
    stage.say(4)
    assert stage.is_image(), "half of the window is gone"
    assert [price for price, _ in stage.told.book(f"book:{NAME}")[0]] == [
        str(price) for price in range(94, 84, -1)
    ]


def test_how_far_the_book_is_known_is_said_with_every_change() -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    stage.listing.change([("100.5", "2"), ("99.5", "0")])
    stage.listing.book.trusted_bid_key = to_units("100")
    stage.say(3)
    assert stage.told.book(f"book:{NAME}")[0] == [("100.5", "2"), ("100", "2")]
    assert stage.info()["trusted_bid"] == "100"


def test_a_trade_is_an_entry_and_the_price_unless_it_is_an_old_one() -> None:
    stage = Stage()
    for number, is_recovered in ((1, False), (2, True)):
        stage.outlet.say_trade(
            Trade(NAME, str(number), to_units("100.10"), 3, Side.BUY, 7, 8, is_recovered)
        )
    said = stage.told.take()
    trades = [json.loads(data) for data in stage.told.entries(said, f"trades:{NAME}")]
    prices = [json.loads(data) for data in stage.told.values(said, f"price:{NAME}")]
    assert [trade["trade_id"] for trade in trades] == ["1", "2"]
    assert trades[0] == {
        **{"kind": "trade", "at_ns": 8, "book": NAME, "trade_id": "1", "price": "100.1"},
        **{"quantity": "0.000000000000000003", "taker_side": "buy", "venue_at_ns": 7},
        "is_recovered": False,
    }
    assert [price["price"] for price in prices] == ["100.1"]


def test_whoever_follows_has_the_same_book_after_every_change() -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    stage = Stage(levels_max=20)
    for at in range(2, 400):
        doing = chance.random()
        if doing < 0.05:
            stage.listing.fail(BookState.RESYNC, "chance", at)
        elif doing < 0.15 or stage.listing.state is not BookState.LIVE:
            stage.listing.go_live(_some(chance, 60, 1), _some(chance, 60, -1), at)
        else:
            stage.listing.change(_some(chance, 5, 1), _some(chance, 5, -1))
        stage.say(at)
        shown = stage.told.book(f"book:{NAME}")
        if stage.listing.state is not BookState.LIVE:
            assert shown == ([], []), seed
            continue
        for side, levels in zip(
            (stage.listing.book.bids, stage.listing.book.asks), shown, strict=True
        ):
            truth = [(to_text(k * side.sign), to_text(q)) for k, q in side.best(len(levels))]
            assert levels == truth, (seed, at)
            assert len(levels) >= min(len(side), 10), (seed, at)
            assert len(levels) <= 40, (seed, at)


def _some(chance: random.Random, count: int, sign: int) -> list[tuple[str, str]]:
    prices = (1_000 - sign * chance.randrange(1, 120) for _ in range(count))
    finer = chance.choice(["", "", "", ".5", ".25"])
    return [(f"{price}{finer}", str(chance.randrange(0, 4))) for price in prices]


def test_what_is_live_is_as_of_its_newest_frame() -> None:
    stage = Stage()
    stage.listing.go_live(BIDS, ASKS)
    stage.listing.book.received_at_ns = 70
    stage.say(90)
    assert (stage.info()["at_ns"], stage.bbo()["at_ns"]) == (70, 70)
    stage.listing.change([("100.5", "9")])
    stage.listing.book.received_at_ns = 80
    stage.say(95)
    [change] = [each for at, each in stage.said if at == f"book:{NAME}"]
    assert isinstance(change, BookChange)
    assert (change.at_ns, stage.bbo()["at_ns"]) == (80, 80)
    stage.listing.fail(BookState.STALE, "silence")
    stage.say(99)
    assert (stage.info()["at_ns"], stage.bbo()["at_ns"]) == (99, 99), "nothing has come"


def test_each_change_says_which_book_of_the_venue_it_makes() -> None:
    stage = Stage()
    book = stage.listing.book
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    for number in range(10, 13):
        stage.listing.change([("100.5", str(number))])
        book.last_id = number
        stage.say(number)
        assert stage.info()["venue_sequence"] == number


def test_an_image_between_two_changes_spares_nobody_the_info() -> None:
    stage = Stage()
    book = stage.listing.book
    stage.listing.go_live(BIDS, ASKS)
    stage.say(2)
    stage.listing.change([("100.5", "7")])
    stage.say(3)
    book.trusted_bid_key = to_units("99.5")
    image = stage.publisher.channels[f"book:{NAME}"].image()
    assert isinstance(image, BookImage)
    assert json.loads(image.info)["trusted_bid"] == "99.5"
    book.trusted_bid_key = None
    stage.listing.change([("100.5", "8")])
    stage.say(4)
    assert stage.info()["trusted_bid"] == "", "whoever had the image would keep the other one"
