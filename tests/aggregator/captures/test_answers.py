"""Questions of desks and recorded answers meet, whichever comes first."""

from aggregator.books.effects import Fetch, Purpose
from aggregator.captures.answers import Answers, Question
from aggregator.captures.rows import Row, RowKind
from aggregator.protocol import Request


def question(ticket: int, symbol: str) -> Question:
    request = Request(f"https://v.test/depth?symbol={symbol}&limit=5", 1, lambda body, url: ())
    return Question("venue:spot", Fetch(ticket, Purpose.SNAPSHOT, symbol, request))


def answer(symbol: str, at_ns: int = 1, status: int | None = None) -> Row:
    return Row(at_ns, RowKind.HTTP, f"https://v.test/depth?symbol={symbol}", "{}", status=status)


def test_an_answer_goes_to_its_question_once() -> None:
    answers = Answers()
    bitcoin, ether = question(1, "BTC"), question(2, "ETH")
    assert answers.ask(bitcoin) is None
    assert answers.ask(ether) is None

    assert answers.take(answer("ETH")) is ether
    assert answers.take(answer("BTC")) is bitcoin
    assert answers.take(answer("BTC")) is None


def test_an_answer_that_came_before_its_question_waits_for_it_once() -> None:
    answers = Answers()
    early = answer("BTC", at_ns=7)
    assert answers.take(answer("BTC", at_ns=5)) is None
    assert answers.take(early) is None

    assert answers.ask(question(1, "BTC")) is early
    assert answers.ask(question(2, "BTC")) is None


def test_who_asks_again_is_answered_by_the_new_ticket() -> None:
    answers = Answers()
    answers.ask(question(1, "BTC"))
    again = question(2, "BTC")
    answers.ask(again)

    assert answers.take(answer("BTC")) is again
    assert answers.take(answer("BTC")) is None


def test_a_refusal_goes_to_who_waits_and_is_kept_for_nobody() -> None:
    answers = Answers()
    assert answers.take(answer("BTC", status=429)) is None
    asked = question(1, "BTC")
    assert answers.ask(asked) is None

    assert answers.take(answer("BTC", status=418)) is asked
