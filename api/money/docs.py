"""What the OpenAPI document says of money in and out.

The rule of this file: descriptions only; what they describe is in the routes beside it.
"""

from api.edge.docs import BY_KEY, IDEMPOTENCY_KEY, describe, query
from api.money.withdrawal_rows import State
from api.orders.docs import OF_ENGINE
from shared.rest.admin import DepositAnswer, DepositBody
from shared.rest.money import (
    ApproveBody,
    DecisionAnswer,
    Deposits,
    FaucetAnswer,
    FaucetBody,
    MoneyAccepted,
    OperatorsDeposits,
    OperatorsWithdrawals,
    OperatorsWithdrawalView,
    RefuseBody,
    TransferAnswer,
    TransferBody,
    TransferStatus,
    WithdrawalAnswer,
    WithdrawalBody,
    Withdrawals,
    WithdrawalView,
)

PAGE_DEFAULT = 100
PAGE_MAX = 500  # About 250 kB.
STATUSES = tuple(
    state.value
    for state in (State.PENDING, State.SETTLED, State.REFUSED, State.CANCELLED, State.ENDED)
)
DEPOSIT_STATES = ("sent", "done", "refused")

_OF_READ = ("REDIS_UNAVAILABLE", "USERS_UNAVAILABLE")
_OF_PAGE = ("INVALID_PARAMETER", "UNKNOWN_ASSET", *_OF_READ)
_OF_AMOUNT = (
    "UNKNOWN_ASSET",
    "INVALID_DECIMAL",
    "TOO_MANY_DECIMALS",
    "INVALID_AMOUNT",
    "AMOUNT_LIMIT",
)
_OF_KEY = ("INVALID_IDEMPOTENCY_KEY", "IDEMPOTENCY_MISMATCH")
_OF_DECISION = ("UNKNOWN_WITHDRAWAL", "WITHDRAWAL_DECIDED", "USERS_UNAVAILABLE", *OF_ENGINE)

_CURSOR = (
    query("cursor", "The `next_cursor` of the page before."),
    query("limit", "At most.", kind="integer", minimum=1, maximum=PAGE_MAX),
    query("asset", "Only of this asset."),
)
_STATUS = query("status", "Only those.", enum=list(STATUSES))
_ACCOUNT = query("account", "Only of this account.", kind="integer", minimum=1)

REQUEST = describe(
    answers={201: WithdrawalAnswer, 202: MoneyAccepted},
    body=WithdrawalBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=(
        *_OF_AMOUNT,
        *_OF_KEY,
        "FORBIDDEN",
        "TOTP_REQUIRED",
        "INVALID_TOTP_CODE",
        "TOO_MANY_ATTEMPTS",
        "INVALID_DESTINATION",
        "INSUFFICIENT_FUNDS",
        "TOO_MANY_WITHDRAWALS",
        "ACCOUNT_SUSPENDED",
        "WITHDRAWAL_UNRESOLVED",
        "USERS_UNAVAILABLE",
        *OF_ENGINE,
    ),
)
LIST = describe(
    answers={200: Withdrawals},
    parameters=(*_CURSOR, _STATUS, query("idempotency_key", "Only that of this request.")),
    errors=_OF_PAGE,
)
ONE = describe(answers={200: WithdrawalView}, errors=("UNKNOWN_WITHDRAWAL", *_OF_READ))
CANCEL = describe(
    answers={200: WithdrawalAnswer, 202: MoneyAccepted}, errors=("FORBIDDEN", *_OF_DECISION)
)
DEPOSITS = describe(answers={200: Deposits}, parameters=_CURSOR, errors=_OF_PAGE)
TRANSFER = describe(
    answers={201: TransferAnswer, 202: MoneyAccepted},
    body=TransferBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=(
        *_OF_AMOUNT,
        *_OF_KEY,
        "FORBIDDEN",
        "UNKNOWN_ACCOUNT",
        "INVALID_ACCOUNT",
        "INVALID_REFERENCE",
        "INSUFFICIENT_FUNDS",
        "ACCOUNT_SUSPENDED",
        "USERS_UNAVAILABLE",
        *OF_ENGINE,
    ),
)
TRANSFER_STATUS = describe(
    answers={200: TransferStatus, 202: MoneyAccepted},
    parameters=BY_KEY,
    errors=(
        "MISSING_FIELD",
        "UNKNOWN_IDEMPOTENCY_KEY",
        "IDEMPOTENCY_MISMATCH",
        "INSUFFICIENT_FUNDS",
        "REDIS_UNAVAILABLE",
    ),
)
FAUCET = describe(
    answers={201: FaucetAnswer},
    body=FaucetBody,
    errors=("FORBIDDEN", "UNKNOWN_ASSET", "FAUCET_USED", "USERS_UNAVAILABLE", *OF_ENGINE),
)

# ---- the operators' door ----

CREDIT = describe(
    answers={201: DepositAnswer},
    body=DepositBody,
    errors=(
        "FORBIDDEN",
        *_OF_AMOUNT,
        "UNKNOWN_USER",
        "INVALID_REFERENCE",
        "REFERENCE_USED",
        "DEPOSIT_UNRESOLVED",
        "INVALID_REASON",
        "AUDIT_UNAVAILABLE",
        *OF_ENGINE,
    ),
)
OPERATORS_DEPOSITS = describe(
    answers={200: OperatorsDeposits},
    parameters=(
        *_CURSOR,
        _ACCOUNT,
        query("state", "Only those.", enum=list(DEPOSIT_STATES)),
        query("reference", "Only that one."),
    ),
    errors=("FORBIDDEN", *_OF_PAGE),
)
OPERATORS_LIST = describe(
    answers={200: OperatorsWithdrawals},
    parameters=(*_CURSOR, _STATUS, _ACCOUNT),
    errors=("FORBIDDEN", *_OF_PAGE),
)
OPERATORS_ONE = describe(
    answers={200: OperatorsWithdrawalView}, errors=("FORBIDDEN", "UNKNOWN_WITHDRAWAL", *_OF_READ)
)
APPROVE = describe(
    answers={200: DecisionAnswer, 202: MoneyAccepted},
    body=ApproveBody,
    body_required=False,
    errors=(
        "FORBIDDEN",
        "WITHDRAWAL_TOO_YOUNG",
        "INVALID_EXTERNAL_REFERENCE",
        "INVALID_REASON",
        "AUDIT_UNAVAILABLE",
        *_OF_DECISION,
    ),
)
REFUSE = describe(
    answers={200: DecisionAnswer, 202: MoneyAccepted},
    body=RefuseBody,
    errors=("FORBIDDEN", "INVALID_REASON", "AUDIT_UNAVAILABLE", *_OF_DECISION),
)
