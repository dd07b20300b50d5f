"""What happened lately, from the event stream backwards.

The rule of this file: a bounded number of commands, decoded commit by commit so that others get
their turn; and how far back it goes is told, never guessed.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from api.gateway import Gateway
from shared.messages import (
    Event,
    MarketStatusChanged,
    Reject,
    Rejected,
    StatusReason,
    TradeExecuted,
)
from shared.rest.risk import Reach
from shared.wire import decode_batch

COMMITS_PER_READ = 20  # A commit's events may be a few hundred kilobytes.
COMMANDS_MAX = 100_000  # About a second of decoding, in slices of some milliseconds.


@dataclass
class MarketActivity:
    """What happened in one market."""

    trades: int = 0
    volume_lots: int = 0
    turnover_atoms: int = 0
    volatility_halts: int = 0
    rejects: Counter[str] = field(default_factory=Counter)

    @property
    def band_hits(self) -> int:
        return self.rejects[Reject.PRICE_OUT_OF_BAND.value]


@dataclass
class Activity:
    """What happened since `since_at_ns`, as far as it was looked at; "" is no market."""

    since_at_ns: int
    markets: dict[str, MarketActivity] = field(default_factory=dict)
    commands: int = 0
    from_at_ns: int = 0
    to_at_ns: int = 0
    is_complete: bool = False

    def of(self, market: str) -> MarketActivity:
        return self.markets.setdefault(market, MarketActivity())

    def add(self, event: Event) -> None:
        match event:
            case TradeExecuted():
                traded = self.of(event.market)
                traded.trades += 1
                traded.volume_lots += event.quantity_lots
                traded.turnover_atoms += event.quote_atoms
            case Rejected():
                self.of(event.market).rejects[event.code.value] += 1
            case MarketStatusChanged(reason=StatusReason.VOLATILITY):
                self.of(event.market).volatility_halts += 1

    @property
    def reach(self) -> Reach:
        return Reach(self.from_at_ns, self.to_at_ns, self.commands, self.is_complete)

    def add_commit(self, packed: bytes) -> bool:
        """Count a commit's events; return whether older ones are wanted, too."""
        batch = decode_batch(packed)
        for applied in reversed(batch):
            if applied.at_ns < self.since_at_ns:
                self.is_complete = True
                return False
            if self.commands >= COMMANDS_MAX:
                return False
            self.commands += 1
            self.from_at_ns = applied.at_ns
            self.to_at_ns = self.to_at_ns or applied.at_ns
            for event in applied.events:
                self.add(event)
        # Before the first event there is nothing that could be missing.
        self.is_complete = batch[0].events[0].sequence == 1
        return not self.is_complete


async def recent_activity(gateway: Gateway, since_at_ns: int) -> Activity:
    """Read what happened since then; raises ApiError."""
    activity, last = Activity(since_at_ns), "+"
    while True:
        wanted = ("XREVRANGE", gateway.store.keys.events, last, "-", "COUNT", COMMITS_PER_READ)
        sequence, (commits,) = await gateway.store.read(wanted)
        for entry_id, fields in commits:
            if not activity.add_commit(fields[b"e"]):
                return activity
            last = f"({entry_id.decode()}"
            await asyncio.sleep(0)
        if not commits:
            activity.is_complete = activity.is_complete or not sequence
            return activity
