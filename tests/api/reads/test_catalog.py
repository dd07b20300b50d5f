"""The lists of assets and markets, read by many at once."""

import asyncio
from typing import Any

from api.reads.catalog import Catalog
from shared.channels import Keys
from shared.messages import Asset, FeeAsset, Market
from shared.wire import encode
from tests.support.deadlines import eventually_async


def assets_of(*names: str) -> dict[bytes, bytes]:
    return {name.encode(): encode(Asset(name, 2)) for name in names}


def markets_of(*names: str) -> dict[bytes, bytes]:
    found = {}
    for name in names:
        base, _, quote = name.partition("_")
        found[name.encode()] = encode(Market(name, base, quote, 2, 5, 1, 1, FeeAsset.RECEIVED))
    return found


class LateStore:
    """A store whose answers come when the test says so, in any order."""

    def __init__(self) -> None:
        self.keys = Keys("rialto")
        self.asked: list[asyncio.Future[tuple[int, list[Any]]]] = []

    async def read(self, *_commands: object, min_sequence: int = 0) -> tuple[int, list[Any]]:
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]


async def both_asked(store: LateStore, catalog: Catalog) -> tuple[asyncio.Task[None], ...]:
    tasks = tuple(asyncio.create_task(catalog.refresh(0)) for _ in range(2))
    await eventually_async(lambda: len(store.asked) == 2)
    return tasks


OLD = (7, [assets_of("INR", "JIO"), markets_of("JIO_INR")])
NEW = (9, [assets_of("INR", "JIO", "TATA"), markets_of("JIO_INR", "TATA_INR")])


async def test_a_read_that_comes_back_late_takes_no_new_market_away() -> None:
    store = LateStore()
    catalog = Catalog(store)  # type: ignore[arg-type]
    first, second = await both_asked(store, catalog)
    store.asked[1].set_result(NEW)
    await second
    store.asked[0].set_result(OLD)
    await first
    assert sorted(catalog.markets) == ["JIO_INR", "TATA_INR"]
    assert catalog.scale("TATA") == 2


async def test_a_ledger_that_begins_anew_is_believed() -> None:
    store = LateStore()
    catalog = Catalog(store)  # type: ignore[arg-type]
    for answer in (NEW, OLD):
        task = asyncio.create_task(catalog.refresh(0))
        await asyncio.sleep(0)
        store.asked.pop().set_result(answer)
        await task
    assert list(catalog.markets) == ["JIO_INR"]
