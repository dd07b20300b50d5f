"""How far the history is, as whoever asks is told, and the ways in which it says no.

The rule of this file: a business no is a `QueryFault` of `shared.rest.history_queries`; what may
be better in a moment is one of the two here.
"""

from typing import NamedTuple


class Standing(NamedTuple):
    """The last event whose rows and tickers are there, and the time that is over.

    No trade with a journal time before `watermark_ns` can come any more.
    """

    sequence: int
    watermark_ns: int


class NotYetError(Exception):
    """The history has not reached the `min_sequence` that was asked for."""


class UnavailableError(Exception):
    """The database does not answer, or not in time."""
