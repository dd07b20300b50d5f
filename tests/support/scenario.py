"""A scenario is a small table: a command or a look a line, and after the arrow what must happen.

    deposit alice 1 BTC
    sell alice #1 1 @ 100          -> accepted
    buy bob #2 1 @ 101 ioc         -> accepted, trade with #1: 1 @ 100
    buy bob #3 5 market            -> accepted, expired market_remainder 5
    buy bob #4 market budget 70
    cancel alice #1                -> UNKNOWN_ORDER
    amend alice #1 3               -> amended 3
    balance bob USD 10 held 0
    book bids 99:3 98:1 asks 101:2
    fees USD 3

The rule of this file: `#1` is the client's own id of an order; the market is BTC_USD, where one lot
is one BTC and one tick is one USD. Depth changes are checked by themselves, so an expected line
does not name them.
"""

from engine.core.exchange import Limits
from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    CommandReplayed,
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

MARKET = "BTC_USD"
NOBODYS_ORDER = 999_999
ACCOUNTS = {name: number for number, name in enumerate(("alice", "bob", "carol", "dave"), 1)}


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
            maker_fee_ppm=maker_fee_ppm,
            taker_fee_ppm=taker_fee_ppm,
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

    def play(self, line: str) -> None:
        told, _, expected = (part.strip() for part in line.partition("->"))
        verb, *words = told.split()
        look = getattr(self, f"_look_{verb}", None)
        if look is not None:
            assert look(*words) == " ".join(words), line
            return
        make = getattr(self, f"_make_{verb}")
        events = self.audited.apply(make(*words))
        happened = ", ".join(filter(None, map(self._told, events)))
        if expected:
            assert happened == expected, line
        else:
            assert not isinstance(events[0], Rejected), f"{line}: {happened}"

    def _make_deposit(self, name: str, amount: str, asset: str) -> Command:
        return Deposit(account_id=ACCOUNTS[name], asset=asset, amount_atoms=int(amount))

    def _make_withdraw(self, name: str, amount: str, asset: str) -> Command:
        return Withdraw(account_id=ACCOUNTS[name], asset=asset, amount_atoms=int(amount))

    def _make_buy(self, name: str, label: str, *words: str) -> Command:
        return _order(Side.BUY, name, label, words)

    def _make_sell(self, name: str, label: str, *words: str) -> Command:
        return _order(Side.SELL, name, label, words)

    def _make_cancel(self, name: str, label: str) -> Command:
        order_id = self.order_ids.get(label, NOBODYS_ORDER)
        return CancelOrder(account_id=ACCOUNTS[name], order_id=order_id)

    def _make_cancel_own(self, name: str, label: str) -> Command:
        return CancelOrder(account_id=ACCOUNTS[name], client_order_id=label[1:])

    def _make_amend(self, name: str, label: str, quantity: str) -> Command:
        order_id = self.order_ids.get(label, NOBODYS_ORDER)
        return AmendOrder(account_id=ACCOUNTS[name], order_id=order_id, quantity_lots=int(quantity))

    def _look_balance(self, name: str, asset: str, *_: str) -> str:
        available, held = self.audited.exchange.balance(ACCOUNTS[name], asset)
        return f"{name} {asset} {available} held {held}"

    def _look_fees(self, asset: str, _: str) -> str:
        return f"{asset} {self.audited.exchange.state.ledger.totals[asset].fees}"

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
            for order in level.orders.values()
        ]
        return " ".join(f"#{order.client_order_id}" for order in orders)

    def _told(self, event: Event) -> str:
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
            case OrderCancelled():
                return f"cancelled {event.remaining_lots}"
            case OrderAmended():
                return f"amended {event.remaining_lots}"
            case Rejected():
                return str(event.code)
            case CommandReplayed():
                return f"replayed {event.original_n}"
            case FundsDeposited() | FundsWithdrawn():
                return "done"
            case DepthChanged():
                return ""
            case _:
                return type(event).__name__


def _order(side: Side, name: str, label: str, words: tuple[str, ...]) -> Command:
    account_id, client_order_id = ACCOUNTS[name], label[1:]
    if words[0] == "market":
        return PlaceOrder(
            account_id=account_id,
            client_order_id=client_order_id,
            market=MARKET,
            side=side,
            type=OrderType.MARKET,
            budget_atoms=int(words[2]),
        )
    time_in_force = TimeInForce(words[-1]) if words[-1] in ("ioc", "fok") else TimeInForce.GTC
    is_market = words[1] == "market"
    return PlaceOrder(
        account_id=account_id,
        client_order_id=client_order_id,
        market=MARKET,
        side=side,
        type=OrderType.MARKET if is_market else OrderType.LIMIT,
        time_in_force=time_in_force,
        price_ticks=0 if is_market else int(words[2]),
        quantity_lots=int(words[0]),
    )
