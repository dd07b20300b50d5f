"""Simulated markets: living books that hang together, and that know their past."""

from collections.abc import Iterator

import pytest

from aggregator.offline.discovery import load_speakers
from aggregator.offline.ladder import Levels
from aggregator.offline.market import LEVELS_SLACK, Market, Move
from aggregator.offline.world import World

BEGIN_NS = 1_786_310_816_516_000_000
PAUSE_NS = 70_000_000


def _market(feed: str, symbol: str, *, seed: int = 1, world: World | None = None) -> Market:
    speaker = load_speakers()[feed]
    listed = {entry.symbol: entry for entry in speaker.listed}[symbol]
    return Market(listed, world or World(seed), feed, BEGIN_NS, id_gap=speaker.id_gap)


def _run(market: Market, steps: int) -> list[Move]:
    return [market.step(BEGIN_NS + number * PAUSE_NS) for number in range(1, steps + 1)]


def _books(market: Market) -> tuple[Levels, Levels]:
    return (
        dict(market.bids.quantities),
        {-key: left for key, left in market.asks.quantities.items()},
    )


def test_the_same_seed_and_times_give_the_same_market() -> None:
    # When two markets live the same hundred moments, and one of another seed does.
    same, again = _market("kraken:spot", "BTC/USD"), _market("kraken:spot", "BTC/USD")
    other = _market("kraken:spot", "BTC/USD", seed=2)
    for market in (same, again, other):
        _run(market, 100)
    # Then the two are one, and the other is not.
    assert _books(same) == _books(again)
    assert same.tape == again.tape
    assert _books(same) != _books(other)


@pytest.mark.parametrize(
    "symbol", [entry.symbol for entry in load_speakers()["binance:spot"].listed]
)
def test_a_market_is_never_crossed_and_keeps_its_size(symbol: str) -> None:
    market = _market("binance:spot", symbol)
    size = len(market.bids.keys)
    for move in _run(market, 300):
        for best in move.bests:
            assert best.bid < best.ask
            assert min(best.bid_steps, best.ask_steps) > 0
        assert min(market.bids.keys) > 0
        assert abs(len(market.bids.keys) - size) <= LEVELS_SLACK + size // 10
    assert len(market.tape) > 20
    assert {fill.is_buy for fill in market.tape} == {True, False}


def test_a_trade_takes_from_the_touch_what_it_says() -> None:
    market = _market("bybit:linear", "ETHUSDT")
    taken = 0
    for number in range(1, 400):
        bids, asks = _books(market)
        move = market.step(BEGIN_NS + number * PAUSE_NS)
        for fill in move.fills:
            side = asks if fill.is_buy else bids
            best = min(asks) if fill.is_buy else max(bids)
            # Each fill is at the best price that is left, and for no more than was there.
            assert fill.ticks == best
            assert 0 < fill.steps <= side[best]
            side[best] -= fill.steps
            if not side[best]:
                del side[best]
            taken += 1
            if side.get(best) is not None:
                break  # After a part of a level, the step goes on to quote.
    assert taken > 50


def test_a_book_can_be_had_as_it_was() -> None:
    # Given the books after each of two hundred moments.
    market = _market("coinbase:spot", "SOL-USD")
    then = [(move.last_id, move.at_ns, _books(market)) for move in _each(market, 200)]
    # Then the market can tell each of them, by number and by time.
    for last_id, at_ns, books in then:
        assert market.book_at(last_id) == books
        assert market.book_at_time(at_ns) == books


def _each(market: Market, steps: int) -> Iterator[Move]:
    for number in range(1, steps + 1):
        yield market.step(BEGIN_NS + number * PAUSE_NS)


def test_a_book_of_too_long_ago_is_refused() -> None:
    market = _market("kraken:spot", "BTC/USD")
    first_id = market.last_id
    _run(market, 2_000)
    with pytest.raises(LookupError):
        market.book_at(first_id)


def test_venues_stay_near_each_other_and_cross_now_and_then() -> None:
    # Given the same coin at three venues in one world.
    world = World(7)
    markets = [
        _market("binance:spot", "BTCUSDT", world=world),
        _market("bybit:spot", "BTCUSDT", world=world),
        _market("okx:spot", "BTC-USDT", world=world),
    ]
    crossed = 0
    for number in range(1, 2_001):
        # When they move in turn.
        markets[number % 3].step(BEGIN_NS + number * PAUSE_NS // 3)
        bests = [(market.best(), market.listed.tick.units) for market in markets]
        bid = max(best.bid * units for best, units in bests)
        ask = min(best.ask * units for best, units in bests)
        crossed += bid > ask
        # Then no bid is more than a thousandth above another one's ask,
        assert bid * 1_000 < ask * 1_001
    # and now and then one is a little.
    assert 0 < crossed < 200, crossed


@pytest.mark.parametrize("symbol", ["AVAXUSDT", "LINKUSDT"])
def test_a_market_that_lives_for_ten_minutes_stays_dense(symbol: str) -> None:
    market = _market("binance:spot", symbol)
    for number in range(1, 9_001):
        move = market.step(BEGIN_NS + number * PAUSE_NS)
        best = market.best()
        # A trade is near the touch, and below it there is a level in every few ticks.
        for fill in move.fills:
            assert abs(fill.ticks - best.bid) * 20 < best.bid
    for side in (market.bids, market.asks):
        assert 0 < abs(side.keys[0]) < 2 * abs(side.keys[-1])
        hundredth = side.keys[-100]
        assert side.keys[-1] - hundredth < 400
