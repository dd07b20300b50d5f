"""A scenario is a small table: a command or a look a line, and after the arrow what must happen.

    deposit alice 1 BTC
    sell alice #1 1 @ 100                -> accepted
    buy bob #2 1 @ 101 ioc               -> accepted, trade with #1: 1 @ 100
    buy bob #3 5 market                  -> accepted, expired market_remainder 5
    sell carol #4 5 stop 90              -> accepted
    oco dave #5 sell 2 @ 120 / #6 sell 2 stop 80 -> accepted, accepted
    oto dave #7 buy 2 @ 99 / #8 sell 2 @ 130     -> accepted, accepted
    test buy bob #9 1 @ 101              -> would hold 101 USD
    cancel alice #1                      -> UNKNOWN_ORDER
    amend alice #1 3 @ 99                -> amended 3
    request_withdrawal bob w1 7 USD      -> withdrawal requested 7
    cancel_withdrawal bob w1             -> withdrawal returned requested 7
    settle w1                            -> UNKNOWN_WITHDRAWAL
    wait 5s                              -> #9 expired time 4
    status halted                        -> market halted operator
    rules price_step_ticks=5
    balance bob USD 10 held 0
    book bids 99:3 98:1 asks 101:2
    fees USD 3

The rule of this file: `#1` is the client's own id of an order, `w1` a name for a withdrawal, whose
id is the number of its request; the market is BTC_USD, where one lot
is one BTC and one tick is one USD. What happens to another order than the line's first begins with
its name. Depth changes are checked by themselves, so an expected line does not name them. How an
order is said is told in `scenario_orders`.
"""

from msgspec.structs import replace

from engine.core.exchange import Limits
from shared.messages import (
    AccountUpdated,
    AmendOrder,
    CancelAll,
    CancelOrder,
    CancelReason,
    CancelTimerSet,
    CancelWithdrawal,
    Command,
    CommandReplayed,
    CreateAsset,
    CreateMarket,
    Deposit,
    DepthChanged,
    Event,
    FeeAsset,
    FeesPaidOut,
    FundsDeposited,
    FundsTransferred,
    FundsWithdrawn,
    MarketRules,
    MarketStatus,
    MarketStatusChanged,
    MarketUpdated,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrdersCancelled,
    OrderTested,
    OrderTriggered,
    PayOutFees,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    Rejected,
    RequestWithdrawal,
    ResolveWithdrawal,
    SelfTrade,
    SetAccountTier,
    SetCancelTimer,
    SetMarketStatus,
    Side,
    SuspendAccount,
    TestOrder,
    Tick,
    TimePassed,
    TradeExecuted,
    Transfer,
    UpdateMarket,
    Withdraw,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from tests.support.audited_exchange import AuditedExchange
from tests.support.scenario_orders import ACCOUNTS, MARKET, order_of, span_ns

__all__ = ["FUNDED", "MARKET", "opened_exchange", "play"]

NOBODYS_ORDER = 999_999
FUNDED = "\n".join(
    f"deposit {name} {amount}" for name in ACCOUNTS for amount in ("1000 BTC", "100000 USD")
)


def opened_exchange(
    fee_asset: FeeAsset = FeeAsset.RECEIVED,
    maker_fee_ppm: int = 0,
    taker_fee_ppm: int = 0,
    limits: Limits | None = None,
) -> AuditedExchange:
    """Return an exchange with the one market of the scenarios."""
    audited = AuditedExchange(limits)
    audited.apply(CreateAsset(asset="BTC", scale=0))
    audited.apply(CreateAsset(asset="USD", scale=0))
    audited.apply(
        CreateMarket(
            market=MARKET,
            base="BTC",
            quote="USD",
            price_scale=0,
            price_tick=1,
            lot_atoms=1,
            fee_asset=fee_asset,
            rules=MarketRules(maker_fee_ppm=maker_fee_ppm, taker_fee_ppm=taker_fee_ppm),
        )
    )
    return audited


def play(table: str, audited: AuditedExchange | None = None) -> AuditedExchange:
    """Play a table line by line, then replay, restore and empty the exchange."""
    audited = audited or opened_exchange()
    scene = _Scene(audited)
    for line in filter(None, map(str.strip, table.splitlines())):
        scene.play(line)
    audited.finish()
    return audited


class _Scene:
    def __init__(self, audited: AuditedExchange) -> None:
        self.audited = audited
        self.order_ids: dict[str, int] = {}
        self.withdrawal_ids: dict[str, int] = {}
        self.now_ns = 0

    def play(self, line: str) -> None:
        told, _, expected = (part.strip() for part in line.partition("->"))
        verb, *words = told.split()
        look = getattr(self, f"_look_{verb}", None)
        if look is not None:
            assert look(*words) == " ".join(words), line
            return
        make = getattr(self, f"_make_{verb}")
        events = self.audited.apply(make(*words), self.now_ns)
        own = next((word for word in words if word.startswith("#")), "")
        happened = ", ".join(filter(None, (self._told(event, own) for event in events)))
        if expected:
            assert happened == expected, f"{line}\n  but: {happened}"
        else:
            assert not any(isinstance(event, Rejected) for event in events), f"{line}: {happened}"

    # ---- commands ----

    def _make_deposit(self, name: str, amount: str, asset: str) -> Command:
        return Deposit(account_id=ACCOUNTS[name], asset=asset, amount_atoms=int(amount))

    def _make_withdraw(self, name: str, amount: str, asset: str) -> Command:
        return Withdraw(account_id=ACCOUNTS[name], asset=asset, amount_atoms=int(amount))

    def _make_transfer(self, name: str, to: str, amount: str, asset: str) -> Command:
        return Transfer(
            account_id=ACCOUNTS[name],
            to_account_id=ACCOUNTS[to],
            asset=asset,
            amount_atoms=int(amount),
        )

    def _make_request_withdrawal(self, name: str, label: str, amount: str, asset: str) -> Command:
        self.withdrawal_ids[label] = self.audited.exchange.n + 1
        return RequestWithdrawal(
            account_id=ACCOUNTS[name], asset=asset, amount_atoms=int(amount), reference=label
        )

    def _make_cancel_withdrawal(self, name: str, label: str) -> Command:
        withdrawal_id = self.withdrawal_ids.get(label, NOBODYS_ORDER)
        return CancelWithdrawal(account_id=ACCOUNTS[name], withdrawal_id=withdrawal_id)

    def _make_settle(self, label: str) -> Command:
        withdrawal_id = self.withdrawal_ids.get(label, NOBODYS_ORDER)
        return ResolveWithdrawal(withdrawal_id=withdrawal_id, is_settled=True)

    def _make_refuse(self, label: str) -> Command:
        withdrawal_id = self.withdrawal_ids.get(label, NOBODYS_ORDER)
        return ResolveWithdrawal(withdrawal_id=withdrawal_id, is_settled=False)

    def _make_pay_out(self, amount: str, asset: str, to: str) -> Command:
        return PayOutFees(asset=asset, amount_atoms=int(amount), to_account_id=ACCOUNTS[to])

    def _make_test(self, side: str, name: str, label: str, *words: str) -> Command:
        order = order_of(Side(side), name, label, words, self.now_ns)
        return TestOrder(account_id=ACCOUNTS[name], order=order)

    def _make_buy(self, name: str, label: str, *words: str) -> Command:
        return order_of(Side.BUY, name, label, words, self.now_ns)

    def _make_sell(self, name: str, label: str, *words: str) -> Command:
        return order_of(Side.SELL, name, label, words, self.now_ns)

    def _make_oco(self, name: str, *words: str) -> Command:
        slash = words.index("/")
        limit, stop = (self._leg(name, *leg) for leg in (words[:slash], words[slash + 1 :]))
        return PlaceOco(account_id=ACCOUNTS[name], limit=limit, stop=stop)

    def _make_oto(self, name: str, *words: str) -> Command:
        slash = words.index("/")
        parent, child = (self._leg(name, *leg) for leg in (words[:slash], words[slash + 1 :]))
        return PlaceOto(account_id=ACCOUNTS[name], parent=parent, child=child)

    def _leg(self, name: str, label: str, side: str, *words: str) -> PlaceOrder:
        return order_of(Side(side), name, label, words, self.now_ns)

    def _make_cancel(self, name: str, label: str) -> Command:
        order_id = self.order_ids.get(label, NOBODYS_ORDER)
        return CancelOrder(account_id=ACCOUNTS[name], order_id=order_id)

    def _make_cancel_own(self, name: str, label: str) -> Command:
        return CancelOrder(account_id=ACCOUNTS[name], client_order_id=label[1:])

    def _make_cancel_all(self, name: str, side: str = "") -> Command:
        return CancelAll(account_id=ACCOUNTS[name], side=Side(side) if side else None)

    def _make_amend(self, name: str, label: str, *words: str) -> Command:
        """Read `7`, `@ 105`, `7 @ 105` or `stop 90`, in this order."""
        said = list(words)
        quantity = int(said.pop(0)) if said and said[0].lstrip("-").isdigit() else None
        prices = dict(zip(said[::2], map(int, said[1::2]), strict=True))
        return AmendOrder(
            account_id=ACCOUNTS[name],
            order_id=self.order_ids.get(label, NOBODYS_ORDER),
            quantity_lots=quantity,
            price_ticks=prices.get("@", 0),
            stop_price_ticks=prices.get("stop", 0),
        )

    def _make_wait(self, span: str) -> Command:
        self.now_ns += span_ns(span)
        return Tick()

    def _make_timer(self, name: str, span: str) -> Command:
        return SetCancelTimer(account_id=ACCOUNTS[name], timeout_ns=span_ns(span))

    def _make_status(self, status: str) -> Command:
        return SetMarketStatus(market=MARKET, status=MarketStatus(status))

    def _make_rules(self, *words: str) -> Command:
        pairs = [word.split("=") for word in words]
        modes = set(SelfTrade)
        new = {key: SelfTrade(value) if value in modes else int(value) for key, value in pairs}
        rules = self.audited.exchange.state.markets[MARKET].rules
        return UpdateMarket(market=MARKET, rules=replace(rules, **new))

    def _make_suspend(self, name: str, keeps: str = "") -> Command:
        return SuspendAccount(
            target_account_id=ACCOUNTS[name], is_suspended=True, cancel_orders=keeps != "keep"
        )

    def _make_resume(self, name: str) -> Command:
        return SuspendAccount(target_account_id=ACCOUNTS[name], is_suspended=False)

    def _make_tier(self, name: str, tier: str) -> Command:
        return SetAccountTier(target_account_id=ACCOUNTS[name], tier=int(tier))

    # ---- looks ----

    def _look_balance(self, name: str, asset: str, *_: str) -> str:
        available, held = self.audited.exchange.balance(ACCOUNTS[name], asset)
        return f"{name} {asset} {available} held {held}"

    def _look_fees(self, asset: str, _: str) -> str:
        return f"{asset} {self.audited.exchange.state.ledger.totals[asset].fees}"

    def _look_left(self, asset: str, _: str) -> str:
        return f"{asset} {self.audited.exchange.state.ledger.totals[asset].withdrawals}"

    def _look_pending(self, name: str, *_: str) -> str:
        account = self.audited.exchange.state.ledger.accounts[ACCOUNTS[name]]
        return " ".join([name, *(asked.reference for asked in account.withdrawals.values())])

    def _look_book(self, *_: str) -> str:
        depth = self.audited.exchange.depth(MARKET, 100)
        words = ["bids", *(f"{price}:{lots}" for price, lots in depth.bids)]
        return " ".join([*words, "asks", *(f"{price}:{lots}" for price, lots in depth.asks)])

    def _look_queue(self, *_: str) -> str:
        live = self.audited.exchange.state.markets[MARKET]
        orders = [
            order
            for ladder in (live.bids, live.asks)
            for level in ladder.best_first()
            for order in level.orders()
        ]
        return " ".join(f"#{order.client_order_id}" for order in orders)

    def _look_open(self, name: str, *_: str) -> str:
        orders = self.audited.exchange.open_orders(ACCOUNTS[name])
        return " ".join([name, *(f"#{order.client_order_id}" for order in orders)])

    def _look_holds(self, label: str, _: str) -> str:
        order = self.audited.exchange.order(self.order_ids[label])
        return f"{label} {order.held_atoms if order else 0}"

    def _look_stops(self, label: str, _: str, __: str) -> str:
        order = self.audited.exchange.order(self.order_ids[label])
        return f"{label} at {order.terms.stop_price_ticks if order and order.terms else 0}"

    # ---- events ----

    def _told(self, event: Event, own: str) -> str:
        told = self._told_of_order(event) or _told_otherwise(event)
        if isinstance(event, TradeExecuted):
            label = f"#{event.taker.client_order_id}"
        else:
            label = f"#{getattr(event, 'client_order_id', '')}"
        is_silent = isinstance(event, OrderAccepted | Rejected) or label in ("#", own)
        return told if is_silent else f"{label} {told}"

    def _told_of_order(self, event: Event) -> str:
        match event:
            case OrderAccepted():
                self.order_ids[f"#{event.client_order_id}"] = event.order_id
                return "accepted"
            case TradeExecuted(maker=maker, taker=taker):
                fees = f" fees {maker.fee_atoms} {taker.fee_atoms}"
                shown = fees if maker.fee_atoms or taker.fee_atoms else ""
                trade = f"{event.quantity_lots} @ {event.price_ticks}{shown}"
                return f"trade with #{maker.client_order_id}: {trade}"
            case OrderExpired():
                return f"expired {event.reason} {event.remaining_lots}"
            case OrderCancelled(reason=reason):
                why = "" if reason is CancelReason.REQUESTED else f"{reason} "
                return f"cancelled {why}{event.remaining_lots}"
            case OrderAmended():
                return f"amended {event.remaining_lots}"
            case OrderTriggered(stop_price_ticks=price_ticks):
                return f"triggered at {price_ticks}" if price_ticks else "triggered"
            case _:
                return ""


def _told_otherwise(event: Event) -> str:
    match event:
        case Rejected():
            return str(event.code)
        case CommandReplayed():
            return f"replayed {event.original_n}"
        case FundsDeposited() | FundsWithdrawn() | FundsTransferred() | FeesPaidOut():
            return "done"
        case WithdrawalRequested(change=change):
            return f"withdrawal requested {change.held_change}"
        case WithdrawalSettled(change=change):
            return f"withdrawal settled {-change.held_change}"
        case WithdrawalReturned(change=change, reason=reason):
            return f"withdrawal returned {reason} {change.available_change}"
        case OrderTested(hold_asset=asset, hold_atoms=atoms):
            return f"would hold {atoms} {asset}"
        case AccountUpdated() | MarketUpdated() | CancelTimerSet():
            return "done"
        case OrdersCancelled():
            return f"orders {event.reason} {event.count}"
        case MarketStatusChanged():
            return f"market {event.status} {event.reason}"
        case DepthChanged() | TimePassed():
            return ""
        case _:
            return type(event).__name__
