"""Everything an exchange is made of, and the record of what changed in it.

The rule of this file: no decision is taken here. Whoever changes an order or a market says so first
(`touch_order`, `touch_market`), so that the next drain finds it.
"""

from dataclasses import dataclass

from engine.core.changes import Changes, DepthRows, Trade
from engine.core.idempotency import IdempotencyWindow
from engine.core.ledger import Account, Ledger
from engine.core.markets import LiveMarket
from engine.core.orders import ClosedOrders, OpenOrders, is_open
from shared.messages import Asset, Event, Order, OrderStatus, PlaceOrder

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
        self.closed = ClosedOrders(limits.closed_orders_max, limits.closed_orders_window_ns)
        self.window = IdempotencyWindow(limits.idempotency_window_ns, limits.idempotency_keys_max)
        self._new = Changes()
        self._orders: dict[int, Order] = {}
        self._markets: list[LiveMarket] = []

    def advance(self, n: int | None, at_ns: int | None) -> None:
        """Go on to journal entry `n` and its time, and forget what is too old by then."""
        n = self.n + 1 if n is None else n
        assert n > self.n, f"Journal entry {n} comes after entry {self.n}; entries only go forward."
        self.n = n
        if at_ns is not None and at_ns > self.at_ns:
            self.at_ns = at_ns
            self.window.forget(at_ns)
            self._new.forgotten_closed += self.closed.forget(at_ns)

    def next_event(self) -> int:
        self.sequence += 1
        return self.sequence

    def next_private_event(self, account_id: int) -> tuple[Account, int]:
        """Return the account and the number of its next private event."""
        account = self.ledger.account(account_id)
        return account, self.ledger.next_sequence(account)

    def new_order(self, command: PlaceOrder, held_atoms: int) -> Order:
        """Return the order that an accepted command makes; its id is its rank, too."""
        order_id, self.next_order_id = self.next_order_id, self.next_order_id + 1
        order = Order(
            order_id,
            command.account_id,
            command.client_order_id,
            command.market,
            command.side,
            command.type,
            command.time_in_force,
            command.price_ticks,
            command.quantity_lots,
            command.budget_atoms,
            filled_lots=0,
            filled_quote_atoms=0,
            fee_atoms=0,
            held_atoms=held_atoms,
            status=OrderStatus.OPEN,
            rank=order_id,
            placed_at_ns=self.at_ns,
            updated_at_ns=self.at_ns,
        )
        self._orders[order_id] = order
        self._new.drained_held[order_id] = 0
        return order

    def touch_order(self, order: Order) -> None:
        if order.order_id not in self._orders:
            self._orders[order.order_id] = order
            self._new.drained_held[order.order_id] = order.held_atoms

    def touch_market(self, live: LiveMarket) -> None:
        if not live.touched:
            live.touched = True
            self._markets.append(live)

    def find_order(self, order_id: int) -> Order | None:
        """Return the order if it is open, or was changed since the last drain."""
        return self.open.by_id.get(order_id) or self._orders.get(order_id)

    def close(self, order: Order) -> None:
        """Take an order that has just been closed out of the open ones, and remember it a while."""
        self.open.remove(order)
        self.remember_closed(order)

    def remember_closed(self, order: Order) -> None:
        self.closed.add(order.order_id, self.at_ns)
        self._new.forgotten_closed += self.closed.forget(self.at_ns)

    def add_asset(self, asset: Asset) -> None:
        self.assets[asset.asset] = self._new.assets[asset.asset] = asset
        self.ledger.add_asset(asset.asset)

    def add_market(self, live: LiveMarket) -> None:
        self.markets[live.name] = live
        self._new.markets[live.name] = live.market
        self.touch_market(live)

    def add_trade(self, live: LiveMarket, trade: Trade) -> None:
        self._new.trades.setdefault(live.name, []).append(trade)

    def publish_depth(self, live: LiveMarket, events: list[Event]) -> None:
        """End a command in a market: append what it changed in the book, if anything."""
        event = live.depth_changed(self.sequence + 1)
        if event is None:
            return
        self.sequence += 1
        self.touch_market(live)
        events.append(event)
        rows = self._new.depth.get(live.name)
        if rows is None:
            rows = self._new.depth[live.name] = DepthRows({}, {})
        rows.bids.update(event.bids)
        rows.asks.update(event.asks)

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
            changes.accounts[account.account_id] = account.sequence
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
