"""The channels there are, and the messages of each.

The rule of this file: data only. What a channel does when nothing is asked of it (`interval_ms`,
`levels`) is the broadcaster's to do and a test's to compare.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from shared.feed.contract.account_examples import ACCOUNT_EXAMPLES
from shared.feed.markets import Bbo, DepthDelta, DepthSnapshot, Trade, TradesSnapshot
from shared.feed.outside import BookDelta, BookSnapshot, Entry, LogSnapshot, Value

Kind = tuple[type[Struct], ...]

MARKET_BOOK: Kind = (DepthSnapshot, DepthDelta)
MARKET_BBO: Kind = (Bbo,)
MARKET_TRADES: Kind = (TradesSnapshot, Trade)
ACCOUNT: Kind = tuple(ACCOUNT_EXAMPLES)  # Every type of the channel has an example.
BOOK: Kind = (BookSnapshot, BookDelta)
VALUE: Kind = (Value,)
LOG: Kind = (LogSnapshot, Entry)

KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        MARKET_BOOK: "book",
        MARKET_BBO: "value",
        MARKET_TRADES: "log",
        ACCOUNT: "account",
        BOOK: "book",
        VALUE: "value",
        LOG: "log",
    }
)


class Channel(NamedTuple):
    """A channel of the feed; None where a wish does not apply, `levels` 0 for the full book."""

    address: str
    messages: Kind
    interval_ms: int | None
    levels: int | None
    about: str

    @property
    def kind(self) -> str:
        return KINDS[self.messages]


CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {
        "depth": Channel("depth:{market}", MARKET_BOOK, 0, 0, "the whole book of a market"),
        "depth20": Channel(
            "depth20:{market}", MARKET_BOOK, 100, 20, "the best 20 levels of a market's book"
        ),
        "bbo": Channel("bbo:{market}", MARKET_BBO, 0, None, "the best bid and offer of a market"),
        "trades": Channel("trades:{market}", MARKET_TRADES, 0, None, "the trades of a market"),
        "account": Channel(
            "account", ACCOUNT, None, None, "orders, fills and balances of the token's account"
        ),
        "ticker": Channel(
            "ticker:{market}", VALUE, 0, None, "the last 24 hours of a market in figures"
        ),
        "tickers": Channel("tickers", VALUE, 0, None, "those of all markets, twice a second"),
        "klines": Channel(
            "klines:{market}:{interval}", VALUE, 0, None, "the candle of a market being drawn"
        ),
        "venueBook": Channel(
            "book:{venue}:{type}:{symbol}", BOOK, 1000, 5, "a book of another venue"
        ),
        "consolidatedBook": Channel(
            "book:consolidated:{symbol}", BOOK, 1000, 5, "the books of several venues as one"
        ),
        "venueBbo": Channel(
            "bbo:{venue}:{type}:{symbol}", VALUE, 0, None, "another venue's best bid and offer"
        ),
        "venueTrades": Channel(
            "trades:{venue}:{type}:{symbol}", LOG, 0, None, "trades of another venue"
        ),
        "venuePrice": Channel(
            "price:{venue}:{type}:{symbol}", VALUE, 0, None, "another venue's last trade"
        ),
        "consolidatedTrades": Channel(
            "trades:consolidated:{symbol}", LOG, 0, None, "the trades of several venues as one"
        ),
        "signals": Channel(
            "signals:{venue}:{type}:{symbol}", VALUE, 0, None, "what is reckoned from a book"
        ),
        "status": Channel("status:{venue}", VALUE, 0, None, "how a connection to a venue does"),
        "metrics": Channel("metrics", VALUE, 0, None, "how the services do"),
    }
)

PARAMETERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {  # Name -> (what it is, an example).
        "market": ("The name of a market.", "TATA_INR"),
        "interval": ("How long a candle is: 1s, 1m, 5m, 15m, 1h, 4h, 1d or 1w.", "1m"),
        "venue": ("The name of another venue.", "bybit"),
        "type": ("What the venue trades there.", "spot"),
        "symbol": ("The name of what is traded.", "BTC/USDT"),
    }
)


def channels_table() -> str:
    """Return the table of the channels in Markdown."""
    head = "| channel | kind | `interval_ms` | `levels` | what |\n|---|---|---|---|---|\n"
    return head + "".join(_row(channel) for channel in CHANNELS.values())


def _row(channel: Channel) -> str:
    address = channel.address.replace("{", "<").replace("}", ">")
    interval = "" if channel.interval_ms is None else f"{channel.interval_ms}"
    levels = {None: "", 0: "full"}.get(channel.levels, f"{channel.levels}")
    return f"| `{address}` | {channel.kind} | {interval} | {levels} | {channel.about} |\n"
