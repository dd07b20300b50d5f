"""Books of several venues as one: consolidated depth, opportunities, best execution, one tape.

The rule of this room: pure and exact. A book is in only while it is live, and what is not known is
said to be unknown, never taken for nothing.
"""

from aggregator.books.shown import Shown
from aggregator.merge.merger import Merger, SymbolChange
from aggregator.merge.names import MergeOptions, consolidated_symbol

__all__ = [
    "MergeOptions",
    "Merger",
    "Shown",
    "SymbolChange",
    "consolidated_symbol",
]
