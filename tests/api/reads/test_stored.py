"""The stored answer to a command: what is told to whom."""

import pytest

from api.edge.errors import ApiError
from api.gateway import Gateway
from api.reads.stored import Question, asked_in, stored_outcome, url_of
from shared.channels import Keys, result_field
from shared.outcomes import Accepted, Answered, Mismatch
from shared.redis_client import connect
from shared.wire import CommandResult, encode

OURS, OTHERS = b"\x01" * 8, b"\x02" * 8
RESULT = CommandResult(5, 1_000, 9, OURS)


@pytest.fixture
def ledger(redis_url: str) -> None:
    """Entry 5 of account 1 is carried out under the key k, and the engine is at entry 7."""
    keys = Keys("rialto")
    with connect(redis_url) as client:
        client.hset(keys.meta, mapping={"position": 7, "sequence": 9})
        client.hset(keys.results, result_field(1, "k"), encode(RESULT))


STORED = Answered(5, RESULT, replayed=True)
TOLD = {
    "by its key alone": (Question("k", 0, ""), STORED),
    "by its number": (Question("k", 5, OTHERS.hex()), STORED),
    "by its fingerprint": (Question("k", 6, OURS.hex()), STORED),
    "another request's": (Question("k", 6, OTHERS.hex()), Mismatch(5)),
    "not carried out yet": (Question("k", 8, OURS.hex()), Accepted(8)),
    "nothing is stored yet": (Question("new", 8, ""), Accepted(8)),
}


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("case", TOLD)
async def test_an_answer_is_told_to_its_own_request(gateway: Gateway, case: str) -> None:
    asked, outcome = TOLD[case]
    assert await stored_outcome(gateway.store, 1, asked) == outcome


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("account_id", "asked"), [(1, Question("x", 7, "")), (2, Question("k", 5, ""))]
)
async def test_what_is_not_stored_and_what_is_anothers_are_the_same(
    gateway: Gateway, account_id: int, asked: Question
) -> None:
    with pytest.raises(ApiError, match="UNKNOWN_IDEMPOTENCY_KEY"):
        await stored_outcome(gateway.store, account_id, asked)


def test_an_address_is_read_back_as_it_was_written() -> None:
    url = url_of("/x", "k", 5, OURS)
    path, _, text = url.partition("?")
    given = dict(part.split("=") for part in text.split("&"))
    assert (path, asked_in(given)) == ("/x", Question("k", 5, OURS.hex()))
    assert url_of("/x", "k") == "/x?idempotency_key=k"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "MISSING_FIELD"),
        ({"idempotency_key": "a b"}, "INVALID_IDEMPOTENCY_KEY"),
        ({"idempotency_key": "deposit:1"}, "INVALID_IDEMPOTENCY_KEY"),
        ({"idempotency_key": "k", "n": "-1"}, "INVALID_PARAMETER"),
        ({"idempotency_key": "k", "fp": "0" * 15}, "INVALID_PARAMETER"),
    ],
)
def test_what_asks_for_nothing_is_refused(given: dict[str, str], code: str) -> None:
    with pytest.raises(ApiError, match=code):
        asked_in(given)
