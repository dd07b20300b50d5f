"""A question is read the same way by everybody, or refused by the name of what is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shared.rest import history_queries as hq
from shared.rest.history_queries import HistoryQuery, HistoryRoute, QueryFault, read_query
from shared.rest.texts import INTEGER_MAX

_VALUES: dict[str, st.SearchStrategy[str]] = {
    "market": st.sampled_from(("TATA_INR", "BTC_INR")),
    "interval": st.sampled_from(hq.INTERVALS),
    "asset": st.just("INR"),
    "side": st.sampled_from(hq.SIDES),
    "role": st.sampled_from(hq.ROLES),
    "type": st.sampled_from(hq.TYPES),
    "cause": st.sampled_from(hq.CAUSES),
    "client_order_id": st.just("grid-7"),
    "status": st.lists(st.sampled_from(hq.STATUSES), min_size=1, unique=True).map(",".join),
    "order_id": st.integers(1, INTEGER_MAX).map(str),
    "before": st.integers(1, INTEGER_MAX).map(str),
    "from_ns": st.integers(0, 10**18).map(str),
    "to_ns": st.integers(10**18 + 1, INTEGER_MAX).map(str),
    "limit": st.integers(1, 1_000).map(str),
    "cursor": st.just("q83vEjRWeJA"),
    "format": st.sampled_from((hq.JSON, hq.CSV)),
    "min_sequence": st.integers(0, INTEGER_MAX).map(str),
}


@st.composite
def questions(draw: st.DrawFn) -> tuple[HistoryRoute, list[tuple[str, str]]]:
    route = draw(st.sampled_from(hq.ROUTES))
    wanted = draw(st.sets(st.sampled_from(route.parameters))) | set(route.required)
    return route, [(name, draw(_VALUES[name])) for name in route.parameters if name in wanted]


@given(questions(), st.integers(1, INTEGER_MAX))
def test_a_question_passed_on_is_the_same_question(
    asked: tuple[HistoryRoute, list[tuple[str, str]]], account_id: int
) -> None:
    route, given_pairs = asked
    query = read_query(route, given_pairs, account_id=account_id if route.is_private else 0)
    passed_on = [pair for pair in query.pairs() if pair[0] != "account_id"]
    if "limit" not in route.parameters:
        passed_on = [pair for pair in passed_on if pair[0] != "limit"]
    assert read_query(route, passed_on, account_id=query.account_id) == query


@pytest.mark.parametrize("route", hq.ROUTES, ids=lambda route: route.path)
def test_what_is_left_out_is_not_asked(route: HistoryRoute) -> None:
    needed = {"market": "TATA_INR", "interval": "1m", "order_id": "5"}
    query = read_query(route, [(name, needed[name]) for name in route.required], account_id=7)
    assert query.limit == (500 if route is hq.KLINES else 100)
    asked = structs.replace(query, limit=0, account_id=0)
    expected: dict[str, Any] = {name: needed[name] for name in route.required}
    if "order_id" in expected:
        expected["order_id"] = 5
    assert asked == HistoryQuery(**expected)


@pytest.mark.parametrize("route", hq.ROUTES, ids=lambda route: route.path)
def test_what_is_required_is_missed_by_its_name(route: HistoryRoute) -> None:
    if not route.required:
        assert read_query(route, [])
        return
    with pytest.raises(QueryFault) as caught:
        read_query(route, [])
    assert (caught.value.code, caught.value.field) == ("MISSING_FIELD", route.required[0])


@pytest.mark.parametrize("route", hq.ROUTES, ids=lambda route: route.path)
@pytest.mark.parametrize("name", ["account_id", "limits", "Market", ""])
def test_what_is_not_known_is_refused(route: HistoryRoute, name: str) -> None:
    with pytest.raises(QueryFault) as caught:
        read_query(route, [(name, "1")])
    assert (caught.value.code, caught.value.field) == ("UNKNOWN_PARAMETER", name)


def test_a_name_that_somebody_made_up_is_not_repeated_in_the_sentence() -> None:
    with pytest.raises(QueryFault) as caught:
        read_query(hq.FILLS, [("x" * 5_000, "1")])
    assert len(caught.value.sentence) <= 256


@pytest.mark.parametrize(
    ("route", "name", "text"),
    [
        (hq.FILLS, "market", ""),
        (hq.FILLS, "market", "TATA INR"),
        (hq.FILLS, "market", "A" * 65),
        (hq.FILLS, "market", "TATA_INR\n"),
        (hq.FILLS, "side", "both"),
        (hq.FILLS, "role", ""),
        (hq.FILLS, "order_id", "-1"),
        (hq.FILLS, "order_id", "01"),
        (hq.FILLS, "order_id", "1.0"),
        (hq.FILLS, "order_id", "\u0661"),
        (hq.FILLS, "order_id", str(INTEGER_MAX + 1)),
        (hq.FILLS, "order_id", "1\n"),
        (hq.FILLS, "limit", "0"),
        (hq.FILLS, "limit", "1001"),
        (hq.FILLS, "format", "xml"),
        (hq.FILLS, "cursor", ""),
        (hq.FILLS, "cursor", "A" * 129),
        (hq.FILLS, "cursor", "A" * 64 + "\u00e4"),
        (hq.ORDERS, "status", "open,"),
        (hq.ORDERS, "status", "open,gone"),
        (hq.ORDERS, "type", "iceberg"),
        (hq.LEDGER, "cause", "gift"),
        (hq.LEDGER, "from_ns", "1e9"),
        (hq.LEDGER, "to_ns", "0"),
        (hq.KLINES, "to_ns", "0"),
    ],
)
def test_what_is_no_good_is_refused_by_its_name(route: HistoryRoute, name: str, text: str) -> None:
    needed = {"market": "TATA_INR", "interval": "1m"}
    others = [(each, needed[each]) for each in route.required]
    with pytest.raises(QueryFault) as caught:
        read_query(route, [*others, (name, text)])
    assert (caught.value.code, caught.value.field) == ("INVALID_PARAMETER", name)
    assert len(caught.value.sentence) <= 256


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(QueryFault) as caught:
        read_query(hq.FILLS, [("side", "buy"), ("side", "buy")])
    assert (caught.value.code, caught.value.field) == ("INVALID_PARAMETER", "side")


def test_words_may_be_in_any_case() -> None:
    query = read_query(hq.ORDERS, [("side", "BUY"), ("status", "Open,FILLED,open")])
    assert (query.side, query.statuses) == ("buy", ("open", "filled"))


@pytest.mark.parametrize("interval", ["1M", "1S", "1H", "1D", "1W", "60s", " 1m", ""])
def test_an_interval_is_written_as_it_is(interval: str) -> None:
    with pytest.raises(QueryFault) as caught:
        read_query(hq.KLINES, [("market", "TATA_INR"), ("interval", interval)])
    assert (caught.value.code, caught.value.field) == ("INVALID_PARAMETER", "interval")


@pytest.mark.parametrize(
    "route",
    [each for each in hq.ROUTES if "from_ns" in each.parameters],
    ids=lambda each: each.path,
)
def test_from_zero_on_is_from_the_beginning_and_no_silence(route: HistoryRoute) -> None:
    needed = {"market": "TATA_INR", "interval": "1m"}
    others = [(name, needed[name]) for name in route.required]
    query = read_query(route, [*others, ("from_ns", "0")])
    assert query == read_query(route, [*others, ("from_ns", "1")])
    assert query.from_ns != read_query(route, others).from_ns


@pytest.mark.parametrize(("from_ns", "to_ns", "is_good"), [("5", "6", True), ("5", "5", False)])
def test_a_span_ends_after_its_beginning(from_ns: str, to_ns: str, is_good: bool) -> None:
    asked = [("from_ns", from_ns), ("to_ns", to_ns)]
    if is_good:
        assert read_query(hq.LEDGER, asked).to_ns == 6
        return
    with pytest.raises(QueryFault) as caught:
        read_query(hq.LEDGER, asked)
    assert caught.value.field == "to_ns"
