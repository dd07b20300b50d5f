"""The two applications of the gateway: the public one and the operators'.

The rule of this file: routes and doors are put together here, and nothing else; no I/O.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.admin.routes import admin_routes
from api.edge.answers import install_error_handlers
from api.edge.docs import install_openapi
from api.edge.docs_page import docs_routes
from api.edge.door import Door
from api.edge.health import health_routes
from api.edge.shortcut import Shortcut
from api.gateway import Gateway
from api.history.routes import history_routes
from api.identity.account_routes import own_account_routes
from api.identity.auth import auth_routes
from api.keys.routes import key_routes
from api.limits.charging import HEADERS
from api.limits.routes import limit_routes
from api.money.faucet_routes import faucet_routes
from api.money.routes import money_routes
from api.money.transfers import transfer_routes
from api.orders.routes import order_routes
from api.reads.account import account_routes
from api.reads.market_data import market_data_routes
from shared.claims import ADMIN_AUDIENCE

CORS_MAX_AGE_S = 600
# What a page of another place may read of an answer, beside the limits.
EXPOSED = (
    "X-Request-Id",
    "Idempotency-Key",
    "Location",
    "Retry-After",
    "Content-Disposition",
    "X-Total-Rows",
)


def public_app(
    gateway: Gateway, *, docs_enabled: bool, cors_origins: tuple[str, ...] = ()
) -> FastAPI:
    """Return the application that traders reach; wrap it with `Door` to serve it."""
    app = _application("Rialto", docs_enabled=docs_enabled)
    for routes in (
        auth_routes,
        key_routes,
        own_account_routes,
        order_routes,
        account_routes,
        market_data_routes,
        history_routes,
        money_routes,
        transfer_routes,
        faucet_routes,
    ):
        app.include_router(routes(gateway))
    app.include_router(health_routes(gateway))
    install_openapi(app, by_key=True)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=cors_origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key"),
            expose_headers=(*EXPOSED, *HEADERS),
            max_age=CORS_MAX_AGE_S,
        )
    return app


def admin_app(gateway: Gateway, *, docs_enabled: bool) -> FastAPI:
    """Return the application of the admin port."""
    app = _application("Rialto administration", docs_enabled=docs_enabled)
    app.state.is_for_operators = True
    app.include_router(auth_routes(gateway, ADMIN_AUDIENCE))
    app.include_router(admin_routes(gateway))
    app.include_router(limit_routes(gateway))
    app.include_router(health_routes(gateway))
    install_openapi(app)
    return app


def door_of(app: FastAPI, gateway: Gateway) -> Door:
    """Return what a server serves."""
    return Door(
        Shortcut(app),
        gateway.metrics,
        proxies=gateway.proxies,
        limits=None if app.state.is_for_operators else gateway.limits,
    )


def _application(title: str, *, docs_enabled: bool) -> FastAPI:
    app = FastAPI(
        title=title,
        version="1",
        openapi_url="/openapi.json" if docs_enabled else None,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
    )
    app.state.is_for_operators = False
    install_error_handlers(app)
    if docs_enabled:
        app.include_router(docs_routes(title))
    return app
