"""The head of a request, in pieces and beyond its bounds."""

import pytest

from broadcaster.sockets import deadlines
from broadcaster.sockets.door import Refusal
from broadcaster.sockets.handshake import HEAD_BYTES_MAX, HEAD_END, Head
from tests.broadcaster.sockets.raw_client import request
from tests.broadcaster.sockets.serving import serving


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1_000])
def test_a_head_in_pieces_is_whole_at_its_end_and_not_before(size: int) -> None:
    whole, head = request(), Head()
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert [head.take(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [whole]


def test_a_head_without_end_is_refused_at_its_bound() -> None:
    head = Head()
    assert head.take(b"x" * HEAD_BYTES_MAX) is None
    with pytest.raises(Refusal) as refused:
        head.take(b"x")
    assert refused.value.code == "REQUEST_TOO_LARGE"


def test_a_head_that_ends_beyond_its_bound_is_refused_too() -> None:
    with pytest.raises(Refusal, match="at most"):
        Head().take(b"x" * (HEAD_BYTES_MAX - 3) + HEAD_END)


def test_what_follows_a_head_is_refused() -> None:
    with pytest.raises(Refusal, match="Nothing may follow"):
        Head().take(request() + b"x")


async def test_who_takes_too_long_for_a_request_is_cut() -> None:
    async with serving() as it:
        silent = await it.visitor()
        slow = await it.visitor(request()[:-1])
        it.clock.added_s += deadlines.OPEN_TIMEOUT_S / 2
        quick = await it.client()
        it.clock.added_s += deadlines.OPEN_TIMEOUT_S / 2
        assert await silent.rest() == await slow.rest() == b""
        quick.close()
        await it.alone()
        assert (await it.metrics())['refused_total{reason="HANDSHAKE_TIMEOUT"}'] == 2
