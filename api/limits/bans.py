"""Who is shut out for a while. Pure: the time is given.

The rule of this file: each ban is twice as long as the one before it, up to three days; who has
kept quiet for a day after the last begins anew. Nothing but an address is ever banned: an account
with many addresses is held by its own limits, and may always cancel.
"""

from msgspec import Struct

BAN_FIRST_S = 120
BAN_MAX_S = 3 * 86_400
REMEMBERED_S = 86_400  # How long after its end a ban makes the next one longer.
BANS_MAX = 10_000  # About 3 MB, and one read of the shared table; the oldest are forgotten.


class Ban(Struct, frozen=True):
    """A ban; `count` is the how manieth in a row, times are Unix seconds."""

    address: str
    count: int
    at_s: int
    until_s: int


class Bans:
    """The bans of one process; `news` and `lifted` are what others have not been told."""

    def __init__(self) -> None:
        self._bans: dict[str, Ban] = {}
        self.news: set[str] = set()
        self.lifted: set[str] = set()

    def __len__(self) -> int:
        return len(self._bans)

    def left_s(self, address: str, now_s: float) -> int:
        """Return the seconds until the address may come back, 0 if it may now."""
        ban = self._bans.get(address)
        return 0 if ban is None else max(0, ban.until_s - int(now_s))

    def ban(self, address: str, now_s: float) -> Ban:
        """Ban an address, for longer than the last time."""
        before = self._bans.pop(address, None)
        count = 1 if before is None or is_forgotten(before, now_s) else before.count + 1
        length_s = min(BAN_MAX_S, BAN_FIRST_S << min(count - 1, 16))
        ban = Ban(address, count, int(now_s), int(now_s) + length_s)
        self._bans[address] = ban  # At the end: the first of the table is the oldest.
        self.news.add(address)
        self.lifted.discard(address)
        while len(self._bans) > BANS_MAX:
            oldest = next(iter(self._bans))
            del self._bans[oldest]
            self.news.discard(oldest)
        return ban

    def lift(self, address: str, now_s: float) -> Ban | None:
        """Let an address back in, its past forgotten; return its ban, None if there was none."""
        ban = self._bans.get(address)
        if ban is None or ban.until_s <= now_s:
            return None
        del self._bans[address]
        self.news.discard(address)
        self.lifted.add(address)
        return ban

    def present(self, now_s: float) -> list[Ban]:
        """Return the bans that hold now, the newest first."""
        return [ban for ban in reversed(self._bans.values()) if ban.until_s > now_s]

    def known(self, address: str) -> Ban | None:
        """Return the address's last ban, over or not."""
        return self._bans.get(address)

    def tell_all_again(self) -> None:
        """Count every ban as news: what was told is lost."""
        self.news |= set(self._bans)

    def take_over(self, shared: dict[str, Ban], now_s: float) -> None:
        """Put what all processes know in the place of what this one does, but for its news."""
        mine = {address: ban for address, ban in self._bans.items() if address in self.news}
        theirs = {
            address: ban
            for address, ban in shared.items()
            if address not in self.lifted and not is_forgotten(ban, now_s)
        }
        both = sorted((theirs | mine).values(), key=lambda ban: ban.at_s)
        self._bans = {ban.address: ban for ban in both[-BANS_MAX:]}
        self.news &= set(self._bans)


def is_forgotten(ban: Ban, now_s: float) -> bool:
    """Return whether the ban is over for so long that the next one is the first again."""
    return ban.until_s + REMEMBERED_S < now_s
