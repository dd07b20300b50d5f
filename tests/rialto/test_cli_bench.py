"""`rialto bench pipeline` as it is typed: a whole exchange is made, measured, and gone."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_pipeline_is_measured_on_an_exchange_of_its_own() -> None:
    words = ["bench", "pipeline", "--json", "--in-flight", "1", "--no-pin"]
    done = subprocess.run(
        [sys.executable, "-m", "rialto", *words], capture_output=True, text=True, check=True
    )
    [figures] = [json.loads(line) for line in done.stdout.splitlines()]
    assert figures["in_flight"] == 1
    assert figures["commands_per_s"] > 0
    assert set(figures["cpu_us"]) == {"redis", "engine", "archive", "sender"}
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["max_us"]


def test_recovery_and_takeover_are_measured_on_a_redis_of_their_own() -> None:
    small = ["--json", "--orders", "50", "--keys", "100"]
    done = [
        subprocess.run(
            [sys.executable, "-m", "rialto", "bench", *words, *small],
            capture_output=True,
            text=True,
            check=True,
        )
        for words in (["recovery"], ["takeover", "--rounds", "1"])
    ]
    recovery, takeover = (json.loads(run.stdout) for run in done)
    assert (recovery["open_orders"], recovery["idempotency_keys"]) == (50, 100)
    assert takeover["from_memory"] == 1
    assert takeover["p50_s"] == takeover["longest_s"]


def test_the_gateway_is_measured_beside_an_application_that_does_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rialto", "bench", "gateway", "--json", "--quick"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {row["what"].strip(): row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["orders sent"]["value"] == 200 + 100 + 200 + 400 + 400
    for sound in (
        "not acknowledged",
        "acknowledged twice as one",
        "in the journal beyond those sent",
        "money beyond what was paid in, atoms",
        "refused",
    ):
        assert (rows[sound]["value"], rows[sound]["reached"]) == (0, True), sound
    for goal in ("order at 1,000/s, p50", "orders by WebSocket", "depth", "of the empty POST"):
        assert rows[goal]["goal"]
        assert rows[goal]["value"] > 0
    assert rows["memory after 100,000 orders"]["value"] > 0


def test_the_feed_is_measured_with_clients_that_check_everything() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rialto", "bench", "feed", "--json", "--quick"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    rows = {row["what"].strip(): row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["messages checked"]["value"] > 1_000
    for sound in (
        "gaps, wrong checksums and losses",
        "connections cut",
        "subscriptions not at the end",
        "messages that nobody published",
    ):
        assert (rows[sound]["value"], rows[sound]["reached"]) == (0, True), sound
    for what in ("1 at once: publish to socket, p50", "fan-out", "storm of 50: all served again"):
        assert not rows[what]["goal"], "so few say nothing of speed"
        assert rows[what]["value"] > 0


def test_an_aggregator_is_measured_with_venues_on_this_machine(data_dir: Path) -> None:
    captures = str(data_dir / "captures")
    words = ["bench", "aggregator", "--json", "--quick", "--captures", captures]
    done = subprocess.run(
        [sys.executable, "-m", "rialto", *words], capture_output=True, text=True, check=True
    )
    assert not done.stderr
    rows = {row["what"].strip(): row for row in map(json.loads, done.stdout.splitlines())}
    for sound in (
        "recordings: mismatches",
        "throughput: mismatches",
        "throughput: gaps",
        "36 streams: mismatches",
        "36 streams: resyncs",
    ):
        assert (rows[sound]["value"], rows[sound]["reached"]) == (0, True), sound
    for what in (
        "recordings: proofs in each round",
        "kraken:spot: a frame, p50",
        "venue's socket to client's, p50",
        "throughput of one process",
        "changes of books in them",
        "36 streams: memory",
    ):
        assert not rows[what]["goal"], "so short a time says nothing of speed"
        assert rows[what]["value"] > 0, what
    # One round in some is measured, which in so short a time may be none of a single feed.
    waits = [row for what, row in rows.items() if what.endswith("received to publish, p50")]
    assert any(row["value"] > 0 for row in waits)
    assert not any(row["goal"] for row in waits)
    assert rows["books live at the end"]["value"] == 36


def test_the_history_is_measured_alone_and_beside_an_exchange() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rialto", "bench", "history", "--json", "--quick"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    rows = {row["what"]: row for row in map(json.loads, done.stdout.splitlines())}
    for stream in ("trades", "day"):
        lost = rows[f"SQLite, {stream}: not there afterwards"]
        assert (lost["value"], lost["reached"]) == (0, True)
    for what in (
        "SQLite, trades: written alone",
        "SQLite, beside 2,000 orders/s: catching up",
        "SQLite, beside 2,000 orders/s: lag, max",
        "SQLite, 500 candles of 5,000 trades: p95",
    ):
        assert not rows[what]["goal"], "so short a time says nothing of speed"
        assert rows[what]["value"] > 0, what


def test_the_benchmarks_stand_together() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rialto", "bench", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(
        name in done.stdout
        for name in (
            "aggregator",
            "engine",
            "feed",
            "gateway",
            "history",
            "pipeline",
            "recovery",
            "size",
            "takeover",
            "tapes",
        )
    )
