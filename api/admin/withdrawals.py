"""Deciding withdrawals, over HTTP and for the command line.

The rule of this file: who decides is noted before anything is sent, and again with the withdrawal;
the ledger says what became of it.
"""

import secrets

from fastapi import APIRouter, Request, Response
from msgspec import Struct

from api.admin.audit import ACCEPTED, CLI_USERNAME, Entry
from api.edge.answers import answer
from api.edge.body import read_body, read_optional_body
from api.edge.params import integer, query_of
from api.gateway import Gateway
from api.identity.caller import Caller
from api.money import docs
from api.money.fields import (
    accepted,
    account_in,
    asset_in,
    check_line,
    limit_of,
    withdrawal_id_of,
    word_of,
)
from api.money.views import operators_withdrawal_fields, operators_withdrawal_view
from api.money.withdrawal_rows import Claim, Decision
from api.paths import PREFIX
from shared.outcomes import Accepted
from shared.rest.money import (
    EXTERNAL_REFERENCE_LENGTH_MAX,
    ApproveBody,
    DecisionAnswer,
    OperatorsWithdrawals,
    OperatorsWithdrawalView,
    RefuseBody,
)

_ACTIONS = {Decision.SETTLE: "withdrawal.approve", Decision.REFUSE: "withdrawal.refuse"}


class Verdict(Struct, frozen=True, kw_only=True):
    """What an operator decides of a withdrawal."""

    withdrawal_id: int
    decision: Decision
    reason: str
    external_reference: str = ""


class AdminWithdrawals:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request) -> Response:
        """List withdrawals, newest first; those that wait are `status=pending`."""
        await self._gateway.callers.operator(request)
        given = query_of(request, "cursor", "limit", "asset", "status", "account")
        rows, following = await self._gateway.money.withdrawals.book.page(
            limit=limit_of(given),
            before_id=integer(given, "cursor", 0, least=1),
            asset=await asset_in(given, self._gateway.catalog),
            account_id=account_in(given),
            state=word_of(given, "status", docs.STATUSES),
        )
        views = [await operators_withdrawal_view(row, self._gateway.catalog) for row in rows]
        return answer(OperatorsWithdrawals(views, following))

    async def one(self, request: Request, withdrawal_id: str) -> Response:
        """Look up one withdrawal."""
        await self._gateway.callers.operator(request)
        query_of(request)
        row = await self._gateway.money.withdrawals.book.find(withdrawal_id_of(withdrawal_id))
        return answer(await operators_withdrawal_view(row, self._gateway.catalog))

    async def approve(self, request: Request, withdrawal_id: str) -> Response:
        """Say that the money has left the venue; it leaves the ledger, too."""
        caller = await self._gateway.callers.operator(request)
        query_of(request)
        body = await read_optional_body(request, ApproveBody) or ApproveBody()
        verdict = Verdict(
            withdrawal_id=withdrawal_id_of(withdrawal_id),
            decision=Decision.SETTLE,
            reason=body.reason,
            external_reference=body.external_reference,
        )
        return await self._decide(request, caller, verdict)

    async def refuse(self, request: Request, withdrawal_id: str) -> Response:
        """Give the money back to its owner, who reads the reason."""
        caller = await self._gateway.callers.operator(request)
        query_of(request)
        body = await read_body(request, RefuseBody)
        verdict = Verdict(
            withdrawal_id=withdrawal_id_of(withdrawal_id),
            decision=Decision.REFUSE,
            reason=body.reason,
        )
        return await self._decide(request, caller, verdict)

    async def _decide(self, request: Request, caller: Caller, verdict: Verdict) -> Response:
        before = await look_at(self._gateway, verdict)
        action = self._gateway.audit.action(
            caller,
            request,
            _ACTIONS[verdict.decision],
            target=f"withdrawal:{verdict.withdrawal_id}",
            reason=verdict.reason,
            before=before,
        )
        async with action as entry:
            told = await decide(self._gateway, verdict, f"user:{caller.user_id}", entry)
        if isinstance(told, Accepted):
            return accepted(told.n, f"{PREFIX}/admin/withdrawals/{verdict.withdrawal_id}")
        return answer(told)


async def look_at(gateway: Gateway, verdict: Verdict) -> OperatorsWithdrawalView:
    """Return the withdrawal as it is; raises ApiError, also for a verdict that cannot be noted."""
    if verdict.external_reference:
        check_line(
            verdict.external_reference,
            "external_reference",
            "INVALID_EXTERNAL_REFERENCE",
            most=EXTERNAL_REFERENCE_LENGTH_MAX,
        )
    row = await gateway.money.withdrawals.book.find(verdict.withdrawal_id)
    return await operators_withdrawal_view(row, gateway.catalog)


async def decide(
    gateway: Gateway, verdict: Verdict, by: str, entry: Entry
) -> DecisionAnswer | Accepted:
    """Carry out what was noted as `entry`; raises ApiError."""
    claim = Claim(
        decision=verdict.decision,
        by=by,
        token=secrets.token_hex(16),
        reason=verdict.reason.strip(),
        external_reference=verdict.external_reference,
    )
    told = await gateway.money.withdrawals.decide(verdict.withdrawal_id, claim)
    if isinstance(told, Accepted):
        entry.outcome = ACCEPTED
        return told
    fields = await operators_withdrawal_fields(told.row, gateway.catalog)
    more = {"n": told.n, "sequence": told.sequence, "replayed": told.replayed}
    decided = DecisionAnswer(**fields, **more)  # type: ignore[arg-type]
    entry.after = decided
    return decided


async def decide_by_cli(gateway: Gateway, verdict: Verdict) -> DecisionAnswer | Accepted:
    """Decide at the machine itself; raises ApiError."""
    before = await look_at(gateway, verdict)
    action = gateway.audit.by_cli(
        _ACTIONS[verdict.decision],
        target=f"withdrawal:{verdict.withdrawal_id}",
        reason=verdict.reason,
        before=before,
    )
    async with action as entry:
        return await decide(gateway, verdict, CLI_USERNAME, entry)


def withdrawal_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/withdrawals."""
    admin = AdminWithdrawals(gateway)
    router = APIRouter(prefix=f"{PREFIX}/admin/withdrawals", tags=["admin"])
    for path, handler, method, extra in (
        ("", admin.list, "GET", docs.OPERATORS_LIST),
        ("/{withdrawal_id}", admin.one, "GET", docs.OPERATORS_ONE),
        ("/{withdrawal_id}/approve", admin.approve, "POST", docs.APPROVE),
        ("/{withdrawal_id}/refuse", admin.refuse, "POST", docs.REFUSE),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router
