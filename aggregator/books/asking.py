"""Questions to the venue's HTTP side that are waiting for an answer.

The rule of this file: a ticket is used up by its answer. Whoever asked says by an epoch how it
stood then, and an answer to what has changed since is passed over.
"""

from dataclasses import dataclass

from aggregator.books.effects import Fetch, Purpose
from aggregator.protocol import Request


@dataclass(frozen=True, slots=True)
class Question:
    """`connection` and `name` (in the messages) say for whom; -1 and empty: for the feed."""

    purpose: Purpose
    request: Request
    connection: int = -1
    name: str = ""
    epoch: int = 0
    page: int = 1


class Asking:
    def __init__(self) -> None:
        self._last_ticket = 0
        self._waiting: dict[int, Question] = {}

    def ask(self, question: Question, symbol: str) -> Fetch:
        self._last_ticket += 1
        self._waiting[self._last_ticket] = question
        return Fetch(self._last_ticket, question.purpose, symbol, question.request)

    def take(self, ticket: int) -> Question | None:
        """Return what a ticket was for; None for one that is used up or was given back."""
        return self._waiting.pop(ticket, None)

    def give_up(self, ticket: int) -> None:
        self._waiting.pop(ticket, None)

    def is_waiting(self, ticket: int) -> bool:
        return ticket in self._waiting
