"""Crediting an account, over HTTP and for the command line, and what was credited.

The rule of this file: the ledger decides; what cannot be read afterwards refuses nothing.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.money import docs
from api.money.deposits import FAUCET_REFERENCE_PREFIX, REFERENCE
from api.money.fields import account_in, asset_in, atoms_of, limit_of, word_of
from api.money.views import operators_deposit_view
from api.paths import PREFIX
from api.reads.account import read_balances
from shared.logs import get_logger
from shared.rest.account import BalanceView
from shared.rest.admin import DepositAnswer, DepositBody
from shared.rest.money import OperatorsDeposits

_log = get_logger(__name__)


class AdminDeposits:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def deposit(self, request: Request) -> Response:
        """Credit an account."""
        gateway = self._gateway
        caller = await gateway.callers.operator(request)
        query_of(request)
        body = await read_body(request, DepositBody)
        account_id = await self._account(body)
        action = gateway.audit.action(
            caller,
            request,
            "deposit.credit",
            target=f"account:{account_id}",
            reason=body.reason,
            before=body,
        )
        async with action as entry:
            done = await deposit(gateway, account_id, body.asset, body.amount, body.reference)
            entry.after = done
        return answer(done, 201)

    async def list(self, request: Request) -> Response:
        """List deposits, newest first."""
        await self._gateway.callers.operator(request)
        given = query_of(request, "cursor", "limit", "asset", "account", "state", "reference")
        deposits, catalog = self._gateway.money.deposit_list, self._gateway.catalog
        if "reference" in given and not REFERENCE.fullmatch(given["reference"]):
            raise ApiError("INVALID_PARAMETER", field="reference")
        rows, following = await deposits.page(
            limit=limit_of(given),
            cursor=given.get("cursor", ""),
            account_id=account_in(given),
            asset=await asset_in(given, catalog),
            state=word_of(given, "state", docs.DEPOSIT_STATES),
            reference=given.get("reference", ""),
        )
        views = [await operators_deposit_view(row, catalog) for row in rows]
        return answer(OperatorsDeposits(views, following))

    async def _account(self, body: DepositBody) -> int:
        if (body.username is None) == (body.account is None):
            raise ApiError(
                "MISSING_FIELD", "Give username or account, one of them.", field="account"
            )
        if body.username is not None:
            found = await self._gateway.users.find(body.username)
            user = found[0] if found else None
        else:
            wanted = body.account or 0
            user = await self._gateway.users.find_account(wanted) if 0 < wanted < 2**63 else None
        if user is None:
            raise ApiError("UNKNOWN_USER", field="username" if body.username else "account")
        return user.account_id


async def deposit(
    gateway: Gateway, account_id: int, asset_name: str, amount: str, reference: str
) -> DepositAnswer:
    """Credit an account with decimal text; raises ApiError."""
    asset = await gateway.catalog.asset(asset_name)
    atoms = atoms_of(amount, asset)
    if reference.startswith(FAUCET_REFERENCE_PREFIX):
        sentence = f"References that begin with {FAUCET_REFERENCE_PREFIX} are the faucet's."
        raise ApiError("INVALID_REFERENCE", sentence, field="reference")
    done = await gateway.money.deposits.credit(account_id, asset.asset, atoms, reference)
    balance = await _balance(gateway, account_id, asset.asset, done.sequence)
    return DepositAnswer(
        account_id,
        asset.asset,
        amount,
        reference,
        balance,
        done.n,
        done.sequence,
        done.replayed,
    )


async def _balance(
    gateway: Gateway, account_id: int, asset: str, sequence: int
) -> BalanceView | None:
    """The money is in the ledger by now, so that a read that fails is no refusal any more."""
    try:
        return (await read_balances(gateway, account_id, sequence)).balances[asset]
    except ApiError as error:
        _log.warning("balance_not_read", account_id=account_id, code=error.code)
        return None


def deposit_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/deposits."""
    admin = AdminDeposits(gateway)
    router = APIRouter(prefix=f"{PREFIX}/admin", tags=["admin"])
    router.add_api_route("/deposits", admin.deposit, methods=["POST"], openapi_extra=docs.CREDIT)
    listed = docs.OPERATORS_DEPOSITS
    router.add_api_route("/deposits", admin.list, methods=["GET"], openapi_extra=listed)
    return router
