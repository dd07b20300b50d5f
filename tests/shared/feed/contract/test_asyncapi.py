"""The AsyncAPI document is what the types say, and holds together."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from shared.feed.contract.asyncapi import CONNECTION, PAGE, asyncapi_bytes, document
from shared.feed.contract.catalogue import CHANNELS
from shared.feed.contract.examples import EXAMPLES
from shared.feed.contract.schemas import name_of, schemas_of

ROOT = Path(__file__).resolve().parents[4]
DOCUMENT = json.loads(json.dumps(document()))
NAMES = sorted(DOCUMENT["components"]["messages"])
FREE = frozenset({"info", "data"})  # JSON of the producer, whatever it is.


def validator(name: str) -> jsonschema_rs.Validator:
    """Return what checks a message against its schema in the document."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [DOCUMENT["components"]["messages"][name]["payload"]],
        "components": DOCUMENT["components"],
    }
    return jsonschema_rs.validator_for(schema)


def examples(name: str) -> list[dict[str, Any]]:
    return [example["payload"] for example in DOCUMENT["components"]["messages"][name]["examples"]]


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            assert part.keys() == {"$ref"}, "what stands beside a reference is not read"
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def resolved(reference: str) -> Any:
    part: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def test_the_file_is_what_the_types_say() -> None:
    assert (ROOT / PAGE).read_bytes() == asyncapi_bytes(), "run `make docs`"


def test_the_document_is_made_once() -> None:
    assert asyncapi_bytes() is asyncapi_bytes()


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > len(EXAMPLES)
    for reference in found:
        assert resolved(reference), reference


def test_every_message_stands_in_a_channel_and_in_an_operation() -> None:
    in_channels = {
        message["$ref"].rpartition("/")[2]
        for channel in DOCUMENT["channels"].values()
        for message in channel["messages"].values()
    }
    in_operations = {
        message["$ref"].rpartition("/")[2]
        for operation in DOCUMENT["operations"].values()
        for part in (operation, operation.get("reply", {}))
        for message in part.get("messages", ())
    }
    assert in_channels == in_operations == set(NAMES) == {name_of(kind) for kind in EXAMPLES}


def test_an_operation_speaks_only_of_messages_of_its_channel() -> None:
    for name, operation in DOCUMENT["operations"].items():
        for part in filter(None, (operation, operation.get("reply"))):
            prefix = part["channel"]["$ref"] + "/messages/"
            assert all(message["$ref"].startswith(prefix) for message in part["messages"]), name


def test_every_op_has_its_answer_and_an_error_as_replies() -> None:
    received = {
        name: operation
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "receive"
    }
    assert sorted(received) == ["auth", "list", "ping", "subscribe", "unsubscribe"]
    for operation in received.values():
        answers = [message["$ref"].rpartition("/")[2] for message in operation["reply"]["messages"]]
        assert len(answers) == 2
        assert answers[1] == "Error"


def test_the_parameters_of_a_channel_are_those_of_its_address() -> None:
    assert set(DOCUMENT["channels"]) == {CONNECTION, *CHANNELS}
    for channel in DOCUMENT["channels"].values():
        address = channel["address"]
        parameters = channel.get("parameters", {})
        for name, parameter in parameters.items():
            assert f"{{{name}}}" in address
            address = address.replace(f"{{{name}}}", parameter["examples"][0])
        assert "{" not in address


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_valid(name: str) -> None:
    for example in examples(name):
        validator(name).validate(example)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_without_a_field_that_it_needs_is_not_valid(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert schema["required"]
    for field in schema["required"]:
        mutant = copy.deepcopy(examples(name)[0])
        del mutant[field]
        assert not validator(name).is_valid(mutant), field


@pytest.mark.parametrize("name", NAMES)
def test_an_example_with_a_field_of_the_wrong_type_is_not_valid(name: str) -> None:
    for field in examples(name)[0].keys() - FREE:
        mutant = {**examples(name)[0], field: {"not": "this"}}
        assert not validator(name).is_valid(mutant), field


@pytest.mark.parametrize("name", NAMES)
def test_an_example_under_another_tag_is_not_valid(name: str) -> None:
    for tag in ("op", "type"):
        if tag in examples(name)[0] and name != "OpenOrder":
            assert not validator(name).is_valid({**examples(name)[0], tag: "shout"})


def test_an_amount_that_is_no_decimal_text_is_not_valid() -> None:
    trade = examples("Trade")[0]
    for amount in (1, 1.5, "1e3", "NaN", "1,5", "", " 1"):
        assert not validator("Trade").is_valid({**trade, "price": amount}), amount
    assert validator("Trade").is_valid({**trade, "price": "0.05"})


def test_an_op_with_a_field_that_nobody_knows_is_not_valid_and_an_update_is() -> None:
    assert not validator("Ping").is_valid({**examples("Ping")[0], "more": 1})
    assert validator("Bbo").is_valid({**examples("Bbo")[0], "more": 1}), "so fields can be added"


def test_every_message_and_every_field_says_what_it_is() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema["description"], name
        for field, part in schema["properties"].items():
            inner = (part, *part.get("anyOf", ()))
            assert "const" in part or any("description" in each for each in inner), (name, field)


def test_a_schema_knows_the_tag_of_its_type_and_no_other() -> None:
    for kind, schema in zip(EXAMPLES, map(schemas_of, ([kind] for kind in EXAMPLES)), strict=True):
        config = kind.__struct_config__
        if config.tag is not None:
            assert schema[name_of(kind)]["properties"][config.tag_field] == {"const": config.tag}


def test_a_token_is_sent_in_a_message_and_only_a_ticket_in_the_address() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert [name for name, scheme in schemes.items() if scheme.get("in") == "query"] == ["ticket"]
    query = DOCUMENT["channels"][CONNECTION]["bindings"]["ws"]["query"]["properties"]
    assert set(query) == {"ticket"}
    secured = [name for name, one in DOCUMENT["operations"].items() if "security" in one]
    assert secured == ["sendAccount"]
