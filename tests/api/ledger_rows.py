"""Rows as a commit would have written them, for tests of the reads.

The rule of this file: it writes what `shared.channels` documents, and nothing else.
"""

import redis
from msgspec.structs import replace

from shared.channels import Keys, balance_field, result_field
from shared.messages import (
    Asset,
    FeeAsset,
    Market,
    MarketRules,
    MarketState,
    MarketStatus,
    Order,
    OrderStatus,
    OrderType,
    Side,
    StatusReason,
    TimeInForce,
)
from shared.redis_client import connect
from shared.wire import CommandResult, TradeRow, encode

KEYS = Keys("rialto")
MARKET = Market("TATA_INR", "TATA", "INR", 2, 5, 1, 50, FeeAsset.RECEIVED, MarketRules(100, 200))
NO_FILL = {"filled_lots": 0, "filled_quote_atoms": 0, "fee_atoms": 0}


def order(order_id: int, account_id: int, **changes: object) -> Order:
    """Return an open buy of 2.5 TATA at 101.50, with changes."""
    fields: dict[str, object] = {
        "order_id": order_id,
        "account_id": account_id,
        "client_order_id": f"c{order_id}",
        "market": "TATA_INR",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "price_ticks": 2_030,
        "quantity_lots": 25,
        "budget_atoms": 0,
        **NO_FILL,
        "held_atoms": 25_375,
        "status": OrderStatus.OPEN,
        "rank": order_id,
        "placed_at_ns": 1,
        "updated_at_ns": 1,
    }
    return Order(**{**fields, **changes})  # type: ignore[arg-type]


class Rows:
    """Writes rows of the venue of the tests."""

    def __init__(self, redis_url: str) -> None:
        self._client: redis.Redis = connect(redis_url)
        self.sequence = 0

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def market(self, rules: MarketRules = MARKET.rules) -> None:
        self._put(KEYS.assets, "INR", encode(Asset("INR", 2)))
        self._put(KEYS.assets, "TATA", encode(Asset("TATA", 1)))
        self._put(KEYS.markets, "TATA_INR", encode(replace(MARKET, rules=rules)))
        self.commit(1)

    def commit(self, sequence: int) -> None:
        self.sequence = sequence
        self._put(KEYS.meta, "sequence", str(sequence))
        self._put(KEYS.meta, "position", str(sequence))

    def balance(self, account_id: int, asset: str, available: int, held: int) -> None:
        self._put(KEYS.balances, balance_field(account_id, asset), f"{available} {held}")

    def open_order(self, row: Order) -> None:
        self._put(KEYS.open_orders(row.account_id), str(row.order_id), encode(row))

    def closed_order(self, row: Order) -> None:
        self._put(KEYS.closed, str(row.order_id), encode(row))

    def level(self, field: str, lots: int) -> None:
        self._put(KEYS.depth("TATA_INR"), field, str(lots))

    def state(
        self,
        depth_sequence: int,
        status: MarketStatus = MarketStatus.OPEN,
        reason: StatusReason = StatusReason.OPERATOR,
        until_ns: int = 0,
    ) -> None:
        state = MarketState("TATA_INR", depth_sequence, 0, 0, status, reason, until_ns)
        self._put(KEYS.market_states, "TATA_INR", encode(state))

    def put_book(self, sequence: int) -> None:
        """Write in one step, as a commit does: one bid of as many TATA as the depth's sequence."""
        state = encode(MarketState("TATA_INR", sequence, 0, 0))
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.hset(KEYS.depth("TATA_INR"), "b2030", str(sequence * 10))
            pipeline.hset(KEYS.market_states, "TATA_INR", state)
            pipeline.hset(KEYS.meta, "sequence", str(sequence))
            pipeline.execute()

    def asset(self, name: str, scale: int) -> None:
        self._put(KEYS.assets, name, encode(Asset(name, scale)))

    def trade(self, row: TradeRow) -> None:
        self._client.lpush(KEYS.trades("TATA_INR"), encode(row))

    def result(self, account_id: int, key: str, result: CommandResult) -> None:
        self._put(KEYS.results, result_field(account_id, key), encode(result))

    def raw_order(self, account_id: int, order_id: int, data: bytes) -> None:
        self._put(KEYS.open_orders(account_id), str(order_id), data)

    def _put(self, key: str, field: str, value: str | bytes) -> None:
        self._client.hset(key, field, value)
