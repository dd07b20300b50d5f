"""Random orders of traders who meet all the time, for who judges the feed.

The rule of this file: it makes up commands and remembers which orders may be open; what comes of
them it does not know. Prices are few and close, so that most orders meet another.
"""

from collections.abc import Sequence
from random import Random

from rialto.client import AsyncClient, RefusedError, new_order
from shared.rest.orders import BatchAmend, BatchCancel, BatchPlace, NewOrder

MARKETS = ("TATA_INR", "JIO_INR")
MIDDLE_TICKS = 2_000  # 100 rupees, in steps of 5 paise.
SPREAD_TICKS = 40
KNOWN_MAX = 60
BATCH_MAX = 100
SWEEP_RATE = 0.01  # Of the single commands; each one empties a side of a book.


class Trader:
    """One account's commands; `sent` counts them, `sequence` is the venue's after the last."""

    def __init__(self, client: AsyncClient, random: Random) -> None:
        self.client = client
        self.random = random
        self.sent = 0
        self.refused = 0
        self.sequence = 0
        self._known: list[int] = []

    async def single(self) -> None:
        """Send one command of any kind."""
        self.sent += 1
        try:
            await self._single()
        except RefusedError as refused:
            self.refused += 1
            self.sequence = max(self.sequence, int(str(refused.details.get("sequence", 0))))

    async def batch(self, size: int) -> None:
        """Send so many commands at once."""
        self.sent += size
        answer = await self.client.batch([self._command() for _ in range(size)])
        for result in answer.results:
            body = result.body
            self.refused += result.status >= 400
            self.sequence = max(self.sequence, int(body.get("sequence", 0)))
            if result.status == 201:
                self._know(int(body["order_id"]))

    async def _single(self) -> None:
        roll, random = self.random.random(), self.random
        if roll < SWEEP_RATE:
            side = random.choice((None, "buy", "sell"))
            swept = await self.client.cancel_all_orders(market=random.choice(MARKETS), side=side)
            self.sequence = swept.sequence
        elif roll < 0.25 and self._known:
            cancelled = await self.client.cancel_order(self._forgotten())
            self.sequence = cancelled.sequence
        elif roll < 0.37 and self._known:
            order_id, price = random.choice(self._known), self._price()
            amended = await self.client.amend_order(
                order_id, quantity=self._lots(), price=random.choice((None, price))
            )
            self.sequence = amended.sequence
        elif roll < 0.43:
            await self._pair()
        else:
            order = self._order()
            terms = {name: getattr(order, name) for name in order.__struct_fields__}
            given = {name: value for name, value in terms.items() if value is not None}
            placed = await self.client.place_order(**given)
            self.sequence = placed.sequence
            self._know(placed.order_id)

    async def _pair(self) -> None:
        market, side, lots = self.random.choice(MARKETS), self._side(), self._lots()
        far = MIDDLE_TICKS + (SPREAD_TICKS if side == "buy" else -SPREAD_TICKS)
        limit = new_order(market, side, price=self._price(), quantity=lots)
        stop = new_order(market, side, type="stop", stop_price=_text(far), quantity=lots)
        if self.random.random() < 0.5:
            pair = await self.client.place_oco(limit, stop)
            self.sequence = pair.sequence
            self._know(pair.limit.order_id)
        else:
            made = await self.client.place_oto(limit, stop)
            self.sequence = made.sequence
            self._know(made.parent.order_id)

    def _command(self) -> BatchPlace | BatchCancel | BatchAmend:
        roll = self.random.random()
        if roll < 0.25 and self._known:
            return BatchCancel(order_id=self._forgotten())
        if roll < 0.35 and self._known:
            return BatchAmend(order_id=self.random.choice(self._known), quantity=str(self._lots()))
        order = self._order()
        return BatchPlace(**{name: getattr(order, name) for name in order.__struct_fields__})

    def _order(self) -> NewOrder:
        random, market, side, lots = (
            self.random,
            self.random.choice(MARKETS),
            self._side(),
            self._lots(),
        )
        kind = random.random()
        if kind < 0.06:
            return new_order(market, side, type="market", quantity=lots)
        if kind < 0.10 and side == "buy":
            return new_order(market, side, type="market", quote_quantity=lots * 100)
        if kind < 0.16:
            away = random.randint(1, SPREAD_TICKS)
            stop = MIDDLE_TICKS + (away if side == "buy" else -away)
            return new_order(market, side, type="stop", stop_price=_text(stop), quantity=lots)
        if kind < 0.18:
            return new_order(market, side, type="trailing_stop", trail="0.5", quantity=lots)
        if kind < 0.28:
            word = random.choice(("ioc", "fok"))
            return new_order(market, side, price=self._price(), quantity=lots, time_in_force=word)
        if kind < 0.34:
            return new_order(
                market, side, price=self._price(), quantity=lots + 5, display_quantity=2
            )
        post_only = kind < 0.5
        return new_order(market, side, price=self._price(), quantity=lots, post_only=post_only)

    def _side(self) -> str:
        return self.random.choice(("buy", "sell"))

    def _lots(self) -> int:
        return self.random.randint(1, 20)

    def _price(self) -> str:
        return _text(MIDDLE_TICKS + self.random.randint(-SPREAD_TICKS, SPREAD_TICKS))

    def _know(self, order_id: int) -> None:
        self._known.append(order_id)
        del self._known[:-KNOWN_MAX]

    def _forgotten(self) -> int:
        return self._known.pop(self.random.randrange(len(self._known)))


async def step(trader: Trader, *, singles_rate: float = 0.5) -> None:
    """Send one command, or one batch."""
    if trader.random.random() < singles_rate:
        await trader.single()
    else:
        await trader.batch(trader.random.randint(2, BATCH_MAX))


async def trade(traders: Sequence[Trader], commands: int) -> int:
    """Send at least so many commands, of one trader after the other; return the venue's sequence
    afterwards.
    """
    wanted = sum(trader.sent for trader in traders) + commands
    while sum(trader.sent for trader in traders) < wanted:
        for trader in traders:
            await step(trader)
    return max(trader.sequence for trader in traders)


def _text(ticks: int) -> str:
    return f"{ticks * 5 // 100}.{ticks * 5 % 100:02d}"
