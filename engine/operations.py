"""What an operator may ask of a venue, whether an engine is there or not.

The rule of this file: the ledger is only read here. What is written is a journal entry or the end
of a halt, and a script decides whether it may be.
"""

from msgspec import Raw, Struct

from engine.redis_link import RedisLink
from engine.rows import load_meta
from engine.watch import StandbyNote, decode_note
from shared.channels import Keys
from shared.messages import SkipCommand
from shared.wire import NOBODY, WIRE_VERSION, Envelope, encode


class Refused(Exception):
    """One sentence for the operator; nothing was done."""


class VenueStatus(Struct, frozen=True, kw_only=True):
    """How far a venue is; `deaths` are those at journal entry `counted_n`, if it is not done.
    `halted_n` is the entry that an engine has halted over, 0 if the halt is about none.

    `standby` is what a standby says of itself, None when there is none.
    """

    position: int
    sequence: int
    last_n: int
    unreadable: int
    halt: str
    halted_n: int
    counted_n: int
    deaths: int
    is_alive: bool
    standby: StandbyNote | None = None

    @property
    def waiting(self) -> int:
        return self.last_n - self.position


def read_status(link: RedisLink, keys: Keys) -> VenueStatus:
    meta = load_meta(link.call, keys)
    last_n, counted = link.call_all([("GET", keys.n), ("HMGET", keys.attempts, "n", "count")])
    assert isinstance(counted, list), "HMGET answers with a list"
    counted_n = int(counted[0] or 0)
    return VenueStatus(
        position=meta.position,
        sequence=meta.sequence,
        last_n=int(last_n) if isinstance(last_n, bytes) else 0,
        unreadable=meta.unreadable,
        halt=meta.halt,
        halted_n=meta.halted_n,
        counted_n=counted_n,
        deaths=int(counted[1] or 0) if counted_n > meta.position else 0,
        is_alive=bool(link.call("EXISTS", keys.lease)),
        standby=decode_note(link.call("GET", keys.standby)),
    )


def resume(link: RedisLink, keys: Keys) -> None:
    """Lift the halt and let the engine try the entry again; raises Refused if there is none."""
    if not link.run("resume", [keys.meta, keys.attempts], []):
        raise Refused("The venue is not halted, so there is nothing to resume.")


def skip(link: RedisLink, keys: Keys, n: int) -> int:
    """Journal the order to pass over entry `n`, lift the halt, and return the order's own number.

    Raises Refused unless an engine has halted the venue over exactly that entry: one that works,
    also one that does not know yet of its standby's halt, may be carrying it out at this moment.
    """
    status = read_status(link, keys)
    next_n = status.position + 1
    if n <= status.position:
        raise Refused(f"Entry {n} is carried out already; only entry {next_n} can be skipped.")
    if n > next_n or n > status.last_n:
        raise Refused(
            f"Entry {n} is not the next one: the venue has carried out {status.position} "
            f"of {status.last_n} entries."
        )
    if not status.halt:
        raise Refused("The venue is not halted, so there is nothing to skip.")
    if status.halted_n != n:
        raise Refused(f"The halt is not about entry {n}: `rialto engine resume` lifts it.")
    command = Raw(encode(SkipCommand(skip_n=n)))
    payload = encode(Envelope(WIRE_VERSION, NOBODY, 0, command))
    names = [keys.n, keys.journal, keys.meta, keys.attempts]
    skip_n = link.run("skip", names, [n, payload])
    assert isinstance(skip_n, int), "the script answers with a number"
    if not skip_n:
        raise Refused("The venue has gone on just now; nothing was skipped.")
    return skip_n
