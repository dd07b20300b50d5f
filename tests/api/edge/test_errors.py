"""The table of errors covers everything that can be sent, and its page says the same."""

import re
from pathlib import Path

import pytest

from api.edge.errors import ECHO_LENGTH_MAX, ERRORS, ApiError, echo
from api.edge.errors_page import page
from shared.messages import Reject
from shared.outcomes import Refusal

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == page(), (
        "run: python -m api.edge.errors_page > docs/errors.md"
    )


def test_every_no_of_the_engine_and_of_the_bus_has_a_status() -> None:
    assert {code.value for code in Reject} <= set(ERRORS)
    assert {code.value for code in Refusal} <= set(ERRORS)
    assert all(ERRORS[code.value].status < 500 for code in Reject)
    assert all(ERRORS[code.value].status == 503 for code in Refusal)


def test_every_code_in_the_source_is_in_the_table() -> None:
    named: set[str] = set()
    for path in (ROOT / "api").rglob("*.py"):
        named |= set(re.findall(r'ApiError\(\s*"([A-Z_]+)"', path.read_text()))
    assert named <= set(ERRORS)
    assert len(named) > 20


def test_every_503_says_when_to_come_back() -> None:
    assert all(kind.retry_after_s for kind in ERRORS.values() if kind.status == 503)


def test_a_code_that_is_not_in_the_table_cannot_be_sent() -> None:
    with pytest.raises(KeyError):
        ApiError("NO_SUCH_CODE")


@pytest.mark.parametrize("text", ["x" * 10_000, "\ud800", "\x1b[31m", "a\nb", "\u0661", ""])
def test_what_is_said_back_is_short_and_plain(text: str) -> None:
    said = echo(text)
    assert len(said) <= ECHO_LENGTH_MAX
    assert said.isascii()
    assert said.isprintable()
