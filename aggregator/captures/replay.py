"""A replay: recordings from files through desks, at the recording's own pace or as fast as it goes.

The rule of this file: files are read in the order given. A file that is another part of the same
recording goes on with the same desks; any other one begins with new ones.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aggregator.books.desk import DeskOptions
from aggregator.captures.addresses import Connectors, find_feeds
from aggregator.captures.player import Player
from aggregator.captures.reading import CaptureReader
from aggregator.captures.report import Tally
from aggregator.captures.rows import Row
from aggregator.protocol import NS_A_S

AS_FAST_AS_IT_GOES = 0
# Below it a sleep would be longer than asked for, and rows this near are heard as one anyway.
PAUSE_NS_MIN = 1_000_000


@dataclass(frozen=True)
class Progress:
    """How far a replay is. `at_ns` is the recording's time of the row just played."""

    file: str
    row: int
    at_ns: int
    player: Player


@dataclass
class Pace:
    """When a row is due, by the first row of its file. A late row makes no later one late."""

    speed: int
    _first_at_ns: int | None = None
    _started_ns: int = 0

    def wait(self, at_ns: int) -> None:
        """Return when it is time for a row of `at_ns`."""
        if self.speed == AS_FAST_AS_IT_GOES:
            return
        if self._first_at_ns is None:
            self._first_at_ns, self._started_ns = at_ns, time.monotonic_ns()
        due_ns = self._started_ns + (at_ns - self._first_at_ns) // self.speed
        left_ns = due_ns - time.monotonic_ns()
        if left_ns > PAUSE_NS_MIN:
            time.sleep(left_ns / NS_A_S)


@dataclass
class Replay:
    """One run over some files. `notes` are sentences for the person who asked for it."""

    connectors: Connectors
    options: DeskOptions
    tally: Tally = field(default_factory=Tally)
    speed: int = AS_FAST_AS_IT_GOES
    notes: list[str] = field(default_factory=list)
    _player: Player | None = None

    def run(self, files: Iterable[str], watch: Callable[[Progress], None]) -> None:
        """Play the files; raises CaptureError. What was played counts even if one is broken."""
        try:
            for name in files:
                self._run_file(CaptureReader(name), watch)
        finally:
            self._end()

    def _run_file(self, reader: CaptureReader, watch: Callable[[Progress], None]) -> None:
        pace = Pace(self.speed)
        for number, row in enumerate(reader):
            if number == 0:
                self._begin(row)
            assert self._player is not None, "the first row of a file begins a recording"
            pace.wait(row.at_ns)
            self._player.play(row)
            watch(Progress(reader.name, reader.line, row.at_ns, self._player))
        if reader.breaks_off:
            self.notes.append(f"{reader.name} breaks off after line {reader.line}.")

    def _begin(self, row: Row) -> None:
        if row.part and self._player is not None:
            return
        self._end()
        self._player = Player(self.connectors, self.options)

    def _end(self) -> None:
        player, self._player = self._player, None
        if player is None:
            return
        self.tally.add(list(player.playing.values()))
        self.notes += [
            f"{self._whose(url)}: {count} messages were passed over."
            for url, count in player.unknown_urls.items()
        ]
        for feed, playing in player.playing.items():
            unreadable = playing.desk.errors["frame", "unreadable"]
            if unreadable:
                self.notes.append(f"{feed}: {unreadable} frames could not be read.")
            strangers = playing.desk.strangers
            if strangers:
                self.notes.append(
                    f"{feed}: {sum(strangers.values())} messages were passed over: no pair of "
                    f"their own is known of {', '.join(sorted(strangers))}."
                )
            self.notes += [
                f"{listing.name}: {listing.tape.missing_count} trades are missing between others."
                for listing in playing.desk.listings.values()
                if listing.tape.missing_count
            ]
            self.notes += [
                f"{listing.name}: trades without numbers were lost {listing.tape.gap_count} times."
                for listing in playing.desk.listings.values()
                if listing.tape.gap_count
            ]
        if player.rows_missing:
            self.notes.append(f"The recorder had no room for {player.rows_missing} rows.")

    def _whose(self, url: str) -> str:
        feeds = find_feeds(url, self.connectors)
        if not feeds:
            return f"No connector is for {url}"
        listed = f"{', '.join(feeds[:-1])} and {feeds[-1]} are both at {url}"
        return f"{listed}, and the recording does not say which of them it was"
