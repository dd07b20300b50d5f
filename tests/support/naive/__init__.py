"""The exchange again, slow and obvious: searched lists, full scans, nothing kept twice.

The rule of this package: it is written from docs/ORDERS.md and shares no code with the core, so an
agreement of both means something. `NaiveExchange.apply` answers with *facts*: what matters of each
event, without its sequences; `facts.facts_of` says the core's events in the same words.
"""

from tests.support.naive.exchange import NaiveExchange
from tests.support.naive.facts import facts_of
from tests.support.naive.world import Fact

__all__ = ["Fact", "NaiveExchange", "facts_of"]
