"""The exchange again, slow and obvious: searched lists, exact fractions, nothing kept twice.

The rule of this file: it shares no code with the core, so an agreement of both means something. It
answers with what matters of each event; fields out of range are not its business.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

Told = tuple[object, ...]


@dataclass
class NaiveOrder:
    order_id: int
    account: int
    client_id: str
    buy: bool
    price: int  # 0: at any price.
    quantity: int
    fee_hold: int = 0  # What a buy holds for fees.
    cost_hold: int = (
        0  # What a market buy holds beside that; a limit order's follows from its price.
    )
    filled: int = 0
    fees: int = 0

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled


@dataclass
class NaiveExchange:
    """One market where one lot is one unit of base and one tick is `rate` units of quote."""

    rate: int
    fees_in_quote: bool
    maker_fee: Fraction
    taker_fee: Fraction
    resting: list[NaiveOrder] = field(default_factory=list)
    total: dict[tuple[int, str], int] = field(default_factory=dict)  # Available and held.
    earned: dict[str, int] = field(default_factory=lambda: {"base": 0, "quote": 0})
    next_id: int = 1

    def deposit(self, account: int, asset: str, amount: int) -> list[Told]:
        self._add(account, asset, amount)
        return [("done", amount)]

    def withdraw(self, account: int, asset: str, amount: int) -> list[Told]:
        if self.available(account, asset) < amount:
            return [("rejected", "INSUFFICIENT_FUNDS")]
        self._add(account, asset, -amount)
        return [("done", amount)]

    def held(self, account: int, asset: str) -> int:
        own = [o for o in self.resting if o.account == account and o.buy == (asset == "quote")]
        return sum(
            o.price * o.remaining * self.rate + o.fee_hold if o.buy else o.remaining for o in own
        )

    def available(self, account: int, asset: str) -> int:
        return self.total.get((account, asset), 0) - self.held(account, asset)

    def depth(self, *, buy: bool) -> list[tuple[int, int]]:
        prices = sorted({o.price for o in self.resting if o.buy == buy}, reverse=buy)
        return [
            (price, sum(o.remaining for o in self.resting if o.buy == buy and o.price == price))
            for price in prices
        ]

    def cancel(self, account: int, order_id: int) -> list[Told]:
        found = [o for o in self.resting if o.order_id == order_id and o.account == account]
        if not found:
            return [("rejected", "UNKNOWN_ORDER")]
        self.resting.remove(found[0])
        return [("cancelled", order_id, found[0].remaining)]

    def amend(self, account: int, order_id: int, quantity: int) -> list[Told]:
        found = [o for o in self.resting if o.order_id == order_id and o.account == account]
        if not found:
            return [("rejected", "UNKNOWN_ORDER")]
        order = found[0]
        if quantity >= order.quantity:
            return [("rejected", "QUANTITY_NOT_LOWER")]
        if quantity <= order.filled:
            return self.cancel(account, order_id)
        order.quantity = quantity
        order.fee_hold = min(order.fee_hold, self._fee_on_rest(order))
        return [("amended", order_id, order.remaining)]

    def limit(
        self, account: int, client_id: str, quantity: int, price: int, *, buy: bool, tif: str
    ) -> list[Told]:
        order = NaiveOrder(self.next_id, account, client_id, buy, price, quantity)
        if self._is_open(account, client_id):
            return [("rejected", "DUPLICATE_CLIENT_ORDER_ID")]
        order.fee_hold = self._fee_on_rest(order)
        needed = price * quantity * self.rate + order.fee_hold if buy else quantity
        if self.available(account, "quote" if buy else "base") < needed:
            return [("rejected", "INSUFFICIENT_FUNDS")]
        self.next_id += 1
        told: list[Told] = [("accepted", order.order_id)]
        if tif == "fok" and sum(lots for _, lots in self._reach(order)) < quantity:
            return [*told, ("expired", "fok_not_fillable", quantity)]
        told += self._trades(order, quantity)
        if order.remaining and tif == "gtc":
            self.resting.append(order)
        elif order.remaining:
            told.append(("expired", "ioc_remainder", order.remaining))
        return told

    def market(
        self, account: int, client_id: str, quantity: int, *, buy: bool, tif: str
    ) -> list[Told]:
        order = NaiveOrder(self.next_id, account, client_id, buy, 0, quantity)
        if self._is_open(account, client_id):
            return [("rejected", "DUPLICATE_CLIENT_ORDER_ID")]
        offers = self._reach(order)
        found = min(quantity, sum(lots for _, lots in offers))
        if tif == "fok" and found < quantity:
            found = 0
        cost = self._cost(offers, found)
        order.fee_hold = ceil(cost * self.taker_fee) if buy and self.fees_in_quote else 0
        needed = cost + order.fee_hold if buy else quantity
        if self.available(account, "quote" if buy else "base") < needed:
            return [("rejected", "INSUFFICIENT_FUNDS")]
        self.next_id += 1
        told: list[Told] = [("accepted", order.order_id), *self._trades(order, found)]
        if order.remaining:
            reason = "fok_not_fillable" if tif == "fok" else "market_remainder"
            told.append(("expired", reason, order.remaining))
        return told

    def spend(self, account: int, client_id: str, budget: int) -> list[Told]:
        """Buy at the market for a budget, one lot more as long as all of it with its fee fits."""
        order = NaiveOrder(self.next_id, account, client_id, True, 0, 10**9)
        if self._is_open(account, client_id):
            return [("rejected", "DUPLICATE_CLIENT_ORDER_ID")]
        if self.available(account, "quote") < budget:
            return [("rejected", "INSUFFICIENT_FUNDS")]
        offers = self._reach(order)
        there = sum(lots for _, lots in offers)
        bought, fee_rate = 0, self.taker_fee if self.fees_in_quote else Fraction(0)
        while bought < there:
            cost = self._cost(offers, bought + 1)
            if cost + ceil(cost * fee_rate) > budget:
                break
            bought += 1
        order.fee_hold = ceil(self._cost(offers, bought) * fee_rate)
        self.next_id += 1
        told: list[Told] = [("accepted", order.order_id), *self._trades(order, bought)]
        if not bought or bought == there:
            told.append(("expired", "market_remainder", 0))
        return told

    def _is_open(self, account: int, client_id: str) -> bool:
        return bool(client_id) and any(
            o.account == account and o.client_id == client_id for o in self.resting
        )

    def _fee_on_rest(self, order: NaiveOrder) -> int:
        if not order.buy or not self.fees_in_quote:
            return 0
        rate = max(self.maker_fee, self.taker_fee, Fraction(0))
        return ceil(order.price * order.remaining * self.rate * rate)

    def _best_first(self, taker: NaiveOrder) -> list[NaiveOrder]:
        others = [o for o in self.resting if o.buy != taker.buy]
        if taker.price:
            others = [
                o
                for o in others
                if (o.price <= taker.price if taker.buy else o.price >= taker.price)
            ]
        return sorted(others, key=lambda o: (o.price if taker.buy else -o.price, o.order_id))

    def _reach(self, taker: NaiveOrder) -> list[tuple[int, int]]:
        return [(o.price, o.remaining) for o in self._best_first(taker)]

    def _cost(self, offers: list[tuple[int, int]], lots: int) -> int:
        each = [price for price, count in offers for _ in range(count)]
        return sum(each[:lots]) * self.rate

    def _trades(self, taker: NaiveOrder, lots: int) -> list[Told]:
        told = []
        for maker in self._best_first(taker):
            taken = min(lots, maker.remaining)
            if not taken:
                break
            lots -= taken
            told.append(self._trade(maker, taker, taken))
            if not maker.remaining:
                self.resting.remove(maker)
        return told

    def _trade(self, maker: NaiveOrder, taker: NaiveOrder, lots: int) -> Told:
        cost = maker.price * lots * self.rate
        buyer, seller = (taker, maker) if taker.buy else (maker, taker)
        rates = {id(maker): self.maker_fee, id(taker): self.taker_fee}
        if self.fees_in_quote:
            fees = {key: ceil(cost * rate) for key, rate in rates.items()}
            fees[id(buyer)] = min(fees[id(buyer)], buyer.fee_hold)
            if self.maker_fee < 0:
                rebate = min(floor(cost * -self.maker_fee), fees[id(taker)])
                fees[id(maker)] = -rebate
            buyer_fee_base, buyer_fee_quote = 0, fees[id(buyer)]
        else:
            fees = {
                id(buyer): ceil(lots * rates[id(buyer)]),
                id(seller): ceil(cost * rates[id(seller)]),
            }
            buyer_fee_base, buyer_fee_quote = fees[id(buyer)], 0
        self._add(buyer.account, "base", lots - buyer_fee_base)
        self._add(buyer.account, "quote", -cost - buyer_fee_quote)
        self._add(seller.account, "base", -lots)
        self._add(seller.account, "quote", cost - fees[id(seller)])
        self.earned["base"] += buyer_fee_base
        self.earned["quote"] += buyer_fee_quote + fees[id(seller)]
        buyer.fee_hold -= max(buyer_fee_quote, 0)
        for order in (maker, taker):
            order.filled += lots
            order.fees += fees[id(order)]
        if buyer.price:
            buyer.fee_hold = min(buyer.fee_hold, self._fee_on_rest(buyer))
        taken_fees = fees[id(maker)], fees[id(taker)]
        return ("trade", maker.order_id, taker.order_id, maker.price, lots, *taken_fees)

    def _add(self, account: int, asset: str, amount: int) -> None:
        self.total[account, asset] = self.total.get((account, asset), 0) + amount
