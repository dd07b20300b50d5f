"""What a `subscribe` comes to, before any of it is done.

The rule of this file: it changes nothing. Every mistake is told with the path of its field, so that
a mistake in one of a hundred channels can be found.

`interval_ms` and `levels` of the message hold for every channel that does not say otherwise and
that can be had so: `trades` has no levels, and nothing is wrong with asking for it together with
`depth` and 20 levels. What a channel says of itself has to fit.
"""

from typing import NamedTuple

from broadcaster.channels.accounts import ACCOUNT_CHANNEL
from broadcaster.channels.hub import Hub, is_pattern
from broadcaster.channels.topic import Topic, Wish, WishError
from broadcaster.clients import limits
from broadcaster.clients.requests import BadRequest, shorten
from shared.feed import Subscribe, Wanted


class Terms(NamedTuple):
    """What is asked of a channel, whether it can be had so or not; None is its default."""

    interval_ms: int | None
    levels: int | None


class Named(NamedTuple):
    """A channel that is asked for by its name."""

    topic: Topic
    wish: Wish
    after_sequence: int | None


class Own(NamedTuple):
    """The client's own account."""

    after_sequence: int | None


Asked = Named | Terms | Own


class Plan:
    """What is asked for, by kind; `names` has all of it in the order of asking."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.named: dict[str, Named] = {}
        self.patterns: dict[str, Terms] = {}
        self.account: Own | None = None


def read_plan(op: Subscribe, hub: Hub, *, has_account: bool) -> Plan:
    """Return what the message of a client, with an account or not, asks for; raises BadRequest."""
    seen: dict[str, Asked] = {}
    places: dict[str | Wanted, int] = {}  # What is said twice is read once.
    for place, item in enumerate(op.channels):
        places.setdefault(item, place)
    for item, place in places.items():
        wanted = Wanted(channel=item) if isinstance(item, str) else item
        path = f"channels[{place}]"
        if wanted.channel == ACCOUNT_CHANNEL and not has_account:
            raise BadRequest("AUTH_REQUIRED", 'Send {"op":"auth","token":"..."} first.', path)
        asked = _Reader(hub, op, path).read(wanted)
        if seen.setdefault(wanted.channel, asked) != asked:
            sentence = f'"{shorten(wanted.channel)}" is named twice, with different wishes.'
            raise BadRequest("INVALID_FIELD", sentence, path)
    return _sorted_by_kind(seen)


def fitting(topic: Topic, terms: Terms) -> Wish:
    """Return the wish that has as much of the terms as the channel can fulfil."""
    while True:
        try:
            return topic.wish(*terms)
        except WishError as error:
            terms = _without(terms, error)


def too_many_channels() -> BadRequest:
    """Return what is said of patterns that stand for more than a client may have."""
    sentence = f"Patterns stand for at most {limits.PATTERN_CHANNELS_MAX} channels of a connection."
    return BadRequest("TOO_MANY_SUBSCRIPTIONS", sentence, "channels")


class _Reader:
    """Reads one of a message's channels."""

    def __init__(self, hub: Hub, op: Subscribe, path: str) -> None:
        self._hub = hub
        self._op = op
        self._path = path

    def read(self, wanted: Wanted) -> Asked:
        name = wanted.channel
        if name == ACCOUNT_CHANNEL:
            return self._account(wanted)
        if not self._hub.ready:
            raise BadRequest("NOT_READY", "The feed is starting; try again in a second.")
        if is_pattern(name):
            return self._pattern(wanted)
        topic = self._hub.topics.get(name)
        if topic is None:
            raise self._unknown(name, self._hub.unknown_code(name))
        return Named(topic, self._wish(topic, wanted), wanted.after_sequence)

    def _account(self, wanted: Wanted) -> Own:
        for field in ("interval_ms", "levels"):
            if getattr(wanted, field) is not None:
                raise self._unfit(field, "An account is told everything, at once.")
        return Own(wanted.after_sequence)

    def _pattern(self, wanted: Wanted) -> Terms:
        if wanted.after_sequence is not None:
            raise self._unfit("after_sequence", "Each channel has a sequence of its own; name it.")
        topics = self._hub.matching(wanted.channel)
        if not topics:
            raise self._unknown(wanted.channel, "UNKNOWN_CHANNEL")
        if len(topics) > limits.PATTERN_CHANNELS_MAX:
            raise too_many_channels()
        mistake: BadRequest | None = None
        for topic in topics:
            try:
                self._wish(topic, wanted)
            except BadRequest as error:
                mistake = mistake or error
            else:
                return self._terms(wanted)
        assert mistake is not None, "a wish fits or it does not"
        raise mistake

    def _wish(self, topic: Topic, wanted: Wanted) -> Wish:
        terms = self._terms(wanted)
        while True:
            try:
                return topic.wish(*terms)
            except WishError as error:
                if getattr(wanted, error.field) is not None:
                    raise self._unfit(error.field, str(error)) from error
                terms = _without(terms, error)

    def _terms(self, wanted: Wanted) -> Terms:
        op = self._op
        return Terms(
            op.interval_ms if wanted.interval_ms is None else wanted.interval_ms,
            op.levels if wanted.levels is None else wanted.levels,
        )

    def _unfit(self, field: str, sentence: str) -> BadRequest:
        return BadRequest("INVALID_FIELD", sentence, f"{self._path}.{field}")

    def _unknown(self, name: str, code: str) -> BadRequest:
        return BadRequest(code, f'There is no channel "{shorten(name)}".', self._path)


def _sorted_by_kind(seen: dict[str, Asked]) -> Plan:
    plan = Plan()
    plan.names = list(seen)
    for name, asked in seen.items():
        if isinstance(asked, Named):
            plan.named[name] = asked
        elif isinstance(asked, Terms):
            plan.patterns[name] = asked
        else:
            plan.account = asked
    return plan


def _without(terms: Terms, error: WishError) -> Terms:
    fields = terms._asdict()
    assert fields.get(error.field) is not None, "a channel's own default fits"
    return Terms(**{**fields, error.field: None})
