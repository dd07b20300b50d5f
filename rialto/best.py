"""Where an order would be filled best, asked from a terminal.

The rule of this file: the channel `book:consolidated:<pair>` is read once, proven by the feed's
client, and everything is reckoned from that. What a person reads is rounded against the taker, and
says so; a program reads what was reckoned.
"""

import asyncio
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from aggregator.cli import PublishedExecution, nearest_words, published_execution
from rialto.client import AsyncFeed, ClientError, RefusedError
from rialto.errors import RialtoError
from shared.feed import Level
from shared.messages import ConsolidatedBook, Side

CHANNELS = "book:consolidated:"
# An average has so many decimals more than the prices that it is of.
AVERAGE_DECIMALS_MORE = 2
DIGITS = Context(prec=80)  # More than any price has, before and after the point together.
TIMEOUT_S = 5.0  # A snapshot comes within milliseconds of being asked for.
ALL_LEVELS = 0
ENDINGS = {
    "done": "all of it",
    "no_depth": "not all of it: there is no more in any book",
    "unknown": "not all of it: beyond that, one of the books is not known, and might have better",
}


def find_best(
    url: str, symbol: str, side: Side, *, quantity: str = "", budget: str = ""
) -> PublishedExecution:
    """Return the best execution as of now; raises RialtoError."""
    if not quantity and not budget:
        raise RialtoError("Say how much: a quantity, or --budget.")
    info, levels = asyncio.run(_read(url, symbol, side))
    _refuse_dead(symbol, msgspec.json.decode(info, type=ConsolidatedBook))
    try:
        return published_execution(info, levels, side, quantity=quantity, budget=budget)
    except ValueError as error:
        raise RialtoError(str(error)) from None


def print_best(execution: PublishedExecution, *, as_json: bool) -> None:
    """Print it for a person, or for a program."""
    if as_json:
        typer.echo(msgspec.json.encode(execution).decode())
        return
    typer.echo(f"{execution.side} {execution.filled}: {ENDINGS[execution.ending]}")
    if execution.ending != "done":
        typer.echo(f"left {execution.left}")
    if not execution.fills:
        return
    typer.echo(_averages(execution))
    typer.echo(f"worst {execution.worst_price}")
    typer.echo(f"total {execution.total}, with fees {execution.total_after_fees}")
    table = Table("book", "price", "after fees", "quantity", box=None, pad_edge=False)
    for fill in execution.fills:
        table.add_row(fill.book, fill.price, fill.price_after_fees, fill.quantity)
    Console(highlight=False).print(table)


def _averages(execution: PublishedExecution) -> str:
    exact = execution.average_price, execution.average_price_after_fees
    decimals = max(len(fill.price.partition(".")[2]) for fill in execution.fills)
    step = Decimal(1).scaleb(-decimals - AVERAGE_DECIMALS_MORE)
    is_up = execution.side is Side.BUY
    shown = [_rounded(text, step, ROUND_CEILING if is_up else ROUND_FLOOR) for text in exact]
    sentence = f"average {shown[0]}, with fees {shown[1]}"
    if tuple(shown) == exact:
        return sentence
    return f"{sentence} (rounded {'up' if is_up else 'down'}; exactly with --json)"


def _rounded(text: str, step: Decimal, rounding: str) -> str:
    exact = Decimal(text)
    rounded = exact.quantize(step, rounding=rounding, context=DIGITS)
    return text if rounded == exact else f"{rounded:f}"


def _refuse_dead(symbol: str, said: ConsolidatedBook) -> None:
    if not said.books:
        left_out = ", ".join(f"{one.book}: {one.state}" for one in said.left_out)
        raise RialtoError(f"No book of {symbol} is live ({left_out}).")


async def _subscribe(feed: AsyncFeed, symbol: str) -> None:
    try:
        await feed.subscribe(f"{CHANNELS}{symbol}", levels=ALL_LEVELS)
    except RefusedError as error:
        if error.code != "UNKNOWN_CHANNEL":
            raise
        available = (await feed.list()).available
        symbols = [name.removeprefix(CHANNELS) for name in available if name.startswith(CHANNELS)]
        others = "" if symbols else ", nor any other: see `rialto aggregator status`"
        nearest = nearest_words(symbol, symbols)
        raise RialtoError(f"No book of {symbol} is followed{others}{nearest}.") from None


async def _read(url: str, symbol: str, side: Side) -> tuple[bytes, list[Level]]:
    channel = f"{CHANNELS}{symbol}"
    try:
        async with AsyncFeed(url, timeout_s=TIMEOUT_S) as feed, asyncio.timeout(TIMEOUT_S):
            await _subscribe(feed, symbol)
            book = await feed.live(feed.book(channel))
            info, levels = book.info, book.asks if side is Side.BUY else book.bids
    except (ClientError, TimeoutError) as error:
        reason = str(error) or "it has not come in time"
        raise RialtoError(f"{channel} cannot be read: {reason}") from None
    if info is None:
        raise RialtoError(f"{channel} says nothing of its books.")
    return bytes(info), levels
