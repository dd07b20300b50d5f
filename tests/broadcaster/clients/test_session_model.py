"""Random wishes of several sessions against a plain model of what each has to hear.

The model knows no views, outboxes or watchers: of every channel that there is, it says whether and
with which wish a session has it, from nothing but what was asked for and not taken back.
"""

import random
from collections import defaultdict
from collections.abc import Set
from typing import Any

import pytest

from broadcaster.channels.topic import AT_ONCE, Wish
from broadcaster.clients.outbox import LAG_MESSAGES_MAX
from broadcaster.clients.session import Session
from tests.broadcaster.clients.counting import said
from tests.broadcaster.clients.talking import Message, Talk

BOOKS = [f"book:{venue}:{symbol}" for venue in ("one", "two") for symbol in "XYZ"]
LOGS = [f"trades:{symbol}" for symbol in "XY"]
NAMES = BOOKS + LOGS
PATTERNS = ["book:*", "book:one:*", "book:two:*", "trades:*"]

Terms = tuple[int | None, int | None]
Heard = dict[str, list[str]]  # What is said of each channel, in order.


def fit(name: str, terms: Terms) -> Wish:
    interval_ms, levels = terms
    return Wish(interval_ms or 0, (levels or 0) if name in BOOKS else 0)


class Model:
    """What one session asked for."""

    def __init__(self) -> None:
        self.named: dict[str, Wish] = {}
        self.patterns: dict[str, Terms] = {}

    def wish(self, name: str) -> Wish | None:
        """Return how the session has a channel that there is; None when it has it not."""
        if name in self.named:
            return self.named[name]
        holding = [pattern for pattern in self.patterns if name.startswith(pattern[:-1])]
        return fit(name, self.patterns[max(holding, key=len)]) if holding else None

    def wishes(self, live: list[str]) -> dict[str, Wish]:
        return {name: wish for name in live if (wish := self.wish(name)) is not None}


class Client:
    """A session that adds up what it hears; a lazy one is not read from for a while."""

    def __init__(self, talk: Talk, *, is_lazy: bool) -> None:
        self.talk = talk
        self.session: Session = talk.another()
        self.is_lazy = is_lazy
        self.model = Model()
        self.values: dict[str, int] = {}
        self.expected: Heard = defaultdict(list)  # By the next time it is read from.

    def expect_beginnings(
        self, before: dict[str, Wish], resumed: dict[str, int], named: Set[str] = frozenset()
    ) -> None:
        """Expect one beginning of everything that has another wish than before, and of what is
        `named` for the first time.
        """
        after = self.model.wishes(list(self.talk.hub.topics))
        for name in before.keys() - after.keys():
            self.values.pop(name, None)
        for name, wish in after.items():
            topic = self.talk.topic(name)
            first = resumed.get(name)
            if first is not None and topic.can_resume(first):
                self.expected[name] += [f"{name}+{n}" for n in range(first + 1, topic.value + 1)]
                self.values[name] = first
            elif before.get(name) != wish or first is not None or name in named:
                self.expected[name].append(f"{name}={topic.value}")

    def read(self) -> None:
        heard: Heard = defaultdict(list)
        for message in self.talk.heard(self.session):
            if "type" in message:
                heard[message["channel"]].append(said(message))
                self.add_up(message)
        live = list(self.talk.hub.topics)
        wishes = self.model.wishes(live)
        views = self.session.delivery.views
        assert {name: view.wish for name, view in views.items()} == wishes
        if not self.is_lazy:
            assert heard == {name: texts for name, texts in self.expected.items() if texts}
        self.expected.clear()
        for name in wishes:
            assert self.values[name] == self.talk.topic(name).value

    def add_up(self, message: dict[str, Any]) -> None:
        name, value = message["channel"], message["value"]
        if message["type"] == "update" and not self.is_lazy:
            assert value == self.values[name] + 1
            assert Wish(*message["wish"]) == self.model.wish(name)
        self.values[name] = value


class World:
    """Channels that come and go, and some clients."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.talk = Talk()
        self.talk.hub.unknown_codes.clear()
        for name in list(self.talk.hub.topics):
            self.talk.hub.remove_topic(name)
        for name in self.chance.sample(NAMES, 5):
            self.put(name)
        self.clients = [Client(self.talk, is_lazy=number == 2) for number in range(3)]

    def put(self, name: str) -> None:
        before = [client.model.wishes(list(self.talk.hub.topics)) for client in self.clients_now()]
        topic = self.talk.put(name, has_levels=name in BOOKS)
        topic.value = self.chance.randrange(10)
        topic.kept_after = self.chance.randrange(topic.value + 1)
        for client, wishes in zip(self.clients_now(), before, strict=True):
            client.expect_beginnings(wishes, {})

    def clients_now(self) -> list[Client]:
        return getattr(self, "clients", [])

    def step(self) -> None:
        chance, client = self.chance, self.chance.choice(self.clients)
        live = list(self.talk.hub.topics)
        match chance.randrange(10):
            case 0 | 1 | 2 | 3:
                self.subscribe(client)
            case 4 | 5:
                self.unsubscribe(client)
            case 6:
                missing = [name for name in NAMES if name not in live]
                if missing and chance.random() < 0.6:
                    self.put(chance.choice(missing))
                elif live:
                    self.remove(chance.choice(live))
            case 7 if live:
                self.resync(chance.choice(live))
            case _ if live:
                self.count(chance.choice(live), chance.choice((1, 2, 2, LAG_MESSAGES_MAX)))
        for reader in self.clients:
            if not reader.is_lazy or chance.random() < 0.1:
                reader.read()

    def subscribe(self, client: Client) -> None:
        chance = self.chance
        own = (None, None, 0, 5)
        items = [
            {
                "channel": chance.choice([*NAMES, *PATTERNS]),
                "interval_ms": chance.choice(own),
                "levels": chance.choice(own) if chance.random() < 0.5 else None,
                "after_sequence": chance.choice((None, None, None, None, 3)),
            }
            for _ in range(chance.randrange(1, 4))
        ]
        fields = {"interval_ms": chance.choice(own), "levels": chance.choice(own)}
        before = client.model.wishes(list(self.talk.hub.topics))
        asked = self.understood(items, fields)
        self.send(client, {"op": "subscribe", "channels": items, **fields})
        if asked is None:
            return
        resumed = {}
        named = asked.keys() - client.model.named.keys()
        for name, (terms, after_sequence) in asked.items():
            if name in PATTERNS:
                client.model.patterns[name] = terms
            else:
                client.model.named[name] = fit(name, terms)
                if after_sequence is not None:
                    resumed[name] = after_sequence
        client.expect_beginnings(before, resumed, named)

    def understood(
        self, items: list[dict[str, Any]], fields: dict[str, int | None]
    ) -> dict[str, tuple[Terms, int | None]] | None:
        """Return what the message asks for; None when it has a mistake."""
        asked: dict[str, tuple[Terms, int | None]] = {}
        for item in items:
            name, own_levels = item["channel"], item["levels"]
            stands_for = name[:-1] if name in PATTERNS else name
            is_there = any(
                other.startswith(stands_for) if name in PATTERNS else other == name
                for other in self.talk.hub.topics
            )
            is_unfit = own_levels is not None and name.startswith("trades")
            if not is_there or is_unfit or (name in PATTERNS and item["after_sequence"]):
                return None
            terms = (
                fields["interval_ms"] if item["interval_ms"] is None else item["interval_ms"],
                fields["levels"] if own_levels is None else own_levels,
            )
            as_meant = (terms if name in PATTERNS else fit(name, terms), item["after_sequence"])
            before = asked.setdefault(name, (terms, item["after_sequence"]))
            known = before[0] if name in PATTERNS else fit(name, before[0])
            if (known, before[1]) != as_meant:
                return None
        return asked

    def unsubscribe(self, client: Client) -> None:
        names = self.chance.sample([*NAMES, *PATTERNS, "nope"], self.chance.randrange(1, 4))
        before = client.model.wishes(list(self.talk.hub.topics))
        self.send(client, {"op": "unsubscribe", "channels": names})
        for name in names:
            client.model.named.pop(name, None)
            client.model.patterns.pop(name, None)
        client.expect_beginnings(before, {})

    def send(self, client: Client, message: Message) -> None:
        """Say it, with what the client is told of it left for the client to read."""
        self.talk.tell(message, client.session)

    def remove(self, name: str) -> None:
        self.talk.hub.remove_topic(name)
        for client in self.clients:
            client.model.named.pop(name, None)
            client.values.pop(name, None)

    def resync(self, name: str) -> None:
        topic = self.talk.topic(name)
        topic.begin("resync")
        for client in self.clients:
            if client.model.wish(name) is not None:
                client.expected[name].append(f"{name}={topic.value}resync")

    def count(self, name: str, times: int) -> None:
        topic = self.talk.topic(name)
        topic.count(times)
        topic.kept_after = max(topic.kept_after, topic.value - 100)
        for client in self.clients:
            if client.model.wish(name) is not None:
                values = range(topic.value - times + 1, topic.value + 1)
                client.expected[name] += [f"{name}+{value}" for value in values]


@pytest.mark.parametrize("seed", range(15))
def test_each_session_hears_what_it_asked_for_once_and_nothing_else(seed: int) -> None:
    world = World(seed)
    for _ in range(150):
        world.step()
    for client in world.clients:
        client.read()
        client.session.close()
    assert not world.talk.hub.watchers
    assert not any(topic.views for topic in world.talk.hub.topics.values())


def test_the_model_has_no_wish_of_its_own() -> None:
    model = Model()
    model.patterns = {"book:*": (50, 5), "book:one:*": (None, None)}
    assert model.wish("book:one:X") == AT_ONCE
    assert model.wish("book:two:X") == Wish(50, 5)
    assert model.wish("trades:X") is None
