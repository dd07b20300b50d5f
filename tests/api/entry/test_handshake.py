"""Who is let in, by what the request says."""

import pytest

from api.edge.errors import ApiError
from api.entry.handshake import accepted

# The example of the standard: this key gets that answer.
KEY, ANSWER = b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GOOD = {
    b"host": b"desk.example:8000",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": KEY,
}


def ask(path: str = "/api/v1/ws", method: str = "GET") -> bytes:
    return ask_with(path, method)


def ask_with(path: str = "/api/v1/ws", method: str = "GET", /, **changes: bytes | None) -> bytes:
    headers: dict[bytes, bytes | None] = {**GOOD}
    headers |= {name.replace("_", "-").encode(): text for name, text in changes.items()}
    pairs = [(name, text) for name, text in headers.items() if text is not None]
    return accepted(method, path, pairs, ("https://pages.example",))


def code(**changes: bytes | None) -> str:
    with pytest.raises(ApiError) as refused:
        ask_with(**changes)
    return refused.value.code


def test_the_answer_proves_that_the_key_was_read() -> None:
    assert b"sec-websocket-accept: " + ANSWER + b"\r\n" in ask()
    assert ask("/api/v1/ws/") == ask()


def test_a_page_comes_in_when_it_is_on_the_list_and_not_otherwise() -> None:
    assert ask_with(origin=b"https://pages.example") == ask()
    assert code(origin=b"https://desk.example") == "ORIGIN_NOT_ALLOWED"
    assert code(origin=b"null") == "ORIGIN_NOT_ALLOWED"


def test_without_a_list_a_page_comes_from_the_host_it_asks() -> None:
    pairs = [*GOOD.items(), (b"origin", b"http://desk.example")]
    assert accepted("GET", "/api/v1/ws", pairs, ())
    with pytest.raises(ApiError):
        accepted("GET", "/api/v1/ws", [*GOOD.items(), (b"origin", b"http://other.example")], ())
    twice = [*pairs, (b"origin", b"http://desk.example")]
    with pytest.raises(ApiError):
        accepted("GET", "/api/v1/ws", twice, ())


@pytest.mark.parametrize("key", [None, b"", b"short", b"a" * 24, b"\xff" * 24, KEY + b"A"])
def test_a_key_that_is_none_is_refused(key: bytes | None) -> None:
    assert code(sec_websocket_key=key) == "BAD_REQUEST"


@pytest.mark.parametrize("version", [None, b"8", b"12", b"13, 8"])
def test_another_version_is_refused(version: bytes | None) -> None:
    assert code(sec_websocket_version=version) == "BAD_REQUEST"


def test_another_place_or_method_is_refused() -> None:
    for arguments, wanted in (
        (("/ws",), "NOT_FOUND"),
        (("/api/v1/ws", "POST"), "METHOD_NOT_ALLOWED"),
    ):
        with pytest.raises(ApiError) as refused:
            ask(*arguments)
        assert refused.value.code == wanted
