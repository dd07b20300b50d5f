"""What a client asks for, and what it is answered: exactly one answer to each message, in order.

The rule of this file: an `Op` has no effect when its answer is an `Error`.
"""

from typing import Annotated

from msgspec import Meta, Struct, field

ID_LENGTH_MAX = 128  # An id is echoed, so it is no place to store things.
INTERVAL_MS_MAX = 60_000  # Who wants to see less than one message a minute can ask by REST.
LEVELS_MAX = 5_000  # More levels than that are the full book, which is 0.

OpId = str | int | float | bool | None
IntervalMs = Annotated[
    int, Meta(ge=0, le=INTERVAL_MS_MAX, description="At most one message in so long; 0 is at once.")
]
Levels = Annotated[
    int, Meta(ge=0, le=LEVELS_MAX, description="The best so many of each side; 0 is the full book.")
]
AfterSequence = Annotated[
    int,
    Meta(ge=0, le=2**63 - 1, description="The last sequence (or trade id) that is known already."),
]


class Wanted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One channel with its own wishes; one that is left out is the channel's default.

    `after_sequence` asks to go on after a short interruption: what was missed, or a snapshot where
    that is not kept any more.
    """

    channel: str
    interval_ms: IntervalMs | None = None
    levels: Levels | None = None
    after_sequence: AfterSequence | None = None


class _Op(
    Struct,
    frozen=True,
    tag_field="op",
    forbid_unknown_fields=True,
    kw_only=True,
    omit_defaults=True,
):
    id: OpId = None


class Subscribe(_Op, frozen=True, tag="subscribe"):
    """Subscribe to all of the channels; an error means to none.

    A channel that is subscribed already with the same wishes stays as it is; with other wishes it
    begins anew. `interval_ms` and `levels` hold for every channel that does not say otherwise.
    `book:*` is every channel whose name begins so, also those that come later.
    """

    channels: list[str | Wanted]
    interval_ms: IntervalMs | None = None
    levels: Levels | None = None


class Unsubscribe(_Op, frozen=True, tag="unsubscribe"):
    """Leave channels; one that is not subscribed is passed over."""

    channels: list[str]


class ListChannels(_Op, frozen=True, tag="list"):
    """Ask which channels are subscribed and which there are."""


class Auth(_Op, frozen=True, tag="auth"):
    """Show an access token; again before it expires, to stay."""

    token: str


class Ping(_Op, frozen=True, tag="ping"):
    """Ask for a pong."""


Op = Subscribe | Unsubscribe | ListChannels | Auth | Ping


class _Answer(Struct, frozen=True, tag_field="op"):
    id: OpId


class Subscribed(_Answer, frozen=True, tag="subscribed", omit_defaults=True):
    """The channels are subscribed, and what they begin with comes next.

    Those of `resumed` go on after the `after_sequence` that was asked: what is known of them is
    right up to there. All others begin with a snapshot, and what is known of them may be wrong
    until it comes. Left out where there are none.
    """

    channels: list[str]
    resumed: list[str] = field(default_factory=list)


class Unsubscribed(_Answer, frozen=True, tag="unsubscribed"):
    """Nothing more of the channels than what is on its way.

    Also sent unasked, with the id null, when a channel has ceased to exist.
    """

    channels: list[str]


class Listed(_Answer, frozen=True, tag="list"):
    """`subscribed` by this connection, and `available` to anybody (`account` after `auth`)."""

    subscribed: list[str]
    available: list[str]


class Authenticated(_Answer, frozen=True, tag="authenticated"):
    """The connection speaks for `account_id` until `expires_at_s` (Unix), then it is closed.

    Sent unasked, with the id null, to a connection that was opened with a ticket.
    """

    account_id: int
    expires_at_s: int


class Pong(_Answer, frozen=True, tag="pong"):
    """The answer to a ping, with the server's clock."""

    at_ns: int


class Error(_Answer, frozen=True, tag="error"):
    """The message with this `id` had no effect. `field` names what was at fault, or is ""."""

    code: str
    message: str
    field: str = ""


class Closing(Struct, frozen=True, tag_field="op", tag="closing"):
    """The last message before the server closes a connection for its own reasons.

    Reconnect after `reconnect_after_ms`, which differs from client to client, so that they do not
    all come back at once.
    """

    code: int
    reason: str
    reconnect_after_ms: int


Answer = Subscribed | Unsubscribed | Listed | Authenticated | Pong | Error
