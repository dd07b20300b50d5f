"""An operator's calls about the venue as a whole, and its reports.

The rule of this file: one function for each route. A halt is said again until it is heard.
"""

from rialto.client.call import Accepted, Call
from shared.rest.audit import AdminActions, AuditVerdict
from shared.rest.operating import CommandDone, ReasonBody, VenueAnswer, VenueView
from shared.rest.proof import ProofView
from shared.rest.risk import RiskView

_ADMIN = "/api/v1/admin"


def venue() -> Call[VenueView]:
    """Return how far the venue is, and what halts it."""
    return Call("GET", f"{_ADMIN}/venue", VenueView)


def halt_venue(reason: str) -> Call[VenueAnswer]:
    """Halt the venue; `changed` is false where an attempt without an answer had done it."""
    path = f"{_ADMIN}/venue/halt"
    return Call("POST", path, VenueAnswer, ReasonBody(reason=reason), repeats=True)


def resume_venue(reason: str) -> Call[VenueAnswer]:
    """Lift the venue's halt; `changed` is false where an attempt without an answer had done it."""
    path = f"{_ADMIN}/venue/resume"
    return Call("POST", path, VenueAnswer, ReasonBody(reason=reason), repeats=True)


def command_status(
    idempotency_key: str, *, n: int | None = None, fp: str | None = None
) -> Call[CommandDone]:
    """Return what became of an operator's command, by its key; raises its refusal too."""
    query = {"idempotency_key": idempotency_key, "n": n, "fp": fp}
    path = f"{_ADMIN}/commands"
    return Call("GET", path, CommandDone, query=query, accepted=Accepted.LOOK)


def proof() -> Call[ProofView]:
    """Add up all balances, exactly and of one instant."""
    return Call("GET", f"{_ADMIN}/proof", ProofView)


def risk(
    *,
    market: str | None = None,
    quote: str | None = None,
    minutes: int | None = None,
    top: int | None = None,
) -> Call[RiskView]:
    """Return what happened in the last minutes, and who has the most at stake."""
    query = {"market": market, "quote": quote, "minutes": minutes, "top": top}
    return Call("GET", f"{_ADMIN}/risk", RiskView, query=query)


def audit(
    *,
    cursor: str | None = None,
    limit: int | None = None,
    action: str | None = None,
    target: str | None = None,
    user: str | None = None,
) -> Call[AdminActions]:
    """Return a page of the audit log, newest first; `cursor` is `next_cursor` of the last."""
    query = {"cursor": cursor, "limit": limit, "action": action, "target": target, "user": user}
    return Call("GET", f"{_ADMIN}/audit", AdminActions, query=query)


def verify_audit() -> Call[AuditVerdict]:
    """Check that no record of the audit log was changed or removed."""
    return Call("GET", f"{_ADMIN}/audit/verify", AuditVerdict)
