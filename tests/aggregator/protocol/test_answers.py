"""Reading what is known only once it is decoded."""

import pytest

from aggregator.protocol import FrameError, asked_limit, shaped, to_ns


def test_a_message_of_the_shape_is_returned() -> None:
    assert shaped({"a": [["1", "2"]]}, dict[str, list[tuple[str, str]]]) == {"a": [("1", "2")]}


@pytest.mark.parametrize("message", [{"a": [["1"]]}, {"a": None}, [], None, "a"])
def test_a_message_of_another_shape_is_refused(message: object) -> None:
    with pytest.raises(FrameError):
        shaped(message, dict[str, list[tuple[str, str]]])


@pytest.mark.parametrize(
    ("url", "limit"),
    [
        ("https://a.example/depth?symbol=X&limit=1000", 1_000),
        ("https://a.example/depth?limit=5", 5),
        ("https://a.example/depth", 100),
        ("https://a.example/depth?limit=", 100),
        ("https://a.example/depth?limit=-5", 100),
        ("https://a.example/depth?limit=" + "9" * 5_000, 100),
    ],
)
def test_the_limit_asked_for_is_read_from_the_address(url: str, limit: int) -> None:
    assert asked_limit(url, 100) == limit


def test_milliseconds_and_microseconds_are_told_apart_by_their_size() -> None:
    assert to_ns(1_672_515_782_136) == 1_672_515_782_136_000_000
    assert to_ns(1_672_515_782_136_789) == 1_672_515_782_136_789_000
    assert to_ns(0) == 0
