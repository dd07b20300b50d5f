"""The naive exchange: one command after the other, and what is due before each.

The rule of this file: `apply` is the only way in. Idempotency keys are not its business.
"""

import copy
from dataclasses import dataclass, field

from msgspec import structs

from shared.messages import (
    VENUE_ACCOUNT_ID,
    AmendOrder,
    CancelAll,
    CancelOrder,
    CancelReason,
    CancelWithdrawal,
    Command,
    CreateAsset,
    CreateMarket,
    Deposit,
    ExpiryReason,
    MarketRules,
    MarketStatus,
    PayOutFees,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    Reject,
    RequestWithdrawal,
    ResolveWithdrawal,
    SetAccountTier,
    SetCancelTimer,
    SetMarketStatus,
    Side,
    StatusReason,
    SuspendAccount,
    TestOrder,
    Tick,
    Transfer,
    UpdateMarket,
    Withdraw,
)
from tests.support.naive import amending, ends, funds, placing
from tests.support.naive.funds import ACCOUNT_ID_MAX
from tests.support.naive.placing import Fault
from tests.support.naive.stops import drain, elect, set_status
from tests.support.naive.world import Fact, Levels, NaiveAccount, NaiveMarket, World

SECOND = 1_000_000_000
HOLD_OF_ACCEPTED = 4  # Where the fact of an accepted order says what it holds.
OF_THE_VENUE = (
    CreateAsset,
    CreateMarket,
    UpdateMarket,
    SetMarketStatus,
    SetAccountTier,
    SuspendAccount,
    ResolveWithdrawal,
    PayOutFees,
    Tick,
)


@dataclass
class NaiveExchange:
    """A whole exchange; `world` may be looked at."""

    world: World = field(default_factory=World)
    # Markets that time has opened: what they elect comes last.
    _opened: list[NaiveMarket] = field(default_factory=list)

    def apply(self, command: Command, at_ns: int) -> list[Fact]:
        """Carry out one command at its time and return the facts, its refusal among them."""
        world = self.world
        world.told = []
        world.entry += 1
        now = max(world.now, at_ns)
        before = self._all_depths()
        self._pass_time(now)
        world.now = now
        between = self._all_depths()
        self._tell_depth(before, between)
        place = len(world.told)
        fault = self._carry_out(command)
        if fault:
            assert len(world.told) == place, "A refused command has told something."
            world.tell("rejected", fault)
        drain(world)
        self._tell_depth(between, self._all_depths())
        return world.told

    def balance(self, account: int, asset: str) -> tuple[int, int]:
        return self.world.available(account, asset), self.world.held(account, asset)

    # ---- depth ----

    def _all_depths(self) -> dict[str, tuple[Levels, Levels]]:
        return {name: self.world.depth(name) for name in self.world.markets}

    def _tell_depth(
        self, before: dict[str, tuple[Levels, Levels]], after: dict[str, tuple[Levels, Levels]]
    ) -> None:
        for name in sorted(after):
            bids, asks = (
                _changed(dict(old), dict(new))
                for old, new in zip(before.get(name, ([], [])), after[name], strict=True)
            )
            if bids or asks:
                self.world.tell("depth", name, bids, asks)

    # ---- time ----

    def _pass_time(self, now: int) -> None:
        while True:
            due = [one for one in self._timers() if one[0] <= now]
            if not due:
                break
            _, kind, ident = min(due)
            self.world.now = now
            if kind == 0:
                self._reopen(self.world.markets[str(ident)])
            elif kind == 1:
                self._cancel_by_timer(int(ident))
            else:
                [order] = [one for one in self.world.orders if one.order_id == ident]
                ends.expire(self.world, order, ExpiryReason.TIME)
        for market in self._opened:
            if market.status is MarketStatus.OPEN and market.last:
                elect(self.world, market, market.last)
                drain(self.world)
        self._opened = []

    def _timers(self) -> list[tuple[int, int, int | str]]:
        """Return when what happens by itself: its time, its kind, and whose it is."""
        timers: list[tuple[int, int, int | str]] = []
        timers += [(m.until, 0, m.name) for m in self.world.markets.values() if m.until]
        timers += [(a.cancel_at, 1, id) for id, a in self.world.accounts.items() if a.cancel_at]
        timers += [
            (o.asked.expires_at_ns, 2, o.order_id)
            for o in self.world.orders
            if o.asked.expires_at_ns
        ]
        return timers

    def _reopen(self, market: NaiveMarket) -> None:
        world = self.world
        if market.status is MarketStatus.HALTED:
            until = world.now + market.rules.reopen_ns
            set_status(world, market, MarketStatus.POST_ONLY, StatusReason.REOPENING, until)
        else:
            set_status(world, market, MarketStatus.OPEN, StatusReason.REOPENING, 0)
            self._opened.append(market)

    def _cancel_by_timer(self, account: int) -> None:
        self.world.accounts[account].cancel_at = 0
        ends.cancel_many(
            self.world,
            self.world.own_orders(account),
            CancelReason.CANCEL_TIMER,
            (account, "", None),
            tell_nothing=False,
        )

    # ---- commands ----

    def _carry_out(self, command: Command) -> Fault:
        if not 0 <= command.account_id <= ACCOUNT_ID_MAX:
            return Reject.INVALID_ACCOUNT
        if (command.account_id == VENUE_ACCOUNT_ID) != isinstance(command, OF_THE_VENUE):
            return Reject.INVALID_ACCOUNT
        world, account = self.world, command.account_id
        match command:
            case PlaceOrder():
                return placing.place(world, account, command)
            case PlaceOco():
                return placing.place_oco(world, account, command)
            case PlaceOto():
                return placing.place_oto(world, account, command)
            case AmendOrder():
                return amending.amend(world, command)
            case CancelOrder():
                return self._cancel(command)
            case CancelAll():
                return self._cancel_all(command)
            case SetCancelTimer():
                return self._set_timer(command)
            case TestOrder(order=asked):
                return self._test(account, asked)
            case Deposit() | Withdraw() | Transfer() | PayOutFees():
                return funds.move(world, command)
            case RequestWithdrawal() | CancelWithdrawal() | ResolveWithdrawal():
                return funds.move(world, command)
            case _:
                return self._administer(command)

    def _test(self, account: int, asked: PlaceOrder) -> Fault:
        """Place the order in another world, which is gone afterwards, and see what it holds."""
        world = copy.deepcopy(self.world)
        fault = placing.place(world, account, asked)
        if fault:
            return fault
        accepted = next(fact for fact in world.told if fact[0] == "accepted")
        market = world.markets[asked.market]
        asset = market.quote if asked.side is Side.BUY else market.base
        self.world.tell("tested", account, asset, accepted[HOLD_OF_ACCEPTED])
        return None

    def _cancel(self, command: CancelOrder) -> Fault:
        world = self.world
        order = world.named(command.account_id, command.order_id, command.client_order_id)
        if order is None:
            return Reject.UNKNOWN_ORDER
        if world.market_of(order).status is MarketStatus.HALTED:
            return Reject.MARKET_HALTED
        ends.cancel(world, order, CancelReason.REQUESTED)
        return None

    def _cancel_all(self, command: CancelAll) -> Fault:
        world, account = self.world, command.account_id
        if command.market and command.market not in world.markets:
            return Reject.UNKNOWN_MARKET
        if command.market and world.markets[command.market].status is MarketStatus.HALTED:
            return Reject.MARKET_HALTED
        orders = [
            order
            for order in world.own_orders(account, command.market)
            if command.side in (None, order.asked.side)
            and world.market_of(order).status is not MarketStatus.HALTED
        ]
        told = account, command.market, command.side
        ends.cancel_many(world, orders, CancelReason.REQUESTED, told, tell_nothing=True)
        return None

    def _set_timer(self, command: SetCancelTimer) -> Fault:
        timeout = command.timeout_ns
        if timeout and not SECOND <= timeout <= 24 * 3600 * SECOND:
            return Reject.INVALID_TIMEOUT
        account = self.world.accounts.setdefault(command.account_id, NaiveAccount())
        account.cancel_at = self.world.now + timeout if timeout else 0
        self.world.tell("timer", command.account_id, account.cancel_at)
        return None

    # ---- the operator's ----

    def _administer(self, command: Command) -> Fault:
        world = self.world
        match command:
            case Tick():
                world.tell("time_passed")
            case CreateAsset(asset=asset, scale=scale):
                if asset in world.scales:
                    return Reject.ASSET_EXISTS
                world.scales[asset] = scale
                world.tell("asset_created", asset)
            case CreateMarket():
                return self._create_market(command)
            case UpdateMarket(market=name, rules=new, fields=fields):
                if name not in world.markets:
                    return Reject.UNKNOWN_MARKET
                kept = world.markets[name].rules
                for field in set(new.__struct_fields__).difference(fields) if fields else ():
                    new = structs.replace(new, **{field: getattr(kept, field)})
                self._set_rules(world.markets[name], new)
                world.tell("market_updated", name)
            case SetMarketStatus(market=name, status=status):
                return self._set_status(name, status)
            case SetAccountTier() | SuspendAccount():
                return self._update_account(command)
        return None

    def _create_market(self, command: CreateMarket) -> Fault:
        world = self.world
        if command.market in world.markets:
            return Reject.MARKET_EXISTS
        if command.base not in world.scales or command.quote not in world.scales:
            return Reject.UNKNOWN_ASSET
        grid = command.price_tick * command.lot_atoms * 10 ** world.scales[command.quote]
        rate, rest = divmod(grid, 10 ** (command.price_scale + world.scales[command.base]))
        if rest or not rate:
            return Reject.INVALID_MARKET
        world.markets[command.market] = NaiveMarket(
            command.market,
            command.base,
            command.quote,
            rate,
            command.lot_atoms,
            command.fee_asset,
            command.rules,
        )
        world.tell("market_created", command.market)
        return None

    def _set_rules(self, market: NaiveMarket, new: MarketRules) -> None:
        market.rules = new
        if not new.halt_move_ppm:
            market.slices = {}

    def _set_status(self, name: str, status: MarketStatus) -> Fault:
        world = self.world
        market = world.markets.get(name)
        if market is None:
            return Reject.UNKNOWN_MARKET
        set_status(world, market, status, StatusReason.OPERATOR, 0)
        if status is MarketStatus.OPEN and market.last:
            elect(world, market, market.last)
        if status is MarketStatus.CLOSED:
            for account in sorted({o.account for o in world.orders if o.market == name}):
                orders = world.own_orders(account, name)
                told = account, name, None
                ends.cancel_many(
                    world, orders, CancelReason.MARKET_CLOSED, told, tell_nothing=False
                )
        return None

    def _update_account(self, command: SetAccountTier | SuspendAccount) -> Fault:
        world, target = self.world, command.target_account_id
        if not 0 < target <= ACCOUNT_ID_MAX:
            return Reject.INVALID_ACCOUNT
        account = world.accounts.setdefault(target, NaiveAccount())
        if isinstance(command, SetAccountTier):
            account.tier = command.tier
        else:
            account.is_suspended = command.is_suspended
        world.tell("account", target, account.tier, account.is_suspended)
        if isinstance(command, SuspendAccount) and account.is_suspended and command.cancel_orders:
            orders = world.own_orders(target)
            told = target, "", None
            reason = CancelReason.ACCOUNT_SUSPENDED
            ends.cancel_many(world, orders, reason, told, tell_nothing=False)
        return None


def _changed(before: dict[int, int], after: dict[int, int]) -> Levels:
    prices = sorted({*before, *after})
    return [(p, after.get(p, 0)) for p in prices if before.get(p, 0) != after.get(p, 0)]
