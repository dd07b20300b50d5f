"""Transfers between the accounts of one user.

The rule of this file: both accounts are the caller's own, and another's is as unknown as one that
never was. To transfer takes the scope `withdraw`, though the money stays with its user: a key that
may only trade must not be able to empty the account that it was given.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.errors import ApiError
from api.edge.params import idempotency_key_of, query_of
from api.gateway import Gateway
from api.identity.caller import Scope
from api.money import docs
from api.money.deposits import REFERENCE
from api.money.fields import accepted, atoms_of
from api.orders.outcomes import final_answer
from api.paths import PREFIX
from api.reads import stored
from api.reads.account import balance_view
from shared.channels import balance_field
from shared.logs import get_logger
from shared.messages import Asset, Transfer
from shared.outcomes import Accepted, Answered, Unknown
from shared.rest.account import BalanceView
from shared.rest.money import TransferAnswer, TransferBody, TransferStatus
from shared.wire import CommandResult

_log = get_logger(__name__)


class Transfers:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def transfer(self, request: Request) -> Response:
        """Give of what is available to another account of yours, at once."""
        caller = await self._gateway.callers.trader(request, Scope.WITHDRAW)
        query_of(request)
        key = idempotency_key_of(request)
        body = await read_body(request, TransferBody)
        asset = await self._gateway.catalog.asset(body.asset)
        command = Transfer(
            account_id=caller.account_id,
            idempotency_key=key,
            to_account_id=body.to_account_id,
            asset=asset.asset,
            amount_atoms=atoms_of(body.amount, asset),
            reference=_reference_of(body.reference),
        )
        await self._check_own(caller.user_id, body.to_account_id)
        outcome = await self._gateway.bus.submit(command)
        if isinstance(outcome, Accepted):
            return accepted(outcome.n, status_url(key, outcome.n, outcome.fingerprint), key)
        if isinstance(outcome, Unknown):
            details = {"idempotency_key": key, "status_url": status_url(key)}
            raise ApiError("UNKNOWN_OUTCOME", details=details)
        answered = final_answer(outcome, key)
        told = await self._told(command, asset, body.amount, answered)
        return answer(told, 201, {"Idempotency-Key": key})

    async def _check_own(self, user_id: int, account_id: int) -> None:
        try:
            await self._gateway.identity.accounts.require_own(user_id, account_id)
        except ApiError as error:
            raise ApiError(error.code, field="to_account_id") from error

    async def _told(
        self, command: Transfer, asset: Asset, amount: str, answered: Answered
    ) -> TransferAnswer:
        result = answered.result
        accounts = (command.account_id, command.to_account_id)
        from_balance, to_balance = await self._balances(asset, accounts, result.sequence)
        return TransferAnswer(
            from_account_id=command.account_id,
            to_account_id=command.to_account_id,
            asset=asset.asset,
            amount=amount,
            reference=command.reference,
            from_balance=from_balance,
            to_balance=to_balance,
            n=result.n,
            sequence=result.sequence,
            replayed=answered.replayed,
            idempotency_key=command.idempotency_key,
        )

    async def _balances(
        self, asset: Asset, accounts: tuple[int, int], sequence: int
    ) -> tuple[BalanceView | None, BalanceView | None]:
        """The money has moved by now, so that a read that fails is no refusal any more."""
        store = self._gateway.store
        fields = [balance_field(account_id, asset.asset) for account_id in accounts]
        try:
            _, (rows,) = await store.read(
                ("HMGET", store.keys.balances, *fields), min_sequence=sequence
            )
        except ApiError as error:
            _log.warning("balances_not_read", accounts=accounts, code=error.code)
            return None, None
        return balance_view(rows[0], asset), balance_view(rows[1], asset)

    async def status(self, request: Request) -> Response:
        """Ask what became of a transfer, by the key of its request."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        asked = stored.asked_in(query_of(request, *stored.PARAMETERS))
        outcome = await stored.stored_outcome(self._gateway.store, caller.account_id, asked)
        if isinstance(outcome, Accepted):
            return accepted(
                outcome.n, status_url(asked.key, outcome.n, outcome.fingerprint), asked.key
            )
        if isinstance(outcome, Answered) and _is_of_another_kind(outcome.result):
            raise ApiError("UNKNOWN_IDEMPOTENCY_KEY", field="idempotency_key")
        result = final_answer(outcome, asked.key).result
        return answer(TransferStatus(result.n, result.sequence, asked.key))


def status_url(key: str, n: int = 0, fingerprint: bytes = b"") -> str:
    """Return where the answer to a transfer can be asked for."""
    return stored.url_of(f"{PREFIX}/transfers", key, n, fingerprint)


def _reference_of(text: str | None) -> str:
    if text is None:
        return ""
    if not REFERENCE.fullmatch(text):
        raise ApiError("INVALID_REFERENCE", field="reference")
    return text


def _is_of_another_kind(result: CommandResult) -> bool:
    parts = (result.order, result.count, result.withdrawal, result.hold_asset or None)
    return any(part is not None for part in parts)


def transfer_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /transfers."""
    transfers = Transfers(gateway)
    router = APIRouter(prefix=f"{PREFIX}/transfers", tags=["money"])
    router.add_api_route("", transfers.transfer, methods=["POST"], openapi_extra=docs.TRANSFER)
    router.add_api_route("", transfers.status, methods=["GET"], openapi_extra=docs.TRANSFER_STATUS)
    return router
