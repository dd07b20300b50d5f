"""The clients of a campaign: they send, lose the answer, send again, and note what they were told.

The rule of this file: a request ends with a definite answer, or with the certainty that it was
refused, or it is asked about again when the exchange is well. Nothing is concluded from silence.
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Any

import httpx

Answer = dict[str, Any]
RETRY_PAUSE_S = 0.05
# On a busy machine a gateway starts in ten seconds and lives for one, until all its kills are done.
RETRY_DEADLINE_S = 240.0
REQUEST_TIMEOUT_S = 5.0
PAUSE_MAX_S = 0.12  # Between two requests of one lane, so that two cores are not the limit.
KNOWN_ORDERS_MAX = 30
GIVE_UP_RATE = 0.03  # Of the requests that got no definite answer at once.
STATUS_RATE = 0.3  # Of the retries that ask at the status address instead of sending again.
ORDERS = "/order"
INDEFINITE = (202, 503, 504)


class Told(Enum):
    """What the client knows of a request that it sent."""

    NOTHING = "nothing"  # It may have been carried out.
    REFUSED = "refused"  # Only 503 so far: certainly not carried out.
    ANSWERED = "answered"


@dataclass
class Request:
    """One wish with one idempotency key, and what became of it."""

    account: str
    key: str
    method: str
    body: dict[str, str | int]
    path: str = ORDERS
    told: Told = Told.REFUSED
    status: int = 0
    answer: Answer = field(default_factory=dict)
    sent: int = 0


@dataclass
class Counts:
    """How rough it was; a campaign that met no trouble proves nothing."""

    sent: int = 0
    accepted: int = 0  # 202
    refused: int = 0  # 503
    unknown: int = 0  # 504
    disconnected: int = 0
    replayed: int = 0
    looked_up: int = 0


class Client:
    """One trader's session; it is not safe for two requests with one key at once."""

    def __init__(self, http: httpx.AsyncClient, name: str, counts: Counts, random: Random) -> None:
        self.http = http
        self.name = name
        self.account_id = 0
        self.headers: dict[str, str] = {}
        self.counts = counts
        self.random = random

    async def register(self, password: str) -> None:
        credentials = {"username": self.name, "password": password}
        registered = await self.http.post("/api/v1/auth/register", json=credentials)
        assert registered.status_code == 201, registered.text
        self.account_id = registered.json()["account_id"]
        await self.log_in(self.name, password)

    async def open_second(self, password: str) -> "Client":
        """Add an account of the same user, and return who speaks for it."""
        made = await self.http.post(
            "/api/v1/accounts", json={"label": "second"}, headers=self.headers
        )
        assert made.status_code == 201, made.text
        second = Client(self.http, f"{self.name}+", self.counts, self.random)
        second.account_id = made.json()["account_id"]
        await second.log_in(self.name, password, account_id=second.account_id)
        return second

    async def log_in(self, username: str, password: str, **more: int) -> None:
        body = {"username": username, "password": password, **more}
        logged_in = await self.http.post("/login", json=body)
        assert logged_in.status_code == 200, logged_in.text
        self.headers = {"Authorization": f"Bearer {logged_in.json()['access_token']}"}

    async def get(self, path: str) -> Answer:
        response = await self.http.get(path, headers=self.headers)
        assert response.status_code == 200, response.text
        answer: Answer = response.json()
        return answer

    async def send(self, request: Request) -> bool:
        """Send once; note and return whether the answer is definite."""
        headers = {**self.headers, "Idempotency-Key": request.key}
        self.counts.sent += 1
        request.sent += 1
        known, request.told = request.told, Told.NOTHING  # Also if we are cancelled here.
        try:
            response = await self.http.request(
                request.method, request.path, json=request.body, headers=headers
            )
        except httpx.ConnectError:
            self.counts.disconnected += 1
            request.told = known  # Nobody was there: it was not sent.
            return False
        except httpx.HTTPError:
            self.counts.disconnected += 1
            return False
        if response.status_code == 503:
            request.told = known
        return self.take(request, response.status_code, response.json())

    async def look_up(self, request: Request) -> bool:
        """Ask what became of it, without sending it again."""
        self.counts.looked_up += 1
        path = f"/api/v1/order?idempotency_key={request.key}"
        try:
            response = await self.http.get(path, headers=self.headers)
        except httpx.HTTPError:
            return False
        if response.status_code == 404 and response.json()["code"] == "UNKNOWN_IDEMPOTENCY_KEY":
            return False
        if response.status_code == 503:
            return False
        if not self.take(request, response.status_code, response.json()):
            return False
        if (request.method, request.status) == ("POST", 200):
            request.status = 201  # The status address found it; it did not create it.
        return True

    def take(self, request: Request, status: int, answer: Answer) -> bool:
        """Note an answer, and return whether it is definite."""
        if status in INDEFINITE:
            self.counts.accepted += status == 202
            self.counts.refused += status == 503
            self.counts.unknown += status == 504
            return False
        assert status < 500, answer
        assert status not in (400, 401, 403, 405, 429), answer
        answer.pop("request_id", None)
        self.counts.replayed += bool(answer.pop("replayed", False))
        request.told, request.status, request.answer = Told.ANSWERED, status, answer
        return True

    async def settle(self, request: Request) -> None:
        """Send until there is a definite answer; give up now and then."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + RETRY_DEADLINE_S
        while not await self._try(request):
            if self.random.random() < GIVE_UP_RATE:
                return
            assert loop.time() < deadline_s, f"No definite answer in time: {request}"
            await asyncio.sleep(RETRY_PAUSE_S * self.random.uniform(0.5, 2))

    async def _try(self, request: Request) -> bool:
        asks = request.told is Told.NOTHING and self.random.random() < STATUS_RATE
        asks = asks and request.path == ORDERS  # The other addresses have no such question.
        return await (self.look_up(request) if asks else self.send(request))
