"""Random days at the exchange: few accounts, small prices and tight books, so that all things meet.

The rule of this file: it only makes up commands. A draw is a `Random`, or what Hypothesis gives
for one, so the same day may be shrunk; living orders are looked up to have something to name.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from msgspec import structs

from shared.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    FeeTier,
    MarketRules,
    MarketStatus,
    OrderType,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    SelfTrade,
    SetAccountTier,
    SetCancelTimer,
    SetMarketStatus,
    Side,
    SuspendAccount,
    TestOrder,
    Tick,
    TimeInForce,
    UpdateMarket,
)
from tests.support.naive import days_money
from tests.support.naive.days_money import ACCOUNTS, ASSETS
from tests.support.naive.world import NaiveMarket, NaiveOrder, World

TENTH = 100_000_000  # Times are tenths of a second, so that many of them are the same.
FIRST_PRICE = 20
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
LATE = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTD)
ANY_TIME = (*LATE, *LATE, TimeInForce.IOC, TimeInForce.FOK)
NONSENSE: dict[str, tuple[object, ...]] = {
    "price_ticks": (-1, 0, 7, 2**62),
    "quantity_lots": (-1, 0, 3, 2**62),
    "budget_atoms": (-1, 0, 50, 2**62, 2**63),
    "stop_price_ticks": (-1, 0, 7, 2**62),
    "trail_ticks": (-1, 0, 2, 2**62),
    "trail_ppm": (-1, 0, 1_000_000, 1_000_001),
    "display_lots": (-1, 0, 1, 1_000),
    "expires_at_ns": (-1, 0, 1),
    "client_order_id": ("", "a b", "ä", "x" * 65),
    "market": ("AAA_USD", "NO_USD", ""),
    "post_only": (True, False),
    "reject_if_met": (True, False),
    "time_in_force": tuple(TimeInForce),
    "type": tuple(OrderType),
    "side": tuple(Side),
}
Fields = dict[str, Any]  # Of a PlaceOrder.


class Day:
    """A day at an exchange whose state `world` shows."""

    def __init__(self, draw: Random, world: World) -> None:
        self.draw, self.world = draw, world
        self.now = TENTH
        self.fee_asset = draw.choice(list(FeeAsset))
        # On a crowded day long queues form at a few prices, and most of what leaves is cancelled.
        self.is_crowded = draw.random() < 0.2
        self.kinds: list[tuple[Callable[[], Command], int]] = [
            (self.limit, 160 if self.is_crowded else 50),
            (self.market_order, 9),
            (self.by_budget, 7),
            (self.stop, 24),
            (self.oco, 9),
            (self.oto, 9),
            (self.amend, 16),
            (self.cancel, 60 if self.is_crowded else 6),
            (self.cancel_all, 1),
            (self.funds, 6),
            (self.withdrawal, 6),
            (self.pay_out, 1),
            (self.test, 4),
            (self.set_timer, 1),
            (self.administer, 4),
            (self.nonsense, 3),
        ]

    def opening(self) -> list[Command]:
        """Return the commands that every day begins with."""
        commands: list[Command] = [CreateAsset(asset=asset, scale=0) for asset in ASSETS]
        for base in ASSETS[:2]:
            commands.append(
                CreateMarket(
                    market=f"{base}_USD",
                    base=base,
                    quote="USD",
                    price_scale=0,
                    price_tick=self.draw.choice((1, 1, 3)),
                    lot_atoms=self.draw.choice((1, 1, 7)),
                    fee_asset=self.fee_asset,
                    rules=self.rules(),
                )
            )
        for account in ACCOUNTS:
            amounts = (900, 900, 20_000) if self.draw.random() < 0.7 else (60, 60, 900)
            for asset, amount in zip(ASSETS, amounts, strict=True):
                commands.append(Deposit(account_id=account, asset=asset, amount_atoms=amount))
        return commands

    def next(self) -> tuple[Command, int]:
        """Return the next command and its time."""
        jump = self.draw.choices((0, 1, 3, 10), (50, 12, 3, 2))[0]
        self.now += jump * TENTH
        kinds, weights = zip(*self.kinds, strict=True)
        kind = self.draw.choices(kinds, weights)[0]
        if self.draw.random() < 0.3 and not self.world.markets["AAA_USD"].last:
            kind = self.stop  # Only before the first trade may one price meet buys and sells.
        calm = self.draw.random() < 0.2
        command = self._heal() if calm and self._is_ill() else kind()
        return command, self.now

    def rules(self) -> MarketRules:
        draw = self.draw
        taker = draw.choice((0, 1, 333, 1_500, 250_000))
        tier_taker = draw.choice((taker, 700, 300_000))
        has_tier = draw.random() < 0.4
        rebate_max = min(taker, tier_taker) if has_tier else taker
        rebate = -rebate_max if self.fee_asset is FeeAsset.QUOTE else 0
        return MarketRules(
            maker_fee_ppm=draw.choice((0, 777, 90_000, rebate)),
            taker_fee_ppm=taker,
            tiers=(FeeTier(rebate, tier_taker),) if has_tier else (),
            self_trade=draw.choice((SelfTrade.ALLOW, *SelfTrade)),
            price_step_ticks=1 if draw.random() < 0.9 else 2,
            quantity_step_lots=1 if draw.random() < 0.9 else 2,
            quantity_min_lots=1 if draw.random() < 0.9 else 2,
            quantity_max_lots=draw.choice((0, 0, 0, 25)),
            notional_min_atoms=0 if draw.random() < 0.9 else 60,
            buy_band_ppm=draw.choice((0, 0, 0, 250_000, 90_000)),
            sell_band_ppm=draw.choice((0, 0, 0, 250_000, 90_000)),
            reference_price_ticks=draw.choice((0, FIRST_PRICE)),
            open_orders_max=0 if self.is_crowded else draw.choice((0, 0, 0, 20, 6)),
            halt_move_ppm=draw.choice((0, 0, 150_000, 400_000)),
            halt_window_ns=draw.choice((4 * TENTH, 5 * TENTH, 16 * TENTH)),
            halt_ns=draw.choice((TENTH, 3 * TENTH)),
            reopen_ns=draw.choice((0, TENTH, 5 * TENTH)),
        )

    # ---- orders ----

    def limit(self) -> Command:
        return PlaceOrder(**self._limit_fields(self._account()))

    def market_order(self) -> Command:
        fields = self._common(self._account(), (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK))
        return PlaceOrder(**fields, type=OrderType.MARKET, quantity_lots=self._lots())

    def by_budget(self) -> Command:
        fields = self._common(self._account(), (TimeInForce.GTC, TimeInForce.IOC))
        budget = self.draw.choice((15, 60, 250, 700))
        return PlaceOrder(**fields, type=OrderType.MARKET, budget_atoms=budget)

    def stop(self) -> Command:
        fields = self._stop_fields(self._account(), self.draw.choice(STOPS))
        return PlaceOrder(**fields)

    def oco(self) -> Command:
        account = self._account()
        limit = self._limit_fields(account, LATE)
        stop = self._stop_fields(account, self.draw.choice(STOPS[:2]))
        if self.draw.random() < 0.95:
            shared = {"market": limit["market"], "side": limit["side"]}
            stop |= {**shared, "quantity_lots": limit["quantity_lots"], "budget_atoms": 0}
            low, high = self.draw.randint(1, 4), self.draw.randint(1, 4)
            price = self._last(str(limit["market"]))
            sign = -1 if limit["side"] is Side.BUY else 1
            limit["price_ticks"] = max(1, price + sign * low)
            stop["stop_price_ticks"] = max(1, price - sign * high)
            if stop.get("time_in_force") is TimeInForce.FOK:
                stop["time_in_force"] = TimeInForce.GTC
        return PlaceOco(account_id=account, limit=PlaceOrder(**limit), stop=PlaceOrder(**stop))

    def oto(self) -> Command:
        account = self._account()
        parent = self._limit_fields(account)
        if self.draw.random() < 0.5:
            child = self._limit_fields(account)
        elif self.draw.random() < 0.7:
            child = self._stop_fields(account, self.draw.choice(STOPS))
        else:
            fields = self._common(account, (TimeInForce.GTC,))
            child = {**fields, "type": OrderType.MARKET, "quantity_lots": self._lots()}
        if self.draw.random() < 0.95:
            child["market"] = parent["market"]
        return PlaceOto(account_id=account, parent=PlaceOrder(**parent), child=PlaceOrder(**child))

    def nonsense(self) -> Command:
        """Return an order with one or two fields out of place."""
        made = self.draw.choice((self.limit, self.market_order, self.by_budget, self.stop))()
        fields = self.draw.sample(sorted(NONSENSE), self.draw.randint(1, 2))
        return structs.replace(made, **{name: self.draw.choice(NONSENSE[name]) for name in fields})

    def test(self) -> Command:
        """Ask what would become of an order of any kind."""
        kinds = self.limit, self.market_order, self.by_budget, self.stop, self.nonsense
        order = self.draw.choice(kinds)()
        assert isinstance(order, PlaceOrder)
        anybodys = structs.replace(order, account_id=self._account())
        return TestOrder(account_id=order.account_id, order=anybodys)

    def _limit_fields(self, account: int, times: tuple[TimeInForce, ...] = ANY_TIME) -> Fields:
        fields = self._common(account, times)
        lots = self._lots()
        fields |= {"price_ticks": self._near(fields), "quantity_lots": lots}
        if fields["time_in_force"] in LATE:
            if self.draw.random() < 0.3 and lots > 1:
                fields["display_lots"] = self.draw.randint(1, max(1, lots // 2))
            fields["post_only"] = self.draw.random() < 0.1
        return fields

    def _stop_fields(self, account: int, kind: OrderType) -> Fields:
        fields = self._common(account, ANY_TIME) | {"type": kind}
        by_budget = (
            kind is not OrderType.STOP_LIMIT
            and fields["side"] is Side.BUY
            and fields["time_in_force"] is not TimeInForce.FOK
            and self.draw.random() < 0.3
        )
        fields |= {"budget_atoms": 200} if by_budget else {"quantity_lots": self._lots()}
        if kind is OrderType.TRAILING_STOP:
            name = self.draw.choice(("trail_ticks", "trail_ppm"))
            fields[name] = self.draw.choice((1, 2, 3) if name == "trail_ticks" else (1, 120_000))
            return fields
        last = self._last(str(fields["market"]))
        sign = 1 if fields["side"] is Side.BUY else -1
        fields["stop_price_ticks"] = max(
            1, last + sign * self.draw.choice((-2, -1, 0, 1, 1, 2, 2, 3))
        )
        fields["reject_if_met"] = (
            fields["type"] is not OrderType.TRAILING_STOP and self.draw.random() < 0.3
        )
        if kind is OrderType.STOP_LIMIT:
            fields["price_ticks"] = self._near(fields)
        return fields

    def _common(self, account: int, times: tuple[TimeInForce, ...]) -> Fields:
        draw = self.draw
        time = draw.choice(times)
        late = self.now + draw.randint(1, 30) * TENTH
        return {
            "account_id": account,
            "client_order_id": draw.choice(("",) * 12 + ("a", "b")),
            "market": draw.choices(("AAA_USD", "BBB_USD"), (5, 1))[0],
            "side": draw.choices(list(Side), (6, 1) if self.is_crowded else (1, 1))[0],
            "time_in_force": time,
            "expires_at_ns": late if time is TimeInForce.GTD else 0,
            "self_trade": draw.choice((None, SelfTrade.ALLOW, *SelfTrade)),
        }

    def _near(self, fields: Fields) -> int:
        away = self.draw.choice((-3, -2, -1, -1, 0, 0, 1, 1, 2))
        if self.is_crowded and self.draw.random() < 0.9:
            away = -1
        sign = 1 if fields["side"] is Side.BUY else -1
        return max(1, self._last(str(fields["market"])) + sign * away)

    def _last(self, market: str) -> int:
        found = self.world.markets.get(market)
        if self.is_crowded:
            return FIRST_PRICE
        return (found.last if found else 0) or FIRST_PRICE

    def _lots(self) -> int:
        if self.is_crowded and self.draw.random() < 0.9:
            return 1
        return self.draw.choice((1, 2, 2, 3, 4, 5, 6, 8, 12, 30))

    def _account(self) -> int:
        return self.draw.choice(ACCOUNTS)

    # ---- living orders ----

    def cancel(self) -> Command:
        account, order_id, name = self._someones_order()
        return CancelOrder(account_id=account, order_id=order_id, client_order_id=name)

    def cancel_all(self) -> Command:
        market = self.draw.choice(("", "", "AAA_USD", "BBB_USD", "NO_USD"))
        side = self.draw.choice((None, None, *Side))
        return CancelAll(account_id=self._account(), market=market, side=side)

    def amend(self) -> Command:
        account, order_id, name = self._someones_order()
        order = self.world.named(account, order_id, name)
        draw, quantity, price, stop_price = self.draw, None, 0, 0
        around = order.quantity if order else 5
        if draw.random() < 0.7:
            quantity = max(-1, around + draw.choice((-9, -3, -2, -1, -1, 0, 1, 3)))
        if draw.random() < (0.6 if order is None or order.has_price else 0.1):
            price = self._last("AAA_USD") + draw.randint(-3, 3)
        waits = order is not None and order.has_stop and not order.has_fired
        if draw.random() < (0.6 if waits else 0.05):
            stop_price = self._last("AAA_USD") + draw.randint(-3, 3)
        return AmendOrder(
            account_id=account,
            order_id=order_id,
            client_order_id=name,
            quantity_lots=quantity,
            price_ticks=price,
            stop_price_ticks=stop_price,
        )

    def _someones_order(self) -> tuple[int, int, str]:
        orders: list[NaiveOrder] = self.world.orders
        if not orders or self.draw.random() < 0.05:
            return self._account(), self.draw.randint(0, self.world.next_id), ""
        order = self.draw.choice(orders)
        name = order.asked.client_order_id
        if name and self.draw.random() < 0.3:
            return order.account, 0, name
        return order.account, order.order_id, ""

    # ---- money and the operator ----

    def funds(self) -> Command:
        return days_money.funds(self.draw)

    def withdrawal(self) -> Command:
        return days_money.withdrawal(self.draw, self.world)

    def pay_out(self) -> Command:
        return days_money.pay_out(self.draw, self.world)

    def set_timer(self) -> Command:
        timeout = self.draw.choice((0, 1, 10 * TENTH, 10 * TENTH, 20 * TENTH, 2**60))
        return SetCancelTimer(account_id=self._account(), timeout_ns=timeout)

    def administer(self) -> Command:
        draw, market = self.draw, self.draw.choice(("AAA_USD", "AAA_USD", "BBB_USD", "NO_USD"))
        kind = draw.choice((0, 0, 1, 2, 3, 3, 4))
        if kind == 0:
            return SetMarketStatus(market=market, status=draw.choice(list(MarketStatus)))
        if kind == 1:
            fields = draw.choice(((), ("buy_band_ppm", "open_orders_max", "halt_move_ppm")))
            return UpdateMarket(market=market, rules=self.rules(), fields=fields)
        if kind == 2:
            return SetAccountTier(target_account_id=self._account(), tier=draw.randint(0, 3))
        if kind == 3:
            return Tick(account_id=draw.choice((0, 0, 0, 1)))
        return SuspendAccount(
            target_account_id=self._account(),
            is_suspended=draw.random() < 0.7,
            cancel_orders=draw.random() < 0.5,
        )

    def _is_ill(self) -> bool:
        suspended = any(account.is_suspended for account in self.world.accounts.values())
        return suspended or bool(self._shut())

    def _shut(self) -> list[NaiveMarket]:
        markets = self.world.markets.values()
        return [m for m in markets if m.status is not MarketStatus.OPEN and not m.until]

    def _heal(self) -> Command:
        """Return what takes a restriction away, or the day would be over with the first."""
        shut = self._shut()
        if shut:
            better = (MarketStatus.OPEN, MarketStatus.OPEN, MarketStatus.POST_ONLY)
            return SetMarketStatus(market=shut[0].name, status=self.draw.choice(better))
        accounts = self.world.accounts
        ill = next(number for number in accounts if accounts[number].is_suspended)
        return SuspendAccount(target_account_id=ill, is_suspended=False)
