"""Live candles and tickers, said after the rows that they are made of are safe.

The rule of this file: what is said is what REST answers at the same watermark, and it goes forward
only, across restarts too. It is said after each commit; publishing never waits. A database that
does not answer leaves the tickers as they were, and is asked again the next time.

    outlet = Outlet(publisher, database)
    await outlet.load(cursor, watermark_ns, since_ns=redis_time_ns)
    await link.start()              # Only now: channels that are missing would cease to exist.
    ...
    await outlet.written(batch, cursor, watermark_ns)
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from history.outlet.edges import seconds_of, trades_of
from history.outlet.klines import Klines
from history.outlet.loading import load_names, load_stored
from history.outlet.speaking import Speaking
from history.outlet.windows import Cut, Windows
from history.projection.batch import Batch
from history.projection.candles import BASE_S
from history.projection.rows import CandleRow, CursorRow
from history.projection.tickers import Ticker
from history.sql.database import HistoryDatabase
from history.sql.failures import DatabaseError
from shared.logs import get_logger
from shared.publishing import Publisher

_log = get_logger(__name__)


class Outlet:
    """Publishes candles and tickers; `load` before anything else."""

    def __init__(self, publisher: Publisher, database: HistoryDatabase) -> None:
        self.unread = 0  # Times that the database could not be asked for an edge.
        self.sequence = 0  # Of the last event in what `tickers` returns.
        self._database = database
        self._speaking = Speaking(publisher)
        self._klines = Klines()
        self._windows = Windows()
        self._since_ns: int | None = None  # The earliest watermark of which something is said.
        self._is_saying = self._has_said_tickers = False
        self._is_away = False  # Told once.

    @property
    def at_ns(self) -> int:
        """The watermark of what `tickers` returns."""
        return self._windows.at_ns

    @property
    def markets_left_out(self) -> int:
        """How many markets have traded and have no channels, for want of room."""
        return len(self._speaking.left_out)

    def tickers(self) -> list[Ticker]:
        """Return the tickers of all markets that have traded, by name, exact at `at_ns`."""
        return self._windows.tickers()

    async def load(self, cursor: CursorRow | None, watermark_ns: int, *, since_ns: int = 0) -> None:
        """Take over what is stored, as far as the cursor; open the channels, and say nothing yet.

        Nothing is said of a watermark before `since_ns`: when this recorder began, by the clock of
        the journal (Redis). An earlier recorder can have said nothing later than that, so no client
        sees time go back; and nobody is told what was long ago while the recorder catches up.
        Raises DatabaseError.
        """
        if cursor is not None:
            assets, markets = await load_names(self._database)
            self._speaking.know(assets, markets)
            async for stored in load_stored(self._database, markets, watermark_ns):
                self._klines.know(stored.newest)
                self._windows.add(stored.window)
                self._speaking.open(stored.market)
        self._since_ns = max(watermark_ns, since_ns)

    async def written(self, batch: Batch, cursor: CursorRow, watermark_ns: int) -> None:
        """Say what these rows change, which are committed, and what the time changes.

        `watermark_ns` never goes back. Call it at least once a second, with an empty batch if there
        is no other.
        """
        self._speaking.know(batch.assets.values(), batch.markets.values())
        for trade in batch.trades:
            self._speaking.open(trade.market)
        self._windows.take(batch.candles, batch.trades)
        candles = self._candles_to_say(batch, watermark_ns)
        self._speaking.klines(candles, cursor.sequence, watermark_ns)
        await self._move_windows(cursor.sequence, watermark_ns)

    def _candles_to_say(self, batch: Batch, watermark_ns: int) -> list[CandleRow]:
        assert self._since_ns is not None, "what is stored is loaded first"
        if self._is_saying:
            return self._klines.turn(batch.candles, watermark_ns)
        self._klines.know(batch.candles)
        self._is_saying = watermark_ns >= self._since_ns
        return self._klines.begin(watermark_ns) if self._is_saying else []

    async def _move_windows(self, sequence: int, watermark_ns: int) -> None:
        try:
            while cuts := self._windows.cuts(watermark_ns):
                async with self._database.reading() as connection:
                    for cut in cuts:
                        await self._open(connection, cut)
        except DatabaseError as error:
            self.unread += 1
            if not self._is_away:
                _log.warning("tickers_wait_for_the_database", reason=str(error))
            self._is_away = True
            return
        self._is_away = False
        changed = self._windows.settle(watermark_ns)
        self.sequence = sequence
        if self._is_saying:
            tickers = changed if self._has_said_tickers else self._windows.tickers()
            self._has_said_tickers = True
            self._speaking.tickers(tickers, sequence, watermark_ns)
            self._speaking.all_tickers(sequence, watermark_ns, self._windows.ticker)

    async def _open(self, connection: AsyncConnection, cut: Cut) -> None:
        if cut.wanted.interval_s == BASE_S:
            trades = await trades_of(connection, cut)
            for market in cut.markets:
                self._windows.open_second(market, trades.get(market, ()))
        else:
            seconds = await seconds_of(connection, cut)
            for market in cut.markets:
                self._windows.open_minute(market, seconds.get(market, ()))
