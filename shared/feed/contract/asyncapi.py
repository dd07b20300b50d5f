"""`docs/asyncapi.json`: the feed as an AsyncAPI 3.0 document, made from the message types.

The rule of this file: it says nothing that the types and the tables of this room do not say.
`make docs` writes it; a test compares it with the file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from msgspec import Struct

from shared.feed.asking import (
    Answer,
    Auth,
    Authenticated,
    Closing,
    Error,
    ListChannels,
    Listed,
    Op,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from shared.feed.contract.catalogue import CHANNELS, PARAMETERS, Channel
from shared.feed.contract.codes import CLOSE_CODES, ERROR_CODES
from shared.feed.contract.examples import EXAMPLES
from shared.feed.contract.schemas import name_of, schemas_of, sentence_of, tag_of
from shared.feed.contract.short_forms import ShortForm, SubscribeOrderbook, UnsubscribeOrderbook
from shared.settings import FIELDS

PAGE = "docs/asyncapi.json"
CONNECTION = "connection"  # The channel that ops and answers travel on.

_ABOUT = """The broadcaster of Rialto: market data and account updates by WebSocket.

It is described from its own side: what it receives, a client sends. All of it goes over one
connection, as JSON objects in text frames. The address of a channel is its name in `subscribe` and
in the field `channel` of its messages. Every message of a client has exactly one answer, in order.

Amounts are decimal text, never JSON numbers. Readers pass over fields that they do not know."""

_REQUESTS: Mapping[str, tuple[tuple[type[Struct], ...], type[Struct]]] = MappingProxyType(
    {  # Asked, answered.
        "subscribe": ((Subscribe, SubscribeOrderbook), Subscribed),
        "unsubscribe": ((Unsubscribe, UnsubscribeOrderbook), Unsubscribed),
        "list": ((ListChannels,), Listed),
        "auth": ((Auth,), Authenticated),
        "ping": ((Ping,), Pong),
    }
)
_UNASKED: Mapping[str, tuple[type[Struct], str]] = MappingProxyType(
    {
        "ceaseChannel": (Unsubscribed, "A channel has ceased to exist."),
        "greetTicket": (Authenticated, "The connection was opened with a ticket."),
        "announceClosing": (Closing, "The server closes the connection for its own reasons."),
    }
)
_SECURITY: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Sent in the message `auth`; never in a header or an address.",
        },
        "ticket": {
            "type": "httpApiKey",
            "in": "query",
            "name": "ticket",
            "description": "From POST /api/v1/auth/ticket; good once, for 30 seconds.",
        },
    }
)


@cache
def asyncapi_bytes() -> bytes:
    """Return the document as it is written and served: UTF-8, with a line feed at the end."""
    return json.dumps(document(), indent=1, ensure_ascii=False).encode() + b"\n"


def write_page(root: Path) -> None:
    """Write the document below the repository's root."""
    (root / PAGE).write_bytes(asyncapi_bytes())


def document() -> dict[str, Any]:
    """Return the document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rialto feed",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"broadcaster": _server()},
        "channels": {
            CONNECTION: _connection(),
            **{name: _channel(channel) for name, channel in CHANNELS.items()},
        },
        "operations": _operations(),
        "components": {
            "securitySchemes": dict(_SECURITY),
            "messages": {name_of(kind): _message(kind) for kind in EXAMPLES},
            "schemas": _schemas(),
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": "ws",
        "description": "Any of the broadcasters of a venue; behind a proxy with TLS, wss.",
        "variables": {
            name: {"default": str(FIELDS[f"ws_{name}"].default)} for name in ("host", "port")
        },
    }


def _connection() -> dict[str, Any]:
    closes = "; ".join(f"{code}: {why}" for code, (why, _) in CLOSE_CODES.items())
    return {
        "address": "/ws",
        "title": "Ops and answers",
        "description": f"Close codes: {closes}.",
        "messages": _messages((*_asking(), Closing)),
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": {"ticket": {"type": "string"}}},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _asking() -> tuple[type[Struct], ...]:
    return get_args(Op) + get_args(ShortForm) + get_args(Answer)


def _channel(channel: Channel) -> dict[str, Any]:
    made = {
        "address": channel.address,
        "title": _title(channel),
        "description": _defaults(channel),
        "messages": _messages(channel.messages),
    }
    names = re.findall(r"{(\w+)}", channel.address)
    if names:
        made["parameters"] = {name: _parameter(*PARAMETERS[name]) for name in names}
    return made


def _title(channel: Channel) -> str:
    return channel.about[0].upper() + channel.about[1:]


def _defaults(channel: Channel) -> str:
    if channel.interval_ms is None:
        return "Every update, at once; nothing is left out. Needs `auth`."
    text = f"By default interval_ms is {channel.interval_ms}"
    if channel.levels is None:
        return f"{text}."
    return f"{text} and levels is {channel.levels}{'' if channel.levels else ', the full book'}."


def _parameter(about: str, example: str) -> dict[str, Any]:
    return {"description": about, "examples": [example]}


def _messages(kinds: Iterable[type[Struct]]) -> dict[str, Any]:
    return {name_of(kind): _ref("components", "messages", name_of(kind)) for kind in kinds}


def _message(kind: type[Struct]) -> dict[str, Any]:
    made = {
        "name": tag_of(kind) or name_of(kind),
        "title": name_of(kind),
        "summary": sentence_of(kind),
        "payload": _ref("components", "schemas", name_of(kind)),
        "examples": [
            {"name": title, "payload": payload} for title, payload in EXAMPLES[kind].items()
        ],
    }
    if kind in _asking():
        made["correlationId"] = {"location": "$message.payload#/id"}
    return made


def _schemas() -> dict[str, Any]:
    schemas = schemas_of(EXAMPLES)
    schemas["Error"]["properties"]["code"]["enum"] = list(ERROR_CODES)
    return schemas


def _operations() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, (asked, answered) in _REQUESTS.items():
        made[name] = {
            "action": "receive",
            "summary": sentence_of(asked[0]),
            **_on(CONNECTION, asked),
            "reply": _on(CONNECTION, (answered, Error)),
        }
    for name, (kind, about) in _UNASKED.items():
        made[name] = {"action": "send", "summary": about, **_on(CONNECTION, (kind,))}
    for name, channel in CHANNELS.items():
        made[f"send{name[0].upper()}{name[1:]}"] = {
            "action": "send",
            "summary": _title(channel),
            **_on(name, channel.messages),
        }
    made["sendAccount"]["security"] = [
        _ref("components", "securitySchemes", name) for name in _SECURITY
    ]
    return made


def _on(channel: str, kinds: Iterable[type[Struct]]) -> dict[str, Any]:
    messages = [_ref("channels", channel, "messages", name_of(kind)) for kind in kinds]
    return {"channel": _ref("channels", channel), "messages": messages}


def _ref(*parts: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(parts)}
