"""A session that is talked to: a hub with a few channels, and what the session says."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from broadcaster.channels.hub import Hub
from broadcaster.channels.topic import Wish
from broadcaster.clients import limits
from broadcaster.clients.session import Session
from shared.feed import Reason
from tests.broadcaster.clients.counting import Counter, read
from tests.broadcaster.running import verify

NOW_NS = 1_700_000_000 * limits.NS_PER_S

Message = dict[str, Any]


class Talk:
    """A session with two markets, and what it says."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.hub.ready = True
        self.hub.unknown_codes = {"depth": "UNKNOWN_MARKET"}
        for name in ("depth:A_B", "depth:C_D"):
            self.put(name, has_levels=True)
        self.put("trades:A_B")
        self.now_ns = NOW_NS
        self.calls = 0
        self.session = self.another()

    def put(self, name: str, *, has_levels: bool = False) -> Counter:
        topic = Counter(name, has_levels=has_levels)
        self.hub.put_topic(topic)
        return topic

    def topic(self, name: str) -> Counter:
        topic = self.hub.topics[name]
        assert isinstance(topic, Counter)
        return topic

    def another(self) -> Session:
        return Session(self.hub, verify, now_ns=self.now_ns, on_output=self._on_output)

    def say(self, message: object, session: Session | None = None) -> list[Message]:
        """Send a text, or an object as JSON; return what comes back."""
        session = session or self.session
        self.tell(message, session)
        return self.heard(session)

    def tell(self, message: object, session: Session) -> None:
        """Send a text, or an object as JSON."""
        text = (
            message if isinstance(message, str | bytes) else msgspec.json.encode(message).decode()
        )
        session.receive(text, self.now_ns)

    def subscribe(self, *channels: object, **fields: object) -> list[Message]:
        return self.say({"op": "subscribe", "channels": channels, **fields})

    def unsubscribe(self, *channels: str) -> list[Message]:
        return self.say({"op": "unsubscribe", "channels": channels})

    def heard(self, session: Session | None = None) -> list[Message]:
        return read((session or self.session).delivery)

    def end_code(self) -> int | None:
        return None if self.session.ending is None else self.session.ending.code

    def code(self, message: object) -> str:
        return str(self.error(message)["code"])

    def error(self, message: object) -> Message:
        (answer,) = self.say(message)
        assert answer["op"] == "error", answer
        assert answer["message"]
        return answer

    def answer_account(self, sequence: int, data: bytes = b"\x81\x02{}") -> None:
        """Answer the account's snapshot that is asked for."""
        account_id, asked = self.hub.accounts.take_request() or pytest.fail("nobody asked")
        self.hub.accounts.answer(account_id, asked, sequence, same(data))

    def _on_output(self) -> None:
        self.calls += 1


def same(data: bytes) -> Callable[[Reason], bytes]:
    return lambda _reason: data


def number_frame(number: int) -> bytes:
    """Return a frame that says a number of one digit."""
    return b"\x81\x01" + str(number).encode()


def wishes(updates: list[Message]) -> dict[str, Wish]:
    """Return the wish of each channel whose snapshot is among these."""
    snapshots = [update for update in updates if update.get("type") == "snapshot"]
    found = {update["channel"]: Wish(*update["wish"]) for update in snapshots}
    assert len(found) == len(snapshots), "one snapshot of each"
    return found
