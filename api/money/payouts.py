"""Paying the venue's fees out: once per reference, for ever.

The rule of this file: a payout is a deposit whose money comes from the fees. It is written down,
sent, and asked for again as one, but it is the venue's command.
"""

from api.edge.errors import ApiError
from api.money.deposits import DepositDone, Deposits
from api.sql.tables import fee_payouts
from shared.messages import Command, PayOutFees

KEY_PREFIX = "payout:"

_NOT_KNOWN = (
    "The payout's answer did not come: it is carried out once, or not at all. Send the same "
    "request with the same reference again: it counts once."
)


class FeePayouts(Deposits):
    """Pays fees out through the bus."""

    table = fee_payouts
    key_prefix = KEY_PREFIX

    async def pay(
        self, account_id: int, asset: str, amount_atoms: int, reference: str
    ) -> DepositDone:
        """Pay the account, unless this was done already; raises ApiError."""
        try:
            return await self.credit(account_id, asset, amount_atoms, reference)
        except ApiError as error:
            if error.code != "UNKNOWN_OUTCOME":
                raise
            raise ApiError(error.code, _NOT_KNOWN) from None

    def _command(
        self, account_id: int, asset: str, amount_atoms: int, reference: str, key: str
    ) -> Command:
        return PayOutFees(
            idempotency_key=key,
            asset=asset,
            amount_atoms=amount_atoms,
            to_account_id=account_id,
            reference=reference,
        )
