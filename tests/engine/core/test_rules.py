"""Every rule that a command can break, and the field that the answer names."""

from typing import Any

import pytest

from engine.core.rules import REFERENCE_LENGTH_MAX
from shared.messages import (
    VENUE_ACCOUNT_ID,
    AmendOrder,
    CancelOrder,
    Command,
    CommandSkipped,
    CreateAsset,
    CreateMarket,
    Deposit,
    OrderType,
    PlaceOrder,
    Reject,
    Rejected,
    Side,
    SkipCommand,
    TimeInForce,
    UnreadableCommand,
    Withdraw,
)
from shared.money import AMOUNT_LIMIT
from tests.support.audited_exchange import AuditedExchange
from tests.support.scenario import MARKET, opened_exchange

MARKET_ORDER = OrderType.MARKET


def place(**fields: Any) -> PlaceOrder:
    order: dict[str, Any] = {"side": Side.BUY, "price_ticks": 10, "quantity_lots": 1}
    return PlaceOrder(account_id=1, **({"market": MARKET} | order | fields))


def market_order(**fields: Any) -> PlaceOrder:
    return place(**({"type": MARKET_ORDER, "price_ticks": 0} | fields))


def deposit(**fields: Any) -> Deposit:
    one_dollar: dict[str, Any] = {"account_id": 1, "asset": "USD", "amount_atoms": 1}
    return Deposit(**(one_dollar | fields))


def create_market(**fields: Any) -> CreateMarket:
    grid: dict[str, Any] = {"price_scale": 0, "price_tick": 1, "lot_atoms": 1}
    names: dict[str, Any] = {"market": "USD_BTC", "base": "USD", "quote": "BTC"}
    return CreateMarket(**(names | grid | fields))


REFUSED: list[tuple[Command, Reject, str]] = [
    (deposit(account_id=-1), Reject.INVALID_ACCOUNT, "account_id"),
    (deposit(account_id=2**63), Reject.INVALID_ACCOUNT, "account_id"),
    (deposit(account_id=VENUE_ACCOUNT_ID), Reject.INVALID_ACCOUNT, "account_id"),
    (CreateAsset(account_id=1, asset="EUR", scale=2), Reject.INVALID_ACCOUNT, "account_id"),
    (SkipCommand(account_id=1, skip_n=1), Reject.INVALID_ACCOUNT, "account_id"),
    (deposit(idempotency_key="a b"), Reject.INVALID_COMMAND, "idempotency_key"),
    (SkipCommand(skip_n=0), Reject.INVALID_COMMAND, "skip_n"),
    (SkipCommand(skip_n=10_000), Reject.INVALID_COMMAND, "skip_n"),
    (CreateAsset(asset="USD", scale=2), Reject.ASSET_EXISTS, "asset"),
    (CreateAsset(asset="usd", scale=2), Reject.INVALID_ASSET, "asset"),
    (CreateAsset(asset="A" * 17, scale=2), Reject.INVALID_ASSET, "asset"),
    (CreateAsset(asset="EUR", scale=9), Reject.INVALID_ASSET, "scale"),
    (CreateAsset(asset="EUR", scale=-1), Reject.INVALID_ASSET, "scale"),
    (
        create_market(market=MARKET, base="BTC", quote="USD"),
        Reject.MARKET_EXISTS,
        "market",
    ),
    (create_market(base="EUR"), Reject.UNKNOWN_ASSET, "base"),
    (create_market(quote="EUR"), Reject.UNKNOWN_ASSET, "quote"),
    (create_market(market="USDBTC"), Reject.INVALID_MARKET, "market"),
    (create_market(market="BTC_BTC", base="BTC"), Reject.INVALID_MARKET, "market"),
    (create_market(price_scale=9), Reject.INVALID_MARKET, "price_scale"),
    (create_market(price_tick=0), Reject.INVALID_MARKET, "price_tick"),
    (create_market(price_scale=1), Reject.INVALID_MARKET, "price_tick"),
    (
        create_market(price_tick=2**62, lot_atoms=2),
        Reject.INVALID_MARKET,
        "price_tick",
    ),
    (create_market(lot_atoms=0), Reject.INVALID_MARKET, "lot_atoms"),
    (deposit(asset="EUR"), Reject.UNKNOWN_ASSET, "asset"),
    (deposit(amount_atoms=0), Reject.INVALID_AMOUNT, "amount_atoms"),
    (deposit(amount_atoms=-5), Reject.INVALID_AMOUNT, "amount_atoms"),
    (deposit(amount_atoms=AMOUNT_LIMIT), Reject.AMOUNT_LIMIT, "amount_atoms"),
    (
        deposit(reference="x" * (REFERENCE_LENGTH_MAX + 1)),
        Reject.INVALID_COMMAND,
        "reference",
    ),
    (deposit(reference="a\nb"), Reject.INVALID_COMMAND, "reference"),
    (Withdraw(account_id=1, asset="EUR", amount_atoms=1), Reject.UNKNOWN_ASSET, "asset"),
    (
        Withdraw(account_id=1, asset="USD", amount_atoms=-1),
        Reject.INVALID_AMOUNT,
        "amount_atoms",
    ),
    (
        Withdraw(account_id=1, asset="USD", amount_atoms=1),
        Reject.INSUFFICIENT_FUNDS,
        "amount_atoms",
    ),
    (place(market="ETH_USD"), Reject.UNKNOWN_MARKET, "market"),
    (place(price_ticks=0), Reject.INVALID_PRICE, "price_ticks"),
    (place(price_ticks=-1), Reject.INVALID_PRICE, "price_ticks"),
    (place(quantity_lots=0), Reject.INVALID_QUANTITY, "quantity_lots"),
    (place(quantity_lots=-1), Reject.INVALID_QUANTITY, "quantity_lots"),
    (place(budget_atoms=1), Reject.INVALID_BUDGET, "budget_atoms"),
    (place(client_order_id="a b"), Reject.INVALID_CLIENT_ORDER_ID, "client_order_id"),
    (place(price_ticks=2**62, quantity_lots=2), Reject.AMOUNT_LIMIT, "price_ticks"),
    (market_order(quantity_lots=2**63), Reject.AMOUNT_LIMIT, "quantity_lots"),
    (market_order(price_ticks=1), Reject.INVALID_PRICE, "price_ticks"),
    (market_order(quantity_lots=0), Reject.INVALID_QUANTITY, "quantity_lots"),
    (market_order(budget_atoms=1), Reject.INVALID_QUANTITY, "quantity_lots"),
    (
        market_order(quantity_lots=0, budget_atoms=-1),
        Reject.INVALID_BUDGET,
        "budget_atoms",
    ),
    (
        market_order(quantity_lots=0, budget_atoms=2**63),
        Reject.AMOUNT_LIMIT,
        "budget_atoms",
    ),
    (
        market_order(quantity_lots=0, budget_atoms=1, time_in_force=TimeInForce.FOK),
        Reject.INVALID_TIME_IN_FORCE,
        "time_in_force",
    ),
    (
        market_order(quantity_lots=0, budget_atoms=1),
        Reject.INSUFFICIENT_FUNDS,
        "budget_atoms",
    ),
    (place(), Reject.INSUFFICIENT_FUNDS, "quantity_lots"),
    (CancelOrder(account_id=1, order_id=9), Reject.UNKNOWN_ORDER, "order_id"),
    (CancelOrder(account_id=1), Reject.UNKNOWN_ORDER, "client_order_id"),
    (
        AmendOrder(account_id=1, order_id=9, quantity_lots=-1),
        Reject.INVALID_QUANTITY,
        "quantity_lots",
    ),
    (AmendOrder(account_id=1, order_id=9, quantity_lots=1), Reject.UNKNOWN_ORDER, "order_id"),
]


@pytest.mark.parametrize(("command", "code", "field"), REFUSED)
def test_a_broken_rule_is_answered_with_its_code_and_field(
    command: Command, code: Reject, field: str
) -> None:
    audited = opened_exchange()
    before = audited.exchange.state_hash()
    events = audited.apply(command)
    assert len(events) == 1
    assert isinstance(events[0], Rejected)
    assert (events[0].code, events[0].field) == (code, field)
    assert audited.exchange.state_hash() == before


def test_a_lot_of_many_atoms_is_limited_by_its_atoms() -> None:
    audited = AuditedExchange()
    audited.apply(CreateAsset(asset="USD", scale=0))
    audited.apply(CreateAsset(asset="BTC", scale=8))
    market = create_market(market=MARKET, base="BTC", quote="USD", lot_atoms=10**8)
    audited.apply(market)
    event = audited.apply(place(side=Side.SELL, price_ticks=1, quantity_lots=10**11))[0]
    assert isinstance(event, Rejected)
    assert (event.code, event.field) == (Reject.AMOUNT_LIMIT, "quantity_lots")


def test_a_rejection_passes_on_no_name_that_is_out_of_shape() -> None:
    audited = opened_exchange()
    command = CancelOrder(account_id=2**64 - 1, order_id=2**64 - 1, client_order_id="\x00")
    event = audited.apply(command)[0]
    assert isinstance(event, Rejected)
    assert (event.account_id, event.account_sequence) == (VENUE_ACCOUNT_ID, 0)
    assert (event.order_id, event.client_order_id) == (0, "")
    unknown = audited.apply(place(market="<script>", client_order_id="mine"))[0]
    assert isinstance(unknown, Rejected)
    assert (unknown.market, unknown.client_order_id) == ("", "mine")


def test_an_entry_passed_over_is_told_of_by_its_number() -> None:
    exchange = opened_exchange().exchange
    assert exchange.skip(10) == [CommandSkipped(exchange.sequence, 10)]
    assert exchange.apply(SkipCommand(skip_n=10), n=11) == [CommandSkipped(exchange.sequence, 10)]
    assert exchange.unreadable(12) == [UnreadableCommand(exchange.sequence, 12)]
