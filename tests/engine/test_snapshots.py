"""A snapshot is whole or it is refused, wherever it was cut or flipped, and an older steps in."""

from pathlib import Path
from random import Random

import pytest

from engine import snapshots
from engine.core.exchange import Exchange, Limits
from engine.snapshots import (
    SnapshotError,
    list_snapshots,
    newest_snapshot,
    prune,
    read_about,
    read_snapshot,
    write_snapshot,
)
from shared.messages import CreateAsset, CreateMarket, Deposit, PlaceOrder, RequestWithdrawal, Side
from tests.support.replay import sorted_rows

LIMITS = Limits()
CHAIN = b"\x07" * 32
FLIPS = 200


def exchange_of(orders: int) -> Exchange:
    exchange = Exchange(LIMITS)
    for asset in ("TATA", "INR"):
        exchange.apply(CreateAsset(asset=asset, scale=2), at_ns=1)
    exchange.apply(
        CreateMarket(
            market="TATA_INR", base="TATA", quote="INR", price_scale=0, price_tick=1, lot_atoms=100
        )
    )
    exchange.apply(Deposit(account_id=1, asset="TATA", amount_atoms=10**9, idempotency_key="d"))
    exchange.apply(Deposit(account_id=2, asset="INR", amount_atoms=10**9))
    for number in range(orders):
        side = Side.BUY if number % 3 else Side.SELL
        exchange.apply(
            PlaceOrder(
                account_id=2 if side is Side.BUY else 1,
                market="TATA_INR",
                side=side,
                price_ticks=100 + number % 9,
                quantity_lots=1 + number % 4,
                idempotency_key=f"o{number}",
            ),
            at_ns=number + 2,
        )
        if number % 5 == 0:
            exchange.apply(RequestWithdrawal(account_id=2, asset="INR", amount_atoms=1 + number))
    exchange.drain_changes()
    return exchange


def written(folder: Path, orders: int) -> tuple[Path, Exchange]:
    exchange = exchange_of(orders)
    return write_snapshot(folder, exchange, CHAIN, exchange.state_hash()), exchange


def test_what_was_written_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ROWS_PER_PART", 7)
    path, exchange = written(tmp_path, 60)
    about, restored = read_snapshot(path, LIMITS)
    assert sorted_rows(restored.rows()) == sorted_rows(exchange.rows())
    assert (about.position, about.chain) == (exchange.n, CHAIN.hex())
    assert about.state_hash == exchange.state_hash()
    assert read_about(path) == about
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_cut_anywhere_is_found_and_the_older_one_steps_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "ROWS_PER_PART", 7)
    _, older = written(tmp_path, 10)
    path, _ = written(tmp_path, 20)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(SnapshotError):
            read_about(path)
    path.write_bytes(whole[: len(whole) // 2])
    complaints: list[str] = []
    found = newest_snapshot(tmp_path, LIMITS, complaints.append)
    assert found is not None
    assert found[0].position == older.n
    assert len(complaints) == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_anywhere_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(snapshots, "ROWS_PER_PART", 7)
    path, _ = written(tmp_path, 20)
    whole, random = path.read_bytes(), Random(seed)
    for at in {*range(40), *(random.randrange(len(whole)) for _ in range(FLIPS)), len(whole) - 1}:
        path.write_bytes(
            whole[:at] + bytes([whole[at] ^ (1 << random.randrange(8))]) + whole[at + 1 :]
        )
        with pytest.raises(SnapshotError):
            read_about(path)
    path.write_bytes(whole + b"\x00")
    with pytest.raises(SnapshotError):
        read_about(path)


def test_a_file_whose_rows_are_not_its_hash_is_refused(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, exchange_of(9), CHAIN, exchange_of(10).state_hash())
    with pytest.raises(SnapshotError, match="another state"):
        read_snapshot(path, LIMITS)


def test_rows_that_break_a_rule_are_refused(tmp_path: Path) -> None:
    exchange = exchange_of(9)
    exchange.state.ledger.accounts[1].balances["TATA"].available += 1
    path = write_snapshot(tmp_path, exchange, CHAIN, exchange.state_hash())
    with pytest.raises(SnapshotError, match="cannot be true"):
        read_snapshot(path, LIMITS)


def test_a_snapshot_of_a_later_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "DATA_VERSION", 99)
    path, _ = written(tmp_path, 3)
    monkeypatch.undo()
    with pytest.raises(SnapshotError, match="newer"):
        read_about(path)


def test_a_writer_that_dies_leaves_the_older_snapshots_alone(tmp_path: Path) -> None:
    written(tmp_path, 3)
    exchange = exchange_of(30)

    def die() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_snapshot(tmp_path, exchange, CHAIN, exchange.state_hash(), die)
    assert len(list(tmp_path.iterdir())) == 1


def test_only_the_newest_stay(tmp_path: Path) -> None:
    paths = [written(tmp_path, orders)[0] for orders in range(1, 6)]
    (tmp_path / ".snapshot-half").write_bytes(b"RIALTO")
    (tmp_path / "notes.txt").write_text("not ours")
    prune(tmp_path, 2)
    assert list_snapshots(tmp_path) == paths[:-3:-1]
    assert not (tmp_path / ".snapshot-half").exists()
    assert (tmp_path / "notes.txt").exists()


def test_no_folder_holds_no_snapshot(tmp_path: Path) -> None:
    assert newest_snapshot(tmp_path / "absent", LIMITS) is None
