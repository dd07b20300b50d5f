"""Reading the audit log over HTTP.

The rule of this file: it only reads; nothing over HTTP changes or removes a note.
"""

from fastapi import APIRouter, Request, Response

from api.admin.audit import TARGET_LENGTH_MAX
from api.edge.answers import answer
from api.edge.docs import describe, query
from api.edge.errors import ApiError
from api.edge.pages import page_of
from api.edge.params import integer, query_of
from api.gateway import Gateway
from api.paths import PREFIX
from shared.rest.audit import AdminActions, AuditVerdict

ACTIONS_DEFAULT = 100
ACTIONS_MAX = 500  # With long notes of before and after about a megabyte.
_FILTERS = ("action", "target", "user")


class Audit:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request) -> Response:
        """List what operators did, newest first."""
        await self._gateway.callers.operator(request)
        given = query_of(request, "cursor", "limit", *_FILTERS)
        limit = integer(given, "limit", ACTIONS_DEFAULT, least=1, most=ACTIONS_MAX)
        before_id = integer(given, "cursor", 0, least=1)
        filters = {name: _text(given, name) for name in _FILTERS}
        found = await self._gateway.audit.page(limit=limit + 1, before_id=before_id, **filters)
        return answer(AdminActions(*page_of(found, limit, lambda one: one.action_id)))

    async def verify(self, request: Request) -> Response:
        """Check every record of the log against the chain of hashes."""
        await self._gateway.callers.operator(request)
        query_of(request)
        return answer(await self._gateway.audit.verify())


def _text(given: dict[str, str], name: str) -> str:
    text = given.get(name, "")
    if not text.isprintable() or len(text) > TARGET_LENGTH_MAX:
        raise ApiError("INVALID_PARAMETER", field=name)
    return text


def audit_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/audit."""
    audit = Audit(gateway)
    router = APIRouter(prefix=f"{PREFIX}/admin/audit", tags=["admin"])
    parameters = (
        query("cursor", "The `next_cursor` of the answer before."),
        query("limit", "At most.", kind="integer", minimum=1, maximum=ACTIONS_MAX),
        query("action", "Only this action, such as `market.update`."),
        query("target", "Only of this, such as `market:TATA_INR`."),
        query("user", "Only by this user; `cli` is the command line."),
    )
    errors = ("FORBIDDEN", "INVALID_PARAMETER", "AUDIT_UNAVAILABLE")
    listed = describe(answers={200: AdminActions}, parameters=parameters, errors=errors)
    verdict = describe(answers={200: AuditVerdict}, errors=("FORBIDDEN", "AUDIT_UNAVAILABLE"))
    router.add_api_route("", audit.list, methods=["GET"], openapi_extra=listed)
    router.add_api_route("/verify", audit.verify, methods=["GET"], openapi_extra=verdict)
    return router
