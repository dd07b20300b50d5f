"""The best execution, as found by somebody who only has what is published.

The rule of this file: texts in, texts out. It knows as much as `book:consolidated:<symbol>` shows:
books, fees and the trusted range from its info, and the quantities of each book from its levels.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from aggregator.books.side import Side as BookSide
from aggregator.merge.execution import Ending, Execution, Fill, best_execution
from aggregator.merge.fees import factor
from aggregator.merge.names import PPM
from aggregator.protocol import to_text, to_units
from shared.messages import Side
from shared.messages.outside import ConsolidatedBook


class PublishedFill(msgspec.Struct, frozen=True):
    """What is taken of one level of one book, best after fees first; the price after fees is
    rounded against the taker.
    """

    book: str
    price: str
    quantity: str
    price_after_fees: str


class PublishedExecution(msgspec.Struct, frozen=True):
    """`Execution` in decimal texts; prices and totals are empty where nothing can be filled."""

    symbol: str
    side: Side
    ending: Ending
    filled: str
    left: str
    total: str
    total_after_fees: str
    average_price: str
    average_price_after_fees: str
    worst_price: str
    fills: tuple[PublishedFill, ...]
    at_ns: int


def published_execution(
    info: bytes,
    levels: Iterable[Sequence[str]],
    side: Side,
    *,
    quantity: str = "",
    budget: str = "",
) -> PublishedExecution:
    """Return how best to fill a quantity, or to use a budget.

    `info` is that of the channel, and `levels` are all that it shows of the side to be taken: asks
    to buy, bids to sell. Raises ValueError for a wish that is none, and for what cannot be read.
    """
    try:
        said = msgspec.json.decode(info, type=ConsolidatedBook)
    except msgspec.DecodeError as error:
        raise ValueError(f"This is no info of a consolidated book: {error}") from error
    sign = -1 if side is Side.BUY else 1
    trusted = said.trusted_ask if side is Side.BUY else said.trusted_bid
    trusted_key = to_units(trusted) * sign if trusted else None
    fees = dict(zip(said.books, said.taker_fees_ppm, strict=True))
    execution = best_execution(
        _sides(said.books, levels, sign),
        dict.fromkeys(said.books, trusted_key),
        side,
        fee_of=lambda book: fees[book],
        quantity=to_units(quantity) if quantity else 0,
        budget=to_units(budget) if budget else 0,
    )
    return _published(said, execution, fees)


def _sides(books: Iterable[str], levels: Iterable[Sequence[str]], sign: int) -> dict[str, BookSide]:
    sides = {book: BookSide(sign) for book in books}
    by_book: dict[str, list[tuple[int, int]]] = {book: [] for book in sides}
    for price, _, *shares in levels:
        for book, quantity in zip(shares[::2], shares[1::2], strict=True):
            if book not in by_book:
                raise ValueError(f"A level names {book}, which is not in the book.")
            by_book[book].append((sign * to_units(price), to_units(quantity)))
    for book, side in sides.items():
        side.replace(by_book[book])
    return sides


def _published(
    said: ConsolidatedBook, execution: Execution, fees: Mapping[str, int]
) -> PublishedExecution:
    sign = -1 if execution.side is Side.BUY else 1

    def after_fees(fill: Fill) -> str:
        # Keys are rounded down: what a buyer pays is up.
        return to_text(fill.price * sign * factor(sign, fees[fill.book]) // PPM * sign)

    def text(units: int) -> str:
        return to_text(units) if execution.fills else ""

    return PublishedExecution(
        symbol=said.symbol,
        side=execution.side,
        ending=execution.ending,
        filled=to_text(execution.quantity),
        left=to_text(execution.left),
        total=text(execution.total),
        total_after_fees=text(execution.total_after_fees),
        average_price=text(execution.average_price),
        average_price_after_fees=text(execution.average_price_after_fees),
        worst_price=text(execution.worst_price),
        fills=tuple(
            PublishedFill(fill.book, to_text(fill.price), to_text(fill.quantity), after_fees(fill))
            for fill in execution.fills
        ),
        at_ns=said.at_ns,
    )
