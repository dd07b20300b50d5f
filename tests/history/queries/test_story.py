"""The story of an order: every change and every fill, each once, in order."""

import pytest
from msgspec import structs

from shared.rest.history import OrderChangeView, OrderStory
from shared.rest.history_queries import HistoryQuery, QueryFault
from tests.history.queries.stand import Stand, walk
from tests.history.queries.world import World


def told(world: World, order_id: int) -> list[tuple[int, str]]:
    """What happened to an order, from the plain lists."""
    changes = [(row.sequence, row.change) for row in world.changes if row.order_id == order_id]
    fills = [(row.sequence, "filled") for row in world.fills if row.order_id == order_id]
    return sorted(changes + fills)


async def test_it_is_all_that_happened_page_by_page(stand: Stand) -> None:
    for order in stand.draw.sample(list(stand.world.orders.values()), 15):
        query = HistoryQuery(account_id=order.account_id, order_id=order.order_id, limit=2)
        pages = await walk(stand.queries.order, query, "changes")
        found = [(each.sequence, each.change) for page in pages for each in page]
        assert found == told(stand.world, order.order_id)


async def story_of(stand: Stand, order_id: int) -> OrderStory:
    account_id = stand.world.orders[order_id].account_id
    query = HistoryQuery(account_id=account_id, order_id=order_id, limit=1_000)
    return await stand.queries.order(query)


async def test_its_last_line_is_how_the_order_stands(stand: Stand) -> None:
    for order_id, order in stand.world.orders.items():
        if order_id % 3:
            continue
        story = await story_of(stand, order_id)
        last: OrderChangeView = story.changes[-1]
        assert last.status == story.order.status == order.status
        assert last.filled_quantity == story.order.filled_quantity
        assert last.remaining_quantity == story.order.remaining_quantity
        assert (last.quantity is None) == (order.budget_atoms > 0 and last.change != "filled")


async def test_a_fill_says_which_trade_it_was(stand: Stand) -> None:
    fill = stand.draw.choice(stand.world.fills)
    story = await story_of(stand, fill.order_id)
    [line] = [each for each in story.changes if each.sequence == fill.sequence]
    assert (line.trade_id, line.role, line.fee_asset) == (fill.trade_id, fill.role, fill.fee_asset)
    fills = await stand.queries.fills(
        HistoryQuery(account_id=fill.account_id, order_id=fill.order_id, limit=1_000)
    )
    [view] = [each for each in fills.fills if each.sequence == fill.sequence]
    assert (line.price, line.quantity, line.fee) == (view.price, view.quantity, view.fee)


async def test_an_order_names_the_one_that_waits_for_it(stand: Stand) -> None:
    for order in stand.world.orders.values():
        if order.parent_order_id:
            waiting = (await story_of(stand, order.order_id)).order
            parent = (await story_of(stand, order.parent_order_id)).order
            assert waiting.parent_order_id == parent.order_id
            assert parent.child_order_id == waiting.order_id


async def test_an_order_of_somebody_else_is_unknown(stand: Stand) -> None:
    order = stand.world.orders[1]
    query = HistoryQuery(account_id=order.account_id, order_id=1, limit=10)
    for other in (
        structs.replace(query, account_id=order.account_id % 3 + 1),
        structs.replace(query, order_id=10**9),
    ):
        with pytest.raises(QueryFault) as caught:
            await stand.queries.order(other)
        assert (caught.value.code, caught.value.field) == ("UNKNOWN_ORDER", "order_id")
