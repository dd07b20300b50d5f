"""The outside ledger: the books of an exchange, kept from its answers alone.

The rule of this file: it shares no code with the exchange and sees nothing but what a client was
told. Answers are entered in the order of their journal numbers; makers, who are told nothing at
the time, are found by price and age.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

Answer = dict[str, Any]
ZERO = Decimal(0)
PPM = Decimal(1_000_000)
LIVING = ("open", "partially_filled")


@dataclass(frozen=True)
class MarketTerms:
    """What the books need to know of a market whose fees are taken from what one receives."""

    base: str
    quote: str
    base_step: Decimal  # The smallest amount of the asset.
    quote_step: Decimal
    maker_fee: Decimal  # A part of one.
    taker_fee: Decimal

    def fee(self, side: str, rate: Decimal, quantity: Decimal, price: Decimal) -> Decimal:
        received = quantity if side == "buy" else quantity * price
        step = self.base_step if side == "buy" else self.quote_step
        return (received * rate / step).to_integral_value(ROUND_CEILING) * step


@dataclass
class BookedOrder:
    """An order as the books have it; `rank` is its place in time at its price."""

    order_id: int
    rank: int
    account: str
    market: str
    side: str
    price: Decimal
    quantity: Decimal
    filled: Decimal = ZERO

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled


@dataclass
class OutsideLedger:
    """Enter every definite answer once, in journal order; then compare."""

    markets: dict[str, MarketTerms]
    totals: dict[str, dict[str, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    brought_in: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    fees: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    asked_out: dict[int, tuple[str, str, Decimal]] = field(default_factory=dict)  # And not ended.
    open: dict[int, BookedOrder] = field(default_factory=dict)
    order_ids: set[int] = field(default_factory=set)
    trades: int = 0
    last_n: int = 0

    def enter(self, n: int) -> None:
        assert n > self.last_n, f"Two answers stand for entry {n}."
        self.last_n = n

    def moved(self, n: int, account: str, asset: str, amount: Decimal) -> None:
        """Money came in, or (negative) went out."""
        self.enter(n)
        self.totals[account][asset] += amount
        self.brought_in[asset] += amount
        assert self.totals[account][asset] >= 0

    def asks_out(self, n: int, account: str, asset: str, amount: Decimal) -> None:
        """A withdrawal is held; its number is that of its entry."""
        self.enter(n)
        assert self.totals[account][asset] - self.held(account, asset) >= amount, (
            f"{account} is in debt."
        )
        self.asked_out[n] = account, asset, amount

    def ended(self, n: int, withdrawal_id: int, *, is_gone: bool) -> None:
        """A withdrawal that was held has left, or is available again."""
        self.enter(n)
        account, asset, amount = self.asked_out.pop(withdrawal_id)
        if is_gone:
            self.totals[account][asset] -= amount
            self.brought_in[asset] -= amount

    def transferred(self, n: int, giver: str, receiver: str, asset: str, amount: Decimal) -> None:
        self.enter(n)
        assert self.totals[giver][asset] - self.held(giver, asset) >= amount, f"{giver} is in debt."
        self.totals[giver][asset] -= amount
        self.totals[receiver][asset] += amount

    def placed(self, account: str, answer: Answer) -> None:
        """An order was placed, and perhaps traded, closed or rested."""
        self.enter(answer["n"])
        assert answer["order_id"] not in self.order_ids, "An order id was given twice."
        self.order_ids.add(answer["order_id"])
        taker = BookedOrder(
            answer["order_id"],
            answer["n"],
            account,
            answer["market"],
            answer["side"],
            Decimal(answer["price"] or 0),
            Decimal(answer["quantity"] or 0),
        )
        fees = sum((self._trade(taker, fill) for fill in answer["fills"]), ZERO)
        assert fees == Decimal(answer["fee"]), f"Fees of {fees}, but told {answer['fee']}."
        assert taker.filled == Decimal(answer["filled_quantity"])
        if answer["status"] in LIVING:
            self._rest(taker, answer)

    def cancelled(self, answer: Answer) -> None:
        self.enter(answer["n"])
        order = self.open.pop(answer["order_id"])
        self._agree(order, answer)
        assert answer["status"] == "cancelled"

    def amended(self, answer: Answer) -> None:
        self.enter(answer["n"])
        order = self.open.pop(answer["order_id"])
        if answer["status"] != "cancelled":
            self._change(order, answer)
        self._agree(order, answer)
        if answer["status"] in LIVING:
            self._rest(order, answer)

    def refused(self, n: int) -> None:
        self.enter(n)

    def _change(self, order: BookedOrder, answer: Answer) -> None:
        price, quantity = Decimal(answer["price"]), Decimal(answer["quantity"])
        assert (price, quantity) != (order.price, order.quantity), "An amendment changed nothing."
        keeps_place = price == order.price and quantity < order.quantity
        order.price, order.quantity = price, quantity
        if keeps_place:
            assert not answer["fills"], "An order that kept its place has traded."
            return
        order.rank = answer["n"]
        for fill in answer["fills"]:
            self._trade(order, fill)

    def _rest(self, order: BookedOrder, answer: Answer) -> None:
        assert order.remaining == Decimal(answer["remaining_quantity"]) > 0
        assert not self._best_against(order), f"Order {order.order_id} rests in a crossed book."
        self.open[order.order_id] = order

    def _agree(self, order: BookedOrder, answer: Answer) -> None:
        assert order.filled == Decimal(answer["filled_quantity"]), (
            f"Order {order.order_id} is filled {order.filled} in the books, "
            f"{answer['filled_quantity']} in its answer."
        )

    def _trade(self, taker: BookedOrder, fill: Answer) -> Decimal:
        """Book one fill on both sides and return the taker's fee."""
        price, quantity = Decimal(fill["price"]), Decimal(fill["quantity"])
        makers = self._makers(taker)
        assert makers, f"Order {taker.order_id} traded with nobody."
        maker = min(makers, key=_priority)
        assert maker.price == price, f"A fill at {price}, but the best is {maker.price}."
        assert 0 < quantity <= maker.remaining, f"A fill of {quantity} of {maker}."
        terms = self.markets[taker.market]
        taker_fee = terms.fee(taker.side, terms.taker_fee, quantity, price)
        assert taker_fee == Decimal(fill["fee"])
        self._settle(taker, quantity, price, taker_fee)
        self._settle(
            maker, quantity, price, terms.fee(maker.side, terms.maker_fee, quantity, price)
        )
        if not maker.remaining:
            del self.open[maker.order_id]
        self.trades += 1
        return taker_fee

    def _settle(self, order: BookedOrder, quantity: Decimal, price: Decimal, fee: Decimal) -> None:
        terms, total = self.markets[order.market], self.totals[order.account]
        order.filled += quantity
        sign = 1 if order.side == "buy" else -1
        total[terms.base] += sign * quantity
        total[terms.quote] -= sign * quantity * price
        fee_asset = terms.base if order.side == "buy" else terms.quote
        total[fee_asset] -= fee
        self.fees[fee_asset] += fee
        assert total[terms.base] >= 0 <= total[terms.quote], f"{order.account} is in debt."

    def _makers(self, taker: BookedOrder) -> list[BookedOrder]:
        return [
            order
            for order in self.open.values()
            if order.market == taker.market and order.side != taker.side
        ]

    def _best_against(self, taker: BookedOrder) -> bool:
        prices = [maker.price for maker in self._makers(taker)]
        if taker.side == "buy":
            return any(price <= taker.price for price in prices)
        return any(price >= taker.price for price in prices)

    # ---- what the exchange must show ----

    def held(self, account: str, asset: str) -> Decimal:
        held = sum(
            (
                amount
                for owner, what, amount in self.asked_out.values()
                if (owner, what) == (account, asset)
            ),
            ZERO,
        )
        for order in self.open.values():
            terms = self.markets[order.market]
            if order.account != account:
                continue
            if order.side == "buy" and terms.quote == asset:
                held += order.price * order.remaining
            if order.side == "sell" and terms.base == asset:
                held += order.remaining
        return held

    def depth(self, market: str) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        """Return the bids and the asks, quantity by price."""
        sides: dict[str, dict[Decimal, Decimal]] = {"buy": {}, "sell": {}}
        for order in self.open.values():
            if order.market == market:
                side = sides[order.side]
                side[order.price] = side.get(order.price, ZERO) + order.remaining
        return sides["buy"], sides["sell"]

    def check_conservation(self, accounts: Iterable[str]) -> None:
        """Raise unless what all own and what was earned is what was brought in."""
        for asset, amount in self.brought_in.items():
            owned = sum((self.totals[account][asset] for account in accounts), ZERO)
            assert owned + self.fees[asset] == amount, f"{asset} was made or lost."


def _priority(order: BookedOrder) -> tuple[Decimal, int]:
    return (order.price if order.side == "sell" else -order.price), order.rank
