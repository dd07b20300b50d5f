"""What must hold of the money that moved through the gateway during a campaign.

The rule of this file: it enters what was told into the outside ledger, and then compares what the
owners and the operator are shown.
"""

from decimal import Decimal
from typing import Any

from engine.entries import Entry, decode_entry
from tests.support.campaign_clients import Client, Request, Told
from tests.support.campaign_money import (
    DECISIONS,
    ENDS,
    TRANSFERS,
    WITHDRAWALS,
    Teller,
    is_definite,
    verb_of,
)
from tests.support.deadlines import eventually_async
from tests.support.ledger_book import OutsideLedger

LEARN_DEADLINE_S = 45.0
PAGE = 100

End = tuple[int, int, str]  # Which withdrawal, by which entry, and what it is now.


async def learn(teller: Teller) -> None:
    """Learn every answer that is outstanding."""
    for request in teller.requests:
        if request.told is Told.NOTHING:
            await _answered(teller, request)


async def _answered(teller: Teller, request: Request) -> None:
    client = teller.client_of(request)
    await eventually_async(lambda: client.send(request), LEARN_DEADLINE_S)


def ends_of(teller: Teller) -> list[End]:
    """Return how each withdrawal has ended, as those who were obeyed agree on."""
    ends: dict[int, End] = {}
    for request in teller.requests:
        verb = verb_of(request)
        if not verb or not is_definite(request):
            continue
        if request.status != 200:
            assert request.answer["code"] == "WITHDRAWAL_DECIDED", request
            continue
        answer = request.answer
        assert answer["status"] == ENDS[verb], request
        end = answer["withdrawal_id"], answer["n"], answer["status"]
        assert ends.setdefault(end[0], end) == end, f"Two ends of one: {request}, {ends[end[0]]}"
    for request in teller.requests:
        if verb_of(request) and is_definite(request) and request.status != 200:
            shown = request.answer["status"]
            assert shown != ENDS[verb_of(request)], request
    return list(ends.values())


def notes_of(teller: Teller) -> list[tuple[int, Any]]:
    """Return, with their journal numbers, the ends and the requests that were answered."""
    notes: list[tuple[int, Any]] = [(n, (one, n, status)) for one, n, status in ends_of(teller)]
    for request in teller.requests:
        if is_definite(request) and not verb_of(request) and "n" in request.answer:
            notes.append((request.answer["n"], request))
    return notes


def enter(ledger: OutsideLedger, teller: Teller, note: End | Request) -> None:
    """Enter one of `notes_of`."""
    if not isinstance(note, Request):
        withdrawal_id, n, status = note
        ledger.ended(n, withdrawal_id, is_gone=status == "settled")
        return
    n, body = note.answer["n"], note.body
    if note.status >= 400:
        ledger.refused(n)
        return
    asset, amount = str(body["asset"]), Decimal(body["amount"])
    if note.path == WITHDRAWALS:
        assert note.answer["withdrawal_id"] == n, note
        ledger.asks_out(n, note.account, asset, amount)
    else:
        receivers = {client.account_id: name for name, client in teller.accounts.items()}
        receiver = receivers[int(body["to_account_id"])]
        ledger.transferred(n, note.account, receiver, asset, amount)


async def check_shown(teller: Teller, ledger: OutsideLedger) -> dict[str, int]:
    """Compare what owners and operator see with the books; return how many there are of each."""
    expected = {one: status for one, _, status in ends_of(teller)}
    expected |= dict.fromkeys(ledger.asked_out, "pending")
    shown = await _all(teller.operator, DECISIONS)
    assert {one["withdrawal_id"]: one["status"] for one in shown} == expected
    accounts = {client.account_id: name for name, client in teller.accounts.items()}
    for one in shown:
        assert one["destination"] == f"the bank of {accounts[one['account_id']]}", one
    pending = await _all(teller.operator, f"{DECISIONS}?status=pending")
    assert {one["withdrawal_id"] for one in pending} == set(ledger.asked_out)
    for name, client in teller.accounts.items():
        own = await _all(client, WITHDRAWALS)
        mine = {one["withdrawal_id"] for one in shown if accounts[one["account_id"]] == name}
        assert {one["withdrawal_id"] for one in own} == mine
    counts = dict.fromkeys(("pending", *ENDS.values()), 0)
    for status in expected.values():
        counts[status] += 1
    return counts


async def _all(client: Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        mark = "&" if "?" in path else "?"
        more = f"&cursor={cursor}" if cursor else ""
        page = await client.get(f"{path}{mark}limit={PAGE}{more}")
        found += page["withdrawals"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def check_repeats(teller: Teller) -> None:
    """Say that each request that was carried out is answered again, and is not done again."""
    for request in teller.requests:
        if request.status not in (200, 201) or not is_definite(request):
            continue
        again = Request(
            request.account, request.key, request.method, request.body, path=request.path
        )
        await _answered(teller, again)
        assert again.answer["n"] == request.answer["n"], (request, again)


def check_journal(teller: Teller, entries: list[Entry]) -> None:
    """Say that each answer stands for an entry of its own, and no refusal for any."""
    commands = [decode_entry(entry).command for entry in entries]
    names = [(command.account_id, command.idempotency_key) for command in commands]
    journalled = set(names)
    for note in (note for _, note in notes_of(teller)):
        if isinstance(note, Request):
            name = teller.accounts[note.account].account_id, note.key
            assert names[note.answer["n"] - 1] == name, note
        else:
            withdrawal_id, n, _ = note
            assert names[n - 1][1].startswith(f"withdrawal:{withdrawal_id}:"), note
    for request in teller.requests:
        if request.path in (WITHDRAWALS, TRANSFERS) and request.told is Told.REFUSED:
            name = teller.accounts[request.account].account_id, request.key
            assert name not in journalled, f"Refused, but carried out: {request}"
