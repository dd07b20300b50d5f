"""Commands as people read them."""

from typing import Any, cast

from msgspec import Struct, json

from history.projection.details import details_of
from history.projection.rows import AssetRow, CursorRow, MarketRow
from history.reports.decimals import with_decimals
from history.reports.source import Source
from shared.messages import AmendOrder, PlaceOco, PlaceOrder, Side, Transfer

MARKET = MarketRow(
    market="BTC_USD",
    base="BTC",
    quote="USD",
    price_scale=2,
    price_tick=5,
    lot_atoms=10,
    atoms_per_tick_lot=1,
    fee_asset="USD",
    rules="{}",
    created_at_ns=0,
)


def read(command: Struct) -> dict[str, Any]:
    assets = {name: AssetRow(name, scale, 0) for name, scale in (("BTC", 4), ("USD", 3))}
    source = Source(
        cast(Any, None), cast(CursorRow, None), markets={"BTC_USD": MARKET}, assets=assets
    )
    return dict(json.decode(with_decimals(details_of(command), MARKET, source)))


def order(**fields: Any) -> PlaceOrder:
    given = {"market": "BTC_USD", "side": Side.BUY, "price_ticks": 3, "quantity_lots": 7, **fields}
    return PlaceOrder(account_id=1, idempotency_key="k", **given)


def test_prices_quantities_and_budgets_are_decimals() -> None:
    found = read(order(stop_price_ticks=5, trail_ticks=1, display_lots=2, budget_atoms=1_500))
    assert (found["price"], found["quantity"], found["budget"]) == ("0.15", "0.007", "1.5")
    assert (found["stop_price"], found["trail"], found["display"]) == ("0.25", "0.05", "0.002")
    assert not [name for name in found if name.endswith(("_ticks", "_lots", "_atoms"))]
    amended = read(AmendOrder(account_id=1, idempotency_key="k", order_id=9, price_ticks=4))
    assert (amended["price"], amended["quantity_lots"], amended["order_id"]) == ("0.2", None, 9)


def test_orders_within_a_command_are_read_too() -> None:
    pair = PlaceOco(
        account_id=1, idempotency_key="k", limit=order(), stop=order(stop_price_ticks=2)
    )
    found = read(pair)
    assert (found["limit"]["price"], found["stop"]["stop_price"]) == ("0.15", "0.1")


def test_what_is_of_another_market_or_asset_stays_as_it_is() -> None:
    assert read(order(market="ETH_USD"))["price_ticks"] == 3
    moved = Transfer(
        account_id=1, idempotency_key="k", to_account_id=2, asset="BTC", amount_atoms=5
    )
    assert read(moved)["amount_atoms"] == 5
