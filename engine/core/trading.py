"""New orders: validate, hold, and send them to the book or let them wait.

The rule of this file: an order is refused before anything changes or carried out completely; each
of its events is made at the step that it tells of.
"""

from engine.core import fees as holds
from engine.core import rules
from engine.core.ledger import Account, Balance
from engine.core.markets import LiveMarket
from engine.core.orders import STOPS
from engine.core.plans import Plan, plan_order
from engine.core.rules import Refusal
from engine.core.state import State
from engine.core.triggering import Triggering
from engine.core.triggers import start_trailing
from engine.core.venue import Answer
from shared.messages import (
    Event,
    MarketStatus,
    Order,
    OrderAccepted,
    OrderStatus,
    OrderTerms,
    OrderTested,
    OrderType,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    Reject,
    TestOrder,
)

_NO_TERMS = OrderTerms()
_LIMIT = OrderType.LIMIT
_OPEN, _PENDING = OrderStatus.OPEN, OrderStatus.PENDING


# An order that nothing forbids, and nobody knows of yet: its market, its account, the balance that
# it will hold of, itself, how much of it, and its plan; a stop has none. A plain tuple, because one
# is made for every order.
_Ready = tuple[LiveMarket, Account, Balance, Order, int, Plan | None]


class Trading:
    """Places the orders of one exchange."""

    __slots__ = ("_state", "_triggering")

    def __init__(self, state: State, triggering: Triggering) -> None:
        self._state = state
        self._triggering = triggering

    # ---- one order ----

    def place(self, command: PlaceOrder) -> Answer:
        ready = self._checked(command, command.account_id)
        if isinstance(ready, Refusal):
            return ready
        live, account, balance, order, hold_atoms, plan = ready
        events: list[Event] = []
        if plan is not None:
            self._accept(account, balance, order, hold_atoms, events)
            self._triggering.send(live, order, plan, events)
            return events
        order.status = _PENDING
        self._accept(account, balance, order, hold_atoms, events)
        self._triggering.start_waiting(live, order)
        self._triggering.trigger_all(events)
        return events

    def test(self, command: TestOrder) -> Answer:
        """Answer as `place` would, up to the point where it begins to change something."""
        ready = self._checked(command.order, command.account_id)
        if isinstance(ready, Refusal):
            return ready
        _, account, balance, _, hold_atoms, _ = ready
        sequence = self._state.next_event()
        return [OrderTested(sequence, account.account_id, balance.asset, hold_atoms)]

    def _checked(self, command: PlaceOrder, account_id: int) -> _Ready | Refusal:
        """Check an order by all rules, its funds included, for an account; nothing changes."""
        state = self._state
        live = state.markets.get(command.market)
        if live is None:
            return Refusal(Reject.UNKNOWN_MARKET, "market")
        account = state.ledger.account(account_id)
        fees = live.fees_of(account.tier)
        fault = rules.order_fault(command, live, state.at_ns, fees)
        if fault is None:
            fault = _entry_fault(command, live, account) or _place_fault(command, live, account)
        if fault is None and (command.type is not _LIMIT or command.post_only):
            fault = rules.price_fault(command, live)
        if fault is not None:
            return fault
        order = _new_order(state, live, account, command)
        balance = state.ledger.balance(account, live.held_asset(command.side))
        if command.type in STOPS:
            return _checked_stop(live, account, balance, order, command)
        # What a limit order holds is known without the book, so nobody walks it for nothing.
        if command.price_ticks and balance.available < holds.limit_hold(
            live, order, order.quantity_lots
        ):
            return Refusal(Reject.INSUFFICIENT_FUNDS, _sized_by(command))
        may_meet_own = account.open_counts.get(live.name, 0) > 0
        plan = plan_order(live, order, may_meet_own=may_meet_own)
        if balance.available < plan.hold_atoms:
            return Refusal(Reject.INSUFFICIENT_FUNDS, _sized_by(command))
        return live, account, balance, order, plan.hold_atoms, plan

    # ---- pairs ----

    def place_oco(self, command: PlaceOco) -> Answer:
        state = self._state
        live = state.markets.get(command.limit.market)
        if live is None:
            return Refusal(Reject.UNKNOWN_MARKET, "limit.market")
        account = state.ledger.account(command.account_id)
        fault = self._oco_fault(command, live, account)
        if fault is not None:
            return fault
        limit = _new_order(state, live, account, command.limit)
        stop = _new_order(state, live, account, command.stop, later=1)
        stop.status = _PENDING
        limit.terms, stop.terms = limit.terms or OrderTerms(), stop.terms or OrderTerms()
        limit.terms.peer_order_id, stop.terms.peer_order_id = stop.order_id, limit.order_id
        plan = plan_order(live, limit, may_meet_own=False)
        hold_atoms = max(plan.hold_atoms, holds.pending_hold(live, stop))
        balance = state.held_balance(live, limit)
        if balance.available < hold_atoms:
            return Refusal(Reject.INSUFFICIENT_FUNDS, "limit.quantity_lots")
        events: list[Event] = []
        self._accept(account, balance, limit, hold_atoms, events)
        self._accept(account, balance, stop, 0, events)
        live.triggers.add(stop)
        self._triggering.send(live, limit, plan, events)
        return events

    def _oco_fault(self, command: PlaceOco, live: LiveMarket, account: Account) -> Refusal | None:
        limit, stop = command.limit, command.stop
        fees = live.fees_of(account.tier)
        return (
            rules.oco_fault(command, live, self._state.at_ns, fees)
            or rules.within("limit", _entry_fault(limit, live, account))
            or rules.within("stop", _entry_fault(stop, live, account))
            or rules.within("limit", _name_fault(limit, account))
            or rules.within("stop", _name_fault(stop, account, limit.client_order_id))
            or _count_fault(live, account, 2)
            or rules.oco_price_fault(command, live)
        )

    def place_oto(self, command: PlaceOto) -> Answer:
        state = self._state
        live = state.markets.get(command.parent.market)
        if live is None:
            return Refusal(Reject.UNKNOWN_MARKET, "parent.market")
        account = state.ledger.account(command.account_id)
        fault = self._oto_fault(command, live, account)
        if fault is not None:
            return fault
        parent = _new_order(state, live, account, command.parent)
        child = _new_order(state, live, account, command.child, later=1)
        child.status = _PENDING
        parent.terms, child.terms = parent.terms or OrderTerms(), child.terms or OrderTerms()
        parent.terms.child_order_id, child.terms.parent_order_id = child.order_id, parent.order_id
        may_meet_own = account.open_counts.get(live.name, 0) > 0
        plan = plan_order(live, parent, may_meet_own=may_meet_own)
        balance = state.held_balance(live, parent)
        if balance.available < plan.hold_atoms:
            return Refusal(Reject.INSUFFICIENT_FUNDS, f"parent.{_sized_by(command.parent)}")
        events: list[Event] = []
        self._accept(account, balance, parent, plan.hold_atoms, events)
        self._accept(account, state.held_balance(live, child), child, 0, events)
        self._triggering.send(live, parent, plan, events)
        return events

    def _oto_fault(self, command: PlaceOto, live: LiveMarket, account: Account) -> Refusal | None:
        parent, child = command.parent, command.child
        fees = live.fees_of(account.tier)
        return (
            rules.oto_fault(command, live, self._state.at_ns, fees)
            or rules.within("parent", _entry_fault(parent, live, account))
            or rules.within("parent", _name_fault(parent, account))
            or rules.within("child", _name_fault(child, account, parent.client_order_id))
            or _count_fault(live, account, 2)
            or rules.within("parent", rules.price_fault(parent, live))
        )

    # ---- acceptance ----

    def _accept(
        self,
        account: Account,
        balance: Balance,
        order: Order,
        hold_atoms: int,
        events: list[Event],
    ) -> None:
        state = self._state
        order.held_atoms = hold_atoms
        hold = state.ledger.move(balance, -hold_atoms, hold_atoms)
        state.open_order(account, order)
        account_sequence = state.ledger.next_sequence(account)
        order.rank = sequence = state.next_event()
        terms = order.terms or _NO_TERMS
        events.append(
            OrderAccepted(
                sequence,
                order.account_id,
                account_sequence,
                order.order_id,
                order.client_order_id,
                order.market,
                order.side,
                order.type,
                order.time_in_force,
                order.price_ticks,
                order.quantity_lots,
                order.budget_atoms,
                hold,
                order.status,
                order.post_only,
                order.expires_at_ns,
                terms.display_lots,
                terms.stop_price_ticks,
                terms.trail_ticks,
                terms.trail_ppm,
                terms.peer_order_id,
                terms.parent_order_id,
                order.self_trade,
            )
        )


def _checked_stop(
    live: LiveMarket, account: Account, balance: Balance, order: Order, command: PlaceOrder
) -> _Ready | Refusal:
    if command.type is OrderType.TRAILING_STOP:
        assert order.terms is not None, "A stop has terms."
        start_trailing(order.terms, order.side, live.anchor_ticks())
    hold_atoms = holds.pending_hold(live, order)
    if balance.available < hold_atoms:
        return Refusal(Reject.INSUFFICIENT_FUNDS, _sized_by(command))
    return live, account, balance, order, hold_atoms, None


def _new_order(
    state: State, live: LiveMarket, account: Account, command: PlaceOrder, *, later: int = 0
) -> Order:
    """Return the order that a command would make; nothing knows of it yet."""
    maker_fee_ppm, taker_fee_ppm = live.fees_of(account.tier)
    return Order(
        state.next_order_id + later,
        account.account_id,
        command.client_order_id,
        live.name,
        command.side,
        command.type,
        command.time_in_force,
        command.price_ticks,
        command.quantity_lots,
        command.budget_atoms,
        0,  # Filled lots,
        0,  # filled quote atoms,
        0,  # fee atoms,
        0,  # held atoms: nothing yet.
        _OPEN,
        0,  # It has no rank outside the book,
        state.at_ns,
        state.at_ns,
        0,  # and no lots in it.
        maker_fee_ppm,
        taker_fee_ppm,
        command.self_trade or live.self_trade,
        command.post_only,
        command.expires_at_ns,
        None if command.type is _LIMIT and not command.display_lots else _terms_of(command),
    )


def _terms_of(command: PlaceOrder) -> OrderTerms | None:
    if command.type not in STOPS:
        return OrderTerms(display_lots=command.display_lots) if command.display_lots else None
    return OrderTerms(
        stop_price_ticks=command.stop_price_ticks,
        trail_ticks=command.trail_ticks,
        trail_ppm=command.trail_ppm,
    )


def _entry_fault(command: PlaceOrder, live: LiveMarket, account: Account) -> Refusal | None:
    """Check what the account and the market allow at this moment: steps 7 to 9."""
    if account.is_suspended:
        return Refusal(Reject.ACCOUNT_SUSPENDED, "account_id")
    if live.status is not MarketStatus.OPEN:
        fault = rules.status_fault(command, live)
        if fault is not None:
            return fault
    if live.buy_band_ppm or live.sell_band_ppm:
        return rules.band_fault(command, live)
    return None


def _place_fault(command: PlaceOrder, live: LiveMarket, account: Account) -> Refusal | None:
    """Check that there is a place for an order among the account's others: steps 10 and 11."""
    if command.client_order_id and command.client_order_id in account.client_orders:
        return Refusal(Reject.DUPLICATE_CLIENT_ORDER_ID, "client_order_id")
    if live.open_orders_max and rules.may_stay(command):
        return _count_fault(live, account, 1)
    return None


def _name_fault(command: PlaceOrder, account: Account, taken: str = "") -> Refusal | None:
    """Check that the order's name is free, also from that of the other one of its pair: step 10."""
    name = command.client_order_id
    if name and (name in account.client_orders or name == taken):
        return Refusal(Reject.DUPLICATE_CLIENT_ORDER_ID, "client_order_id")
    return None


def _count_fault(live: LiveMarket, account: Account, count: int) -> Refusal | None:
    """Check that there is room for `count` more among the account's open orders: step 11."""
    if live.open_orders_max:
        open_count = account.open_counts.get(live.name, 0)
        if open_count + count > live.open_orders_max:
            return Refusal(Reject.TOO_MANY_OPEN_ORDERS, "market")
    return None


def _sized_by(command: PlaceOrder) -> str:
    return "budget_atoms" if command.budget_atoms else "quantity_lots"
