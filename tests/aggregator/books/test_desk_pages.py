"""A list of symbols that comes in pages: a desk knows a pair when the last one has come."""

import json
from urllib.parse import parse_qs, urlsplit

from aggregator.books import desk as desk_module
from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.effects import Fetch, Purpose
from aggregator.connectors import bybit
from aggregator.protocol import Connector
from aggregator.protocol.connector import as_connector

LINEAR = bybit.MANIFESTS[1]
CONNECTOR: Connector = as_connector(bybit)


def page(symbols: list[str], cursor: str) -> bytes:
    rows = [
        {
            "symbol": symbol,
            "contractType": "LinearPerpetual",
            "status": "Trading",
            "baseCoin": symbol.removesuffix("USDT"),
            "quoteCoin": "USDT",
            "priceFilter": {"tickSize": "0.1"},
            "lotSizeFilter": {"qtyStep": "0.001"},
        }
        for symbol in symbols
    ]
    result = {"category": "linear", "list": rows, "nextPageCursor": cursor}
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()


def question(desk: Desk) -> Fetch:
    (fetch,) = (effect for effect in desk.take_effects() if isinstance(effect, Fetch))
    assert fetch.purpose is Purpose.INSTRUMENTS
    return fetch


def test_a_list_is_followed_to_its_last_page_before_anything_is_unknown() -> None:
    desk = Desk(CONNECTOR, LINEAR, ("AAA/USDT", "ZZZ/USDT", "NONE/USDT"), DeskOptions())
    first = question(desk)

    # when the first of two pages comes
    desk.answered(first.ticket, page(["AAAUSDT"], "next=page&2"), first.request.url, 1)

    # then the other one is asked for, with the mark that the first one gave
    second = question(desk)
    asked = parse_qs(urlsplit(second.request.url).query)
    assert asked == {
        **parse_qs(urlsplit(first.request.url).query),
        "cursor": ["next=page&2"],
    }
    assert not desk.plans
    assert not any(listing.reason for listing in desk.listings.values())

    # and when that one has come, all pairs are known or refused
    desk.answered(second.ticket, page(["ZZZUSDT"], ""), second.request.url, 2)
    topics = {topic.symbol for plan in desk.plans for topic in plan.topics}
    assert topics == {"AAAUSDT", "ZZZUSDT"}
    assert desk.listings["NONE/USDT"].reason
    assert not desk.take_effects()


def test_a_list_without_an_end_is_left_after_some_pages() -> None:
    desk = Desk(CONNECTOR, LINEAR, ("AAA/USDT",), DeskOptions())

    for number in range(desk_module.PAGES_MAX):
        assert not desk.plans
        fetch = question(desk)
        desk.answered(fetch.ticket, page([f"S{number}USDT", "AAAUSDT"], "more"), "", number)

    assert not desk.take_effects()
    assert desk.plans


def test_a_page_that_is_not_to_be_had_begins_the_list_anew() -> None:
    desk = Desk(CONNECTOR, LINEAR, ("AAA/USDT",), DeskOptions())
    first = question(desk)
    desk.answered(first.ticket, page(["AAAUSDT"], "2"), first.request.url, 1)
    second = question(desk)

    desk.unanswered(second.ticket, "HTTP 500", 2)
    desk.tick(60 * 10**9)

    again = question(desk)
    assert again.request.url == first.request.url
    desk.answered(again.ticket, page(["BBBUSDT"], ""), again.request.url, 3)
    assert desk.listings["AAA/USDT"].reason, "what came before is of another list"
