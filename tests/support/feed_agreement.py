"""Holding what is really sent against the AsyncAPI document.

The rule of this file: it knows only the document, as a stranger does who has nothing else.
"""

import re
from typing import Any

import jsonschema_rs
import msgspec

from shared.feed.contract.asyncapi import CONNECTION, asyncapi_bytes

JsonObject = dict[str, Any]


class FeedAgreement:
    """Checks messages of a server; `seen` are the types that were right, by the document's names.

    A field that the document does not know is a fault too, although readers have to bear one.
    """

    def __init__(self) -> None:
        self._document: JsonObject = msgspec.json.decode(asyncapi_bytes())
        self._channels = {
            re.compile(re.sub(r"{\w+}", "[^:]+", channel["address"])): list(channel["messages"])
            for channel in self._document["channels"].values()
        }
        self._answers = list(self._document["channels"][CONNECTION]["messages"])
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self.seen: set[str] = set()

    def check(self, message: JsonObject) -> None:
        """Raises AssertionError, saying what is wrong with a message of the server."""
        names = self._names_for(message)
        assert names, f"no channel of the document has such a message: {message}"
        faults = {name: self._faults(name, message) for name in names}
        right = [name for name, found in faults.items() if not found]
        assert len(right) == 1, f"{message} is {right or faults}"
        self.seen.add(right[0])

    def _names_for(self, message: JsonObject) -> list[str]:
        """Return the messages that it may be, by its channel and its tag."""
        if "op" in message:
            return self._tagged(self._answers, "op", message["op"])
        return [
            name
            for address, names in self._channels.items()
            if address.fullmatch(message["channel"])
            for name in self._tagged(names, "type", message["type"])
        ]

    def _tagged(self, names: list[str], field: str, tag: str) -> list[str]:
        schemas = self._document["components"]["schemas"]
        wanted = {"const": tag}
        return [name for name in names if schemas[name]["properties"].get(field) == wanted]

    def _faults(self, name: str, message: JsonObject) -> list[str]:
        known = self._document["components"]["schemas"][name]["properties"]
        unknown = [f"unknown: {field}" for field in message if field not in known]
        return unknown + [error.message for error in self._validator(name).iter_errors(message)]

    def _validator(self, name: str) -> jsonschema_rs.Validator:
        if name not in self._validators:
            schema = {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "allOf": [{"$ref": f"#/components/schemas/{name}"}],
                "components": self._document["components"],
            }
            self._validators[name] = jsonschema_rs.validator_for(schema)
        return self._validators[name]
