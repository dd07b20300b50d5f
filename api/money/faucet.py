"""Play money for a demonstration: of each asset once a day, and only where it is switched on.

The rule of this file: it is a deposit whose reference is the account, the asset and the day, so
that once a day needs no counter, and holds for all gateways and through any crash.
"""

import time
from collections.abc import Callable, Mapping

from api.edge.errors import ApiError
from api.money.deposit_list import DepositList, DepositRow
from api.money.deposits import FAUCET_REFERENCE_PREFIX, Deposits
from api.money.fields import atoms_of
from shared.messages import Asset
from shared.rest.money import FaucetAnswer

DAY_S = 86_400


class Faucet:
    """Gives `amounts`, decimal text by asset; a day is one of UTC."""

    def __init__(
        self,
        deposits: Deposits,
        known: DepositList,
        amounts: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._deposits = deposits
        self._known = known
        self.amounts = amounts
        self._clock = clock

    async def give(self, account_id: int, asset: Asset) -> FaucetAnswer:
        """Credit the account, unless it had its share today; raises ApiError FAUCET_USED."""
        if asset.asset not in self.amounts:
            gives = ", ".join(sorted(self.amounts))
            raise ApiError("UNKNOWN_ASSET", f"The faucet gives {gives}.", field="asset")
        amount, now_s = self.amounts[asset.asset], int(self._clock())
        atoms = atoms_of(amount, asset)
        day = time.strftime("%Y-%m-%d", time.gmtime(now_s))
        reference = f"{FAUCET_REFERENCE_PREFIX}{account_id}:{asset.asset}:{day}"
        next_at_s = (now_s // DAY_S + 1) * DAY_S
        found = await self._known.find(reference)
        if found is not None and found.state == "done":
            raise _used(found, next_at_s - now_s)
        try:
            done = await self._deposits.credit(account_id, asset.asset, atoms, reference)
        except ApiError as error:
            if error.code == "REFERENCE_USED":  # It gave another amount this morning.
                raise _used(found, next_at_s - now_s) from None
            raise
        return FaucetAnswer(
            account_id=account_id,
            asset=asset.asset,
            amount=amount,
            reference=reference,
            n=done.n,
            sequence=done.sequence,
            next_at_s=next_at_s,
        )


def _used(found: DepositRow | None, wait_s: int) -> ApiError:
    details = {"n": found.n, "sequence": found.sequence} if found is not None else {}
    return ApiError("FAUCET_USED", field="asset", retry_after_s=wait_s, details=details)
