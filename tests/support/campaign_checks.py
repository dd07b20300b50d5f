"""What must hold after a campaign, looked at from outside.

The rule of this file: it waits for the system to heal by itself and repairs nothing.
"""

import asyncio
from decimal import Decimal
from typing import Any

from websockets.exceptions import WebSocketException

from engine.core.exchange import Limits
from engine.entries import Entry, decode_entry
from engine.verify import verify
from shared.archive import read_records
from shared.bus import CommandBus
from tests.support import campaign_money_checks as money_checks
from tests.support.campaign import (
    MARKET_WATCHED,
    PROGRESS_DEADLINE_S,
    Campaign,
    is_ready,
    subscribed_feed,
)
from tests.support.campaign_clients import ORDERS, RETRY_PAUSE_S, Request, Told
from tests.support.campaign_history import check_history
from tests.support.campaign_orders import ASSET_SCALES, MARKETS
from tests.support.campaign_system import VENUE
from tests.support.deadlines import eventually_async
from tests.support.ledger_book import OutsideLedger
from tests.support.replay import Replayed, check_replay, read_record

ASKED_AT_ONCE = 8
MISMATCHES_ASKED = 25
REASKED_MAX = 4_000  # All of them in `make test`; a long campaign asks for a fair sample.
LEVELS = 5_000


async def heal(campaign: Campaign, bus: CommandBus) -> None:
    """Wait until the exchange takes orders again by itself, then learn every answer."""
    try:
        await eventually_async(lambda: is_ready(campaign.http), PROGRESS_DEADLINE_S)
    except AssertionError as error:
        reason = campaign.system.halt_reason()
        raise AssertionError(f"It did not come back. {reason}\n{campaign.system.logs()}") from error
    for number, money in enumerate(campaign.money, 1):
        if money.result is None:
            await campaign.send_money(bus, money, f"money-{number}")
    open_ends = [request for request in campaign.requests if request.told is Told.NOTHING]
    await _in_parallel(campaign, open_ends, _learn)
    await money_checks.learn(campaign.teller)


async def _learn(campaign: Campaign, request: Request) -> None:
    client = campaign.clients[request.account]
    await eventually_async(lambda: client.send(request), PROGRESS_DEADLINE_S)


async def _in_parallel(campaign: Campaign, requests: list[Request], work: Any) -> None:
    waiting = iter(requests)

    async def lane() -> None:
        for request in waiting:
            await work(campaign, request)

    async with asyncio.TaskGroup() as group:
        for _ in range(ASKED_AT_ONCE):
            group.create_task(lane())


async def check_answers(campaign: Campaign) -> None:
    """Every definite answer is given again, and the same key with another wish is refused."""
    answered = [request for request in campaign.requests if request.told is Told.ANSWERED]
    step = max(1, len(answered) // REASKED_MAX)
    await _in_parallel(campaign, answered[::step], _ask_again)
    placed = [request for request in answered if request.method == "POST"]
    for request in placed[:: max(1, len(placed) // MISMATCHES_ASKED)]:
        if "n" in request.answer:
            await _ask_otherwise(campaign, request)
    await money_checks.check_repeats(campaign.teller)


async def _ask_again(campaign: Campaign, request: Request) -> None:
    if "n" not in request.answer:
        return  # The gateway refused it before the journal; that is not remembered.
    before = request.status, request.answer
    replays = campaign.counts.replayed
    again = Request(request.account, request.key, request.method, request.body)
    client = campaign.clients[request.account]
    await eventually_async(lambda: client.send(again), PROGRESS_DEADLINE_S)
    assert campaign.counts.replayed > replays, f"Not told that it is a repeat: {again}"
    assert (again.status, again.answer) == before, f"{before} became {again}"


async def _ask_otherwise(campaign: Campaign, request: Request) -> None:
    side = "sell" if request.body["side"] == "buy" else "buy"
    body = {**request.body, "side": side}
    body.pop("quote_quantity", None)
    body.setdefault("quantity", "1")
    other = Request(request.account, request.key, "POST", body)
    client = campaign.clients[request.account]
    await eventually_async(lambda: client.send(other), PROGRESS_DEADLINE_S)
    assert (other.status, other.answer["code"]) == (409, "IDEMPOTENCY_MISMATCH"), other


def keep_books(campaign: Campaign) -> OutsideLedger:
    """Enter all that was told, in journal order."""
    ledger = OutsideLedger(MARKETS)
    notes: list[tuple[int, Any]] = []
    for money in campaign.money:
        assert money.result is not None, f"Never answered: {money}"
        notes.append((money.result.n, money))
    notes += [
        (request.answer["n"], request)
        for request in campaign.requests
        if request.told is Told.ANSWERED and "n" in request.answer
    ]
    notes += money_checks.notes_of(campaign.teller)
    for n, note in sorted(notes, key=lambda pair: pair[0]):
        if isinstance(note, tuple) or (isinstance(note, Request) and note.path != ORDERS):
            money_checks.enter(ledger, campaign.teller, note)
        elif isinstance(note, Request):
            _enter(ledger, note)
        elif note.result.code is None:
            ledger.moved(n, note.account, note.asset, Decimal(note.amount))
        else:
            ledger.refused(n)
    return ledger


def _enter(ledger: OutsideLedger, request: Request) -> None:
    answer = request.answer
    if request.status >= 400:
        ledger.refused(answer["n"])
    elif request.method == "POST":
        ledger.placed(request.account, answer)
    elif request.method == "DELETE":
        ledger.cancelled(answer)
    else:
        ledger.amended(answer)


async def check_accounts(campaign: Campaign, ledger: OutsideLedger) -> None:
    """Balances, open orders and depth over REST are exactly those of the books."""
    ledger.check_conservation(campaign.teller.accounts)
    for name, client in campaign.teller.accounts.items():
        balances = (await client.get("/balances"))["balances"]
        for asset in ASSET_SCALES:
            total, held = ledger.totals[name][asset], ledger.held(name, asset)
            shown = {key: Decimal(text) for key, text in balances[asset].items()}
            assert shown == {"available": total - held, "held": held, "total": total}, (
                f"{name} {asset}: {shown}, but the books say {total}, {held} of it held."
            )
        shown_orders = (await client.get("/api/v1/order/open"))["orders"]
        booked = {
            order.order_id: (order.market, order.side, order.price, order.quantity, order.filled)
            for order in ledger.open.values()
            if order.account == name
        }
        assert {_key_of(order): _value_of(order) for order in shown_orders} == booked
    for market in MARKETS:
        depth = await _rest_depth(campaign, market)
        assert depth[1:] == ledger.depth(market), f"The depth of {market} is not the orders'."


def _key_of(order: dict[str, Any]) -> int:
    order_id: int = order["order_id"]
    return order_id


def _value_of(order: dict[str, Any]) -> tuple[str, str, Decimal, Decimal, Decimal]:
    price, quantity, filled = (
        Decimal(order[name]) for name in ("price", "quantity", "filled_quantity")
    )
    return order["market"], order["side"], price, quantity, filled


async def _rest_depth(
    campaign: Campaign, market: str
) -> tuple[int, dict[Decimal, Decimal], dict[Decimal, Decimal]]:
    response = await campaign.http.get(f"/depth?market={market}&levels={LEVELS}")
    assert response.status_code == 200, response.text
    depth = response.json()
    bids, asks = (
        {Decimal(price): Decimal(quantity) for price, quantity in depth[side]}
        for side in ("bids", "asks")
    )
    return depth["sequence"], bids, asks


async def check_feed(campaign: Campaign) -> None:
    """A book that followed the stream, and a fresh one, both show what REST shows."""
    sequence, bids, asks = await _rest_depth(campaign, MARKET_WATCHED)
    fresh = await subscribed_feed(campaign.system)
    for name, feed in (("fresh", fresh), ("old", campaign.feed)):
        if feed is None:
            continue
        try:
            book = await feed.until_sequence(MARKET_WATCHED, sequence)
        except WebSocketException:
            assert feed is not fresh, "The stream was cut."
            continue  # The last kill of the broadcaster ended it.
        except TimeoutError as error:
            at = feed.books[MARKET_WATCHED].sequence if feed.books else "nothing"
            sentence = f"The {name} book stays at {at}, REST shows {sequence}."
            raise AssertionError(f"{sentence}\n{campaign.system.logs()}") from error
        shown = tuple(
            {Decimal(price): Decimal(quantity) for price, quantity in side.items()}
            for side in (book.bids, book.asks)
        )
        assert (book.sequence, *shown) == (sequence, bids, asks)
        await feed.connection.close()


async def check_archive(campaign: Campaign) -> Replayed:
    """The archive is whole, and its replay gives the events, the chain and the rows."""
    system = campaign.system

    def archived() -> bool:
        # Time goes on, and whoever looks at a withdrawal may complete its decision: the end moves.
        position, last = system.position(), 0
        for record in read_records(system.archive, "journal", torn_end=True):
            last = record.number
        sentence = f"Entry {last} is archived, {position} are committed."
        assert last == position, f"{sentence}\n{system.logs()}"
        return True

    await eventually_async(archived, PROGRESS_DEADLINE_S)
    await asyncio.sleep(RETRY_PAUSE_S)
    verdict = await asyncio.to_thread(
        verify, system.archive, Limits(), snapshots=system.home / "snapshots"
    )
    assert verdict.ok, f"Entry {verdict.fault_n}: {verdict.fault}"
    assert not verdict.snapshots_bad, verdict.snapshots_bad
    record = await asyncio.to_thread(read_record, system.redis.url, VENUE, system.archive)
    replayed = await asyncio.to_thread(check_replay, record)
    check_journal_holds_answers(campaign, record.entries)
    money_checks.check_journal(campaign.teller, record.entries)
    return replayed


def check_journal_holds_answers(campaign: Campaign, entries: list[Entry]) -> None:
    """Each answer stands for an entry of that key; all that was refused was never journalled."""
    commands = [decode_entry(entry).command for entry in entries]
    names = [(command.account_id, command.idempotency_key) for command in commands]
    journalled = set(names)
    for request in campaign.requests:
        name = campaign.clients[request.account].account_id, request.key
        if "n" in request.answer:
            assert names[request.answer["n"] - 1] == name, f"Not the entry of {request}"
        elif request.told is not Told.NOTHING:
            assert name not in journalled, f"Refused, but carried out: {request}"


async def check_all(campaign: Campaign, bus: CommandBus) -> dict[str, int]:
    """Heal, check everything, and return a few counts to print."""
    await heal(campaign, bus)
    await check_answers(campaign)
    replayed = await check_archive(campaign)
    recorded = await check_history(campaign)
    ledger = keep_books(campaign)
    withdrawals = await money_checks.check_shown(campaign.teller, ledger)
    await check_accounts(campaign, ledger)
    await check_feed(campaign)
    return {
        **{f"withdrawals {status}": count for status, count in withdrawals.items()},
        "money requests": len(campaign.teller.requests),
        "requests": len(campaign.requests),
        "definite": campaign.definite(),
        "trades": ledger.trades,
        "entries": replayed.exchange.n,
        "rows recorded": recorded,
        "takeovers from memory": campaign.system.takeovers(),
        "feed connections": campaign.feed_connections,
        **vars(campaign.counts),
        **{f"{name} kills": count for name, count in campaign.kills.items()},
    }
