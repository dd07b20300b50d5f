"""The proof report: what entered and left the venue, who has it now, and that both are the same.

The rule of this file: arithmetic on what was read; how it was read, and of what instant, is the
business of those who read it.
"""

from msgspec import Struct

from shared.messages import Asset, Totals
from shared.money import format_decimal


class AssetProof(Struct, frozen=True, kw_only=True):
    """One asset, in atoms; `difference_atoms` is what is there too much, and must be 0."""

    asset: str
    scale: int
    deposits_atoms: int
    withdrawals_atoms: int
    available_atoms: int
    held_atoms: int
    fees_atoms: int

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


def asset_proof(asset: Asset, totals: Totals, available_atoms: int, held_atoms: int) -> AssetProof:
    """Return the report on one asset, of which all accounts together have this much."""
    return AssetProof(
        asset=asset.asset,
        scale=asset.scale,
        deposits_atoms=totals.deposits_atoms,
        withdrawals_atoms=totals.withdrawals_atoms,
        available_atoms=available_atoms,
        held_atoms=held_atoms,
        fees_atoms=totals.fees_atoms,
    )


def row_of(asset: AssetProof) -> dict[str, str]:
    """Return one asset of the report for people, amounts as decimals."""
    names = "deposits", "withdrawals", "available", "held", "fees", "difference"
    return {
        "asset": asset.asset,
        **{name: format_decimal(getattr(asset, f"{name}_atoms"), asset.scale) for name in names},
    }
