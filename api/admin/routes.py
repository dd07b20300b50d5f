"""What an operator may do over HTTP.

The rule of this file: another port, another audience, the role admin.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.orders.docs import OF_ENGINE
from api.orders.fields import amount_of
from api.paths import PREFIX
from api.reads.account import read_balances
from shared.logs import get_logger
from shared.money import parse_decimal
from shared.rest.account import BalanceView
from shared.rest.admin import DepositAnswer, DepositBody

_log = get_logger(__name__)


class Admin:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def deposit(self, request: Request) -> Response:
        """Credit an account."""
        caller = await self._gateway.callers.operator(request)
        query_of(request)
        body = await read_body(request, DepositBody)
        account_id = await self._account(body)
        done = await deposit(self._gateway, account_id, body.asset, body.amount, body.reference)
        _log.info(
            "deposited",
            by_user_id=caller.user_id,
            account_id=account_id,
            asset=body.asset,
            amount=body.amount,
            reference=body.reference,
        )
        return answer(done, 201)

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
    atoms = amount_of("amount", lambda: parse_decimal(amount, asset.scale))
    if atoms == 0:
        raise ApiError("INVALID_AMOUNT", field="amount")
    done = await gateway.deposits.credit(account_id, asset.asset, atoms, reference)
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


def admin_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin."""
    admin = Admin(gateway)
    router = APIRouter(prefix=f"{PREFIX}/admin", tags=["admin"])
    extra = describe(
        answers={201: DepositAnswer},
        body=DepositBody,
        errors=(
            "FORBIDDEN",
            "UNKNOWN_USER",
            "UNKNOWN_ASSET",
            "REFERENCE_USED",
            "DEPOSIT_UNRESOLVED",
            *OF_ENGINE,
        ),
    )
    router.add_api_route("/deposits", admin.deposit, methods=["POST"], openapi_extra=extra)
    return router
