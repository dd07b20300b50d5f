"""The first logins, while what checks their tokens is being loaded."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from broadcaster.clients.session import Session, TokensNotReadyError, Verify
from broadcaster.sockets.logins import Logins
from tests.broadcaster.running import verify
from tests.broadcaster.sockets.raw_client import CLOSE, frame, say
from tests.broadcaster.sockets.serving import Serving, serving
from tests.support.deadlines import DEADLINE_S, eventually_async

# The service's own way to a token; what is imported says in which thread.
WHO_IMPORTS = """
import asyncio, importlib.abc, pathlib, sys, threading

class Witness(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        thread = threading.current_thread()
        print(name.split(".")[0], "here" if thread is threading.main_thread() else "elsewhere")

import broadcaster.__main__ as service
from broadcaster.clients.session import TokensNotReadyError
from shared.claims import TokenError

sys.meta_path.insert(0, Witness())

async def main():
    revocations = service.Revocations("redis://nobody", "test", is_source=False)
    logins = service.logins_with(pathlib.Path("none.pem"), revocations)
    ready = asyncio.Event()
    try:
        logins.verify("x")
    except TokensNotReadyError as error:
        error.when_ready(ready.set)
    await ready.wait()
    try:
        logins.verify("x")
    except TokenError as error:
        print(error.code)

asyncio.run(main())
"""


class Library:
    """What takes long to load: until `let_in`."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self.loaded_in: list[int] = []

    def load(self) -> Verify:
        self.loaded_in.append(threading.get_ident())
        assert self._is_open.wait(DEADLINE_S), "nobody let it in"
        return verify

    def let_in(self) -> None:
        self._is_open.set()


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library()
    yield library
    library.let_in()  # Or its thread would keep the test from ending.


@asynccontextmanager
async def serving_with(library: Library) -> AsyncIterator[Serving]:
    logins = Logins(library.load)
    async with serving(verify=logins.verify) as it:
        yield it
    await logins.close()


def sessions_there() -> int:
    return sum(type(each) is Session for each in gc.get_objects())


async def loading(library: Library) -> None:
    """Wait until somebody has shown the first token."""
    await eventually_async(lambda: bool(library.loaded_in))


def test_the_service_imports_cryptography_in_another_thread() -> None:
    said = subprocess.run(
        [sys.executable, "-c", WHO_IMPORTS], capture_output=True, text=True, check=True, timeout=60
    )
    *imports, answer = said.stdout.splitlines()
    assert {"cryptography elsewhere", "jwt elsewhere"} <= set(imports)
    assert not {"cryptography here", "jwt here"} & set(imports)
    assert answer == "INVALID_TOKEN"


async def test_only_who_logs_in_waits_for_the_first_load(library: Library) -> None:
    async with serving_with(library) as it:
        # given somebody who logs in and says more in the same breath, and somebody who comes after
        early, late = await it.client(), await it.client()
        await early.send(say(op="auth", id=1, token="account-7") + say(op="ping", id=2))
        await loading(library)
        await early.send(say(op="ping", id=3))
        await late.send(say(op="auth", id=1, token="nobody"))

        # then others are served meanwhile
        other = await it.client(subscribed=True)
        await other.send(say(op="ping", id=9))
        assert (await other.answer())["id"] == 9
        assert not it.hub.accounts.connections

        # and who has waited is answered in order, once it has been loaded, elsewhere than here
        library.let_in()
        assert [(await early.answer())["id"] for _ in range(3)] == [1, 2, 3]
        assert (await late.answer())["code"] == "INVALID_TOKEN"
        await late.send(say(op="auth", id=2, token="account-7"))
        assert (await late.answer())["op"] == "authenticated"
        assert it.hub.accounts.connections == {7: 2}
        assert library.loaded_in != [threading.get_ident()]
        assert len(library.loaded_in) == 1


@pytest.mark.parametrize("how", ["reset", "goodbye"])
async def test_who_leaves_before_it_is_loaded_leaves_nothing(library: Library, how: str) -> None:
    async with serving_with(library) as it:
        client = await it.client()
        goodbye = frame(CLOSE, b"\x03\xe8") if how == "goodbye" else b""
        await client.send(say(op="auth", token="account-7") + goodbye)
        await loading(library)
        if how == "reset":
            client.reset()
        else:
            await client.until(CLOSE)
        library.let_in()
        await it.alone()
        assert not it.hub.accounts.connections


async def test_a_server_that_ends_meanwhile_says_goodbye_to_who_waits(library: Library) -> None:
    async with serving_with(library) as it:
        client = await it.client()
        await client.send(say(op="auth", token="account-7"))
        await loading(library)
        ending = asyncio.create_task(it.server.close())
        assert int.from_bytes((await client.until(CLOSE)).payload[:2]) == 1012
        library.let_in()
        await client.send(frame(CLOSE, b"\x03\xf4"))
        await ending


async def test_a_connection_that_has_waited_leaves_no_cycle(library: Library) -> None:
    async with serving_with(library) as it:
        client = await it.client()
        await client.send(say(op="auth", token="account-7"))
        await loading(library)
        library.let_in()
        await client.answer()
        gc.collect()
        there = sessions_there()
        gc.disable()
        try:
            client.reset()
            await eventually_async(lambda: sessions_there() == there - 1)
        finally:
            gc.enable()


async def test_nobody_is_told_after_the_end(library: Library) -> None:
    logins, told = Logins(library.load), asyncio.Event()
    with pytest.raises(TokensNotReadyError) as refused:
        logins.verify("account-7")
    refused.value.when_ready(told.set)
    await logins.close()
    library.let_in()
    assert not told.is_set()
