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
RETRY_DEADLINE_S = 60.0  # Any outage of a campaign is far shorter.
REQUEST_TIMEOUT_S = 5.0
PAUSE_MAX_S = 0.12  # Between two requests of one lane, so that two cores are not the limit.
KNOWN_ORDERS_MAX = 30
GIVE_UP_RATE = 0.03  # Of the requests that got no definite answer at once.
STATUS_RATE = 0.3  # Of the retries that ask at the status address instead of sending again.
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
        self._headers: dict[str, str] = {}
        self._counts = counts
        self._random = random

    async def register(self, password: str) -> None:
        credentials = {"username": self.name, "password": password}
        registered = await self.http.post("/api/v1/auth/register", json=credentials)
        assert registered.status_code == 201, registered.text
        self.account_id = registered.json()["account_id"]
        logged_in = await self.http.post("/login", json=credentials)
        assert logged_in.status_code == 200, logged_in.text
        self._headers = {"Authorization": f"Bearer {logged_in.json()['access_token']}"}

    async def get(self, path: str) -> Answer:
        response = await self.http.get(path, headers=self._headers)
        assert response.status_code == 200, response.text
        answer: Answer = response.json()
        return answer

    async def send(self, request: Request) -> bool:
        """Send once; note and return whether the answer is definite."""
        headers = {**self._headers, "Idempotency-Key": request.key}
        self._counts.sent += 1
        request.sent += 1
        known, request.told = request.told, Told.NOTHING  # Also if we are cancelled here.
        try:
            response = await self.http.request(
                request.method, "/order", json=request.body, headers=headers
            )
        except httpx.ConnectError:
            self._counts.disconnected += 1
            request.told = known  # Nobody was there: it was not sent.
            return False
        except httpx.HTTPError:
            self._counts.disconnected += 1
            return False
        if response.status_code == 503:
            request.told = known
        return self._take(request, response)

    async def look_up(self, request: Request) -> bool:
        """Ask what became of it, without sending it again."""
        self._counts.looked_up += 1
        path = f"/api/v1/order?idempotency_key={request.key}"
        try:
            response = await self.http.get(path, headers=self._headers)
        except httpx.HTTPError:
            return False
        if response.status_code == 404 and response.json()["code"] == "UNKNOWN_IDEMPOTENCY_KEY":
            return False
        if response.status_code == 503 or not self._take(request, response):
            return False
        if (request.method, request.status) == ("POST", 200):
            request.status = 201  # The status address found it; it did not create it.
        return True

    def _take(self, request: Request, response: httpx.Response) -> bool:
        status, answer = response.status_code, response.json()
        if status in INDEFINITE:
            self._counts.accepted += status == 202
            self._counts.refused += status == 503
            self._counts.unknown += status == 504
            return False
        assert status < 500, response.text
        assert status not in (400, 401, 403, 405, 429), response.text
        answer.pop("request_id", None)
        self._counts.replayed += bool(answer.pop("replayed", False))
        request.told, request.status, request.answer = Told.ANSWERED, status, answer
        return True

    async def settle(self, request: Request) -> None:
        """Send until there is a definite answer; give up now and then."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + RETRY_DEADLINE_S
        while not await self._try(request):
            if self._random.random() < GIVE_UP_RATE:
                return
            assert loop.time() < deadline_s, f"No definite answer in time: {request}"
            await asyncio.sleep(RETRY_PAUSE_S * self._random.uniform(0.5, 2))

    async def _try(self, request: Request) -> bool:
        asks = request.told is Told.NOTHING and self._random.random() < STATUS_RATE
        return await (self.look_up(request) if asks else self.send(request))
