"""The example of the front page: the exchange alone, in ten statements."""

from engine.core.exchange import Exchange
from shared.messages import CreateAsset, CreateMarket, Deposit, PlaceOrder, Side, TradeExecuted


def test_the_exchange_can_be_used_alone_in_ten_lines() -> None:
    exchange = Exchange()
    for asset, scale in (("INR", 2), ("TATA", 0)):
        exchange.apply(CreateAsset(asset=asset, scale=scale))
    grid = CreateMarket(
        market="TATA_INR", base="TATA", quote="INR", price_scale=2, price_tick=5, lot_atoms=1
    )
    exchange.apply(grid)
    exchange.apply(Deposit(account_id=1, asset="TATA", amount_atoms=10))
    exchange.apply(Deposit(account_id=2, asset="INR", amount_atoms=100_000))
    for account_id, side, price_ticks in ((1, Side.SELL, 2_000), (2, Side.BUY, 2_010)):
        order = PlaceOrder(
            account_id=account_id,
            market="TATA_INR",
            side=side,
            price_ticks=price_ticks,
            quantity_lots=4,
        )
        events = exchange.apply(order)
    trade = events[1]
    assert isinstance(trade, TradeExecuted)
    assert (trade.price_ticks, trade.quantity_lots) == (2_000, 4)  # 100.00 INR, the maker's price
    assert exchange.balance(2, "INR") == (60_000, 0)  # The improvement is available at once.
    assert exchange.balance(2, "TATA") == (4, 0)
