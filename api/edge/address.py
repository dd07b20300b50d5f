"""Where a request comes from.

The rule of this file: the connection says it; a header counts only where the door has found that a
proxy of the operator's own wrote it, and then the door has noted the address already.
"""

from fastapi import Request


def address_of(request: Request) -> str:
    """Return the address of the client, "" if it has none."""
    return request.client.host if request.client else ""
