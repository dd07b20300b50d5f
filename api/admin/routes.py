"""All that an operator may do over HTTP, put together.

The rule of this file: it lists the routes of the topics; another port, another audience.
"""

from fastapi import APIRouter

from api.admin.accounts import account_routes
from api.admin.audit_routes import audit_routes
from api.admin.commands import command_routes
from api.admin.deposits import deposit_routes
from api.admin.fees import fee_routes
from api.admin.halts import halt_routes
from api.admin.markets import market_routes
from api.admin.proof import proof_routes
from api.admin.risk import risk_routes
from api.admin.users import user_routes
from api.admin.withdrawals import withdrawal_routes
from api.gateway import Gateway

_TOPICS = (
    deposit_routes,
    withdrawal_routes,
    market_routes,
    halt_routes,
    account_routes,
    command_routes,
    fee_routes,
    proof_routes,
    risk_routes,
    user_routes,
    audit_routes,
)


def admin_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin."""
    router = APIRouter()
    for routes in _TOPICS:
        router.include_router(routes(gateway))
    return router
