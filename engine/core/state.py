"""Everything an exchange is made of, and the record of what changed in it.

The rule of this file: no decision is taken here. Whoever changes an order, a market or a book says
so first (`touch_order`, `touch_market`, `touch_book`), so that the next drain finds it.
"""

from collections import OrderedDict
from dataclasses import dataclass

from engine.core.changes import Changes, DepthRows, Trade
from engine.core.idempotency import IdempotencyWindow
from engine.core.ledger import Account, Balance, Ledger
from engine.core.markets import LiveMarket
from engine.core.orders import ClosedOrders, OpenOrders, is_open
from engine.core.timers import TimerKind, Timers
from shared.messages import Asset, Event, Market, Order, Withdrawal

FORGET_EVERY_NS = 1_000_000  # Often enough to keep up, seldom enough to cost nothing.
DAY_NS = 24 * 60 * 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an exchange remembers; all times are journal time."""

    idempotency_window_ns: int = DAY_NS
    idempotency_keys_max: int = 1_000_000  # About 450 MB of memory when it is full.
    closed_orders_max: int = 100_000  # Enough to answer "what became of it" on a busy day.
    closed_orders_window_ns: int = DAY_NS


class State:
    """The state of one exchange."""

    def __init__(self, limits: Limits) -> None:
        self.n = 0
        self.sequence = 0
        self.at_ns = 0
        self.next_order_id = 1
        self.assets: dict[str, Asset] = {}
        self.markets: dict[str, LiveMarket] = {}
        self.ledger = Ledger()
        self.open = OpenOrders()
        self.withdrawals: dict[int, Withdrawal] = {}  # The pending ones.
        self.closed = ClosedOrders(limits.closed_orders_max, limits.closed_orders_window_ns)
        self.window = IdempotencyWindow(limits.idempotency_window_ns, limits.idempotency_keys_max)
        self.timers = Timers()
        # Within one command: the orders whose trigger has come, in the order of their turn.
        self.triggered: OrderedDict[int, Order] = OrderedDict()
        self._new = Changes()
        self._orders: dict[int, Order] = {}
        self._markets: list[LiveMarket] = []
        self._books: list[LiveMarket] = []

    # ---- numbers and time ----

    def advance(self, n: int | None, at_ns: int | None) -> None:
        """Go on to journal entry `n` and its time, and forget what is too old by then."""
        n = self.n + 1 if n is None else n
        assert n > self.n, f"Journal entry {n} comes after entry {self.n}; entries only go forward."
        self.n = n
        if at_ns is None or at_ns <= self.at_ns:
            return
        is_time_to_look = at_ns // FORGET_EVERY_NS > self.at_ns // FORGET_EVERY_NS
        self.at_ns = at_ns
        if is_time_to_look:
            self.window.forget(at_ns)
            self._new.forgotten_closed += self.closed.forget(at_ns)

    def next_event(self) -> int:
        self.sequence += 1
        return self.sequence

    def next_private_event(self, account_id: int) -> tuple[Account, int]:
        """Return the account and the number of its next private event."""
        account = self.ledger.account(account_id)
        return account, self.ledger.next_sequence(account)

    # ---- orders ----

    def open_order(self, account: Account, order: Order) -> None:
        """Begin the life of a new order; its id is the next one."""
        assert order.order_id == self.next_order_id, "Order ids count without a gap."
        self.next_order_id += 1
        self._orders[order.order_id] = order
        self._new.drained_held[order.order_id] = 0
        self.take_up_order(account, order)

    def take_up_order(self, account: Account, order: Order) -> None:
        """Count a living order among the account's, wherever it comes from."""
        order_id = order.order_id
        self.open.by_id[order_id] = account.orders[order_id] = order
        if order.client_order_id:
            account.client_orders[order.client_order_id] = order
        counts = account.open_counts
        counts[order.market] = counts.get(order.market, 0) + 1
        if order.expires_at_ns:
            self.timers.set(TimerKind.ORDER_EXPIRY, order.order_id, order.expires_at_ns)
        if order.terms is not None and order.terms.display_lots:
            self.markets[order.market].icebergs += 1

    def touch_order(self, order: Order) -> None:
        if order.order_id not in self._orders:
            self._orders[order.order_id] = order
            self._new.drained_held[order.order_id] = order.held_atoms

    def find_order(self, order_id: int) -> Order | None:
        """Return the order if it is living, or was changed since the last drain."""
        return self.open.by_id.get(order_id) or self._orders.get(order_id)

    def held_balance(self, live: LiveMarket, order: Order) -> Balance:
        """Return the balance that the order's hold is part of."""
        account = self.ledger.account(order.account_id)
        return self.ledger.balance(account, live.held_asset(order.side))

    def close(self, account: Account, order: Order) -> None:
        """Take an order that has just ended out of the living ones, and remember it a while."""
        order_id = order.order_id
        del self.open.by_id[order_id]
        del account.orders[order_id]
        if order.client_order_id:
            del account.client_orders[order.client_order_id]
        account.open_counts[order.market] -= 1
        if order.expires_at_ns:
            self.timers.clear(TimerKind.ORDER_EXPIRY, order_id)
        if order.terms is not None and order.terms.display_lots:
            self.markets[order.market].icebergs -= 1
        if self.closed.add(order_id, self.at_ns):
            self._new.forgotten_closed += self.closed.forget(self.at_ns)

    def trigger(self, order: Order) -> None:
        """Queue up a pending order whose trigger has come; its turn is after the taker's."""
        self.triggered[order.order_id] = order

    # ---- withdrawals ----

    def add_withdrawal(self, account: Account, withdrawal: Withdrawal) -> None:
        """Begin to wait for the end of a withdrawal, whose amount is held already."""
        self._new.withdrawals[withdrawal.withdrawal_id] = withdrawal
        self.take_up_withdrawal(account, withdrawal)

    def take_up_withdrawal(self, account: Account, withdrawal: Withdrawal) -> None:
        """Count a pending withdrawal among the account's, wherever it comes from."""
        self.withdrawals[withdrawal.withdrawal_id] = withdrawal
        account.withdrawals[withdrawal.withdrawal_id] = withdrawal

    def end_withdrawal(self, account: Account, withdrawal: Withdrawal) -> None:
        withdrawal_id = withdrawal.withdrawal_id
        del self.withdrawals[withdrawal_id]
        del account.withdrawals[withdrawal_id]
        if self._new.withdrawals.pop(withdrawal_id, None) is None:
            self._new.ended_withdrawals[withdrawal_id] = withdrawal

    # ---- assets and markets ----

    def add_asset(self, asset: Asset) -> None:
        self.assets[asset.asset] = self._new.assets[asset.asset] = asset
        self.ledger.add_asset(asset.asset)

    def add_market(self, live: LiveMarket) -> None:
        self.markets[live.name] = live
        self._new.markets[live.name] = live.market
        self.touch_market(live)

    def update_market(self, market: Market) -> None:
        """Give a market new rules; what rests is not looked at."""
        live = self.markets[market.market]
        live.update(market)
        self.touch_market(live)
        self._new.markets[market.market] = market

    def touch_market(self, live: LiveMarket) -> None:
        if not live.touched:
            live.touched = True
            self._markets.append(live)

    def touch_book(self, live: LiveMarket) -> None:
        """Note that a book may differ at the end of this command."""
        if live not in self._books:  # Nearly always none or one.
            self._books.append(live)

    def add_trade(self, live: LiveMarket, trade: Trade) -> None:
        trades = self._new.trades.get(live.name)
        if trades is None:
            trades = self._new.trades[live.name] = []
        trades.append(trade)

    def publish_depths(self, events: list[Event]) -> None:
        """End a command: append what it changed in each book, by name of the market."""
        books, self._books = self._books, []
        if len(books) > 1:
            books.sort(key=lambda live: live.name)
        for live in books:
            event = live.depth_changed(self.sequence + 1)
            if event is None:
                continue
            self.sequence += 1
            self.touch_market(live)
            events.append(event)
            rows = self._new.depth.get(live.name)
            if rows is None:
                rows = self._new.depth[live.name] = DepthRows({}, {})
            rows.bids.update(event.bids)
            rows.asks.update(event.asks)

    # ---- rows ----

    def drain(self) -> Changes:
        """Return what changed since the last drain and begin anew."""
        changes = self._new
        for order in self._orders.values():
            rows = changes.open_orders if is_open(order) else changes.closed_orders
            rows[order.order_id] = order
        for live in self._markets:
            live.touched = False
            changes.market_states[live.name] = live.state()
        self._drain_ledger(changes)
        changes.results_added = self.window.added
        changes.results_forgotten = list(self.window.forgotten)
        self.window.added, self.window.forgotten = {}, {}
        self._new, self._orders, self._markets = Changes(), {}, []
        return changes

    def _drain_ledger(self, changes: Changes) -> None:
        ledger = self.ledger
        for account in ledger.touched_accounts:
            account.touched = False
            changes.accounts[account.account_id] = account.row()
        for balance in ledger.touched_balances:
            key = balance.account_id, balance.asset
            changes.balances[key] = balance.available, balance.held
            changes.drained_balances[key] = balance.drained_available, balance.drained_held
            balance.drained_available, balance.drained_held = balance.available, balance.held
            balance.touched = False
        for earnings in ledger.touched_totals:
            changes.totals[earnings.asset] = earnings.row()
            changes.drained_nets[earnings.asset] = earnings.drained_net
            earnings.drained_net = earnings.net()
            earnings.touched = False
        ledger.touched_accounts, ledger.touched_balances, ledger.touched_totals = [], [], []
