"""A user's own sessions: to see them, and to end them.

The rule of this file: a session of somebody else and one that does not exist are the same answer.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.docs import describe
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.sessions import Ended, Session
from shared.claims import ADMIN_AUDIENCE
from shared.rest.identity import SessionList, SessionsEnded, SessionView


class SessionHandlers:
    """The handlers of one door; a user's sessions of both doors are shown at either."""

    def __init__(self, gateway: Gateway, audience: str) -> None:
        self._gateway = gateway
        self._audience = audience

    async def list(self, request: Request) -> Response:
        """List the user's sessions, the last used first."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        found = await self._gateway.identity.sessions.list(caller.user_id)
        return answer(SessionList([_view(session, caller.session_id) for session in found]))

    async def revoke(self, request: Request) -> Response:
        """End one session of the user: its tokens are good nowhere any more."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        session_id = request.path_params["session_id"]
        await self._gateway.identity.sessions.revoke(caller.user_id, session_id, Ended.REVOKED)
        return answer(SessionsEnded(1))

    async def revoke_others(self, request: Request) -> Response:
        """End all sessions of the user but this one."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        count = await self._gateway.identity.sessions.revoke_others(
            caller.user_id, caller.session_id
        )
        return answer(SessionsEnded(count))


def _view(session: Session, current_id: str) -> SessionView:
    return SessionView(
        session.session_id,
        session.session_id == current_id,
        "admin" if session.audience == ADMIN_AUDIENCE else "public",
        session.account_id,
        session.address,
        session.created_at_s,
        session.last_used_at_s,
        session.expires_at_s,
    )


def add_session_routes(router: APIRouter, gateway: Gateway, audience: str) -> None:
    """Add the routes under /auth/sessions."""
    handlers = SessionHandlers(gateway, audience)
    extra = describe(answers={200: SessionList}, errors=("USERS_UNAVAILABLE",))
    router.add_api_route("/sessions", handlers.list, methods=["GET"], openapi_extra=extra)
    extra = describe(answers={200: SessionsEnded}, errors=("USERS_UNAVAILABLE",))
    router.add_api_route(
        "/sessions", handlers.revoke_others, methods=["DELETE"], openapi_extra=extra
    )
    session_id = {
        "name": "session_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
    }
    extra = describe(
        answers={200: SessionsEnded},
        errors=("UNKNOWN_SESSION", "USERS_UNAVAILABLE"),
        parameters=(session_id,),
    )
    router.add_api_route(
        "/sessions/{session_id}", handlers.revoke, methods=["DELETE"], openapi_extra=extra
    )
