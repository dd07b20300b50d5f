"""Where the parts of a gateway are, by its settings."""

import pytest

from api.opening import history_url_of
from shared.settings import Settings


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(), "http://127.0.0.1:8070"),
        (Settings(history_host="::1", history_port=9), "http://[::1]:9"),
        (Settings(history_url="http://history:8070"), "http://history:8070"),
        (Settings(history_enabled=False, history_url="http://history:8070"), ""),
    ],
)
def test_the_history_is_asked_where_it_is(settings: Settings, url: str) -> None:
    assert history_url_of(settings) == url
