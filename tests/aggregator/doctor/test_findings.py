"""What the doctor says of what was found."""

from datetime import date

import pytest

from aggregator.doctor.findings import (
    CHECKED_DAYS_MAX,
    Finding,
    Outcome,
    Report,
    Step,
    age_sentence,
    status_sentence,
)

TODAY = date(2026, 11, 21)


def _report(*findings: Finding, checked_on: str = "2026-11-01", documents: bool = False) -> Report:
    return Report(
        feed="x:spot",
        pair="BTC/USD",
        checked_on=checked_on,
        is_from_documents_alone=documents,
        findings=findings,
    )


def test_of_several_sockets_the_worst_is_shown() -> None:
    report = _report(
        Finding(Step.DATA, Outcome.OK, 3), Finding(Step.DATA, Outcome.FAILED, -1, "no")
    )
    assert report.of(Step.DATA).outcome is Outcome.FAILED
    assert not report.is_working
    assert report.of(Step.TLS).outcome is Outcome.SKIPPED


def test_a_warning_does_not_make_a_feed_fail() -> None:
    assert _report(Finding(Step.CLOCK, Outcome.WARNED, 2_000, "behind")).is_working


@pytest.mark.parametrize(
    ("checked_on", "documents", "said"),
    [
        ("2026-11-01", False, ""),
        ("2026-11-01", True, "documents alone"),
        ("2025-01-01", False, "689 days ago"),
    ],
)
def test_an_old_connector_is_named(checked_on: str, documents: bool, said: str) -> None:
    sentence = age_sentence(_report(checked_on=checked_on, documents=documents), TODAY)
    assert said in sentence
    assert bool(said) == bool(sentence)
    assert CHECKED_DAYS_MAX < 689


@pytest.mark.parametrize(
    ("status", "remedy"), [(451, "country"), (429, "wait"), (404, "retired"), (503, "later")]
)
def test_a_status_comes_with_what_to_do(status: int, remedy: str) -> None:
    assert remedy in status_sentence("https://x", status)
