"""The Python client: `Client` waits, `AsyncClient` is awaited, and both offer the same calls.

The rule of this room: what is said and done is decided once, in `calls` and `conversation`, which
do no I/O; the clients only carry it out. Answers are the structs of `shared.rest`, amounts are
decimal text, and a command has one effect however often it has to be sent.

    with Client("http://127.0.0.1:8000") as client:
        client.log_in("alice", "correct horse battery")
        order = client.place_order("TATA_INR", "buy", price="101.5", quantity="10")

`AsyncFeed` follows the broadcaster: books, trades and the account as they are at every moment.
"""

from rialto.client.call import Amount, Call
from rialto.client.calls.orders import new_order
from rialto.client.clients import AdminClient, AsyncAdminClient, AsyncClient, Client
from rialto.client.downloads import Progress
from rialto.client.errors import ClientError, RefusedError, UnansweredError
from rialto.client.feed import AsyncFeed, FellBehindError, NotLiveError
from rialto.client.identities import SignedBy, Tokens

__all__ = [
    "AdminClient",
    "Amount",
    "AsyncAdminClient",
    "AsyncClient",
    "AsyncFeed",
    "Call",
    "Client",
    "ClientError",
    "FellBehindError",
    "NotLiveError",
    "Progress",
    "RefusedError",
    "SignedBy",
    "Tokens",
    "UnansweredError",
    "new_order",
]
