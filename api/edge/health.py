"""For machines that watch: alive, ready, figures.

The rule of this file: alive means that the process answers; ready means that an order would be
carried out now; neither touches the money.
"""

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.edge.answers import answer
from api.edge.errors import ApiError
from api.gateway import Gateway


class Health:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def health(self, _request: Request) -> Response:
        """Say that the process is alive."""
        return answer({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Say which of the parts that an order needs are there."""
        parts = {
            "redis": self._gateway.bus.redis_is_up,
            "engine": self._gateway.bus.engine_is_up,
            "users": await self._users_are_there(),
        }
        is_ready = all(parts.values())
        return answer({"ready": is_ready, **parts}, 200 if is_ready else 503)

    async def metrics(self, _request: Request) -> Response:
        """Show the figures of this process, as Prometheus reads them."""
        return Response(self._gateway.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def _users_are_there(self) -> bool:
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
