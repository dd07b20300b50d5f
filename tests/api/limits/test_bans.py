"""Bans grow, end, are lifted and forgotten."""

import pytest

from api.limits.bans import BAN_FIRST_S, BAN_MAX_S, BANS_MAX, REMEMBERED_S, Ban, Bans

HERE = "203.0.113.9"


def test_each_ban_is_twice_as_long_up_to_three_days() -> None:
    bans, now_s, lengths = Bans(), 1_000.0, []
    for _ in range(40):
        ban = bans.ban(HERE, now_s)
        lengths.append(ban.until_s - ban.at_s)
        now_s = ban.until_s + 1.0
    assert lengths[:4] == [120, 240, 480, 960]
    assert lengths[-1] == BAN_MAX_S == max(lengths)


def test_a_ban_ends_and_a_quiet_day_forgets_it() -> None:
    bans = Bans()
    bans.ban(HERE, 0.0)
    assert bans.left_s(HERE, 1.0) == BAN_FIRST_S - 1
    assert bans.left_s(HERE, BAN_FIRST_S) == 0
    assert bans.left_s("198.51.100.1", 1.0) == 0
    assert bans.ban(HERE, BAN_FIRST_S + REMEMBERED_S + 1.0).count == 1


def test_a_lifted_ban_is_as_if_it_never_was() -> None:
    bans = Bans()
    bans.ban(HERE, 0.0)
    lifted = bans.lift(HERE, 1.0)
    assert lifted is not None
    assert bans.left_s(HERE, 1.0) == 0
    assert bans.lift(HERE, 1.0) is None
    assert bans.ban(HERE, 2.0).count == 1


def test_the_table_stays_bounded_and_the_oldest_go() -> None:
    bans = Bans()
    for number in range(BANS_MAX + 5):
        bans.ban(str(number), float(number) / 1_000)
    assert len(bans) == BANS_MAX
    assert bans.left_s("0", 11.0) == 0
    assert bans.left_s(str(BANS_MAX + 4), 11.0) > 0


def test_what_others_know_takes_the_place_of_what_was_told_and_not_of_news() -> None:
    bans = Bans()
    bans.ban("told", 0.0)
    bans.news.clear()
    bans.ban("news", 1.0)
    bans.ban("lifted-here", 0.0)
    bans.lift("lifted-here", 1.0)
    theirs = {name: Ban(name, 1, 0, 500) for name in ("theirs", "lifted-here")}
    bans.take_over(theirs, 2.0)
    assert [bans.left_s(name, 2.0) > 0 for name in ("theirs", "news")] == [True, True]
    assert [bans.left_s(name, 2.0) for name in ("told", "lifted-here")] == [0, 0]


@pytest.mark.parametrize("now_s", [0.0, 100.0])
def test_the_present_bans_are_the_newest_first(now_s: float) -> None:
    bans = Bans()
    for second, name in enumerate("abc"):
        bans.ban(name, now_s + second)
    assert [ban.address for ban in bans.present(now_s + 3)] == ["c", "b", "a"]
    assert bans.present(now_s + 1_000) == []
