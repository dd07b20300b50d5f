"""Somebody who hears all that a publisher says, and believes nothing that goes backwards."""

from itertools import pairwise

import msgspec

from shared.channels import Keys
from shared.feed.history import LiveKline, LiveTicker, LiveTickers
from shared.publishing import Publisher, ValueNow, decode_publication
from shared.rest.history import Kline, TickerView

KEYS = Keys("test")


class Listener:
    """Takes what a publisher has to say; stays the same when the publisher is started anew."""

    def __init__(self) -> None:
        self.klines: dict[tuple[str, str], list[LiveKline]] = {}
        self.tickers: dict[str, LiveTicker] = {}
        self.all: list[LiveTickers] = []
        self.latest: dict[tuple[str, str], list[LiveKline]] = {}  # Of the last time.
        self._numbers: dict[str, int] = {}
        self._publisher: Publisher | None = None
        self._begun: set[str] = set()  # One that was started anew says everything once more.

    def hear(self, publisher: Publisher) -> list[str]:
        """Take everything; return the channels on which something was said."""
        self.latest = {}
        if publisher is not self._publisher:
            self._publisher, self._begun = publisher, set()
        heard: list[str] = []
        prefix = KEYS.feed_channel(publisher.producer, "")
        for address, payload in publisher.take(0.0):
            if address != KEYS.feeds_channel:
                said = decode_publication(payload)
                assert isinstance(said, ValueNow)
                heard.append(address.removeprefix(prefix))
                self._take(heard[-1], said)
        return heard

    def _take(self, channel: str, said: ValueNow) -> None:
        assert said.sequence > self._numbers.get(channel, 0), channel
        self._numbers[channel] = said.sequence
        match channel.split(":"):
            case ["ticker", market]:
                self.tickers[market] = msgspec.json.decode(said.data, type=LiveTicker, strict=True)
            case ["tickers"]:
                self.all.append(msgspec.json.decode(said.data, type=LiveTickers, strict=True))
            case ["klines", market, interval]:
                candle = msgspec.json.decode(said.data, type=LiveKline, strict=True)
                known = self.klines.setdefault((market, interval), [])
                self.latest.setdefault((market, interval), []).append(candle)
                known.append(candle)
                if len(known) > 1:
                    follows(known[-2], candle)
                    is_anew = channel not in self._begun
                    assert is_anew or kline_of(known[-2]) != kline_of(candle), "no change"
                self._begun.add(channel)


def follows(before: LiveKline, now: LiveKline) -> None:
    """Raise unless a candle may be shown after another one."""
    assert (now.sequence, now.at_ns) >= (before.sequence, before.at_ns)
    assert now.open_at_ns >= before.open_at_ns, "a candle goes backwards"
    if now.open_at_ns == before.open_at_ns:
        assert not before.is_closed, "what is closed does not change"
        assert now.trades >= before.trades, "a candle loses trades"


def kline_of(live: LiveKline) -> Kline:
    """What REST answers of it."""
    return msgspec.convert(msgspec.to_builtins(live), Kline)


def ticker_of(live: LiveTicker) -> TickerView:
    """What REST answers of it."""
    return msgspec.convert(msgspec.to_builtins(live), TickerView)


def is_without_gap(candles: list[LiveKline]) -> bool:
    """Whether each candle is as the one before, or the next one after a closed one."""
    return all(
        now.open_at_ns == before.open_at_ns
        or (before.is_closed and now.open_at_ns == before.close_at_ns)
        for before, now in pairwise(candles)
    )
