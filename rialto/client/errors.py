"""What can go wrong between a client and the exchange.

The rule of this file: a definite no and an answer that never came are two kinds, because only
after the first is it known that nothing was done.
"""

from collections.abc import Mapping


class ClientError(Exception):
    """Any of those below, and those of the feed."""


class RefusedError(ClientError):
    """A definite no: nothing was done. `code` is one of docs/errors.md; `field` is at fault, or "".

    `status` is that of HTTP, 0 for a no of the feed.

    `details` are further fields of the answer, such as the journal number of a rejection.
    """

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        self.status = status
        self.code = str(body.get("code", ""))
        self.message = str(body.get("message", ""))
        self.field = str(body.get("field", ""))
        self.request_id = str(body.get("request_id", ""))
        self.details = dict(body)
        super().__init__(f"{self.code}: {self.message}")


class UnansweredError(ClientError):
    """No answer within the time: a read failed; a command may be carried out, once, or never.

    The same call with the same `idempotency_key` ("" for a read) asks for the answer, safely.
    """

    def __init__(self, reason: str, idempotency_key: str) -> None:
        self.idempotency_key = idempotency_key
        super().__init__(reason)
