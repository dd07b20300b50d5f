"""Where an order would be filled best, asked from a terminal.

The rule of this file: the channel `book:consolidated:<pair>` is read once, proven by the feed's
client, and everything is reckoned from that.
"""

import asyncio

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from aggregator.cli import PublishedExecution, published_execution
from rialto.client import AsyncFeed, ClientError
from rialto.errors import RialtoError
from shared.feed import Level
from shared.messages import ConsolidatedBook, Side

TIMEOUT_S = 5.0  # A snapshot comes within milliseconds of being asked for.
ALL_LEVELS = 0
ENDINGS = {
    "done": "all of it",
    "no_depth": "not all of it: there is no more in any book",
    "unknown": "not all of it: what comes next is beyond what is known of every book",
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
    table = Table("book", "price", "after fees", "quantity", box=None, pad_edge=False)
    for fill in execution.fills:
        table.add_row(fill.book, fill.price, fill.price_after_fees, fill.quantity)
    if execution.fills:
        console = Console(highlight=False)
        console.print(table)
    typer.echo(f"{execution.side} {execution.filled}: {ENDINGS[execution.ending]}")
    if execution.ending != "done":
        typer.echo(f"left {execution.left}")
    if execution.fills:
        typer.echo(f"average {execution.average_price}, worst {execution.worst_price}")
        typer.echo(f"with fees {execution.average_price_after_fees}")
        typer.echo(f"total {execution.total}, with fees {execution.total_after_fees}")


def _refuse_dead(symbol: str, said: ConsolidatedBook) -> None:
    if not said.books:
        left_out = ", ".join(f"{one.book}: {one.state}" for one in said.left_out)
        raise RialtoError(f"No book of {symbol} is live ({left_out}).")


async def _read(url: str, symbol: str, side: Side) -> tuple[bytes, list[Level]]:
    channel = f"book:consolidated:{symbol}"
    try:
        async with AsyncFeed(url, timeout_s=TIMEOUT_S) as feed, asyncio.timeout(TIMEOUT_S):
            await feed.subscribe(channel, levels=ALL_LEVELS)
            book = await feed.live(feed.book(channel))
            info, levels = book.info, book.asks if side is Side.BUY else book.bids
    except (ClientError, TimeoutError) as error:
        reason = str(error) or "it has not come in time"
        raise RialtoError(f"{channel} cannot be read: {reason}") from None
    if info is None:
        raise RialtoError(f"{channel} says nothing of its books.")
    return bytes(info), levels
