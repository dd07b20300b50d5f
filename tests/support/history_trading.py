"""People who do whatever leaves rows in the history: trade, pay in and out, and are refused.

The rule of this file: the same seed does the same. Order ids are guessed, so that some name an
order of somebody else, or none: that leaves rejections.
"""

import random
from collections.abc import Callable

from shared.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    CancelWithdrawal,
    Command,
    Deposit,
    OrderType,
    PlaceOco,
    PlaceOrder,
    RequestWithdrawal,
    ResolveWithdrawal,
    Side,
    TimeInForce,
    Transfer,
    Withdraw,
)

ACCOUNTS = (1, 2, 3, 4)
ASSETS = ("INR", "TATA", "JIO")
MARKETS = ("TATA_INR", "JIO_INR")
MIDDLE_TICKS = 2_000
RICH_ATOMS = 1_000_000_000


class Traders:
    """Makes commands for a venue with the demo's markets; each account is made rich first."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._orders = 1
        self._n = 5 + len(ACCOUNTS) * len(ASSETS)  # About: ids of withdrawals are guessed by it.
        self._first: list[Command] = [
            Deposit(account_id=account_id, asset=asset, amount_atoms=RICH_ATOMS, reference="begin")
            for account_id in ACCOUNTS
            for asset in ASSETS
        ]
        self._kinds: list[tuple[int, Callable[[int], Command]]] = [
            (60, self._order),
            (12, self._cancel),
            (8, self._amend),
            (4, self._stop),
            (2, self._pair),
            (1, lambda account_id: CancelAll(account_id=account_id)),
            (3, self._pay_in),
            (3, self._pay_out),
            (3, self._request),
            (3, self._end_request),
            (2, self._transfer),
        ]

    def commands(self, count: int) -> list[Command]:
        """Return what they do next."""
        first, self._first = self._first[:count], self._first[count:]
        weights = [weight for weight, _ in self._kinds]
        makers = self._random.choices([make for _, make in self._kinds], weights, k=count)
        return [*first, *(self._made(make) for make in makers[len(first) :])]

    def _made(self, make: Callable[[int], Command]) -> Command:
        self._n += 1
        return make(self._random.choice(ACCOUNTS))

    def _price(self) -> int:
        return MIDDLE_TICKS + self._random.randint(-6, 6)

    def _order(self, account_id: int) -> Command:
        self._orders += 1
        is_market = self._random.random() < 0.1
        return PlaceOrder(
            account_id=account_id,
            market=self._random.choice(MARKETS),
            side=self._random.choice(tuple(Side)),
            type=OrderType.MARKET if is_market else OrderType.LIMIT,
            time_in_force=(
                TimeInForce.IOC
                if is_market
                else self._random.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC))
            ),
            price_ticks=0 if is_market else self._price(),
            quantity_lots=self._random.randint(1, 20),
            client_order_id=f"c{self._orders}" if self._random.random() < 0.5 else "",
        )

    def _stop(self, account_id: int) -> Command:
        self._orders += 1
        return PlaceOrder(
            account_id=account_id,
            market=self._random.choice(MARKETS),
            side=self._random.choice(tuple(Side)),
            type=OrderType.STOP_LIMIT,
            price_ticks=self._price(),
            stop_price_ticks=self._price(),
            quantity_lots=self._random.randint(1, 20),
        )

    def _pair(self, account_id: int) -> Command:
        self._orders += 2
        market, lots = self._random.choice(MARKETS), self._random.randint(1, 20)
        limit = PlaceOrder(
            account_id=account_id,
            market=market,
            side=Side.SELL,
            price_ticks=MIDDLE_TICKS + 8,
            quantity_lots=lots,
        )
        stop = PlaceOrder(
            account_id=account_id,
            market=market,
            side=Side.SELL,
            type=OrderType.STOP,
            stop_price_ticks=MIDDLE_TICKS - 5,
            quantity_lots=lots,
        )
        return PlaceOco(account_id=account_id, limit=limit, stop=stop)

    def _order_id(self) -> int:
        return max(1, self._orders - self._random.randint(0, 30))

    def _cancel(self, account_id: int) -> Command:
        return CancelOrder(account_id=account_id, order_id=self._order_id())

    def _amend(self, account_id: int) -> Command:
        return AmendOrder(
            account_id=account_id,
            order_id=self._order_id(),
            quantity_lots=self._random.randint(1, 25),
            price_ticks=self._price() if self._random.random() < 0.4 else 0,
        )

    def _amount(self) -> int:
        return self._random.randint(1, 1_000)

    def _pay_in(self, account_id: int) -> Command:
        asset = self._random.choice(ASSETS)
        return Deposit(account_id=account_id, asset=asset, amount_atoms=self._amount())

    def _pay_out(self, account_id: int) -> Command:
        asset = self._random.choice(ASSETS)
        return Withdraw(account_id=account_id, asset=asset, amount_atoms=self._amount())

    def _request(self, account_id: int) -> Command:
        asset = self._random.choice(ASSETS)
        return RequestWithdrawal(account_id=account_id, asset=asset, amount_atoms=self._amount())

    def _end_request(self, account_id: int) -> Command:
        withdrawal_id = max(1, self._n - self._random.randint(0, 40))
        if self._random.random() < 0.4:
            return CancelWithdrawal(account_id=account_id, withdrawal_id=withdrawal_id)
        is_settled = self._random.random() < 0.6
        return ResolveWithdrawal(withdrawal_id=withdrawal_id, is_settled=is_settled)

    def _transfer(self, account_id: int) -> Command:
        return Transfer(
            account_id=account_id,
            to_account_id=self._random.choice(ACCOUNTS),
            asset=self._random.choice(ASSETS),
            amount_atoms=self._amount(),
        )
