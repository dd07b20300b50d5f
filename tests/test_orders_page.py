"""The examples of docs/ORDERS.md, played against the engine; and that the page can be read.

The rule of this file: an example is the page's own text. A line that ends with a backslash goes on
in the next one.
"""

import re
from pathlib import Path

import pytest

from shared.messages import (
    AmendReason,
    CancelReason,
    ExpiryReason,
    MarketStatus,
    OrderType,
    Reject,
    SelfTrade,
    TimeInForce,
)
from tests.support.scenario import FUNDED, play

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "ORDERS.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```scenario\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LINE_MAX = 120
# What an order's own page need not explain: of funds, assets, and commands that are no orders.
ELSEWHERE = frozenset(
    {
        Reject.IDEMPOTENCY_MISMATCH,
        Reject.INVALID_COMMAND,
        Reject.INVALID_ACCOUNT,
        Reject.INVALID_ASSET,
        Reject.INVALID_MARKET,
        Reject.ASSET_EXISTS,
        Reject.MARKET_EXISTS,
        Reject.UNKNOWN_ASSET,
        Reject.INVALID_AMOUNT,
        Reject.COMMAND_SKIPPED,
    }
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0])
def test_every_example_is_what_the_engine_does(example: str) -> None:
    play(FUNDED + "\n" + re.sub(r"\\\n\s*", "", example))


def test_every_word_of_an_order_is_on_the_page() -> None:
    words = [
        *(set(Reject) - ELSEWHERE),
        *OrderType,
        *TimeInForce,
        *SelfTrade,
        *MarketStatus,
        *AmendReason,
        *CancelReason,
        *ExpiryReason,
    ]
    missing = sorted(word for word in words if f"`{word}`" not in PAGE)
    assert EXAMPLES
    assert not missing, f"docs/ORDERS.md does not say what {', '.join(missing)} means."


def test_no_line_of_the_page_is_too_long_to_read() -> None:
    long = [line for line in PAGE.splitlines() if len(line) > LINE_MAX]
    assert not long, "\n".join(long)


def test_every_link_within_the_page_leads_somewhere() -> None:
    titles = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {title.lower().replace(" ", "-") for title in titles}
    targets = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert targets
    assert targets <= anchors
