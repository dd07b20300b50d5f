"""Open orders, page by page, each as its row is now."""

import itertools
from collections.abc import Iterator

import httpx
import pytest

from api.orders.open_orders import Picture, Pictures
from shared.messages import OrderStatus
from shared.redis_client import connect
from tests.api.exchange import token_for
from tests.api.ledger_rows import KEYS, Rows, order


@pytest.fixture(autouse=True)
def accounts_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are of the accounts 1, 2, ..., so the users of these tests get them in order."""
    monkeypatch.setattr("api.identity.users.draw_account_id", itertools.count(1).__next__)


@pytest.fixture
def rows(redis_url: str) -> Iterator[Rows]:
    with Rows(redis_url) as rows:
        rows.market()
        yield rows


async def test_pages_follow_each_other_though_orders_come_and_go(
    client: httpx.AsyncClient, rows: Rows, redis_url: str
) -> None:
    alice = await token_for(client, "alice")
    for order_id in (5, 3, 12, 7, 20):
        rows.open_order(order(order_id, 1))
    page = (await client.get("/order/open?limit=2", headers=alice)).json()
    assert ([row["order_id"] for row in page["orders"]], page["next"]) == ([3, 5], 5)
    rows.open_order(order(21, 1))
    with connect(redis_url) as redis:
        redis.hdel(KEYS.open_orders(1), "5", "7")
    page = (await client.get(f"/order/open?limit=2&after={page['next']}", headers=alice)).json()
    assert ([row["order_id"] for row in page["orders"]], page["next"]) == ([12, 20], 20)
    page = (await client.get("/order/open?limit=2&after=20", headers=alice)).json()
    assert ([row["order_id"] for row in page["orders"]], page["next"]) == ([21], None)
    page = (await client.get("/order/open?limit=1&after=20", headers=alice)).json()
    assert page["next"] is None, "a full page may be the last"
    page = (await client.get("/order/open?after=21", headers=alice)).json()
    assert (page["orders"], page["next"]) == ([], None)
    for query in ("limit=0", "limit=5001", "after=-1", "after=x"):
        assert (await client.get(f"/order/open?{query}", headers=alice)).status_code == 422


async def test_an_order_is_shown_as_its_row_is_now_and_everywhere_the_same(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    for filled_lots in (0, 5, 10, 5):
        status = OrderStatus.PARTIALLY_FILLED if filled_lots else OrderStatus.OPEN
        rows.open_order(order(3, 1, filled_lots=filled_lots, status=status))
        (shown,) = (await client.get("/order/open", headers=alice)).json()["orders"]
        assert shown["filled_quantity"] == f"{filled_lots / 10:g}"
        assert shown == (await client.get("/order/3", headers=alice)).json()


def test_pictures_that_are_asked_for_stay_and_their_number_is_bounded() -> None:
    pictures = Pictures(most=10)
    wanted, picture = b"wanted", Picture("TATA_INR", b"{}")
    pictures.keep(wanted, picture)
    for number in range(1_000):
        assert pictures.get(b"%d" % number) is None
        pictures.keep(b"%d" % number, Picture("TATA_INR", b"%d" % number))
        assert pictures.get(wanted) is picture
        assert pictures.get(b"%d" % number) == Picture("TATA_INR", b"%d" % number)
        assert len(pictures) <= 10
    assert pictures.get(b"0") is None
