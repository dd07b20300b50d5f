"""An account's latest updates, pure: what can be gone on with, and what is forgotten."""

import random

import pytest

from broadcaster.channels import account_ring
from broadcaster.channels.account_ring import (
    KEPT_ACCOUNTS_MAX,
    KEPT_S,
    RING_BYTES_MAX,
    RING_UPDATES_MAX,
    AccountRing,
    AccountRings,
    Update,
)

S = account_ring.NS_PER_S


def update(sequence: int, size_bytes: int = 10) -> Update:
    return sequence, f"{sequence:0{size_bytes}}".encode()


def filled(first: int, last: int) -> AccountRing:
    ring = AccountRing()
    for sequence in range(first, last + 1):
        ring.add(*update(sequence))
    return ring


@pytest.mark.parametrize(
    ("after_sequence", "first"), [(3, None), (4, 5), (5, 6), (7, 8), (8, 9), (9, None)]
)
def test_one_can_go_on_after_what_is_kept_and_nowhere_else(
    after_sequence: int, first: int | None
) -> None:
    expected = None if first is None else [update(number) for number in range(first, 9)]
    assert filled(5, 8).after(after_sequence) == expected


def test_a_new_ring_knows_nothing_until_a_snapshot_or_an_update_says_where_it_is() -> None:
    ring = AccountRing()
    assert ring.after(0) is None
    ring.begin(7)
    assert ring.after(7) == []
    assert (ring.after(6), ring.after(8)) == (None, None)
    ring.add(*update(8))
    assert ring.after(7) == [update(8)]


def test_updates_that_a_snapshot_contained_already_lengthen_the_ring_to_the_front() -> None:
    ring = AccountRing()
    ring.begin(7)
    for sequence in (6, 7, 8):
        ring.add(*update(sequence))
    assert ring.after(5) == [update(6), update(7), update(8)]
    assert ring.after(7) == [update(8)]


def test_a_later_snapshot_does_not_move_the_place() -> None:
    ring = filled(5, 8)
    ring.begin(20)
    assert ring.after(8) == []
    assert ring.after(20) is None


def test_after_a_hole_nothing_before_it_can_be_gone_on_with() -> None:
    ring = filled(5, 8)
    ring.add(*update(10))
    assert [ring.after(number) for number in (4, 7, 8)] == [None] * 3
    assert ring.after(9) == [update(10)]


def test_an_update_that_comes_twice_is_kept_once() -> None:
    ring = filled(5, 8)
    ring.add(*update(8))
    ring.add(*update(6))
    assert ring.after(4) == [update(number) for number in (5, 6, 7, 8)]


def test_a_ring_is_bounded_in_updates() -> None:
    ring = filled(1, RING_UPDATES_MAX + 10)
    assert ring.after(9) is None
    assert len(ring.after(10) or ()) == RING_UPDATES_MAX


def test_a_ring_is_bounded_in_bytes() -> None:
    ring = AccountRing()
    for sequence in range(1, 11):
        ring.add(*update(sequence, RING_BYTES_MAX // 4))
    assert ring.size_bytes <= RING_BYTES_MAX
    assert ring.after(5) is None
    assert [sequence for sequence, _ in ring.after(6) or ()] == [7, 8, 9, 10]


def test_an_update_larger_than_the_ring_leaves_the_place_known() -> None:
    ring = filled(1, 3)
    ring.add(*update(4, RING_BYTES_MAX + 1))
    assert ring.after(3) is None
    assert ring.after(4) == []
    assert ring.size_bytes == 0


@pytest.mark.parametrize("seed", range(10))
def test_whatever_was_said_the_ring_says_again_or_nothing(seed: int) -> None:
    chance = random.Random(seed)
    ring, said = AccountRing(), dict[int, bytes]()
    sequence = chance.randrange(100)
    begun = sequence
    for _ in range(1_000):
        match chance.randrange(10):
            case 0:
                ring.forget_updates()
            case 1:
                ring.begin(sequence)
            case _:
                sequence += 1
                said[sequence] = update(sequence, chance.choice((10, 100, 5_000)))[1]
                ring.add(sequence, said[sequence])
        after = chance.randrange(max(begun, sequence - 60), sequence + 2)
        again = ring.after(after)
        assert again is None or again == [
            (number, said[number]) for number in range(after + 1, sequence + 1)
        ]
        assert ring.size_bytes == sum(len(frame) for _, frame in _all_of(ring))
    assert ring.after(sequence) == []


def _all_of(ring: AccountRing) -> list[Update]:
    return [] if ring.kept_after is None else ring.after(ring.kept_after) or []


def test_an_account_that_nobody_listens_to_is_followed_for_a_minute() -> None:
    rings = AccountRings()
    for account_id in (7, 8):
        rings.follow(account_id)
        rings.add(account_id, *update(1))
    rings.tick(100 * S, {8})
    rings.add(7, *update(2))
    rings.tick((100 + KEPT_S) * S - 1, {8})
    assert list(rings.account_ids) == [7, 8]
    rings.tick((100 + KEPT_S) * S, {8})
    assert list(rings.account_ids) == [8]
    assert rings.size_bytes == len(update(1)[1])


def test_whoever_comes_back_in_time_begins_the_minute_anew() -> None:
    rings = AccountRings()
    rings.follow(7)
    rings.tick(100 * S, ())
    rings.follow(7)
    rings.tick(159 * S, {7})
    rings.tick(170 * S, ())
    rings.tick(170 * S + KEPT_S * S - 1, ())
    assert 7 in rings.account_ids
    rings.tick(170 * S + KEPT_S * S, ())
    assert 7 not in rings.account_ids


def test_an_account_that_is_not_followed_costs_nothing() -> None:
    rings = AccountRings()
    rings.add(7, *update(1))
    assert not rings.account_ids
    assert rings.size_bytes == 0


def test_all_rings_together_are_bounded_and_each_forgets_in_its_turn() -> None:
    rings = AccountRings(bytes_max=100)
    for account_id in (1, 2, 3):
        rings.follow(account_id)
    for sequence in range(1, 4):
        for account_id in (1, 2, 3):
            rings.add(account_id, *update(sequence, 20))
            assert rings.size_bytes <= 100
    assert [rings.follow(number).kept_after for number in (1, 2, 3)] == [2, 3, 0]
    assert all(rings.follow(account_id).after(3) == [] for account_id in (1, 2, 3))


def test_accounts_without_listeners_are_bounded_and_the_first_to_come_go_first() -> None:
    rings = AccountRings()
    for account_id in range(KEPT_ACCOUNTS_MAX + 2):
        rings.follow(account_id)
    rings.tick(0, {0})
    assert list(rings.account_ids)[:2] == [0, 2]
    assert len(rings.account_ids) == KEPT_ACCOUNTS_MAX + 1


def test_a_restart_forgets_everything_and_follows_who_is_listened_to() -> None:
    rings = AccountRings()
    for account_id in (7, 8):
        rings.follow(account_id)
        rings.add(account_id, *update(1))
    rings.restart({8})
    assert list(rings.account_ids) == [8]
    assert rings.size_bytes == 0
    assert rings.follow(8).after(1) is None
