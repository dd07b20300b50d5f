"""Connections of which nothing comes: what their books are meanwhile, and after."""

from aggregator.books.effects import Fetch
from aggregator.books.words import BookState
from aggregator.protocol import Pulse, SnapshotFrom
from tests.support.json_venue import Scene, book, frame, make_manifest, snapshot


def state(scene: Scene) -> str:
    return scene.desk.listings["BTC/USDT"].state.value


BIDS, ASKS = range(100, 80, -1), range(101, 121)
MUTE = {"snapshot_from": SnapshotFrom.STREAM, "stale_s": 30, "mute_s": 5}


def test_on_a_connection_that_says_nothing_no_book_is_live_until_it_speaks_again() -> None:
    pairs = "BTC/USDT", "ETH/USDT"
    scene = Scene(*pairs, manifest=make_manifest(**MUTE))
    scene.hear(snapshot(10, "1@99", "1@101"), snapshot(10, "1@9", "1@11", symbol="ETHUSDT"))
    listings = [scene.desk.listings[pair] for pair in pairs]
    for _ in range(3):
        scene.wait(4)
        scene.hear(book(listings[0].book.last_id + 1, listings[0].book.last_id + 1, "2@99"))
    assert [one.state for one in listings] == [BookState.LIVE] * 2, "a quiet pair is no dead one"

    scene.desk.take_changed()
    scene.wait(5.5)

    assert [one.state for one in listings] == [BookState.STALE] * 2
    assert listings[1].reason == "Nothing at all has come on its connection for 5 s."
    assert len(scene.desk.take_changed()) == 2
    scene.hear(Pulse())
    assert [one.state for one in listings] == [BookState.LIVE] * 2
    assert len(scene.desk.take_changed()) == 2
    assert [one.counts.gaps + one.counts.resyncs for one in listings] == [0, 0]


def test_a_word_on_the_connection_does_not_wake_a_book_that_is_silent_itself() -> None:
    scene = Scene(manifest=make_manifest(**MUTE))
    scene.hear(snapshot(10, "1@99", "1@101"))
    for _ in range(8):
        scene.wait(4)
        scene.hear(Pulse())
    assert state(scene) == "stale"

    scene.wait(5.5)
    scene.hear(Pulse())

    assert state(scene) == "stale"
    scene.hear(book(11, 11, "2@99"))
    assert state(scene) == "live"


def test_a_snapshot_that_comes_while_its_connection_says_nothing_makes_no_book_live() -> None:
    # given a book that waits for its snapshot, on a connection that has fallen silent
    scene = Scene(manifest=make_manifest(**MUTE | {"snapshot_from": SnapshotFrom.REST}))
    scene.hear(book(10, 11, "1@99", "1@101"))
    (fetch,) = scene.wishes(Fetch)
    scene.wait(6)

    # when the snapshot comes by HTTP
    answer = frame(snapshot(10, "1@98", "1@102"))
    scene.desk.answered(fetch.ticket, answer, "", scene.at_ns)

    # then the book is never live until the connection speaks
    states = [state(scene)]
    for _ in range(29):
        scene.wait(1)
        states.append(state(scene))
    assert set(states) == {"stale"}
    scene.hear(book(12, 12, "2@98"))
    assert state(scene) == "live"
    assert scene.shown() == "1@99 2@98 | 1@101 1@102"


def test_a_fresh_snapshot_makes_no_book_live_whose_connection_has_fallen_silent() -> None:
    # given a live book of which one bid of twenty is left, and a fresh snapshot is asked for
    facts = MUTE | {"snapshot_from": SnapshotFrom.REST, "book_levels_kept": 20}
    scene = Scene(manifest=make_manifest(**facts))
    scene.hear(book(10, 10))
    (fetch,) = scene.wishes(Fetch)
    bids, asks = (" ".join(f"1@{price}" for price in row) for row in (BIDS, ASKS))
    whole = snapshot(10, bids, asks, is_whole=False)
    scene.desk.answered(fetch.ticket, frame(whole), "", scene.at_ns)
    scene.hear(book(11, 11, " ".join(f"0@{price}" for price in BIDS[:-1])))
    (fetch,) = scene.wishes(Fetch)
    assert state(scene) == "live"

    # when the connection falls silent, and the answer comes
    scene.wait(6)
    assert state(scene) == "stale"
    fresh = snapshot(11, "1@81 1@80 1@79", asks, is_whole=False)
    scene.desk.answered(fetch.ticket, frame(fresh), "", scene.at_ns)

    # then the answer is in it, and it is not live
    assert scene.shown().startswith("1@81 1@80 1@79 |")
    assert state(scene) == "stale"
    scene.hear(Pulse())
    assert state(scene) == "live"


def test_a_connection_whose_frames_wait_to_be_read_is_not_called_silent() -> None:
    # given a desk that is not given what has come, as we are behind
    scene = Scene(manifest=make_manifest(**MUTE))
    scene.hear(snapshot(10, "1@99", "1@101"))
    waiting = {scene.connection}
    scene.desk.use_inboxes(waiting.__contains__)

    scene.wait(8)
    assert state(scene) == "live"

    # when all has been read, and nothing comes after it
    waiting.clear()
    scene.hear(book(11, 11, "2@99"))
    scene.wait(5)
    assert state(scene) == "live"
    scene.wait(0.5)
    assert state(scene) == "stale"


def falls(scene: Scene, *silences_s: float) -> int:
    """Let silences follow each other, with an update after each; count how often it was stale."""
    count = 0
    last_id = scene.desk.listings["BTC/USDT"].book.last_id
    for number, silence_s in enumerate(silences_s, last_id + 1):
        was_stale = False
        for _ in range(int(silence_s * 4)):
            scene.wait(0.25)
            was_stale |= state(scene) == "stale"
        count += was_stale
        scene.hear(book(number, number, f"{number}@99"))
        assert state(scene) == "live"
    return count


def live_scene(**facts: float) -> Scene:
    scene = Scene(manifest=make_manifest(**MUTE | facts))
    scene.hear(snapshot(10, "1@99", "1@101"))
    return scene


def test_a_quiet_pair_alone_on_its_connection_does_not_fall_again_and_again() -> None:
    scene = live_scene()

    assert falls(scene, *[7] * 514) == 1, "it shows at once that 7 s are its habit"
    assert falls(scene, *[7] * 514) == 1, "an hour later it may have become a busy one"


def test_silences_of_all_lengths_make_a_quiet_pair_fall_a_few_times_an_hour() -> None:
    scene = live_scene()

    # Each fall is one at more than twice the silence before, until the book's own limit is nearer.
    assert falls(scene, 6, 11, 12.5, 20, 25.5, 28, 29.5, 29.5, 6, 29.5) == 3


def test_a_connection_that_speaks_all_the_time_is_never_waited_for_longer() -> None:
    scene = live_scene()

    for _ in range(3):
        assert falls(scene, *[0.5] * 120) == 0
        assert falls(scene, 8) == 1, "the venue was dead for a while, and may be again"


def test_a_minute_of_speaking_is_needed_to_tell_a_busy_connection_from_a_burst() -> None:
    scene = live_scene()

    for expected in (1, 0, 0):
        assert falls(scene, *[0.25] * 200) == 0
        assert falls(scene, 8) == expected


def test_where_heartbeats_are_missing_even_a_quiet_connection_is_mute_each_time() -> None:
    scene = live_scene(heartbeat_s=1)

    assert falls(scene, 6, 6, 8, 6) == 4


def test_a_clock_that_is_put_back_does_not_keep_a_connection_waited_for_longer() -> None:
    scene = live_scene()
    assert falls(scene, 7) == 1

    scene.wait(-7_200)
    scene.hear(book(12, 12, "2@99"))
    assert falls(scene, *[4] * 900) == 0

    assert falls(scene, 7) == 1


def test_where_it_is_not_known_how_often_a_connection_speaks_its_silence_says_nothing() -> None:
    scene = Scene(manifest=make_manifest(**MUTE | {"mute_s": 0}))
    scene.hear(snapshot(10, "1@99", "1@101"))

    scene.wait(29)

    assert state(scene) == "live"
