"""Files of rows: whole, counted as they come, and an error where they are not whole."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from rialto.client import AsyncClient, Client, RefusedError, UnansweredError, calls
from rialto.client.call import Call
from rialto.client.downloads import Progress, csv_of
from shared.rest.identity import LoggedIn

HEAD = b"at_ns,asset\r\n"
ROWS = [b"%d,INR\r\n" % n for n in range(5)]
FILE = HEAD + b"".join(ROWS)
CSV = {"content-type": "text/csv; charset=utf-8"}
EXPIRED = {"code": "TOKEN_EXPIRED", "message": "It has.", "field": "", "request_id": "1"}


class Gateway:
    """Answers as it was told, one after the other; keeps what it was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answers.pop(0)


def in_pieces(content: bytes, total: int | str = 5, size: int = 7) -> httpx.Response:
    def pieces() -> Iterator[bytes]:
        for at in range(0, len(content), size):
            yield content[at : at + size]

    class Both(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return pieces()

        async def __aiter__(self) -> Any:
            for piece in pieces():
                yield piece

    return httpx.Response(200, headers={**CSV, "x-total-rows": str(total)}, stream=Both())


async def download(
    kind: str, gateway: Gateway, call: Call[Any], *, logged_in: bool = False
) -> tuple[bytes, list[Progress], Progress]:
    """Download with a client of this kind; return the file, what was told, and the end."""
    file, told = bytearray(), list[Progress]()
    transport = httpx.MockTransport(gateway)
    if kind == "waiting":
        with Client(transport=transport) as client:
            if logged_in:
                client.identity.take(tokens("old"))
            return bytes(file), told, client.download(call, file.extend, on_progress=told.append)
    async with AsyncClient(transport=transport) as other:
        if logged_in:
            other.identity.take(tokens("old"))
        end = await other.download(call, file.extend, on_progress=told.append)
    return bytes(file), told, end


def tokens(name: str) -> LoggedIn:
    body = {
        "access_token": name,
        "token_type": "Bearer",
        "expires_in_s": 900,
        "refresh_token": f"{name}-refresh",
        "refresh_expires_in_s": 900,
        "user_id": 1,
        "account_id": 7,
        "username": "alice",
        "role": "trader",
        "session_id": "s",
    }
    return msgspec.convert(body, LoggedIn)


KINDS = pytest.mark.parametrize("kind", ["waiting", "awaited"])


@KINDS
async def test_all_rows_come_and_are_counted(kind: str) -> None:
    gateway = Gateway(in_pieces(FILE))
    call = calls.ledger(asset="INR", from_ns=3, limit=5, cursor="abc")
    _, told, end = await download(kind, gateway, call)
    assert end == Progress(5, 5, len(FILE))
    assert told[-1] == end
    assert [progress.rows for progress in told] == sorted(progress.rows for progress in told)
    assert str(gateway.asked[0].url.query, "ascii") == "asset=INR&from_ns=3&format=csv"


async def test_what_is_written_is_what_came() -> None:
    file, _, _ = await download("awaited", Gateway(in_pieces(FILE)), calls.ledger())
    assert file == FILE


@KINDS
@pytest.mark.parametrize(
    ("content", "total"),
    [(FILE, 6), (FILE, 4), (FILE[:-1], 5), (HEAD, 1), (b"", 0), (FILE + b"5,IN", 5)],
)
async def test_a_file_that_is_not_whole_is_an_error(kind: str, content: bytes, total: int) -> None:
    with pytest.raises(UnansweredError, match="not whole"):
        await download(kind, Gateway(in_pieces(content, total)), calls.ledger())


@KINDS
async def test_an_empty_list_is_a_whole_file(kind: str) -> None:
    _, _, end = await download(kind, Gateway(in_pieces(HEAD, 0)), calls.ledger())
    assert end == Progress(0, 0, len(HEAD))


@KINDS
@pytest.mark.parametrize(
    ("status", "headers", "content"),
    [
        (200, {"content-type": "application/json", "x-total-rows": "5"}, b'{"lines":[]}'),
        (200, CSV, FILE),
        (502, {}, b"Bad Gateway"),
    ],
)
async def test_what_is_no_file_is_an_error(
    kind: str, status: int, headers: dict[str, str], content: bytes
) -> None:
    answer = httpx.Response(status, headers=headers, content=content)
    with pytest.raises(UnansweredError):
        await download(kind, Gateway(answer), calls.ledger())


@KINDS
async def test_a_no_is_told_and_nothing_is_written(kind: str) -> None:
    body = {"code": "BUSY", "message": "Two are enough.", "field": "", "request_id": "1"}
    with pytest.raises(RefusedError, match="Two are enough") as refused:
        await download(kind, Gateway(httpx.Response(503, json=body)), calls.ledger())
    assert (refused.value.status, refused.value.code) == (503, "BUSY")


@KINDS
async def test_an_expired_token_is_renewed_once(kind: str) -> None:
    renewed = httpx.Response(200, content=msgspec.json.encode(tokens("new")))
    gateway = Gateway(httpx.Response(401, json=EXPIRED), renewed, in_pieces(FILE))
    _, _, end = await download(kind, gateway, calls.ledger(), logged_in=True)
    assert end.rows == 5
    assert [request.headers["authorization"] for request in gateway.asked[::2]] == [
        "Bearer old",
        "Bearer new",
    ]


def test_what_everybody_may_see_needs_no_token_and_a_command_is_no_list() -> None:
    assert csv_of(calls.klines("TATA_INR", "1m")).is_open
    with pytest.raises(ValueError, match="only lists"):
        csv_of(calls.cancel_order(7))
