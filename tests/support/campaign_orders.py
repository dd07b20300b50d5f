"""What the clients of a campaign wish for: random orders, cancels and amendments.

The rule of this file: prices are few and close, so that most orders meet another.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from tests.support.campaign_clients import KNOWN_ORDERS_MAX, Request
from tests.support.ledger_book import LIVING, MarketTerms

TICK, LOT = Decimal("0.05"), Decimal("0.1")
MARKETS = {
    f"{base}_INR": MarketTerms(
        base,
        "INR",
        base_step=Decimal("0.001"),
        quote_step=Decimal("0.0001"),
        maker_fee=Decimal(maker_ppm) / 1_000_000,
        taker_fee=Decimal(taker_ppm) / 1_000_000,
    )
    for base, maker_ppm, taker_ppm in (("TATA", 500, 1_500), ("JIO", 0, 900))
}
ASSET_SCALES = {"INR": 4, "TATA": 3, "JIO": 3}
FEES_PPM = {"TATA_INR": (500, 1_500), "JIO_INR": (0, 900)}


@dataclass
class Wishes:
    """Draws the next request of one account; `note` tells it which orders it may have open."""

    account: str
    random: Random
    count: int = 0
    known: list[tuple[int, str, Decimal]] = field(default_factory=list)

    def next(self) -> Request:
        self.count += 1
        roll = self.random.random()
        if self.known and roll < 0.22:
            return self._cancel()
        if self.known and roll < 0.30:
            return self._amend()
        return self._place()

    def note(self, request: Request) -> None:
        """Remember an order that rests, as far as one was told."""
        answer = request.answer
        if request.method == "POST" and answer.get("status") in LIVING:
            quantity = Decimal(answer["quantity"])
            self.known.append((answer["order_id"], answer["client_order_id"], quantity))
            del self.known[:-KNOWN_ORDERS_MAX]

    def _request(self, method: str, body: dict[str, str | int]) -> Request:
        return Request(self.account, f"{self.account}-{self.count}", method, body)

    def _cancel(self) -> Request:
        order_id, name, _ = self.known.pop(self.random.randrange(len(self.known)))
        if name and self.random.random() < 0.5:
            return self._request("DELETE", {"client_order_id": name})
        return self._request("DELETE", {"order_id": order_id})

    def _amend(self) -> Request:
        order_id, name, quantity = self.random.choice(self.known)
        body: dict[str, str | int] = {"order_id": order_id}
        if name and self.random.random() < 0.5:
            body = {"client_order_id": name}
        kind = self.random.random()
        if kind < 0.7:
            lots = self.random.randint(1, max(1, int(quantity / LOT) + 10))
            body["quantity"] = str(lots * LOT)
        if kind > 0.4:
            body["price"] = self._price()
        return self._request("PATCH", body)

    def _price(self) -> str:
        return str(100 + self.random.randint(-8, 8) * TICK)

    def _place(self) -> Request:
        random = self.random
        side = random.choice(("buy", "sell"))
        body: dict[str, str | int] = {"market": random.choice(list(MARKETS)), "side": side}
        kind = random.random()
        lots = random.randint(1, 60) if random.random() < 0.97 else 10_000_000
        if kind < 0.08 and side == "buy":
            return self._request("POST", body | {"type": "market", "quote_quantity": f"{lots}.5"})
        if kind < 0.16:
            return self._request("POST", body | {"type": "market", "quantity": str(lots * LOT)})
        body |= {"price": self._price(), "quantity": str(lots * LOT)}
        if kind < 0.30:
            body["time_in_force"] = random.choice(("ioc", "fok"))
        elif kind < 0.70:
            body["client_order_id"] = f"c{random.randint(1, 200)}"
        return self._request("POST", body)
