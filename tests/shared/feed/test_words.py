"""Money is text, and nothing else is."""

import msgspec

from shared.feed.contract.examples import EXAMPLES
from shared.feed.contract.fields import is_decimal

NUMBERS = ("_id", "sequence", "_ns", "_ms", "_s", "_ppm", "tier", "count", "levels", "crc32")


def test_money_is_text_and_only_ids_counts_and_times_are_numbers() -> None:
    for kind in EXAMPLES:
        for field in msgspec.structs.fields(kind):
            if field.type in (int, int | None) and (kind.__name__, field.name) != (
                "Closing",
                "code",
            ):
                assert field.name.endswith(NUMBERS), (kind, field.name)
            assert field.type is not float


def test_what_is_described_as_an_amount_is_text() -> None:
    for kind in EXAMPLES:
        for field in msgspec.structs.fields(kind):
            if is_decimal(kind.__name__, field.encode_name):
                assert field.type in (str, str | None), (kind, field.name)
