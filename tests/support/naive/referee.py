"""The core and the naive exchange side by side: the same commands, then a look at everything.

The rule of this file: a difference is an AssertionError with both sides in it. `shortest` leaves
out of a day what the difference does not need.
"""

from collections import Counter
from collections.abc import Callable

from engine.core import invariants
from engine.core.exchange import Exchange, Limits
from shared.messages import Command, Order, OrderStatus
from tests.support.naive.exchange import NaiveExchange
from tests.support.naive.facts import facts_of
from tests.support.naive.world import BOOK, NaiveOrder

Entry = tuple[Command, int]
LEVELS = 1_000


class Referee:
    """Applies commands to both and compares all there is to see."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.exchange = Exchange(self.limits)
        self.naive = NaiveExchange()
        self.journal: list[Entry] = []

    def apply(self, command: Command, at_ns: int) -> None:
        self.journal.append((command, at_ns))
        expected = self.naive.apply(command, at_ns)
        events = self.exchange.apply(command, at_ns=at_ns)
        happened = facts_of(events)
        assert happened == expected, f"{command}\n  core:  {happened}\n  naive: {expected}"
        changes = self.exchange.drain_changes()
        invariants.check_changes(self.exchange, changes)
        invariants.check(self.exchange)
        self._compare_balances()
        self._compare_withdrawals()
        self._compare_markets()
        self._compare_orders()

    def restore(self) -> None:
        """Go on with an exchange made of the rows of the one so far."""
        before = self.exchange.state_hash()
        self.exchange = Exchange.restore(self.exchange.rows(), self.limits)
        invariants.check(self.exchange)
        assert self.exchange.state_hash() == before, "The rows give another state."

    def _compare_balances(self) -> None:
        world = self.naive.world
        held: Counter[tuple[int, str]] = Counter()
        for order in world.orders:
            held[order.account, world.held_asset(order)] += order.held
        for one in world.withdrawals:
            held[one.account, one.asset] += one.amount
        for (account, asset), total in world.total.items():
            naive = total - held[account, asset], held[account, asset]
            core = self.exchange.balance(account, asset)
            assert core == naive, f"Account {account} has {core} {asset}, naively {naive}."
            assert min(naive) >= 0, f"Account {account} naively has {naive} {asset}."
        for asset, entered in world.entered.items():
            there = sum(amount for (_, of), amount in world.total.items() if of == asset)
            earned = world.earned.get(asset, 0)
            assert there + earned == entered, f"The naive exchange lost {asset}."

    def _compare_withdrawals(self) -> None:
        core = [
            (asked.withdrawal_id, asked.account_id, asked.asset, asked.amount_atoms)
            for asked in self.exchange.state.withdrawals.values()
        ]
        naive = [
            (one.ident, one.account, one.asset, one.amount) for one in self.naive.world.withdrawals
        ]
        assert core == naive, f"Pending withdrawals: {core}, naively {naive}."

    def _compare_markets(self) -> None:
        for name in self.naive.world.markets:
            depth, naive = self.exchange.depth(name, LEVELS), self.naive.world.depth(name)
            core = list(depth.bids), list(depth.asks)
            assert core == naive, f"{name} shows {core}, naively {naive}."

    def _compare_orders(self) -> None:
        world = self.naive.world
        accounts = {account for account, _ in world.total}
        core = [_picture(o) for account in accounts for o in self.exchange.open_orders(account)]
        naive = [_naive_picture(order) for order in world.orders]
        core, naive = sorted(core), sorted(naive)
        assert core == naive, f"Open orders:\n  core:  {core}\n  naive: {naive}"


def _picture(order: Order) -> tuple[object, ...]:
    terms, waits = order.terms, order.status is OrderStatus.PENDING
    moving = (terms.stop_price_ticks, terms.watermark_ticks) if terms and waits else (0, 0)
    lots = order.quantity_lots, order.filled_lots, order.open_lots
    money = order.price_ticks, order.held_atoms
    return order.order_id, str(order.status), *lots, *money, *moving


def _naive_picture(order: NaiveOrder) -> tuple[object, ...]:
    status = OrderStatus.PENDING
    if order.place == BOOK:
        status = OrderStatus.PARTIALLY_FILLED if order.filled else OrderStatus.OPEN
    moving = (0, 0) if order.place == BOOK else (order.stop_price, order.watermark)
    lots = order.quantity, order.filled, order.shown
    return order.order_id, str(status), *lots, order.price, order.held, *moving


# ---- a day again, and as little of it as shows the difference ----


def difference(journal: list[Entry]) -> str | None:
    """Return what differs when both go through the journal, None if nothing does."""
    referee = Referee()
    try:
        for command, at_ns in journal:
            referee.apply(command, at_ns)
    except AssertionError as error:
        return str(error) or repr(error)
    except Exception as error:  # noqa: BLE001  A crash of either is a difference too.
        return repr(error)
    return None


def shortest(
    journal: list[Entry], differs: Callable[[list[Entry]], object] = difference
) -> list[Entry]:
    """Return what is left of the journal when nothing more can be left out."""
    part = max(1, len(journal) // 2)
    while True:
        place, shrank = 0, False
        while place < len(journal):
            less = journal[:place] + journal[place + part :]
            if differs(less):
                journal, shrank = less, True
            else:
                place += part
        if part == 1 and not shrank:
            return journal
        part = max(1, part // 2)
