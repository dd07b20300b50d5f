"""Every field of a message is described, and every description is of a field."""

import msgspec
import pytest

from shared.feed.contract.examples import EXAMPLES
from shared.feed.contract.fields import DECIMAL_FIELDS, FIELDS, described
from shared.feed.contract.schemas import schemas_of


def fields() -> set[tuple[str, str]]:
    schemas = schemas_of(EXAMPLES)
    return {(kind, field) for kind, schema in schemas.items() for field in schema["properties"]}


@pytest.mark.parametrize("table", [FIELDS, DECIMAL_FIELDS])
def test_the_table_has_no_field_that_does_not_exist(table: frozenset[str]) -> None:
    known = {name for _, name in fields()} | {f"{kind}.{name}" for kind, name in fields()}
    assert set(table) <= known


def test_what_a_type_says_of_a_field_goes_before_what_all_say() -> None:
    assert described("Balance", "available") != described("Listed", "available")
    assert described("Trade", "side") == "Of the taker."
    assert described("Filled", "side") == "Of the order."


def test_a_field_that_nobody_has_described_is_an_error() -> None:
    class Novelty(msgspec.Struct):
        """Something new."""

        surprise: int

    with pytest.raises(KeyError, match="surprise"):
        schemas_of([Novelty])
