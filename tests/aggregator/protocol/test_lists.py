"""Lists by HTTP: read by where things are, whole or not at all."""

import json
import pickle

import pytest

from aggregator.protocol import (
    NONE,
    Envelope,
    FrameError,
    Instrument,
    InstrumentList,
    NextPage,
    TradeList,
    TradeUpdate,
)
from shared.messages import Side

URL = "https://venue.test/list?kind=spot"
WRAPPED = Envelope(
    rows="result.list",
    code="code",
    good_code="0",
    reason="says",
    echoes={"result.kind": "kind"},
    cursor="from",
    cursor_at="result.next",
)
LISTED = InstrumentList(
    symbol="name",
    base="base",
    quote="quote",
    price_tick="filters.PRICE.tick",
    quantity_steps=("lot.step", "lot.base"),
    listed_if={"state": ("live", "")},
)
ROW = {"name": "AB", "base": "A", "quote": "B", "filters": [7, {"is": "PRICE", "tick": "0.1"}]}
TRADES = TradeList(
    trade_id="id",
    price="p",
    quantity="q",
    side="side",
    taker_sides={"sold": Side.SELL, True: Side.BUY},
    time="at",
    counts_one_by_one=True,
    is_newest_first=True,
)
TRADE = {"id": 7, "p": "1.50", "q": "2", "side": "sold", "at": 1_700_000_000_000}


def read(described: InstrumentList, answer: object) -> object:
    request = described.ask(URL, 3)
    assert (request.url, request.weight) == (URL, 3)
    return request.read(json.dumps(answer).encode(), "")


def test_a_step_into_a_list_is_to_the_member_that_has_the_word() -> None:
    assert read(LISTED, [ROW]) == [Instrument("AB", "A", "B", "0.1")]


def test_of_several_steps_of_a_quantity_the_first_that_is_there_counts() -> None:
    both = {**ROW, "lot": {"step": "", "base": "0.01"}}
    first = {**ROW, "lot": {"step": "0.5", "base": "0.01"}}

    assert read(LISTED, [both, first]) == [
        Instrument("AB", "A", "B", "0.1", "0.01"),
        Instrument("AB", "A", "B", "0.1", "0.5"),
    ]


def test_a_pair_may_be_in_the_name_alone_and_a_tick_in_so_many_decimals() -> None:
    named = InstrumentList(
        envelope=Envelope(rows="all", is_by_name=True, has_bare_numbers=True),
        symbol="name",
        separator="/",
        aliases={"XA": "A"},
        price_tick="tick",
        price_decimals="decimals",
        quantity_decimals="lot",
    )
    rows = {
        "XAB": {"name": "XA/B", "tick": 0.5, "decimals": 2, "lot": 0},
        "CXA": {"name": "C/XA", "tick": 1e-08, "decimals": 8, "lot": 3},
        "C/D": {"name": "C/D", "decimals": 1, "lot": 1},
        "CDE": {"name": "C/D/E", "decimals": 1, "lot": 1},
    }
    assert read(named, {"all": rows}) == [
        Instrument("A/B", "A", "B", "0.50", "1"),
        Instrument("C/A", "C", "A", "0.00000001", "0.001"),
        Instrument("C/D", "C", "D", "0.1", "0.1"),
    ]
    for wrong in ({"all": list(rows)}, {"all": {"AB": {"name": "A/B", "decimals": "2"}}}):
        with pytest.raises(FrameError):
            read(named, wrong)


def test_what_has_another_value_is_not_listed_and_a_field_that_is_missing_says_nothing() -> None:
    states = [{**ROW, "state": state, "name": state or "no"} for state in ("live", "", "gone")]

    assert read(LISTED, [*states, ROW]) == [
        Instrument(name, "A", "B", "0.1") for name in ("live", "no", "AB")
    ]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        "rows",
        [1],
        [{**ROW, "base": ""}],
        [{**ROW, "quote": None}],
        [{**ROW, "name": 7}],
        [{**ROW, "filters": [{"is": "PRICE", "tick": 0.1}]}],
    ],
)
def test_half_a_list_is_no_list(answer: object) -> None:
    with pytest.raises(FrameError):
        read(LISTED, answer)


def wrapped(**fields: object) -> object:
    described = InstrumentList(envelope=WRAPPED, symbol="name", base="base", quote="quote")
    result = {"kind": "spot", "list": [ROW], **fields}
    code = fields.get("code", "0")
    return read(described, {"code": code, "says": "No.", "result": result})


def test_a_complaint_and_a_list_of_something_else_are_refused() -> None:
    assert wrapped() == [Instrument("AB", "A", "B")]
    with pytest.raises(FrameError, match=r"No\. \(51\)"):
        wrapped(code=51)
    with pytest.raises(FrameError, match="about 'linear', not about 'spot'"):
        wrapped(kind="linear")


def test_a_list_that_goes_on_says_where() -> None:
    assert wrapped(next="a&b=c") == [
        Instrument("AB", "A", "B"),
        NextPage(f"{URL}&from=a%26b%3Dc"),
    ]
    assert wrapped(next="") == [Instrument("AB", "A", "B")]


def past(*rows: object) -> list[TradeUpdate]:
    read_trades = TRADES.ask(URL, "AB").read
    found = read_trades(json.dumps(rows).encode(), "")
    assert all(isinstance(one, TradeUpdate) for one in found)
    return [one for one in found if isinstance(one, TradeUpdate)]


def test_past_trades_are_history_and_come_oldest_first() -> None:
    at_ns = 1_700_000_000_000_000_000
    newer = {**TRADE, "id": "x8", "side": True, "at": "2023-11-14T22:13:20Z"}
    newest = {**TRADE, "id": 9, "at": "1700000000000"}

    assert past(newest, newer, TRADE) == [
        TradeUpdate("AB", "7", "1.50", "2", Side.SELL, at_ns, 7, True),
        TradeUpdate("AB", "x8", "1.50", "2", Side.BUY, at_ns, NONE, True),
        TradeUpdate("AB", "9", "1.50", "2", Side.SELL, at_ns, 9, True),
    ]


def test_a_quantity_that_means_nothing_is_left_out() -> None:
    assert past({**TRADE, "q": "NaN"}, {**TRADE, "q": "-1"}) == []


@pytest.mark.parametrize(
    "wrong", [{"side": "none"}, {"side": 5}, {"id": None}, {"p": 1.5}, {"q": ""}, {"at": None}]
)
def test_a_trade_that_lacks_something_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(FrameError):
        past({**TRADE, **wrong})


def test_an_answer_can_be_read_in_another_process() -> None:
    for read_there in (LISTED.ask(URL).read, TRADES.ask(URL, "AB").read):
        again = pickle.loads(pickle.dumps(read_there))
        assert again(b"[]", URL) == []
