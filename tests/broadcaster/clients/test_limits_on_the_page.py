"""docs/PROTOCOL.md names the limits of the feed as they are."""

from pathlib import Path

from broadcaster.clients import limits, outbox

PAGE = Path(__file__).resolve().parents[3] / "docs" / "PROTOCOL.md"


def test_the_table_of_limits_is_true() -> None:
    told = PAGE.read_text(encoding="utf-8").partition("### Limits of the feed\n")[2]
    table = told.partition("\n### ")[0]
    rows = [
        f"| a message to the server | {limits.MESSAGE_SIZE_MAX >> 10} KiB |",
        f"| messages to the server | {limits.MESSAGES_BURST_MAX} at once, then "
        f"{limits.MESSAGES_PER_S} a second |",
        f"| messages that are errors, but for channels that are not there | "
        f"{limits.BAD_MESSAGES_BURST_MAX} at once, then one in "
        f"{1 / limits.BAD_MESSAGES_PER_S:.0f} s |",
        f"| subscriptions of a connection | {limits.SUBSCRIPTIONS_MAX} |",
        f"| frames to the server | {limits.FRAMES_BURST_MAX:,} at once, then "
        f"{limits.FRAMES_PER_S} a second |",
        f"| patterns among them | {limits.PATTERNS_MAX}, for {limits.PATTERN_CHANNELS_MAX:,} "
        "channels |",
        f"| a connection that has subscribed nothing | {limits.IDLE_S} s without a message |",
        f"| connections with a token of one account | {limits.CONNECTIONS_PER_ACCOUNT_MAX} |",
        f"| connections from one address that is not this machine | "
        f"{limits.CONNECTIONS_PER_ADDRESS_MAX} |",
        f"| connections to one broadcaster | {limits.CONNECTIONS_MAX:,}, ",
        f"| what waits for a slow reader | {outbox.LAG_MESSAGES_MAX:,} messages or "
        f"{outbox.LAG_BYTES_MAX >> 20} MiB of public channels, then one fresh snapshot of each; "
        f"{outbox.BYTES_MAX >> 20} MiB or {outbox.MESSAGES_MAX:,} messages of `account` "
        "and of answers |",
    ]
    missing = [row for row in rows if row not in table]
    assert not missing, "\n".join(missing)
