"""What connectors and the rest of the aggregator agree on: updates, manifests, requests.

The rule of this room: pure, and without the name of any venue.
"""

from aggregator.protocol.answers import asked_limit, shaped, to_ns
from aggregator.protocol.checksums import Checksum, DigitsChecksum, Levels, TextsChecksum
from aggregator.protocol.connector import Connector, as_connector, checksum_of
from aggregator.protocol.decimals import DECIMALS, UNIT, DecimalError, Memory, to_text, to_units
from aggregator.protocol.defaults import nothing_to_ask, one_address
from aggregator.protocol.lists import Envelope, InstrumentList, TradeList
from aggregator.protocol.manifest import (
    NS_A_S,
    Chain,
    Evidence,
    Kind,
    Manifest,
    Ping,
    Rest,
    Socket,
    Topic,
)
from aggregator.protocol.notices import (
    Accepted,
    FrameError,
    Goodbye,
    Instrument,
    NextPage,
    Pulse,
    Refused,
)
from aggregator.protocol.reading import (
    UNREADABLE,
    decoded,
    digits_to_ns,
    number_text,
    plain_number,
    rfc3339_to_ns,
)
from aggregator.protocol.requests import Request, SnapshotFrom
from aggregator.protocol.subscribing import by_kind, in_batches, json_text
from aggregator.protocol.symbols import parted_symbol, split_symbol
from aggregator.protocol.updates import (
    NONE,
    BookUpdate,
    Change,
    ConnectionSequence,
    TouchUpdate,
    TradeUpdate,
    Update,
)

__all__ = [
    "DECIMALS",
    "NONE",
    "NS_A_S",
    "UNIT",
    "UNREADABLE",
    "Accepted",
    "BookUpdate",
    "Chain",
    "Change",
    "Checksum",
    "ConnectionSequence",
    "Connector",
    "DecimalError",
    "DigitsChecksum",
    "Envelope",
    "Evidence",
    "FrameError",
    "Goodbye",
    "Instrument",
    "InstrumentList",
    "Kind",
    "Levels",
    "Manifest",
    "Memory",
    "NextPage",
    "Ping",
    "Pulse",
    "Refused",
    "Request",
    "Rest",
    "SnapshotFrom",
    "Socket",
    "TextsChecksum",
    "Topic",
    "TouchUpdate",
    "TradeList",
    "TradeUpdate",
    "Update",
    "as_connector",
    "asked_limit",
    "by_kind",
    "checksum_of",
    "decoded",
    "digits_to_ns",
    "in_batches",
    "json_text",
    "nothing_to_ask",
    "number_text",
    "one_address",
    "parted_symbol",
    "plain_number",
    "rfc3339_to_ns",
    "shaped",
    "split_symbol",
    "to_ns",
    "to_text",
    "to_units",
]
