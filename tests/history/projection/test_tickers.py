"""A ticker is what one reckons from the trades of its 24 hours, at every moment."""

from random import Random

import pytest

from history.projection.candles import MarketCandles
from history.projection.intervals import INTERVALS_S, SECOND_NS, open_of
from history.projection.rows import CandleRow, TradeRow
from history.projection.tickers import WINDOW_NS, Ticker, TickerWindow
from tests.history.projection.test_candles import MARKET, START_NS, trade


def reckoned(trades: list[TradeRow], at_ns: int) -> Ticker:
    """What a person would do with the list and a pencil."""
    before = [each for each in trades if each.at_ns <= at_ns - WINDOW_NS]
    within = [each for each in trades if at_ns - WINDOW_NS < each.at_ns <= at_ns]
    prices = [each.price_ticks for each in within] or [before[-1].price_ticks]
    bought = [each for each in within if each.taker_side == "buy"]
    return Ticker(
        market=MARKET,
        at_ns=at_ns,
        open_ticks=prices[0],
        high_ticks=max(prices),
        low_ticks=min(prices),
        last_ticks=prices[-1],
        volume_lots=sum(each.quantity_lots for each in within),
        quote_atoms=sum(each.quote_atoms for each in within),
        trades=len(within),
        taker_buy_lots=sum(each.quantity_lots for each in bought),
        taker_buy_quote_atoms=sum(each.quote_atoms for each in bought),
        first_trade_id=within[0].trade_id if within else 0,
        last_trade_id=within[-1].trade_id if within else 0,
        previous_close_ticks=before[-1].price_ticks if before else None,
        last_lots=[*before, *within][-1].quantity_lots,
    )


class Stored:
    """Trades and candles as a database has them, and the window over them."""

    def __init__(self) -> None:
        self.trades: list[TradeRow] = []
        self.rows: dict[tuple[int, int], CandleRow] = {}
        self.candles = MarketCandles(MARKET)
        self.window = TickerWindow(MARKET)

    def add(self, *trades: TradeRow) -> None:
        self.trades += trades
        self.window.last_lots = trades[-1].quantity_lots
        for row in self.candles.add(trades):
            self.rows[row.interval_s, row.open_at_ns] = row
            if row.interval_s == INTERVALS_S["1m"]:
                self.window.take(row)

    def at(self, watermark_ns: int) -> Ticker:
        while wanted := self.window.roll(watermark_ns):
            parts = self.of(wanted.open_at_ns, wanted.open_at_ns + wanted.interval_s * SECOND_NS)
            if wanted.interval_s == 1:
                self.window.open_second(parts)
            else:
                self.window.open_minute(self.seconds(parts))
        return self.window.at(watermark_ns)

    def of(self, from_ns: int, until_ns: int) -> list[TradeRow]:
        return [each for each in self.trades if from_ns <= each.at_ns < until_ns]

    def seconds(self, trades: list[TradeRow]) -> list[CandleRow]:
        opens = sorted({open_of(each.at_ns, 1) for each in trades})
        return [self.rows[1, open_at_ns] for open_at_ns in opens]

    def start_anew(self, watermark_ns: int) -> None:
        edge_ns = watermark_ns - WINDOW_NS
        minutes = sorted(row for row in self.rows.values() if row.interval_s == 60)
        within = [row for row in minutes if row.open_at_ns + 60 * SECOND_NS > edge_ns]
        before = [row for row in minutes if row not in within]
        self.window = TickerWindow(MARKET, within, before[-1] if before else None)
        self.window.last_lots = self.trades[-1].quantity_lots


@pytest.mark.parametrize("number", range(12))
def test_a_ticker_is_exact_at_every_moment(seed: int, number: int) -> None:
    random = Random(f"{seed}-{number}")
    stored = Stored()
    at_ns = START_NS
    for trade_id in range(1, 250):
        side = random.choice(("buy", "sell"))
        price, lots = random.randint(90, 110), random.randint(1, 9)
        stored.add(trade(trade_id, at_ns, price, lots, side))
        step_ns = random.choice((0, 1, 10**8, 10**9, 40 * 10**9, 10**13, WINDOW_NS))
        for _ in range(random.randint(0, 3)):
            looked_at_ns = at_ns + random.randint(0, step_ns)
            assert stored.at(looked_at_ns) == reckoned(stored.trades, looked_at_ns)
            at_ns = looked_at_ns
            step_ns = random.choice((0, step_ns))
        if random.random() < 0.05:
            stored.start_anew(at_ns)
        # The edge of a later window often comes to lie right at a trade of today.
        at_ns += random.choice((step_ns, stored.trades[-1].at_ns + WINDOW_NS - at_ns, 0))


@pytest.mark.parametrize(("later_ns", "trades"), [(-1, 2), (0, 1), (1, 1)])
def test_a_trade_is_out_to_the_nanosecond(later_ns: int, trades: int) -> None:
    stored = Stored()
    stored.add(trade(1, START_NS, 100), trade(2, START_NS + 1_000, 90))
    ticker = stored.at(START_NS + WINDOW_NS + later_ns)
    assert ticker.trades == trades
    assert ticker.previous_close_ticks == (None if trades == 2 else 100)


def test_a_market_that_was_quiet_for_a_day_has_its_last_price_and_nothing_else() -> None:
    stored = Stored()
    stored.add(trade(1, START_NS, 100), trade(2, START_NS, 90))
    ticker = stored.at(START_NS + 3 * WINDOW_NS)
    assert ticker[2:6] == (90, 90, 90, 90)
    assert (ticker.trades, ticker.volume_lots, ticker.first_trade_id) == (0, 0, 0)
    assert ticker.previous_close_ticks == 90


def test_parts_that_do_not_add_up_stop_it() -> None:
    stored = Stored()
    stored.add(trade(1, START_NS, 100), trade(2, START_NS + 1, 90))
    minute = open_of(START_NS, 60)
    assert stored.window.roll(START_NS + WINDOW_NS) == (60, minute)
    with pytest.raises(AssertionError, match="the parts of"):
        stored.window.open_minute([row._replace(trades=1) for row in stored.seconds(stored.trades)])


def test_it_keeps_no_more_than_minutes_of_a_day() -> None:
    stored = Stored()
    for number in range(3_000):
        stored.add(trade(number + 1, START_NS + number * 60 * SECOND_NS))
        stored.at(stored.trades[-1].at_ns)
    kept = sum(len(level.candles) for level in stored.window._levels)
    assert kept <= WINDOW_NS // (60 * SECOND_NS) + 62
