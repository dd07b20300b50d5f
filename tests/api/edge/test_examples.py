"""The examples are of the very types, and an unknown field has none."""

import msgspec
import pytest
from msgspec import Struct

from api.edge.errors import ERRORS
from api.edge.examples import NoExampleError, error_example, example_of
from shared.rest.account import Balances
from shared.rest.errors import ErrorBody
from shared.rest.market_data import Depth, Markets
from shared.rest.orders import AmendOrderBody, OpenOrders, OrderAnswer, PlaceOrderBody


class Strange(Struct):
    """A struct with a field that nobody knows."""

    colour_of_the_door: str


@pytest.mark.parametrize(
    "kind", [Balances, Depth, Markets, AmendOrderBody, OpenOrders, OrderAnswer, PlaceOrderBody]
)
def test_an_example_is_a_value_of_its_type(kind: type[Struct]) -> None:
    assert isinstance(msgspec.convert(example_of(kind), kind), kind)


def test_a_body_shows_only_fields_that_go_together() -> None:
    assert example_of(AmendOrderBody) == {"order_id": 42, "quantity": "4"}


def test_a_field_without_an_example_is_named() -> None:
    with pytest.raises(NoExampleError, match="colour_of_the_door"):
        example_of(Strange)


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_error_has_an_example(code: str) -> None:
    example = error_example(code)
    assert msgspec.convert(example["value"], ErrorBody).code == code
