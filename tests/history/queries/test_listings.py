"""Each list, whole or page by page, is what a filter of the plain rows leaves."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from msgspec import structs

from history.queries.listings import LISTINGS
from shared.rest import history_queries as hq
from shared.rest.history_queries import HistoryQuery, HistoryRoute, QueryFault
from tests.history.queries.stand import Stand, walk
from tests.history.queries.world import ACCOUNTS, ASSETS, MARKETS

ASKED = (
    # The route, the field of the answer, the rows of the world.
    (hq.TRADES, "trades", "trades"),
    (hq.ORDERS, "orders", "orders"),
    (hq.FILLS, "fills", "fills"),
    (hq.LEDGER, "lines", "ledger"),
    (hq.REJECTIONS, "rejections", "rejections"),
)
ROWS_MIN = 6  # Some pages of some rows.
NAMED_BY = {
    "trades": ("trade_id",),
    "orders": ("order_id",),
    "fills": ("sequence", "role"),
    "ledger": ("sequence", "leg"),
    "rejections": ("sequence",),
}
WORDS = {
    "market": tuple(MARKETS),
    "asset": tuple(ASSETS),
    "side": ("buy", "sell"),
    "role": ("maker", "taker"),
    "type": ("limit", "market", "stop_limit"),
    "cause": ("deposit", "order_accepted", "trade"),
    "client_order_id": ("mine-1", "mine-2"),
    "order_id": (1, 2, 5, 9),
}


def rows_of(stand: Stand, name: str) -> list[Any]:
    rows = getattr(stand.world, name)
    return list(rows.values()) if isinstance(rows, dict) else list(rows)


def expected(stand: Stand, name: str, query: HistoryQuery) -> list[tuple[Any, ...]]:
    """What a person finds who goes through all rows."""
    found = []
    for row in rows_of(stand, name):
        at_ns = row.placed_at_ns if name == "orders" else row.at_ns
        wanted = (
            name == "trades" or row.account_id == query.account_id,
            *(getattr(row, key) == getattr(query, key) for key in WORDS if getattr(query, key)),
            not query.statuses or row.status in query.statuses,
            at_ns >= query.from_ns,
            not query.to_ns or at_ns < query.to_ns,
        )
        if all(wanted):
            found.append(tuple(getattr(row, key) for key in NAMED_BY[name]))
    return sorted(found, reverse=True)


def random_query(draw: Random, route: HistoryRoute, stand: Stand) -> HistoryQuery:
    asked: dict[str, Any] = {"account_id": draw.choice(ACCOUNTS) if route.is_private else 0}
    for name, words in WORDS.items():
        if name in route.parameters and (name in route.required or draw.random() < 0.3):
            asked[name] = draw.choice(words)
    if "status" in route.parameters and draw.random() < 0.4:
        asked["statuses"] = tuple(draw.sample(hq.STATUSES, draw.randint(1, 3)))
    times = [row.at_ns + draw.choice((-1, 0, 1)) for row in draw.sample(stand.world.ledger, 2)]
    from_ns, to_ns = sorted(times)
    if draw.random() < 0.5:
        asked["from_ns"] = from_ns
    if draw.random() < 0.5 and to_ns > from_ns:
        asked["to_ns"] = to_ns
    return HistoryQuery(**asked, limit=draw.choice((3, 7, 50, 1_000)))


def named(name: str, pages: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(view, key) for key in NAMED_BY[name]) for page in pages for view in page]


async def test_pages_are_the_rows_that_a_plain_filter_leaves(stand: Stand) -> None:
    for route, field, name in ASKED * 12:
        query = random_query(stand.draw, route, stand)
        pages = await walk(stand.queries.answers[route.path], query, field)
        assert named(name, pages) == expected(stand, name, query), query


async def test_pages_are_the_list_of_their_beginning_whatever_comes_in_meanwhile(
    stand: Stand,
) -> None:
    for route, field, name in ASKED:
        await _is_the_list_of_its_beginning(stand, route, field, name)


async def _rows_of(stand: Stand, name: str, query: HistoryQuery) -> list[Any]:
    """Return what is to be listed; the day goes on until there is something to walk through."""
    while len(rows := expected(stand, name, query)) < ROWS_MIN:
        await stand.grow(20)
    return rows


async def _is_the_list_of_its_beginning(
    stand: Stand, route: HistoryRoute, field: str, name: str
) -> None:
    query = HistoryQuery(account_id=1, market="TATA_INR", limit=5)
    if route is hq.REJECTIONS:
        query = structs.replace(query, market="", limit=3)
    before = await _rows_of(stand, name, query)
    query = structs.replace(query, limit=len(before) // 3)

    async def more() -> None:
        await stand.grow(3)

    pages = await walk(stand.queries.answers[route.path], query, field, between=more)
    assert len(pages) > 2
    assert named(name, pages) == before


async def test_a_cursor_of_another_question_is_refused(stand: Stand) -> None:
    for route, _, name in ASKED:
        await _refuses_others(stand, route, name)


async def _refuses_others(stand: Stand, route: HistoryRoute, name: str) -> None:
    ask = stand.queries.answers[route.path]
    query = HistoryQuery(account_id=1, market="TATA_INR", limit=1)
    if route is hq.REJECTIONS:
        query = structs.replace(query, market="")
    await _rows_of(stand, name, query)
    cursor = (await ask(query)).next
    assert cursor
    others = (
        structs.replace(query, cursor=cursor, market="BTC_INR"),
        structs.replace(query, cursor=cursor, account_id=2),
        structs.replace(query, cursor=cursor, from_ns=1),
        structs.replace(query, cursor=cursor[:-1] + ("A" if cursor[-1] != "A" else "B")),
        structs.replace(query, cursor=cursor + "A"),
        structs.replace(query, cursor="AAAA"),
    )
    for other in others:
        with pytest.raises(QueryFault) as caught:
            await ask(other)
        assert (caught.value.code, caught.value.field) == ("INVALID_PARAMETER", "cursor")
    assert await ask(structs.replace(query, cursor=cursor, limit=2)), "pages may differ in length"


async def test_statements_add_up_to_balances_page_by_page(stand: Stand) -> None:
    for (account_id, asset), (available, held) in stand.world.balances.items():
        query = HistoryQuery(account_id=account_id, asset=asset, limit=7)
        pages = await walk(stand.queries.ledger, query, "lines")
        lines = [line for page in pages for line in page]
        scale = ASSETS[asset]
        assert sum(Decimal(line.available_change) for line in lines) == Decimal(available).scaleb(
            -scale
        )
        assert sum(Decimal(line.held_change) for line in lines) == Decimal(held).scaleb(-scale)
        assert Decimal(lines[0].available) == Decimal(available).scaleb(-scale)
        assert Decimal(lines[0].held) == Decimal(held).scaleb(-scale)


def test_every_list_of_the_routes_is_listed() -> None:
    lists = {route.path for route in hq.ROUTES} - {hq.KLINES.path, hq.TICKERS.path, hq.ORDER.path}
    assert set(LISTINGS) == lists
    for listing in LISTINGS.values():
        asked = set(listing.filters) | ({"status"} if listing.route is hq.ORDERS else set())
        asked |= {"before"} if listing.route is hq.TRADES else set()
        general = {"from_ns", "to_ns", "limit", "cursor", "format", "min_sequence"}
        assert asked | general == set(listing.route.parameters)


async def test_a_refusal_names_the_field_as_the_client_does(stand: Stand) -> None:
    await stand.grow(60)
    asked = HistoryQuery(account_id=stand.world.rejections[0].account_id, limit=10)
    answer = await stand.queries.rejections(asked)
    assert {one.field for one in answer.rejections} == {"price"}


@pytest.mark.parametrize(
    ("path", "query", "is_search"),
    [
        ("/trades", HistoryQuery(market="TATA_INR", before=7), False),
        ("/fills", HistoryQuery(account_id=1, from_ns=7), False),
        ("/fills", HistoryQuery(account_id=1, order_id=7, side="buy"), False),
        ("/fills", HistoryQuery(account_id=1, role="maker"), True),
        ("/ledger", HistoryQuery(account_id=1, asset="INR"), False),
        ("/ledger", HistoryQuery(account_id=1, cause="deposit"), True),
        ("/orders", HistoryQuery(account_id=1, client_order_id="a"), False),
        ("/orders", HistoryQuery(account_id=1, statuses=("expired",)), True),
        ("/rejections", HistoryQuery(account_id=1, market="TATA_INR"), True),
    ],
)
def test_what_no_index_leads_to_is_a_search(
    path: str, query: HistoryQuery, is_search: bool
) -> None:
    assert LISTINGS[path].is_search(query) is is_search
