"""Money that moves through the gateway during a campaign: withdrawals, decisions, transfers.

The rule of this file: owners and operators decide the same withdrawals at the same time, and each
of them asks until the answer is definite.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
from typer.testing import CliRunner

from api.cli import admin_app
from tests.support.campaign_clients import Client, Counts, Request, Told
from tests.support.campaign_orders import ASSET_SCALES
from tests.support.campaign_system import System

MONEY_PAUSE_MAX_S = 0.15
KNOWN_MAX = 20
OPERATOR = "treasurer"
ENDS = {"approve": "settled", "refuse": "refused", "cancel": "cancelled"}
WITHDRAWALS, TRANSFERS = "/api/v1/withdrawals", "/api/v1/transfers"
DECISIONS = "/api/v1/admin/withdrawals"


def make_operator(home: Path, password: str) -> None:
    """Make the admin of the campaign, as one does at the machine itself."""
    words = ["create", OPERATOR, "--password-stdin", "--home", str(home)]
    result = CliRunner().invoke(admin_app, words, input=f"{password}\n")
    assert result.exit_code == 0, result.output


@dataclass
class Teller:
    """Sends all of it, and notes it; `accounts` has two accounts of each user."""

    accounts: dict[str, Client]
    operator: Client
    random: Random
    requests: list[Request] = field(default_factory=list)
    pending: list[tuple[int, str]] = field(default_factory=list)  # Some of them, with their owner.

    async def work(self) -> None:
        """Ask, decide and transfer, until cancelled."""
        while True:
            roll = self.random.random()
            if self.pending and roll < 0.4:
                await self._decide()
            elif roll < 0.7:
                await self._ask_out()
            else:
                await self._transfer()
            await asyncio.sleep(self.random.uniform(0, MONEY_PAUSE_MAX_S))

    def client_of(self, request: Request) -> Client:
        return self.operator if request.account == OPERATOR else self.accounts[request.account]

    async def _send(self, account: str, method: str, path: str, **body: str | int) -> Request:
        key = f"teller-{len(self.requests)}"
        request = Request(account, key, method, body, path=path)
        self.requests.append(request)
        await self.client_of(request).settle(request)
        return request

    def _wish(self) -> tuple[str, str, str]:
        account = self.random.choice(list(self.accounts))
        amount = self.random.randint(1, 40) if self.random.random() < 0.95 else 10**9
        return account, self.random.choice(list(ASSET_SCALES)), str(amount)

    async def _ask_out(self) -> None:
        account, asset, amount = self._wish()
        wish = {"asset": asset, "amount": amount, "destination": f"the bank of {account}"}
        request = await self._send(account, "POST", WITHDRAWALS, **wish)
        if request.status == 201:
            self.pending.append((request.answer["withdrawal_id"], account))
            del self.pending[:-KNOWN_MAX]

    async def _transfer(self) -> None:
        account, asset, amount = self._wish()
        other = account.removesuffix("+") if account.endswith("+") else f"{account}+"
        receiver = self.accounts[other].account_id
        wish = {"asset": asset, "amount": amount}
        await self._send(account, "POST", TRANSFERS, to_account_id=receiver, **wish)

    async def _decide(self) -> None:
        n, owner = self.pending.pop(self.random.randrange(len(self.pending)))
        verbs = self.random.choices(("approve", "refuse", "cancel"), k=self.random.randint(1, 3))
        await asyncio.gather(*(self._say(n, owner, verb) for verb in verbs))

    async def _say(self, n: int, owner: str, verb: str) -> Request:
        if verb == "cancel":
            return await self._send(owner, "DELETE", f"{WITHDRAWALS}/{n}")
        path = f"{DECISIONS}/{n}/{verb}"
        return await self._send(OPERATOR, "POST", path, reason="The campaign says so.")


async def opened_teller(
    system: System, clients: dict[str, Client], *, password: str, seed: int
) -> Teller:
    """Give each user a second account, and make an operator who has logged in."""
    accounts = dict(clients)
    for name, client in clients.items():
        accounts[f"{name}+"] = await client.open_second(password)
    await asyncio.to_thread(make_operator, system.home, password)
    http = httpx.AsyncClient(base_url=system.admin_url, timeout=5.0)
    random = Random(f"{seed}-teller")
    operator = Client(http, OPERATOR, Counts(), random)
    await operator.log_in(OPERATOR, password)
    return Teller(accounts, operator, random)


def verb_of(request: Request) -> str:
    """Return approve, refuse or cancel for a decision, "" for another request."""
    if request.method == "DELETE":
        return "cancel"
    return request.path.rpartition("/")[2] if request.path.startswith(DECISIONS) else ""


def is_definite(request: Request) -> bool:
    return request.told is Told.ANSWERED
