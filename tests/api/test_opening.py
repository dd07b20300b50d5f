"""Where the parts of a gateway are, by its settings."""

import msgspec
import pytest

from api.opening import history_url_of
from shared.settings import Settings


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "http://127.0.0.1:8070"),
        ({"history_host": "::1", "history_port": 9}, "http://[::1]:9"),
        ({"history_url": "http://history:8070"}, "http://history:8070"),
        ({"history_enabled": False, "history_url": "http://history:8070"}, ""),
    ],
)
def test_the_history_is_asked_where_it_is(changes: dict[str, object], url: str) -> None:
    assert history_url_of(msgspec.structs.replace(Settings(), **changes)) == url
