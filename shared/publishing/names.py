"""Which names a channel of another producer may have.

The rule of this file: a producer and a broadcaster decide the same of a name. What belongs to the
venue itself is not to be had, so no program can speak in the engine's name.
"""

import re

NAME_CHARS_MAX = 128  # A name is repeated in every message of its channel.
VENUE_PREFIXES = frozenset({"depth", "depth20", "bbo", "trades"})  # With a market: the venue's own.
ACCOUNT = "account"

_PRODUCER = re.compile(r"[a-z][a-z0-9_\-]*")
_NAME = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9_.\-/]+)*")


def name_fault(channel: str) -> str:
    """Return in a sentence what is wrong with the name, "" if nothing is.

    `trades:TATA_INR` is the venue's; `trades:bybit:linear:BTC/USDT` is anybody's.
    """
    if len(channel) > NAME_CHARS_MAX:
        return f"A channel's name has at most {NAME_CHARS_MAX} characters."
    if not _NAME.fullmatch(channel):
        return "A channel's name is words of letters, digits, _ . - / with colons between them."
    prefix, _, rest = channel.partition(":")
    if prefix == ACCOUNT or (prefix in VENUE_PREFIXES and ":" not in rest):
        return "The name is one of the venue's own."
    return ""


def producer_fault(producer: str) -> str:
    """Return in a sentence what is wrong with a producer's own name, "" if nothing is."""
    if len(producer) > NAME_CHARS_MAX or not _PRODUCER.fullmatch(producer):
        return "A producer's name is one word of small letters, digits, _ and -."
    return ""
