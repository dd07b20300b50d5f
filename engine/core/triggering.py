"""What follows from trades: stops are elected, children begin, a market halts, and each order that
is triggered is a taker of its own.

The rule of this file: one taker ends completely before the next begins, and whatever it triggers
queues up behind what was triggered before it. Each order is triggered once.
"""

from engine.core import ending, fees
from engine.core.markets import LiveMarket
from engine.core.matching import Matcher, Taker, show
from engine.core.orders import AT_A_LIMIT, START_WAITING, STOPS, TRIGGER, is_open
from engine.core.plans import Plan, plan_order
from engine.core.rules import would_take
from engine.core.state import State
from engine.core.timers import TimerKind
from engine.core.triggers import is_met, start_trailing
from shared.messages import (
    Event,
    ExpiryReason,
    MarketStatus,
    MarketStatusChanged,
    Order,
    OrderTriggered,
    OrderType,
    StatusReason,
    TimeInForce,
)

_OPEN = MarketStatus.OPEN
_GTC, _FOK, _IOC = TimeInForce.GTC, TimeInForce.FOK, TimeInForce.IOC
_LIMIT = OrderType.LIMIT


class Triggering:
    """Sends orders to the books of one exchange, and what they trigger after them."""

    __slots__ = ("_matcher", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._matcher = Matcher(state)

    def send(self, live: LiveMarket, order: Order, plan: Plan, events: list[Event]) -> None:
        """Carry out an open order that is not in the book, and all that follows from it."""
        self._take(live, order, plan, events)
        if self._state.triggered:
            self.trigger_all(events)

    def trigger_all(self, events: list[Event]) -> None:
        """Give every triggered order its turn, also those that are triggered meanwhile."""
        triggered = self._state.triggered
        while triggered:
            order_id, order = next(iter(triggered.items()))
            if is_open(order):  # Its pair may have ended it since.
                self._begin(order, events)
            del triggered[order_id]

    def elect(self, live: LiveMarket, price_ticks: int) -> None:
        """Trigger the stops that a price meets; their turn comes with `trigger_all`."""
        state = self._state
        for order in live.triggers.on_price(price_ticks, state.touch_order):
            state.trigger(order)

    def elect_after_opening(self, live: LiveMarket) -> None:
        """Trigger the stops that the last price meets, when a market becomes open."""
        if live.last_price_ticks:
            self.elect(live, live.last_price_ticks)

    def start_waiting(self, live: LiveMarket, order: Order) -> None:
        """Let a stop wait for its price, or trigger it if the price is there already."""
        if self.is_met_now(live, order):
            self._state.trigger(order)
        else:
            live.triggers.add(order)

    @staticmethod
    def is_met_now(live: LiveMarket, order: Order) -> bool:
        """Say whether a stop would be triggered at once."""
        if live.status is not _OPEN or not live.last_price_ticks or order.terms is None:
            return False
        if order.type is OrderType.TRAILING_STOP:
            return False  # It starts at a distance.
        return is_met(order.side, order.terms.stop_price_ticks, live.last_price_ticks)

    # ---- one taker ----

    def _take(self, live: LiveMarket, order: Order, plan: Plan, events: list[Event]) -> None:
        ladder = live.other_side(order.side)
        worst_key = ladder.worst_key(plan.limit_ticks)
        if ladder.head(worst_key) is None:
            if order.time_in_force is _GTC and order.type is _LIMIT:
                show(self._state, live, order)
            else:
                self._rest_or_expire(live, order, _expiry_reason(order), events)
            return
        taker = Taker(order, plan)
        self._matcher.match(live, taker, ladder, worst_key, events)
        if taker.has_ended:
            ending.expire(self._state, order, ExpiryReason.SELF_TRADE, events)
        elif not taker.is_filled:
            self._rest_or_expire(live, order, _expiry_reason(order), events)
        if taker.first_ticks:
            self._follow(live, taker.first_ticks, events)

    def _rest_or_expire(
        self, live: LiveMarket, order: Order, reason: ExpiryReason | None, events: list[Event]
    ) -> None:
        if reason is None:
            show(self._state, live, order)
        else:
            ending.expire(self._state, order, reason, events)

    def _follow(self, live: LiveMarket, first_ticks: int, events: list[Event]) -> None:
        last_ticks = live.last_price_ticks
        if len(live.triggers):
            self.elect(live, first_ticks)
            if last_ticks != first_ticks:
                self.elect(live, last_ticks)
        if live.rules.halt_move_ppm:  # A halt sends back what was elected, when its turn comes.
            self._watch_volatility(live, first_ticks, last_ticks, events)

    def _watch_volatility(
        self, live: LiveMarket, first_ticks: int, last_ticks: int, events: list[Event]
    ) -> None:
        state, rules = self._state, live.rules
        live.volatility.add(state.at_ns, first_ticks)
        live.volatility.add(state.at_ns, last_ticks)
        if live.volatility.is_exceeded():
            until_ns = state.at_ns + rules.halt_ns
            set_status(
                state, live, MarketStatus.HALTED, StatusReason.VOLATILITY, events, until_ns=until_ns
            )

    # ---- one triggered order ----

    def _begin(self, order: Order, events: list[Event]) -> None:
        live = self._state.markets[order.market]
        terms = order.terms
        assert terms is not None, "What is triggered has terms."
        if terms.parent_order_id and not order.held_atoms:
            self._begin_child(live, order, events)
        elif live.status is not _OPEN:
            live.triggers.add(order)  # Halted by an order before it: it waits again.
        else:
            ending.leave_peer(self._state, order, events)
            self._set_to_work(live, order, terms.stop_price_ticks, events)

    def _begin_child(self, live: LiveMarket, order: Order, events: list[Event]) -> None:
        reason = _child_fault(live, order)
        if reason is not None:
            ending.expire(self._state, order, reason, events)
        elif order.type in STOPS:
            self._set_waiting(live, order, events)
        else:
            self._set_to_work(live, order, 0, events)

    def _set_waiting(self, live: LiveMarket, order: Order, events: list[Event]) -> None:
        assert order.terms is not None, "A stop has terms."
        if order.type is OrderType.TRAILING_STOP:
            start_trailing(order.terms, order.side, live.anchor_ticks())
        if not self._hold(live, order, fees.pending_hold(live, order), 0, events):
            return
        order.status = START_WAITING[order.status]
        order.rank = self._state.sequence
        if self.is_met_now(live, order):
            self._set_to_work(live, order, order.terms.stop_price_ticks, events)
        else:
            live.triggers.add(order)

    def _set_to_work(
        self, live: LiveMarket, order: Order, stop_price_ticks: int, events: list[Event]
    ) -> None:
        account = self._state.ledger.account(order.account_id)
        may_meet_own = account.open_counts[order.market] > 1
        plan = plan_order(live, order, may_meet_own=may_meet_own)
        if self._hold(live, order, plan.hold_atoms, stop_price_ticks, events):
            order.status = TRIGGER[order.status]
            self._take(live, order, plan, events)

    def _hold(
        self,
        live: LiveMarket,
        order: Order,
        hold_atoms: int,
        stop_price_ticks: int,
        events: list[Event],
    ) -> bool:
        """Change what a triggered order holds and tell of it, or let it expire."""
        state = self._state
        balance = state.held_balance(live, order)
        more = hold_atoms - order.held_atoms
        if balance.available < more:
            ending.expire(state, order, ExpiryReason.INSUFFICIENT_FUNDS, events)
            return False
        state.touch_order(order)
        order.held_atoms = hold_atoms
        order.updated_at_ns = state.at_ns
        change = state.ledger.move(balance, -more, more)
        _, account_sequence = state.next_private_event(order.account_id)
        events.append(
            OrderTriggered(
                state.next_event(),
                order.account_id,
                account_sequence,
                order.order_id,
                order.client_order_id,
                order.market,
                stop_price_ticks,
                change,
            )
        )
        return True


def set_status(
    state: State,
    live: LiveMarket,
    status: MarketStatus,
    reason: StatusReason,
    events: list[Event],
    *,
    until_ns: int = 0,
) -> None:
    """Give a market a new status, until a time (0: until somebody changes it)."""
    live.status, live.status_reason, live.status_until_ns = status, reason, until_ns
    live.volatility.forget()
    if until_ns:
        state.timers.set(TimerKind.MARKET_STATUS, live.name, until_ns)
    else:
        state.timers.clear(TimerKind.MARKET_STATUS, live.name)
    state.touch_market(live)
    events.append(MarketStatusChanged(state.next_event(), live.name, status, reason, until_ns))


def _expiry_reason(order: Order) -> ExpiryReason | None:
    """Say why what remains of a taker may not rest, or None if it may."""
    time_in_force = order.time_in_force
    if time_in_force is _FOK:
        return ExpiryReason.FOK_NOT_FILLABLE
    if order.type not in AT_A_LIMIT:
        return ExpiryReason.MARKET_REMAINDER
    return ExpiryReason.IOC_REMAINDER if time_in_force is _IOC else None


def _child_fault(live: LiveMarket, order: Order) -> ExpiryReason | None:
    if live.status is not _OPEN:  # The fill of its parent has halted the market.
        return ExpiryReason.MARKET_NOT_OPEN
    takes = order.post_only and would_take(live, order.side, order.price_ticks)
    return ExpiryReason.POST_ONLY if takes else None
