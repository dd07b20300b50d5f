"""The proof report: what entered and left the venue, who has it now, and that both are the same.

The rule of this file: all rows are read in one transaction, so they are of one commit, whatever the
engine does meanwhile; sums are made here anew and never taken from where they could be wrong alike.
"""

from collections.abc import Iterable

from msgspec import Struct

from engine.redis_link import RedisLink
from shared.channels import Keys
from shared.messages import Asset, Totals
from shared.money import format_decimal
from shared.wire import decode


class AssetProof(Struct, frozen=True, kw_only=True):
    """One asset, in atoms; `difference_atoms` is what is there too much, and must be 0."""

    asset: str
    scale: int
    deposits_atoms: int
    withdrawals_atoms: int
    available_atoms: int
    held_atoms: int
    fees_atoms: int
    accounts: int

    @property
    def difference_atoms(self) -> int:
        there = self.available_atoms + self.held_atoms + self.fees_atoms
        return there - (self.deposits_atoms - self.withdrawals_atoms)


class Proof(Struct, frozen=True, kw_only=True):
    """All assets by name, as they were at journal position `position`."""

    position: int
    assets: tuple[AssetProof, ...]

    @property
    def adds_up(self) -> bool:
        return not any(asset.difference_atoms for asset in self.assets)


def read_proof(link: RedisLink, keys: Keys) -> Proof:
    """Read the report; Redis is busy with it for about half a second per million balances."""
    names = keys.assets, keys.totals, keys.balances
    *_, response = link.call_all(
        [
            ("MULTI",),
            ("HGET", keys.meta, "position"),
            *(("HGETALL", name) for name in names),
            ("EXEC",),
        ]
    )
    assert isinstance(response, list), "EXEC answers with a list"
    position, *hashes = response
    assets, totals, balances = (_pairs(values) for values in hashes)
    held = _sums(balances)
    return Proof(
        position=int(position or 0),
        assets=tuple(
            _asset_proof(decode(row, Asset), decode(totals[name], Totals), held.get(name, []))
            for name, row in sorted(assets.items())
        ),
    )


def rows_of(proof: Proof) -> list[dict[str, str]]:
    """Return the report for people: one row an asset, amounts as decimals."""
    return [
        {
            "asset": asset.asset,
            **{
                name: format_decimal(getattr(asset, f"{name}_atoms"), asset.scale)
                for name in (
                    "deposits", "withdrawals", "available", "held", "fees", "difference"
                )
            },
            "accounts": str(asset.accounts),
        }
        for asset in proof.assets
    ]  # fmt: skip


def _asset_proof(asset: Asset, totals: Totals, balances: Iterable[tuple[int, int]]) -> AssetProof:
    held = [(available, held) for available, held in balances if available or held]
    return AssetProof(
        asset=asset.asset,
        scale=asset.scale,
        deposits_atoms=totals.deposits_atoms,
        withdrawals_atoms=totals.withdrawals_atoms,
        available_atoms=sum(available for available, _ in held),
        held_atoms=sum(held_atoms for _, held_atoms in held),
        fees_atoms=totals.fees_atoms,
        accounts=len(held),
    )


def _sums(balances: dict[bytes, bytes]) -> dict[bytes, list[tuple[int, int]]]:
    by_asset: dict[bytes, list[tuple[int, int]]] = {}
    for name, row in balances.items():
        available, _, held = row.partition(b" ")
        by_asset.setdefault(name.partition(b":")[2], []).append((int(available), int(held)))
    return by_asset


def _pairs(values: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(values[::2], values[1::2], strict=True))
