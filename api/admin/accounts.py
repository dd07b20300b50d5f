"""Accounts, as operators see them, and what they may do.

The rule of this file: an account is one that a user owns or that the ledger knows; another number
is a slip, and nothing is said to it.
"""

import re

from fastapi import APIRouter, Request, Response

from api.admin.commands import (
    ADMIN,
    ERRORS,
    KEYED,
    accepted_answer,
    carry_out,
    done_fields,
    operator_key_of,
)
from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.reads.account import balance_view
from shared.channels import balance_field
from shared.messages import AccountRow, Command, SetAccountTier, SuspendAccount
from shared.outcomes import Accepted
from shared.rest.operating import (
    AccountAnswer,
    AdminAccountView,
    OwnerView,
    SuspensionBody,
    TierBody,
)
from shared.rest.orders import AcceptedBody
from shared.wire import decode

_ACCOUNT_ID = re.compile(r"[1-9][0-9]{0,18}")


def account_id_of(text: str) -> int:
    """Return the number; one that cannot be an account's gets the answer for an unknown one."""
    if not _ACCOUNT_ID.fullmatch(text) or int(text) >= 2**63:
        raise ApiError("UNKNOWN_ACCOUNT", field="account_id")
    return int(text)


async def read_account(gateway: Gateway, account_id: int) -> AdminAccountView:
    """Return the account as it is; raises ApiError UNKNOWN_ACCOUNT."""
    await gateway.catalog.refresh()
    assets = list(gateway.catalog.assets.values())
    keys = gateway.store.keys
    fields = [balance_field(account_id, asset.asset) for asset in assets]
    sequence, (row, open_orders, *balances) = await gateway.store.read(
        ("HGET", keys.accounts, account_id),
        ("HLEN", keys.open_orders(account_id)),
        *([("HMGET", keys.balances, *fields)] if fields else []),
    )
    user = await gateway.users.find_account(account_id)
    if user is None and row is None:
        raise ApiError("UNKNOWN_ACCOUNT", field="account_id")
    account = decode(row, AccountRow) if row is not None else AccountRow(0)
    rows = balances[0] if balances else []
    return AdminAccountView(
        account_id=account_id,
        owner=OwnerView(user.user_id, user.username, user.role) if user else None,
        tier=account.tier,
        is_suspended=account.is_suspended,
        cancel_at_ns=account.cancel_at_ns or None,
        open_orders=open_orders,
        balances={
            asset.asset: balance_view(balance, asset)
            for asset, balance in zip(assets, rows, strict=True)
        },
        sequence=sequence,
    )


class AdminAccounts:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def one(self, request: Request, account_id: str) -> Response:
        """Show an account: its owner, balances, orders, tier, and whether it is suspended."""
        await self._gateway.callers.operator(request)
        query_of(request)
        return answer(await read_account(self._gateway, account_id_of(account_id)))

    async def set_tier(self, request: Request, account_id: str) -> Response:
        """Set the account's fee tier, for its orders to come."""
        await self._gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, TierBody)
        target = account_id_of(account_id)
        command = SetAccountTier(target_account_id=target, tier=body.tier, idempotency_key=key)
        return await self._change(request, "account.tier", target, command, reason=body.reason)

    async def suspend(self, request: Request, account_id: str) -> Response:
        """Suspend an account, so that it may only cancel, or lift that."""
        await self._gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, SuspensionBody)
        target = account_id_of(account_id)
        command = SuspendAccount(
            target_account_id=target,
            is_suspended=body.is_suspended,
            cancel_orders=body.cancel_orders,
            idempotency_key=key,
        )
        action = "account.suspend" if body.is_suspended else "account.reinstate"
        return await self._change(request, action, target, command, reason=body.reason)

    async def _change(
        self, request: Request, action: str, account_id: int, command: Command, *, reason: str
    ) -> Response:
        gateway, key = self._gateway, command.idempotency_key
        caller = await gateway.callers.operator(request)
        before = await read_account(gateway, account_id)
        async with gateway.audit.action(
            caller,
            request,
            action,
            target=f"account:{account_id}",
            reason=reason,
            before=_standing(before),
        ) as entry:
            outcome = await carry_out(gateway, command, entry)
            if isinstance(outcome, Accepted):
                return accepted_answer(outcome, key)
            try:
                view = await read_account(gateway, account_id)
                entry.after = _standing(view)
            except ApiError:  # It is carried out; only what is now cannot be read.
                view = None
        done = {"account": view, **done_fields(outcome, key)}
        return answer(done, 200, {"Idempotency-Key": key})


def _standing(view: AdminAccountView) -> dict[str, object]:
    return {
        "tier": view.tier,
        "is_suspended": view.is_suspended,
        "open_orders": view.open_orders,
    }


def account_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/accounts."""
    accounts = AdminAccounts(gateway)
    router = APIRouter(prefix=f"{ADMIN}/accounts", tags=["admin"])
    read = ("FORBIDDEN", "UNKNOWN_ACCOUNT", "REDIS_UNAVAILABLE", "USERS_UNAVAILABLE")
    changed = {200: AccountAnswer, 202: AcceptedBody}
    errors = ("UNKNOWN_ACCOUNT", "USERS_UNAVAILABLE", *ERRORS)
    one = "/{account_id}"
    for method, path, handler, extra in (
        ("GET", one, accounts.one, describe(answers={200: AdminAccountView}, errors=read)),
        (
            "PUT",
            f"{one}/tier",
            accounts.set_tier,
            describe(answers=changed, body=TierBody, parameters=KEYED, errors=errors),
        ),
        (
            "PUT",
            f"{one}/suspension",
            accounts.suspend,
            describe(answers=changed, body=SuspensionBody, parameters=KEYED, errors=errors),
        ),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router
