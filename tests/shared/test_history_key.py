"""Gateway and history make the same key of the Redis that both have, and nobody else does."""

import pytest

from shared.history_key import history_key


def test_whoever_has_the_password_has_the_key() -> None:
    here = history_key("redis://:s%2Fcret@127.0.0.1:6379/0")
    assert here == history_key("redis://:s%2Fcret@redis:6379/1"), "by whatever name it is reached"
    assert here != history_key("redis://:other@127.0.0.1:6379/0")
    assert "cret" not in here


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379", "unix:///run/redis.sock", ""])
def test_without_a_password_there_is_one_key_for_all(url: str) -> None:
    assert history_key(url) == history_key("redis://elsewhere")
