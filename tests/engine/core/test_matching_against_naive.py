"""The core and the naive exchange do the same, command by command, on random days."""

from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest

from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    DepthChanged,
    Event,
    FeeAsset,
    FundsDeposited,
    FundsWithdrawn,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderType,
    PlaceOrder,
    Rejected,
    Side,
    TimeInForce,
    TradeExecuted,
    Withdraw,
)
from tests.support.audited_exchange import AuditedExchange
from tests.support.naive_exchange import NaiveExchange, Told

MARKET = "BASE_QUOTE"
ACCOUNTS = (1, 2, 3)
COMMANDS = 150
FIRST_DEPOSITS = 9  # So that most orders of the day can be paid.
TIMES = tuple(TimeInForce)
Step = tuple[Command, list[Told]]


class Day:
    """A random day: each draw is one command, and what the naive exchange says to it."""

    def __init__(self, seed: int) -> None:
        self.draw = draw = Random(seed)
        self.fee_asset = draw.choice(list(FeeAsset))
        self.rate = draw.choice((1, 3, 10))
        self.taker_ppm = draw.choice((0, 1, 333, 1_500, 250_000, 1_000_000))
        rebate = -draw.randint(0, self.taker_ppm) if self.fee_asset is FeeAsset.QUOTE else 0
        self.maker_ppm = draw.choice((rebate, 0, 777, 90_000))
        self.naive = NaiveExchange(
            self.rate,
            self.fee_asset is FeeAsset.QUOTE,
            Fraction(self.maker_ppm, 1_000_000),
            Fraction(self.taker_ppm, 1_000_000),
        )
        kinds: list[tuple[Callable[[], Step], int]] = [
            (self._limit, 60),
            (self._market, 8),
            (self._spend, 6),
            (self._cancel, 12),
            (self._amend, 10),
            (self.deposit, 6),
            (self._withdraw, 3),
        ]
        self.kinds = [kind for kind, _ in kinds]
        self.weights = [weight for _, weight in kinds]

    def opening(self) -> list[Command]:
        return [
            CreateAsset(asset="BASE", scale=0),
            CreateAsset(asset="QUOTE", scale=0),
            CreateMarket(
                market=MARKET,
                base="BASE",
                quote="QUOTE",
                price_scale=0,
                price_tick=self.rate,
                lot_atoms=1,
                fee_asset=self.fee_asset,
                maker_fee_ppm=self.maker_ppm,
                taker_fee_ppm=self.taker_ppm,
            ),
        ]

    def next(self) -> Step:
        return self.draw.choices(self.kinds, self.weights)[0]()

    def _account(self) -> int:
        return self.draw.choice(ACCOUNTS)

    def _client_id(self) -> str:
        return self.draw.choice(("", "", "a", "b", "c"))

    def _order_id(self) -> int:
        return max(1, self.naive.next_id - self.draw.randint(0, 12))

    def _owner(self, order_id: int) -> int:
        owners = [o.account for o in self.naive.resting if o.order_id == order_id]
        return owners[0] if owners and self.draw.random() < 0.9 else self._account()

    def _limit(self) -> Step:
        account, client_id = self._account(), self._client_id()
        price, quantity = self.draw.randint(1, 14), self.draw.randint(1, 40)
        side, tif = self.draw.choice(list(Side)), self.draw.choices(TIMES, (8, 1, 1))[0]
        command = PlaceOrder(
            account_id=account,
            client_order_id=client_id,
            market=MARKET,
            side=side,
            time_in_force=tif,
            price_ticks=price,
            quantity_lots=quantity,
        )
        buy = side is Side.BUY
        return command, self.naive.limit(account, client_id, quantity, price, buy=buy, tif=tif)

    def _market(self) -> Step:
        account, client_id = self._account(), self._client_id()
        quantity, side = self.draw.randint(1, 60), self.draw.choice(list(Side))
        tif = self.draw.choice(TIMES)
        command = PlaceOrder(
            account_id=account,
            client_order_id=client_id,
            market=MARKET,
            side=side,
            type=OrderType.MARKET,
            time_in_force=tif,
            quantity_lots=quantity,
        )
        buy = side is Side.BUY
        return command, self.naive.market(account, client_id, quantity, buy=buy, tif=tif)

    def _spend(self) -> Step:
        account, client_id = self._account(), self._client_id()
        budget = self.draw.randint(1, 600 * self.rate)
        command = PlaceOrder(
            account_id=account,
            client_order_id=client_id,
            market=MARKET,
            side=Side.BUY,
            type=OrderType.MARKET,
            budget_atoms=budget,
        )
        return command, self.naive.spend(account, client_id, budget)

    def _cancel(self) -> Step:
        order_id = self._order_id()
        account = self._owner(order_id)
        command = CancelOrder(account_id=account, order_id=order_id)
        return command, self.naive.cancel(account, order_id)

    def _amend(self) -> Step:
        order_id, quantity = self._order_id(), self.draw.randint(0, 30)
        account = self._owner(order_id)
        command = AmendOrder(account_id=account, order_id=order_id, quantity_lots=quantity)
        return command, self.naive.amend(account, order_id, quantity)

    def deposit(self) -> Step:
        account, asset = self._account(), self.draw.choice(("base", "quote"))
        amount = self.draw.randint(1, 300 if asset == "base" else 3_000 * self.rate)
        command = Deposit(account_id=account, asset=asset.upper(), amount_atoms=amount)
        return command, self.naive.deposit(account, asset, amount)

    def _withdraw(self) -> Step:
        account, asset = self._account(), self.draw.choice(("base", "quote"))
        amount = self.draw.randint(1, 100)
        command = Withdraw(account_id=account, asset=asset.upper(), amount_atoms=amount)
        return command, self.naive.withdraw(account, asset, amount)


def told(event: Event) -> Told | None:
    """Return what matters of an event, in the words of the naive exchange."""
    match event:
        case OrderAccepted():
            return "accepted", event.order_id
        case Rejected():
            return "rejected", event.code
        case OrderExpired():
            return "expired", event.reason, event.remaining_lots
        case OrderCancelled():
            return "cancelled", event.order_id, event.remaining_lots
        case OrderAmended():
            return "amended", event.order_id, event.remaining_lots
        case TradeExecuted(maker=maker, taker=taker):
            fees = maker.fee_atoms, taker.fee_atoms
            ids = maker.order_id, taker.order_id
            return "trade", *ids, event.price_ticks, event.quantity_lots, *fees
        case FundsDeposited() | FundsWithdrawn():
            return "done", abs(event.change.available_change)
        case DepthChanged():
            return None
        case _:
            raise AssertionError(event)


@pytest.mark.parametrize("seed", range(60))
def test_the_core_does_what_the_naive_exchange_does(seed: int) -> None:
    day, audited = Day(seed), AuditedExchange()
    for command in day.opening():
        audited.apply(command)
    for number in range(COMMANDS):
        command, expected = day.deposit() if number < FIRST_DEPOSITS else day.next()
        happened = [word for word in map(told, audited.apply(command)) if word is not None]
        assert happened == expected, f"seed {seed}, command {number}: {command}"
        naive, exchange = day.naive, audited.exchange
        for account in ACCOUNTS:
            for asset in ("base", "quote"):
                balance = naive.available(account, asset), naive.held(account, asset)
                assert exchange.balance(account, asset.upper()) == balance, f"seed {seed}"
        depth = exchange.depth(MARKET, 100)
        assert depth.bids == naive.depth(buy=True), f"seed {seed}"
        assert depth.asks == naive.depth(buy=False), f"seed {seed}"
        for asset, earned in naive.earned.items():
            assert exchange.state.ledger.totals[asset.upper()].fees == earned, f"seed {seed}"
    audited.finish()
