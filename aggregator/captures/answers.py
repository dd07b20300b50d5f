"""Questions that desks have asked during a replay, and the recorded answers to them.

The rule of this file: an answer is given once. One that came before anybody asked waits for the
question, because a desk asks when it is ready and the recorder's program asked when it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.books.effects import Fetch
from aggregator.captures.addresses import is_same_question
from aggregator.captures.rows import Row

# A recording asks once a symbol and seldom again; the oldest ones are of no use by then.
EARLY_ANSWERS_MAX = 500
STATUS_OK = 200


@dataclass(frozen=True)
class Question:
    """Of the feed whose desk asks."""

    feed: str
    fetch: Fetch


class Answers:
    """What is asked and not answered, and what is answered and not asked."""

    def __init__(self) -> None:
        self._questions: list[Question] = []
        self._early: list[Row] = []

    def ask(self, question: Question) -> Row | None:
        """Take a question, and return its answer if that came before it."""
        for index in reversed(range(len(self._early))):
            if is_same_question(question.fetch.request.url, self._early[index].url):
                return self._early.pop(index)
        # A desk that asks again has given up the question before.
        self._questions = [other for other in self._questions if not _same(other, question)]
        self._questions.append(question)
        return None

    def take(self, row: Row) -> Question | None:
        """Take an answer, and return its question; without one it waits for that, if it is
        a good answer.
        """
        for index, question in enumerate(self._questions):
            if is_same_question(question.fetch.request.url, row.url):
                return self._questions.pop(index)
        if row.status not in (None, STATUS_OK):
            return None
        # Of two answers to one question, the newer one is nearer to the stream.
        self._early = [other for other in self._early if other.url != row.url]
        self._early = [*self._early[-EARLY_ANSWERS_MAX + 1 :], row]
        return None

    def early(self, url: str) -> Iterator[Row]:
        """Yield the answers that came before anybody asked for this; they stay."""
        return (row for row in self._early if is_same_question(url, row.url))


def _same(one: Question, other: Question) -> bool:
    return (one.feed, one.fetch.purpose, one.fetch.symbol) == (
        other.feed,
        other.fetch.purpose,
        other.fetch.symbol,
    )
