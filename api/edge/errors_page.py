"""`docs/errors.md`, made from the table of errors: `python -m api.edge.errors_page` prints it.

The rule of this file: the page says nothing that the table does not.
"""

import sys

from api.edge.errors import ERRORS

_HEAD = """# Every error of the gateway

Made from `api/edge/errors.py` by `python -m api.edge.errors_page`; a test keeps both the same.

Every error is `{"code", "message", "field", "request_id"}`. The code and the status are stable, the
message is for people. Answers of the engine add `n`, `sequence`, `replayed` and `idempotency_key`.

What a status says about the request: **4xx** it was not carried out, and will not be; **503** it
was not carried out, try again after `Retry-After` seconds; **504** nobody can say: ask at
`status_url`, or send it again with the same `Idempotency-Key`.

| code | status | message |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    rows = (
        f"| `{code}` | {kind.status} | {kind.sentence.replace('|', '/')} |\n"
        for code, kind in ERRORS.items()
    )
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
