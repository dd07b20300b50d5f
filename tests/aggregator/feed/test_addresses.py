"""A venue's address without internet."""

import pytest

from aggregator.feed.addresses import offline_url

HERE = "127.0.0.1:9000"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://ws.kraken.com/v2", "ws://127.0.0.1:9000/ws.kraken.com/v2"),
        ("wss://stream.a.com:9443/ws?x=1/2", "ws://127.0.0.1:9000/stream.a.com:9443/ws?x=1/2"),
        ("https://api.a.com/depth?s=B", "http://127.0.0.1:9000/api.a.com/depth?s=B"),
        ("wss://a.com", "ws://127.0.0.1:9000/a.com"),
        ("wss://a.com?streams=b", "ws://127.0.0.1:9000/a.com/?streams=b"),
        ("ws://a.com/x", "ws://127.0.0.1:9000/a.com/x"),
    ],
)
def test_a_venues_address_becomes_a_path_of_the_server_that_stands_for_it(
    url: str, expected: str
) -> None:
    assert offline_url(url, HERE) == expected


def test_without_an_address_the_url_stays_what_it_is() -> None:
    assert offline_url("wss://a.com/x", "") == "wss://a.com/x"


@pytest.mark.parametrize("url", ["ftp://a.com/x", "a.com/x", "wss:///x", ""])
def test_what_is_no_address_of_a_venue_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        offline_url(url, HERE)
