"""Reading the proof report (`shared.proof`) at the machine itself, in one transaction.

The rule of this file: all rows are read in one transaction, so they are of one commit, whatever the
engine does meanwhile; sums are made here anew and never taken from where they could be wrong alike.
"""

from msgspec import Struct

from engine.redis_link import RedisLink
from shared.channels import Keys
from shared.messages import Asset, Totals
from shared.proof import Proof, asset_proof, row_of
from shared.wire import decode


class Report(Struct, frozen=True):
    """The proof, and how many accounts have something of each asset."""

    proof: Proof
    accounts: dict[str, int]


def read_proof(link: RedisLink, keys: Keys) -> Report:
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
    held = _by_asset(balances)
    proofs = []
    for name, row in sorted(assets.items()):
        amounts = held.get(name, [])
        there, on_hold = sum(one for one, _ in amounts), sum(two for _, two in amounts)
        proofs.append(asset_proof(decode(row, Asset), decode(totals[name], Totals), there, on_hold))
    accounts = {name.decode(): len(held.get(name, [])) for name in assets}
    return Report(Proof(position=int(position or 0), assets=tuple(proofs)), accounts)


def rows_of(report: Report) -> list[dict[str, str]]:
    """Return the report for people: one row an asset, amounts as decimals."""
    return [
        {**row_of(asset), "accounts": str(report.accounts[asset.asset])}
        for asset in report.proof.assets
    ]


def _by_asset(balances: dict[bytes, bytes]) -> dict[bytes, list[tuple[int, int]]]:
    """Return the (available, held) of all who have something, by asset."""
    by_asset: dict[bytes, list[tuple[int, int]]] = {}
    for name, row in balances.items():
        available, _, held = row.partition(b" ")
        if row != b"0 0":
            by_asset.setdefault(name.partition(b":")[2], []).append((int(available), int(held)))
    return by_asset


def _pairs(values: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(values[::2], values[1::2], strict=True))
