"""Times and numbers as venues write them."""

import msgspec
import pytest

from aggregator.protocol import FrameError, decoded, digits_to_ns, plain_number, rfc3339_to_ns


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("2026-08-01T02:53:53Z", 1785552833_000000000),
        ("2026-08-01T02:53:53.5Z", 1785552833_500000000),
        ("2026-08-09T21:05:48.228568804Z", 1786309548_228568804),
        ("2024-02-29T23:59:59.000000001Z", 1709251199_000000001),
        ("0001-01-01T00:00:00Z", 0),
        ("", 0),
    ],
)
def test_a_time_in_utc_is_exact_to_the_nanosecond(text: str, expected_ns: int) -> None:
    assert rfc3339_to_ns(text) == expected_ns


@pytest.mark.parametrize(
    "text",
    [
        *("now", "2026-08-01", "2026-08-01T02:53:53", "2026-08-01T02:53:53+02:00"),
        *("2026-13-01T02:53:53Z", "2026-08-01T02:53:53.Z1", "2026-08-01T02:53:53.12a4Z"),
        *("2026-08-01T02:53:53.1234567890Z", "2026-08-01T02:53:53xZ", "2025-02-29T00:00:00Z"),
    ],
)
def test_what_is_no_time_in_utc_is_refused(text: str) -> None:
    with pytest.raises(FrameError):
        rfc3339_to_ns(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.00005100", "0.00005100"),
        ("1e-08", "0.00000001"),
        ("1.50E-3", "0.00150"),
        ("2e3", "2000"),
        ("-1.5e1", "-15"),
        ("0e-8", "0.00000000"),
    ],
)
def test_a_number_keeps_every_digit_and_loses_its_exponent(text: str, expected: str) -> None:
    assert plain_number(text) == expected


@pytest.mark.parametrize("text", ["1e999999999", "1e-99", "1e", "e"])
def test_a_number_out_of_all_bounds_is_refused(text: str) -> None:
    with pytest.raises(FrameError):
        plain_number(text)


@pytest.mark.parametrize("text", [b"", b"{", b'"\xff"', b"[" * 100_000, b"{}"])
def test_whatever_is_wrong_with_a_frame_is_one_kind_of_error(text: bytes) -> None:
    with pytest.raises(FrameError):
        decoded(msgspec.json.Decoder(list[str]), text)


def test_milliseconds_in_a_text_are_exact() -> None:
    assert digits_to_ns("1597026383085") == 1597026383_085000000
    for text in ("", "now", "-1", "1.5", "9" * 16, "\u0661"):
        with pytest.raises(FrameError):
            digits_to_ns(text)
