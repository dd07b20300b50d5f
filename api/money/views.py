"""Money in and out as it is shown. Pure, but for the scales of the assets.

The rule of this file: amounts are decimal text, and what there is not yet is null.
"""

from api.money.deposit_list import DepositRow
from api.money.withdrawal_rows import Row
from api.reads.catalog import Catalog
from shared.money import format_decimal
from shared.rest.money import (
    DepositView,
    OperatorsDepositView,
    OperatorsWithdrawalView,
    WithdrawalView,
)


async def withdrawal_fields(row: Row, catalog: Catalog) -> dict[str, object]:
    """Return the fields of a WithdrawalView; raises ApiError."""
    asset = await catalog.asset(row.asset)
    assert row.withdrawal_id is not None, "only what is in the ledger is shown"
    return {
        "withdrawal_id": row.withdrawal_id,
        "account_id": row.account_id,
        "asset": row.asset,
        "amount": format_decimal(row.amount_atoms, asset.scale),
        "destination": row.destination,
        "status": str(row.state),
        "reason": row.reason,
        "external_reference": row.external_reference,
        "requested_at_ns": row.requested_at_ns,
        "ended_at_ns": row.ended_at_ns or None,
    }


async def withdrawal_view(row: Row, catalog: Catalog) -> WithdrawalView:
    """Return what its owner sees: a decision that is not carried out yet is none."""
    fields = await withdrawal_fields(row, catalog)
    if row.state == "pending":
        fields |= {"reason": "", "external_reference": ""}
    return WithdrawalView(**fields)  # type: ignore[arg-type]


async def operators_withdrawal_fields(row: Row, catalog: Catalog) -> dict[str, object]:
    """Return the fields of an OperatorsWithdrawalView; raises ApiError."""
    fields = await withdrawal_fields(row, catalog)
    return {**fields, "decision": row.decision, "decided_by": row.decided_by}


async def operators_withdrawal_view(row: Row, catalog: Catalog) -> OperatorsWithdrawalView:
    fields = await operators_withdrawal_fields(row, catalog)
    return OperatorsWithdrawalView(**fields)  # type: ignore[arg-type]


async def deposit_view(row: DepositRow, catalog: Catalog) -> DepositView:
    return DepositView(**await _deposit_fields(row, catalog))  # type: ignore[arg-type]


async def operators_deposit_view(row: DepositRow, catalog: Catalog) -> OperatorsDepositView:
    more = {"state": row.state, "answer_code": row.answer_code}
    fields = {**await _deposit_fields(row, catalog), **more}
    return OperatorsDepositView(**fields)  # type: ignore[arg-type]


async def _deposit_fields(row: DepositRow, catalog: Catalog) -> dict[str, object]:
    asset = await catalog.asset(row.asset)
    return {
        "account_id": row.account_id,
        "asset": row.asset,
        "amount": format_decimal(row.amount_atoms, asset.scale),
        "reference": row.reference,
        "n": row.n,
        "sequence": row.sequence,
        "created_at_s": row.created_at_s,
    }
