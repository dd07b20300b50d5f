"""A small exchange that writes its own history: rows as they would be, and nothing behind them.

The rule of this file: rows are made by hand, not by the projection, so that what is asked of the
history is compared with a plain list of what happened.
"""

from random import Random

from history.projection.batch import Batch
from history.projection.candles import MarketCandles
from history.projection.intervals import SECOND_NS, close_of, open_of
from history.projection.rows import (
    AssetRow,
    CursorRow,
    FillRow,
    LedgerRow,
    MarketRow,
    OrderChangeRow,
    OrderRow,
    RejectionRow,
    TradeRow,
)

START_NS = 1_795_391_990_000_000_000  # A Sunday, ten seconds before the end of a week.
ASSETS = {"TATA": 0, "INR": 2, "BTC": 8}
MARKETS = {
    # By name: base, quote, price scale, tick, lot atoms, atoms of a tick lot, fee asset.
    "TATA_INR": ("TATA", "INR", 2, 5, 1, 5, "received"),
    "BTC_INR": ("BTC", "INR", 0, 1, 10_000_000, 10, "quote"),
}
ACCOUNTS = (1, 2, 3)
STEPS_NS = (0, 0, 1, 1_000, SECOND_NS // 3, SECOND_NS, 90 * SECOND_NS, 20_000 * SECOND_NS)


class World:
    """What has happened so far. `taken` gives what is new as a batch, with its cursor."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.at_ns, self.n, self.sequence = START_NS, 0, 0
        self.trades: list[TradeRow] = []
        self.fills: list[FillRow] = []
        self.ledger: list[LedgerRow] = []
        self.rejections: list[RejectionRow] = []
        self.changes: list[OrderChangeRow] = []
        self.orders: dict[int, OrderRow] = {}
        self.balances: dict[tuple[int, str], tuple[int, int]] = {}
        self._candles = {name: MarketCandles(name) for name in MARKETS}
        self._batch = Batch()
        for asset, scale in ASSETS.items():
            self._batch.assets[asset] = AssetRow(asset, scale, self.at_ns)
        for name, terms in MARKETS.items():
            self._batch.markets[name] = MarketRow(name, *terms, "{}", self.at_ns)

    def happen(self, count: int) -> None:
        """Let so many things happen."""
        happenings = (self.place, self.place, self.trade, self.trade, self.trade)
        for _ in range(count):
            self._pass_time()
            self.draw.choice((*happenings, self._cancelled, self._refused, self._deposited))()

    def taken(self) -> tuple[Batch, CursorRow]:
        """Return the rows that are new since the last time, and how far they are."""
        batch, self._batch = self._batch, Batch()
        for name, candles in self._candles.items():
            batch.candles += candles.add([row for row in batch.trades if row.market == name])
        return batch, CursorRow(self.sequence, self.n, self.at_ns, "")

    def _pass_time(self) -> None:
        step_ns = self.draw.choice(STEPS_NS)
        if step_ns > SECOND_NS and self.draw.random() < 0.3:
            interval_s = self.draw.choice((60, 3_600, 86_400))
            step_ns = close_of(open_of(self.at_ns, interval_s), interval_s) - self.at_ns
            step_ns += self.draw.choice((-1, 0, 1))
        self.at_ns += max(0, step_ns)
        self.n += 1

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence

    def _line(self, account_id: int, asset: str, available: int, held: int, **more: object) -> None:
        old = self.balances.get((account_id, asset), (0, 0))
        new = old[0] + available, old[1] + held
        self.balances[account_id, asset] = new
        names = {
            "leg": 0,
            "cause": "trade",
            "fee_atoms": 0,
            "market": "",
            "order_id": 0,
            "trade_id": 0,
            "withdrawal_id": 0,
            "counterparty_account_id": 0,
            "reference": "",
        } | more
        row = LedgerRow(
            account_id=account_id,
            asset=asset,
            sequence=self.sequence,
            at_ns=self.at_ns,
            n=self.n,
            available_change=available,
            held_change=held,
            available=new[0],
            held=new[1],
            **names,  # type: ignore[arg-type]
        )
        self.ledger.append(row)
        self._batch.ledger.append(row)

    def place(self) -> None:
        """Let somebody place an order, and sometimes another one that waits for it."""
        draw, order_id = self.draw, len(self.orders) + 1
        market = draw.choice(list(MARKETS))
        sequence, by_budget = self._next(), draw.random() < 0.1
        stop_ticks = draw.choice((0, 0, 0, draw.randint(90, 110)))
        row = OrderRow(
            order_id=order_id,
            placed_at_ns=self.at_ns,
            placed_n=self.n,
            account_id=draw.choice(ACCOUNTS),
            client_order_id=draw.choice(("", f"mine-{order_id % 7}", f"-{order_id}:=x")),
            market=market,
            side=draw.choice(("buy", "sell")),
            type="market" if by_budget else draw.choice(("limit", "stop_limit")),
            time_in_force="gtc",
            price_ticks=0 if by_budget else draw.randint(90, 110),
            quantity_lots=0 if by_budget else draw.randint(1, 50),
            budget_atoms=draw.randint(1_000, 90_000) if by_budget else 0,
            filled_lots=0,
            filled_quote_atoms=0,
            fee_atoms=0,
            status="pending" if stop_ticks else "open",
            end_reason="",
            post_only=draw.random() < 0.3,
            self_trade="allow",
            expires_at_ns=draw.choice((0, self.at_ns + 10)),
            display_lots=draw.choice((0, 3)),
            stop_price_ticks=stop_ticks,
            trail_ticks=0,
            trail_ppm=draw.choice((0, 5_000)),
            peer_order_id=0,
            parent_order_id=0,
            updated_at_ns=self.at_ns,
            updated_sequence=sequence,
        )
        if order_id > 1 and self.orders[order_id - 1].placed_n == self.n:
            row = row._replace(parent_order_id=order_id - 1)
        self._change(row, "accepted")
        held = {"cause": "order_accepted", "market": market, "order_id": order_id}
        self._line(row.account_id, MARKETS[market][1], -7, 7, **held)
        if draw.random() < 0.2:
            self.place()  # Another one, which waits for this one.

    def _change(self, row: OrderRow, change: str, reason: str = "") -> None:
        row = row._replace(updated_at_ns=self.at_ns, updated_sequence=self.sequence)
        self.orders[row.order_id] = self._batch.orders[row.order_id] = row
        found = OrderChangeRow(
            row.order_id,
            self.sequence,
            self.at_ns,
            self.n,
            row.account_id,
            row.market,
            change,
            reason,
            row.status,
            row.price_ticks,
            row.stop_price_ticks,
            row.quantity_lots,
            row.filled_lots,
            max(0, row.quantity_lots - row.filled_lots),
        )
        self.changes.append(found)
        self._batch.order_changes.append(found)

    def _living(self, market: str = "", side: str = "") -> list[OrderRow]:
        return [
            row
            for row in self.orders.values()
            if row.status in ("open", "partially_filled")
            and market in ("", row.market)
            and side in ("", row.side)
        ]

    def _cancelled(self) -> None:
        if living := self._living():
            row = self.draw.choice(living)
            self._next()
            self._change(
                row._replace(status="cancelled", end_reason="requested"), "cancelled", "requested"
            )

    def _refused(self) -> None:
        row = RejectionRow(
            self._next(),
            self.at_ns,
            self.n,
            self.draw.choice(ACCOUNTS),
            "INSUFFICIENT_FUNDS",
            "price_ticks",
            self.draw.choice(("", *MARKETS)),
            self.draw.choice((0, 5)),
            self.draw.choice(("", "mine")),
        )
        self.rejections.append(row)
        self._batch.rejections.append(row)

    def _deposited(self) -> None:
        self._next()
        asset = self.draw.choice(list(ASSETS))
        account_id, reference = self.draw.choice(ACCOUNTS), f"-in-{self.n}"
        amount = self.draw.randint(1, 10**6)
        self._line(account_id, asset, amount, 0, cause="deposit", reference=reference)

    def trade(self) -> None:
        """Let two orders trade, if there are two."""
        market = self.draw.choice(list(MARKETS))
        makers, takers = self._living(market, "buy"), self._living(market, "sell")
        if not makers or not takers:
            return
        pair = [self.draw.choice(makers), self.draw.choice(takers)]
        self.draw.shuffle(pair)
        sequence, ticks, lots = self._next(), self.draw.randint(90, 110), self.draw.randint(1, 9)
        lots = min(
            [lots, *(row.quantity_lots - row.filled_lots for row in pair if row.quantity_lots)]
        )
        atoms = ticks * lots * MARKETS[market][5]
        trade_id = 1 + sum(row.market == market for row in self.trades)
        for role, row in zip(("maker", "taker"), pair, strict=True):
            self._filled(row, role, trade_id, ticks, lots, atoms=atoms)
        maker, taker = pair
        trade = TradeRow(
            market,
            trade_id,
            self.at_ns,
            self.n,
            sequence,
            ticks,
            lots,
            atoms,
            taker.side,
            maker.account_id,
            maker.order_id,
            -1,
            taker.account_id,
            taker.order_id,
            2,
        )
        self.trades.append(trade)
        self._batch.trades.append(trade)

    def _filled(
        self, row: OrderRow, role: str, trade_id: int, ticks: int, lots: int, *, atoms: int
    ) -> None:
        base, quote, *_, fee_in = MARKETS[row.market]
        fee_atoms, sign = (-1 if role == "maker" else 2), (1 if row.side == "buy" else -1)
        fee_asset = str(base if fee_in == "received" and row.side == "buy" else quote)
        filled_lots = row.filled_lots + lots
        is_filled = filled_lots == row.quantity_lots
        self.orders[row.order_id] = self._batch.orders[row.order_id] = row._replace(
            filled_lots=filled_lots,
            filled_quote_atoms=row.filled_quote_atoms + atoms,
            fee_atoms=row.fee_atoms + fee_atoms,
            status="filled" if is_filled else "partially_filled",
            updated_at_ns=self.at_ns,
            updated_sequence=self.sequence,
        )
        fill = FillRow(
            row.account_id,
            self.sequence,
            role,
            self.at_ns,
            self.n,
            row.market,
            trade_id,
            row.order_id,
            row.client_order_id,
            row.side,
            ticks,
            lots,
            atoms,
            fee_asset,
            fee_atoms,
            filled_lots,
            max(0, row.quantity_lots - filled_lots),
        )
        self.fills.append(fill)
        self._batch.fills.append(fill)
        leg = 0 if role == "maker" else 2
        names = {"market": row.market, "order_id": row.order_id, "trade_id": trade_id}
        self._line(row.account_id, str(base), sign * lots, 0, leg=leg, **names)
        self._line(row.account_id, str(quote), -sign * atoms, 0, leg=leg + 1, **names)
