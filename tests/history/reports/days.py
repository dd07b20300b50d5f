"""Random days of the real core as rows, in memory and in a database.

The rule of this file: it tells what happened and expects nothing.
"""

from random import Random

from msgspec.structs import replace

from engine.core.exchange import Exchange
from history.projection.batch import Batch
from history.projection.recording import Recording
from history.projection.rows import CursorRow
from history.sql.database import HistoryDatabase
from history.sql.writer import write
from shared.messages import Applied, Command, CreateAsset, CreateMarket
from tests.support.naive.days import Day
from tests.support.naive.exchange import NaiveExchange

START_NS = 1_795_391_990_000_000_000  # A Sunday, ten seconds before the end of a week.
HOUR_NS = 3_600_000_000_000
SCALES = {"USD": 3}  # The others have 1; a price has 1 decimal, so a tick of a lot is 10 atoms.


class RecordedDay:
    """Some days at the exchange: the journal, its events, and all rows that they leave."""

    def __init__(self, draw: Random, commands: int = 400) -> None:
        self.exchange, self._naive = Exchange(), NaiveExchange()
        self.journal: list[tuple[int, int, Command]] = []
        self.applied: list[Applied] = []
        self._day = Day(draw, self._naive.world)
        self._day.now = START_NS
        for command in self._day.opening():
            self._apply(_with_decimals(command))
        for _ in range(commands):
            if draw.random() < 0.04:  # So that it is a few days, and one of them may be empty.
                self._day.now += draw.choice((1, 5, 30)) * HOUR_NS
            command = self._day.next()[0]
            if draw.random() < 0.3:
                n = self.exchange.n + 1
                command = replace(command, idempotency_key=f"key-{n}")
            self._apply(command)
        recording = Recording()
        for each in self.applied:
            recording.take(each)
        self.rows: Batch = recording.finish()

    @property
    def cursor(self) -> CursorRow:
        exchange = self.exchange
        return CursorRow(exchange.sequence, exchange.n, exchange.at_ns, "a-digest")

    def _apply(self, command: Command) -> None:
        now = self._day.now
        events = self.exchange.apply(command, at_ns=now)
        self._naive.apply(command, now)
        self.journal.append((self.exchange.n, now, command))
        self.applied.append(Applied(self.exchange.n, self.exchange.at_ns, tuple(events)))


def _with_decimals(command: Command) -> Command:
    if isinstance(command, CreateAsset):
        return replace(command, scale=SCALES.get(command.asset, 1))
    return replace(command, price_scale=1) if isinstance(command, CreateMarket) else command


async def store(database: HistoryDatabase, rows: Batch, cursor: CursorRow) -> None:
    """Write rows and the cursor into an empty history, as the recorder does."""
    await write(database, rows, cursor, None)
