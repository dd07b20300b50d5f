"""What the doctor has found, in words: steps, outcomes, and the remedy of each failure.

The rule of this file: pure. Every failure is one sentence of what happened and one of what to do.
"""

from datetime import date
from enum import StrEnum

import msgspec

CHECKED_DAYS_MAX = 180  # Venues change their protocols about twice a year.


class Step(StrEnum):
    """In the order in which they are tried; each needs the one before it, but for the last two."""

    NAME = "name"
    LINE = "line"
    TLS = "tls"
    SOCKET = "socket"
    SUBSCRIPTION = "subscription"
    DATA = "data"
    HTTP = "http"
    CLOCK = "clock"


class Outcome(StrEnum):
    OK = "ok"
    WARNED = "warned"  # It works all the same.
    FAILED = "failed"
    SKIPPED = "-"  # Not tried, because of another step, or because it does not apply.


class Finding(msgspec.Struct, frozen=True):
    """How one step went. `took_ms` is -1 where no time was taken."""

    step: Step
    outcome: Outcome
    took_ms: int = -1
    sentence: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found of one feed."""

    feed: str
    pair: str
    checked_on: str
    is_from_documents_alone: bool
    findings: tuple[Finding, ...]

    @property
    def is_working(self) -> bool:
        return all(finding.outcome is not Outcome.FAILED for finding in self.findings)

    def of(self, step: Step) -> Finding:
        """Return the worst finding of a step: a feed may have several sockets."""
        order = (Outcome.FAILED, Outcome.WARNED, Outcome.OK, Outcome.SKIPPED)
        found = [finding for finding in self.findings if finding.step is step]
        found.sort(key=lambda finding: order.index(finding.outcome))
        return found[0] if found else Finding(step, Outcome.SKIPPED)


class Failure(Exception):
    """A step that did not work; the text is one sentence of what happened, and the remedy."""

    def __init__(self, step: Step, sentence: str) -> None:
        super().__init__(sentence)
        self.step = step


_OFFLINE = "`rialto up --offline` needs no internet."
_STATUS_REMEDIES = {
    403: "The venue does not serve this address or country: leave the feed out, or run elsewhere.",
    404: "The address may have been retired: compare the connector with the venue's documents.",
    418: "This address is banned for a while: wait, and follow fewer pairs.",
    429: "Too much was asked of it from this address: wait some minutes.",
    451: "The venue does not serve this country: leave the feed out, or run elsewhere.",
}


def name_failed(host: str, reason: str) -> Failure:
    return Failure(
        Step.NAME, f"The name {host} is not found ({reason}): check internet and DNS. {_OFFLINE}"
    )


def line_failed(host: str, port: int, reason: str) -> Failure:
    return Failure(
        Step.LINE,
        f"No connection to {host}:{port} ({reason}): a firewall or a proxy may be in the way. "
        + _OFFLINE,
    )


def tls_failed(host: str, reason: str) -> Failure:
    return Failure(
        Step.TLS,
        f"{host} cannot be trusted ({reason}): set the clock, renew the list of authorities, or "
        "look for a proxy that opens TLS.",
    )


def status_sentence(url: str, status: int) -> str:
    """Return what an HTTP status means and what to do."""
    remedy = _STATUS_REMEDIES.get(status, "Try again later; it may be the venue's maintenance.")
    return f"{url} answers with HTTP {status}. {remedy}"


def socket_failed(url: str, reason: str) -> Failure:
    return Failure(
        Step.SOCKET,
        f"{url} does not open as a WebSocket ({reason}): try again later; it may be the venue's "
        "maintenance.",
    )


def refused(pair: str, reason: str) -> Failure:
    return Failure(
        Step.SUBSCRIPTION,
        f"The venue refuses {pair}: {reason}. Choose other pairs (RIALTO_OUTSIDE_PAIRS) or depths "
        "(RIALTO_OUTSIDE_DEPTHS).",
    )


def silent(pair: str, what: str, wait_s: float, checked_on: str) -> Failure:
    return Failure(
        Step.DATA,
        f"No {what} of {pair} came within {wait_s:g} s, and no refusal: the topic may have been "
        f"retired since {checked_on}, when the connector was last compared with the documents.",
    )


def age_sentence(report: Report, today: date) -> str:
    """Return what to know of the connector itself; empty if there is nothing."""
    days = (today - date.fromisoformat(report.checked_on)).days
    if days > CHECKED_DAYS_MAX:
        return (
            f"The connector was last compared with the venue's documents on {report.checked_on}, "
            f"{days} days ago: look for news of the venue's protocol."
        )
    if report.is_from_documents_alone:
        return "The connector is from documents alone; no recorded messages have proven it yet."
    return ""
