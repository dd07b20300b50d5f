"""An engine for tests of its readers: it commits what it is told, without any rule of exchange.

The rule of this file: each commit is one MULTI of rows, events and position, as the real one's, so
whatever a reader sees is consistent; only the publishing can be withheld.
"""

import redis

from shared.channels import Keys, balance_field
from shared.messages import (
    AccountRow,
    Applied,
    Asset,
    AssetCreated,
    BalanceChange,
    DepthChanged,
    Event,
    FeeAsset,
    Fill,
    FundsDeposited,
    Market,
    MarketCreated,
    MarketRules,
    MarketState,
    Order,
    OrderAccepted,
    OrderCancelled,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    TradeExecuted,
)
from shared.wire import TradeRow, encode

Levels = dict[int, int]  # Price in ticks -> absolute lots, 0 removes.
NOTHING = BalanceChange("INR", 0, 0, 0, 0)


def inr_market(base: str, fee_asset: FeeAsset = FeeAsset.RECEIVED) -> Market:
    """A market against INR: ticks of 0.05, lots of one unit."""
    return Market(
        market=f"{base}_INR",
        base=base,
        quote="INR",
        price_scale=2,
        price_tick=5,
        lot_atoms=100,
        atoms_per_tick_lot=5,
        fee_asset=fee_asset,
        rules=MarketRules(maker_fee_ppm=1_000, taker_fee_ppm=2_000),
    )


class FakeEngine:
    """Collects events and rows by its methods; `commit` writes and publishes them."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self.epoch = 1
        self.n = 0
        self.sequence = 0
        self.at_ns = 1_700_000_000_000_000_000
        self.books: dict[str, tuple[Levels, Levels]] = {}
        self.account_sequences: dict[int, int] = {}
        self._states: dict[str, MarketState] = {}
        self._balances: dict[tuple[int, str], int] = {}
        self._orders: dict[int, Order] = {}
        self._events: list[Event] = []
        self._pipe = client.pipeline(transaction=True)

    # ---- what happens ----

    def create_asset(self, asset: str, scale: int = 2) -> None:
        row = Asset(asset, scale)
        self._pipe.hset(self._keys.assets, asset, encode(row))
        self._events.append(AssetCreated(self._next(), row))

    def create_market(self, market: Market) -> None:
        self.books[market.market] = ({}, {})
        self._pipe.hset(self._keys.markets, market.market, encode(market))
        self._put_state(MarketState(market.market, 0, 0, 0))
        self._events.append(MarketCreated(self._next(), market))

    def change_depth(
        self, market: str, bids: Levels | None = None, asks: Levels | None = None
    ) -> None:
        sides = (bids or {}, asks or {})
        for letter, book, changes in zip("ba", self.books[market], sides, strict=True):
            for price_ticks, lots in changes.items():
                field = f"{letter}{price_ticks}"
                if lots:
                    book[price_ticks] = lots
                    self._pipe.hset(self._keys.depth(market), field, str(lots))
                else:
                    book.pop(price_ticks, None)
                    self._pipe.hdel(self._keys.depth(market), field)
        state = self._states[market]
        sequence = state.depth_sequence + 1
        self._put_state(MarketState(market, sequence, state.last_trade_id, state.last_price_ticks))
        changed = (tuple(changes.items()) for changes in sides)
        self._events.append(DepthChanged(self._next(), market, sequence, *changed))

    def trade(
        self, market: str, price_ticks: int, lots: int, *, maker: int = 1, taker: int = 2
    ) -> None:
        """A buyer takes; both orders are filled, with fees of 1 and 2 atoms."""
        state = self._states[market]
        trade_id = state.last_trade_id + 1
        self._put_state(MarketState(market, state.depth_sequence, trade_id, price_ticks))
        row = TradeRow(trade_id, self.at_ns, price_ticks, lots, Side.BUY)
        self._pipe.lpush(self._keys.trades(market), encode(row))
        fills = [self._fill(account_id, lots, fee) for account_id, fee in ((maker, 1), (taker, 2))]
        self._events.append(
            TradeExecuted(
                self._next(),
                market,
                trade_id,
                price_ticks,
                lots,
                price_ticks * lots * 5,
                Side.BUY,
                *fills,
            )
        )

    def deposit(self, account_id: int, asset: str, atoms: int, reference: str = "") -> None:
        total = self._balances.get((account_id, asset), 0) + atoms
        self._balances[account_id, asset] = total
        self._pipe.hset(self._keys.balances, balance_field(account_id, asset), f"{total} 0")
        change = BalanceChange(asset, atoms, 0, total, 0)
        sequence, account_sequence = self._next(), self._next_of(account_id)
        self._events.append(
            FundsDeposited(sequence, account_id, account_sequence, change, reference)
        )

    def accept(self, account_id: int, order_id: int, market: str, price_ticks: int = 100) -> None:
        order = Order(
            order_id=order_id,
            account_id=account_id,
            client_order_id=f"mine-{order_id}",
            market=market,
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            price_ticks=price_ticks,
            quantity_lots=3,
            budget_atoms=0,
            filled_lots=0,
            filled_quote_atoms=0,
            fee_atoms=0,
            held_atoms=price_ticks * 15,
            status=OrderStatus.OPEN,
            rank=order_id,
            placed_at_ns=self.at_ns,
            updated_at_ns=self.at_ns,
        )
        self._orders[order_id] = order
        self._pipe.hset(self._keys.open_orders(account_id), str(order_id), encode(order))
        self._events.append(
            OrderAccepted(
                sequence=self._next(),
                account_id=account_id,
                account_sequence=self._next_of(account_id),
                order_id=order_id,
                client_order_id=order.client_order_id,
                market=market,
                side=order.side,
                type=order.type,
                time_in_force=order.time_in_force,
                price_ticks=price_ticks,
                quantity_lots=order.quantity_lots,
                budget_atoms=0,
                hold=NOTHING,
            )
        )

    def cancel(self, order_id: int) -> None:
        order = self._orders.pop(order_id)
        account_id = order.account_id
        self._pipe.hdel(self._keys.open_orders(account_id), str(order_id))
        self._events.append(
            OrderCancelled(
                sequence=self._next(),
                account_id=account_id,
                account_sequence=self._next_of(account_id),
                order_id=order_id,
                client_order_id=order.client_order_id,
                market=order.market,
                filled_lots=0,
                remaining_lots=order.quantity_lots,
                release=NOTHING,
            )
        )

    # ---- what is told ----

    def commit(self, *, publish: bool = True) -> bytes:
        """Make all since the last commit true, as one journal entry; return the batch's bytes."""
        self.n += 1
        self.at_ns += 1_000_000
        batch = encode([Applied(self.n, self.at_ns, tuple(self._events))])
        for name, value in (
            ("epoch", self.epoch),
            ("position", self.n),
            ("sequence", self.sequence),
            ("at_ns", self.at_ns),
        ):
            self._pipe.hset(self._keys.meta, name, str(value))
        self._pipe.xadd(self._keys.events, {"e": batch}, id=f"{self.sequence}-0")
        self._pipe.execute()
        self._events.clear()
        if publish:
            self.publish(batch)
        return batch

    def publish(self, batch: bytes) -> None:
        self._client.publish(self._keys.events_channel, batch)

    def beat(self) -> None:
        self._client.publish(self._keys.heartbeat_channel, f"{self.epoch} {self.sequence}")

    def trim(self) -> None:
        """Forget every event so far."""
        self._client.xtrim(self._keys.events, maxlen=0, approximate=False)

    # ---- helpers ----

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence

    def _next_of(self, account_id: int) -> int:
        sequence = self.account_sequences.get(account_id, 0) + 1
        self.account_sequences[account_id] = sequence
        self._pipe.hset(self._keys.accounts, str(account_id), encode(AccountRow(sequence)))
        return sequence

    def _put_state(self, state: MarketState) -> None:
        self._states[state.market] = state
        self._pipe.hset(self._keys.market_states, state.market, encode(state))

    def _fill(self, account_id: int, lots: int, fee_atoms: int) -> Fill:
        return Fill(
            account_id=account_id,
            account_sequence=self._next_of(account_id),
            order_id=900 + account_id,
            client_order_id="",
            filled_lots=lots,
            remaining_lots=0,
            status=OrderStatus.FILLED,
            fee_atoms=fee_atoms,
            base=NOTHING,
            quote=NOTHING,
        )


def venue_with_markets(client: redis.Redis, keys: Keys, *bases: str) -> FakeEngine:
    """Return an engine that has committed INR and a market against it for each base."""
    engine = FakeEngine(client, keys)
    engine.create_asset("INR")
    for base in bases:
        engine.create_asset(base)
        engine.create_market(inr_market(base))
    engine.commit()
    return engine
