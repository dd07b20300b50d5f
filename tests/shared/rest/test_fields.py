"""A field at fault is named as the client has named it."""

import pytest

from shared.rest.fields import public_field


@pytest.mark.parametrize(
    ("internal", "public"),
    [
        ("price_ticks", "price"),
        ("first.stop_price_ticks", "first.stop_price"),
        ("market", "market"),
        ("", ""),
    ],
)
def test_a_field_has_the_name_that_clients_know(internal: str, public: str) -> None:
    assert public_field(internal) == public
