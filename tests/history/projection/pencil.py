"""The orders, trades and fills of a day, written down with a pencil.

The rule of this file: it reads the facts of the naive exchange and the core's own rows, never an
event's numbers; one line of a notebook after the other, without a thought of speed.
"""

from history.projection.rows import (
    DepositRow,
    FillRow,
    OrderChangeRow,
    OrderRow,
    TradeRow,
    WithdrawalRow,
)
from shared.messages import (
    Command,
    FeeAsset,
    Order,
    OrderStatus,
    OrderTerms,
    OrderType,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    Side,
)
from tests.history.projection.days import RecordedDay, Told
from tests.support.naive.world import Fact

STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
CHANGES = ("accepted", "triggered", "amended", "cancelled", "expired")
RETURNED = {"requested": "cancelled", "refused": "refused"}


class Note:
    """An order in the notebook; what never changes of it is the core's own."""

    def __init__(self, order: Order, at_ns: int, n: int) -> None:
        self.order, self.placed_at_ns, self.placed_n = order, at_ns, n
        self.price, self.quantity = order.price_ticks, order.quantity_lots
        self.stop = 0
        self.filled = self.filled_quote = self.fees = 0
        self.status, self.end_reason = "", ""
        self.updated_at_ns = self.updated_sequence = 0

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled if self.quantity else 0


class Pencil:
    """Everything of a day that the recording is to give, but the ledger and the candles."""

    def __init__(self, day: RecordedDay) -> None:
        self.trades: list[TradeRow] = []
        self.fills: list[FillRow] = []
        self.changes: list[OrderChangeRow] = []
        self.deposits: list[DepositRow] = []
        self.withdrawals: dict[int, WithdrawalRow] = {}
        self.orders: dict[int, OrderRow] = {}
        self._markets = day.naive.world.markets
        self._notes: dict[int, Note] = {}
        self._trade_ids: dict[str, int] = {}
        for told in day.told:
            self._read(told)

    def _read(self, told: Told) -> None:
        for sequence, fact in told.facts:
            if fact[0] in CHANGES:
                self._change(told, sequence, fact)
            elif fact[0] == "trade":
                self._trade(told, sequence, fact)
            elif str(fact[0]).startswith("withdraw") or fact[0] == "deposited":
                self._money(told, sequence, fact)
        for order_id, order in told.orders.items():
            self.orders[order_id] = order_row(self._notes[order_id], order)

    def _change(self, told: Told, sequence: int, fact: Fact) -> None:
        kind, order_id, *rest = str(fact[0]), _number(fact[1]), *fact[2:]
        at_ns, n = told.applied.at_ns, told.applied.n
        if kind == "accepted":
            self._notes[order_id] = Note(told.orders[order_id], at_ns, n)
        note = self._notes[order_id]
        reason = _write_down(note, kind, rest, told.command)
        note.updated_at_ns, note.updated_sequence = at_ns, sequence
        row = OrderChangeRow(
            order_id=order_id,
            sequence=sequence,
            at_ns=at_ns,
            n=n,
            account_id=note.order.account_id,
            market=note.order.market,
            change=kind,
            reason=reason,
            status=note.status,
            price_ticks=note.price,
            stop_price_ticks=note.stop,
            quantity_lots=note.quantity,
            filled_lots=note.filled,
            remaining_lots=note.remaining,
        )
        self.changes.append(row)

    def _trade(self, told: Told, sequence: int, fact: Fact) -> None:
        market = str(fact[1])
        price, lots, maker_id, taker_id, maker_fee, taker_fee = map(_number, fact[2:])
        maker, taker = self._notes[maker_id].order, self._notes[taker_id].order
        trade_id = self._trade_ids[market] = self._trade_ids.get(market, 0) + 1
        trade = TradeRow(
            market=market,
            trade_id=trade_id,
            at_ns=told.applied.at_ns,
            n=told.applied.n,
            sequence=sequence,
            price_ticks=price,
            quantity_lots=lots,
            quote_atoms=price * lots * self._markets[market].rate,
            taker_side=taker.side.value,
            maker_account_id=maker.account_id,
            maker_order_id=maker_id,
            maker_fee_atoms=maker_fee,
            taker_account_id=taker.account_id,
            taker_order_id=taker_id,
            taker_fee_atoms=taker_fee,
        )
        self.trades.append(trade)
        self._fill(trade, "maker", self._notes[maker_id], trade.maker_fee_atoms)
        self._fill(trade, "taker", self._notes[taker_id], trade.taker_fee_atoms)

    def _fill(self, trade: TradeRow, role: str, note: Note, fee: int) -> None:
        market, order = self._markets[trade.market], note.order
        note.filled += trade.quantity_lots
        note.filled_quote += trade.quote_atoms
        note.fees += fee
        note.updated_at_ns, note.updated_sequence = trade.at_ns, trade.sequence
        note.status = "partially_filled"
        pays_in_base = order.side is Side.BUY and market.fee_asset is FeeAsset.RECEIVED
        row = FillRow(
            account_id=order.account_id,
            sequence=trade.sequence,
            role=role,
            at_ns=trade.at_ns,
            n=trade.n,
            market=trade.market,
            trade_id=trade.trade_id,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            side=order.side.value,
            price_ticks=trade.price_ticks,
            quantity_lots=trade.quantity_lots,
            quote_atoms=trade.quote_atoms,
            fee_asset=market.base if pays_in_base else market.quote,
            fee_atoms=fee,
            filled_lots=note.filled,
            remaining_lots=note.remaining,
        )
        self.fills.append(row)

    def _money(self, told: Told, sequence: int, fact: Fact) -> None:
        at_ns, n = told.applied.at_ns, told.applied.n
        kind, account_id, *rest = str(fact[0]), _number(fact[1]), *fact[2:]
        reference = getattr(told.command, "reference", "")
        if kind == "deposited":
            asset, amount = str(rest[0]), _number(rest[1])
            row = DepositRow(sequence, at_ns, n, account_id, asset, amount, reference)
            self.deposits.append(row)
        elif kind == "withdrawn":
            row_of = n, at_ns, account_id, str(rest[0]), -_number(rest[1]), reference
            self.withdrawals[n] = WithdrawalRow(*row_of, "immediate", at_ns, n, sequence)
        elif kind == "withdrawal_requested":
            row_of = n, at_ns, account_id, str(rest[1]), _number(rest[2]), reference
            self.withdrawals[n] = WithdrawalRow(*row_of, "pending", 0, 0, sequence)
        else:
            withdrawal_id = _number(rest[0])
            status = "settled" if kind == "withdrawal_settled" else RETURNED[str(rest[3])]
            self.withdrawals[withdrawal_id] = self.withdrawals[withdrawal_id]._replace(
                status=status, ended_at_ns=at_ns, ended_n=n, updated_sequence=sequence
            )


def _write_down(note: Note, kind: str, rest: list[object], command: Command | None) -> str:
    """Change the note, and return the reason that there is for it."""
    if kind == "accepted":
        note.status = str(rest[1])
        note.stop, note.price, note.quantity = _asked(note, command)
    elif kind == "triggered":
        stop = _number(rest[0])
        note.stop = stop or note.stop
        # A stop whose parent is filled goes on waiting, for its price from now on.
        note.status = "pending" if not stop and note.order.type in STOPS else "open"
    elif kind == "amended":
        note.quantity, note.price, note.stop = map(_number, (rest[0], rest[4], rest[5]))
        return str(rest[6])
    else:
        note.status, note.end_reason = kind, str(rest[0])
        return note.end_reason
    return ""


def _asked(note: Note, command: Command | None) -> tuple[int, int, int]:
    """Return (stop price, price, quantity) as they were asked for."""
    terms, order_id = note.order.terms or OrderTerms(), note.order.order_id
    is_second = bool(terms.parent_order_id) or 0 < terms.peer_order_id < order_id
    match command:
        case PlaceOco(limit=first, stop=second) | PlaceOto(parent=first, child=second):
            asked = second if is_second else first
        case PlaceOrder():
            asked = command
        case _:
            raise AssertionError(f"No order is accepted for {command}.")
    stop_price = asked.stop_price_ticks
    if asked.type is OrderType.TRAILING_STOP and not terms.parent_order_id:
        stop_price = terms.stop_price_ticks  # It begins at its distance.
    return stop_price, asked.price_ticks, asked.quantity_lots


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def order_row(note: Note, order: Order) -> OrderRow:
    """Return the row of an order: what the core has, and of the notes what the core does not keep.

    The core moves the price of a trailing stop without a word; what is known is what it was told.
    """
    terms = order.terms
    assert (note.quantity, note.filled, note.price) == (
        order.quantity_lots,
        order.filled_lots,
        order.price_ticks,
    ), "The naive exchange and the core differ."
    trails = order.type is OrderType.TRAILING_STOP
    stop = note.stop if trails or terms is None else terms.stop_price_ticks
    has_ended = order.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED)
    return OrderRow(
        order_id=order.order_id,
        placed_at_ns=order.placed_at_ns,
        placed_n=note.placed_n,
        account_id=order.account_id,
        client_order_id=order.client_order_id,
        market=order.market,
        side=order.side.value,
        type=order.type.value,
        time_in_force=order.time_in_force.value,
        price_ticks=order.price_ticks,
        quantity_lots=order.quantity_lots,
        budget_atoms=order.budget_atoms,
        filled_lots=order.filled_lots,
        filled_quote_atoms=order.filled_quote_atoms,
        fee_atoms=order.fee_atoms,
        status=order.status.value,
        end_reason=note.end_reason if has_ended else "",
        post_only=order.post_only,
        self_trade=order.self_trade.value,
        expires_at_ns=order.expires_at_ns,
        display_lots=terms.display_lots if terms else 0,
        stop_price_ticks=stop,
        trail_ticks=terms.trail_ticks if terms else 0,
        trail_ppm=terms.trail_ppm if terms else 0,
        peer_order_id=terms.peer_order_id if terms else 0,
        parent_order_id=terms.parent_order_id if terms else 0,
        updated_at_ns=order.updated_at_ns,
        updated_sequence=note.updated_sequence,
    )
