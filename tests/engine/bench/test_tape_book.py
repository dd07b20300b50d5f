"""The book of a tape: the cases of the public suite, and what the rules leave open."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from engine.bench.errors import BenchError
from engine.bench.tape import CANCEL, MODIFY, NEW, Message
from engine.bench.tape_book import Report, TapeBook
from engine.bench.tape_reports import in_order
from tests.support.tapes import KINDS, SIDES, SMALL, SMALL_LINES

DEEP = "deep_recursive_sweep_5000"  # The one case that is a rule to make its messages.
DEEP_MAKERS = 5_000


@pytest.fixture(scope="module")
def cases(data_dir: Path) -> dict[str, dict[str, Any]]:
    path = data_dir / "order_flow" / "cases" / "edge_cases.json"
    found: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return found


def as_message(fields: dict[str, Any]) -> Message:
    return (
        KINDS[fields["type"]],
        SIDES[fields.get("side", "buy")],
        fields.get("ioc", False),
        fields.get("qty", 0),
        fields["seq"],
        fields["order_id"],
        fields.get("price", 0),
    )


def resting(book: TapeBook) -> list[list[Any]]:
    found = []
    for ladder, side in ((book.bids, "buy"), (book.asks, "sell")):
        for level in ladder.best_first():
            for order in level.orders():
                assert book.living[order.order_id] is order
                found.append([order.order_id, side, order.price_ticks, order.open_lots])
    assert len(found) == len(book.living)
    return sorted(found)


def test_every_case_reports_quotes_and_rests_as_expected(cases: dict[str, dict[str, Any]]) -> None:
    assert len(cases) > 1
    for name, case in cases.items():
        if name == DEEP:
            continue
        book, reports, quotes = TapeBook(), list[Report](), []
        for fields in case["messages"]:
            reports += book.run([as_message(fields)])
            quotes.append([book.bids.best_price(), book.asks.best_price()])
        assert list(in_order(reports)) == case["expected_reports"], name
        assert quotes == case["expected_bbo_after_each"], name
        assert resting(book) == sorted(case["expected_resting_at_end"]), name


def test_one_order_sweeps_a_deep_level(cases: dict[str, dict[str, Any]]) -> None:
    messages: list[Message] = [(NEW, 1, 0, 1, i - 1, i, 100) for i in range(1, DEEP_MAKERS + 1)]
    messages.append((NEW, 0, 1, DEEP_MAKERS, DEEP_MAKERS, DEEP_MAKERS + 1, 100))
    book = TapeBook()
    lines = "\n".join(in_order(book.run(messages)))
    assert hashlib.sha256(lines.encode()).hexdigest() == cases[DEEP]["expected_sha256_reports"]
    assert not resting(book)


def test_messages_may_come_in_parts() -> None:
    whole, parts = TapeBook(), TapeBook()
    reports = whole.run(SMALL)
    assert [report for message in SMALL for report in parts.run([message])] == reports
    assert list(in_order(reports)) == SMALL_LINES


def test_a_dead_id_may_be_used_again_and_a_living_one_may_not() -> None:
    book = TapeBook()
    book.run([(NEW, 0, 0, 5, 0, 1, 100), (CANCEL, 0, 0, 0, 1, 1, 0), (NEW, 1, 0, 5, 2, 1, 100)])
    assert resting(book) == [[1, "sell", 100, 5]]
    with pytest.raises(BenchError, match="Message 3 places order 1 a second time"):
        book.run([(NEW, 1, 0, 5, 3, 1, 101)])


def test_a_modify_may_change_sides_and_an_order_of_nothing_never_rests() -> None:
    book = TapeBook()
    book.run([(NEW, 0, 0, 5, 0, 1, 100), (MODIFY, 1, 0, 7, 1, 1, 99), (NEW, 0, 0, 0, 2, 2, 90)])
    assert resting(book) == [[1, "sell", 99, 7]]
