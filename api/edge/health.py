"""For machines that watch: alive, ready, figures.

The rule of this file: alive means that the process answers; ready means that an order would be
carried out now; neither touches the money.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.edge.answers import answer
from api.edge.errors import ApiError
from api.gateway import Gateway

ASK_EVERY_S = 1.0


class _NowAndThen:
    """A question that anybody may ask as often as they like, asked now and then."""

    def __init__(self, ask: Callable[[], Awaitable[bool]]) -> None:
        self._ask = ask
        self._asking = asyncio.Lock()
        self._asked_at_s = float("-inf")
        self._answer = False

    async def __call__(self) -> bool:
        async with self._asking:
            if time.monotonic() - self._asked_at_s > ASK_EVERY_S:
                self._answer = await self._ask()
                self._asked_at_s = time.monotonic()
        return self._answer


class Health:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._users = _NowAndThen(self._ask_users)
        self._history = _NowAndThen(gateway.history.is_there)

    async def health(self, _request: Request) -> Response:
        """Say that the process is alive."""
        return answer({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Say which of the parts that an order needs are there, and of `history`, which none
        needs, whether it answers; where none is kept there is no word of it.
        """
        users, history = await asyncio.gather(self._users(), self._history())
        parts = {
            "redis": self._gateway.bus.redis_is_up,
            "engine": self._gateway.bus.engine_is_up,
            "users": users,
        }
        is_ready = all(parts.values())
        breakers = {breaker.name: breaker.state for breaker in self._gateway.breakers}
        also = {"history": history} if self._gateway.history.is_kept else {}
        body = {"ready": is_ready, **parts, **also, "breakers": breakers}
        return answer(body, 200 if is_ready else 503)

    async def metrics(self, _request: Request) -> Response:
        """Show the figures of this process, as Prometheus reads them."""
        self._gateway.metrics.backlog.set(await self._backlog())
        return Response(self._gateway.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def _backlog(self) -> int:
        store = self._gateway.store
        try:
            _, (n, position) = await store.read(
                ("GET", store.keys.n), ("HGET", store.keys.meta, "position")
            )
        except ApiError:
            return -1
        return max(0, int(n or 0) - int(position or 0))

    async def _ask_users(self) -> bool:
        try:
            await self._gateway.users.check()
        except ApiError:
            return False
        return True


def health_routes(gateway: Gateway) -> APIRouter:
    """Return /health, /ready and /metrics."""
    health = Health(gateway)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/health", health.health, methods=["GET", "HEAD"])
    router.add_api_route("/ready", health.ready, methods=["GET", "HEAD"])
    router.add_api_route("/metrics", health.metrics, methods=["GET"])
    return router
