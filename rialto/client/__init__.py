"""The Python client: `Client` waits, `AsyncClient` is awaited, and both offer the same calls.

The rule of this room: what is said and done is decided once, in `calls` and `conversation`, which
do no I/O; the two clients only carry it out. Answers are the structs of `shared.rest`, amounts are
decimal text, and a command has one effect however often it has to be sent.

    with Client("http://127.0.0.1:8000") as client:
        client.log_in("alice", "correct horse battery")
        order = client.place_order("TATA_INR", "buy", price="101.5", quantity="10")
"""

from rialto.client.clients import AsyncClient, Client
from rialto.client.errors import ClientError, RefusedError, UnansweredError

__all__ = ["AsyncClient", "Client", "ClientError", "RefusedError", "UnansweredError"]
