"""Who is refused at the door, and what they are told."""

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from broadcaster.sockets.door import Door, Refusal, Visit
from tests.broadcaster.sockets.raw_client import request
from tests.broadcaster.sockets.serving import serving


def door(*, has_room: bool = True, origins: tuple[str, ...] = ()) -> Door:
    return Door(
        origins,
        has_room_for=lambda _: has_room,
        is_ready=lambda: True,
        metrics=lambda: {"answers": 42},
    )


@pytest.mark.parametrize(
    ("path", "ticket"),
    [("/", None), ("/ws", None), ("/ws/?", None), ("/ws?ticket=abc-_~", "abc-_~")],
)
def test_who_may_come_in_comes_in(path: str, ticket: str | None) -> None:
    assert door().open(Request(path, Headers()), "192.0.2.1") == Visit(ticket)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/else", 404, "UNKNOWN_ROUTE"),
        ("/ws/more", 404, "UNKNOWN_ROUTE"),
        ("/ws?x=1", 400, "UNKNOWN_PARAMETER"),
        ("/ws?ticket=a&x=1", 400, "UNKNOWN_PARAMETER"),
        ("/ws?Ticket=a", 400, "UNKNOWN_PARAMETER"),
        ("/ws?token=abc", 400, "TOKEN_IN_URL"),
        ("/ws?token=", 400, "TOKEN_IN_URL"),
        ("/ws?x=1&access_token=abc", 400, "TOKEN_IN_URL"),
        ("/ws?ticket=a&JWT=abc", 400, "TOKEN_IN_URL"),
        ("/ws?ticket=", 401, "INVALID_TICKET"),
        ("/ws?ticket=a&ticket=b", 401, "INVALID_TICKET"),
        ("/ws?ticket=" + "a" * 257, 401, "INVALID_TICKET"),
    ],
)
def test_a_request_that_is_not_right_is_refused(path: str, status: int, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        door().open(Request(path, Headers()), "192.0.2.1")
    assert (refused.value.response.status_code, refused.value.code) == (status, code)
    assert code.encode() in refused.value.response.body


def test_a_token_in_the_url_is_answered_with_the_way_that_is_right() -> None:
    with pytest.raises(Refusal, match=r"POST /api/v1/auth/ticket.*\?ticket="):
        door().open(Request("/ws?token=secret", Headers()), "192.0.2.1")


def test_one_too_many_is_refused_and_pages_still_answer() -> None:
    full = door(has_room=False)
    with pytest.raises(Refusal) as refused:
        full.open(Request("/ws", Headers()), "192.0.2.1")
    assert refused.value.code == "TOO_MANY_CONNECTIONS"
    page = full.open(Request("/metrics?x=1", Headers()), "192.0.2.1")
    assert not isinstance(page, Visit)
    assert page.body == b"rialto_broadcaster_answers 42\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request("/ws", Upgrade=""), 426),
        (request("/ws", Connection="close"), 426),
        (request("/ws", Sec_WebSocket_Key=""), 400),
        (request("/ws", Sec_WebSocket_Key="short"), 400),
        (request("/ws", Sec_WebSocket_Version="12"), 400),
        (request("/ws", Origin="http://evil.example"), 403),
        (request("/ws", Content_Length="5"), 400),
        (request("/ws").replace(b"GET", b"POST"), 405),
        (request("/ws").replace(b"HTTP/1.1", b"HTTP/2"), 400),
        (request("/ws").replace(b"\r\nHost", b"\r\n Host"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (request("/ws", Cookie="x" * 8_500), 400),
        (request("/" + "x" * 9_000), 400),
        (request("/ws", Cookie="x" * 20_000), 431),
        (request("/ws") + b"\x81\x80\x00\x00\x00\x00", 400),
        (request("/ws") + request("/ws"), 400),
        (request("/health") + b"more", 400),
        (request("/health"), 200),
    ],
)
async def test_every_head_gets_its_answer_and_the_end(head: bytes, status: int) -> None:
    async with serving() as it:
        assert (await it.page(head))[0] == status
        await it.alone()
        refused = {name: count for name, count in (await it.metrics()).items() if "refused" in name}
        assert sum(refused.values()) == (status != 200)
