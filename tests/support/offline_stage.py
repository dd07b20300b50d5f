"""Simulated venues without a socket: what a client says in, what it would be sent out.

The rule of this file: the time is made up, so that a test gives the same frames every time.
"""

from collections.abc import Sequence

from aggregator.offline.discovery import load_speakers
from aggregator.offline.faults import Faults
from aggregator.offline.market import Market
from aggregator.offline.server import read_address
from aggregator.offline.stage import Stage
from aggregator.offline.words import Answer, Frame

NS_A_MS = 1_000_000
BEGIN_NS = 1_786_310_816_516_000_000


class Caller:
    """One client of one simulated feed, and the time."""

    def __init__(self, feed: str, path: str = "", *, seed: int = 1, rate: float = 20) -> None:
        self.stage = Stage(load_speakers(), seed=seed, rate=rate)
        self.feed = self.stage.feeds[feed]
        self.now_ns = BEGIN_NS
        host = self.feed.speaker.socket_hosts[0]
        self.address = read_address(f"/{host}{path}")
        assert self.stage.find_socket(self.address) is self.feed, "the address is the feed's"
        self.session, greeting = self.stage.open(self.feed, self.address, self.now_ns)
        self.frames: list[Frame] = list(greeting)

    @property
    def faults(self) -> Faults:
        return self.feed.faults

    def say(self, text: str) -> Sequence[Frame]:
        """Send a message; return what is answered at once."""
        answers = self.stage.hear(self.feed, self.session, text, self.now_ns)
        self.frames += answers
        return answers

    def ask(self, url: str) -> Answer:
        """Ask by HTTP."""
        address = read_address("/" + url.partition("://")[2])
        assert self.stage.find_http(address) is self.feed, "the address is the feed's"
        answer = self.stage.answer(self.feed, address, self.now_ns)
        assert answer is not None, f"there is nothing at {url}"
        return answer

    def wait(self, milliseconds: int) -> list[Frame]:
        """Let time pass; return what comes meanwhile."""
        came: list[Frame] = []
        for _ in range(milliseconds):
            self.now_ns += NS_A_MS
            for _, frames in self.stage.move(self.now_ns):
                came += frames
            if not self.now_ns // NS_A_MS % 1_000:
                for _, frames in self.stage.beat(self.now_ns):
                    came += frames
        self.frames += came
        return came

    def market(self, symbol: str) -> Market:
        market = self.feed.floor.market(symbol, self.now_ns)
        assert market is not None, f"{symbol} is listed"
        return market
