"""Every call at the public door, by name, as `Client` and `AsyncClient` offer it.

The rule of this room: a call is built from plain arguments and checked by the gateway; amounts are
text, Decimals or whole numbers; a command without an `idempotency_key` gets one, and keeps it when
it is sent again.
"""

from rialto.client.calls.account import (
    accounts,
    balances,
    create_account,
    rename_account,
)
from rialto.client.calls.identity import (
    begin_totp,
    change_password,
    confirm_totp,
    end_other_sessions,
    end_session,
    feed_ticket,
    log_in,
    log_out,
    me,
    refresh,
    register,
    remove_totp,
    reset_password,
    sessions,
)
from rialto.client.calls.keys import (
    change_key,
    keys,
    make_key,
    revoke_key,
)
from rialto.client.calls.many_orders import (
    batch,
    cancel_timer,
    place_oco,
    place_oto,
    set_cancel_timer,
)
from rialto.client.calls.market_data import (
    asset,
    assets,
    depth,
    market,
    markets,
    time,
    trades,
)
from rialto.client.calls.money import (
    cancel_withdrawal,
    deposits,
    take_from_faucet,
    transfer,
    transfer_status,
    withdraw,
    withdrawal,
    withdrawals,
)
from rialto.client.calls.orders import (
    amend_order,
    cancel_all_orders,
    cancel_order,
    check_order,
    open_orders,
    order,
    order_answer,
    place_order,
)

__all__ = [
    "accounts",
    "amend_order",
    "asset",
    "assets",
    "balances",
    "batch",
    "begin_totp",
    "cancel_all_orders",
    "cancel_order",
    "cancel_timer",
    "cancel_withdrawal",
    "change_key",
    "change_password",
    "check_order",
    "confirm_totp",
    "create_account",
    "deposits",
    "depth",
    "end_other_sessions",
    "end_session",
    "feed_ticket",
    "keys",
    "log_in",
    "log_out",
    "make_key",
    "market",
    "markets",
    "me",
    "open_orders",
    "order",
    "order_answer",
    "place_oco",
    "place_order",
    "place_oto",
    "refresh",
    "register",
    "remove_totp",
    "rename_account",
    "reset_password",
    "revoke_key",
    "sessions",
    "set_cancel_timer",
    "take_from_faucet",
    "time",
    "trades",
    "transfer",
    "transfer_status",
    "withdraw",
    "withdrawal",
    "withdrawals",
]
