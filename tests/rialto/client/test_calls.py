"""The documents and the client agree: what is documented can be called, and nothing else is sent.

The rule of this file: the documents are those that the gateway serves, and every call is made up
from its own signature: with all arguments, with only those that it needs, and with a few more.
"""

import inspect
import re
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI

from api.app import admin_app, public_app
from api.opening import open_gateway
from rialto.client import AdminClient, Client, calls
from rialto.client.call import Accepted, Call
from rialto.client.calls import admin
from rialto.client.calls.orders import OrderTerms
from shared.rest import operating
from shared.rest.orders import BatchCancel, NewOrder
from shared.settings import Settings

ORDER = NewOrder(market="TATA_INR", side="buy", price="1", quantity="1")
REASON = "Ticket 17."
BY_KIND: dict[object, object] = {
    str: "word",
    int: 7,
    bool: True,
    Decimal: Decimal("1.5"),
    NewOrder: ORDER,
    operating.CreateMarketBody: operating.CreateMarketBody(
        base="A", quote="B", price_tick="1", quantity_lot="1", reason=REASON
    ),
    operating.UpdateMarketBody: operating.UpdateMarketBody(taker_fee_ppm=5, reason=REASON),
}
BY_NAME: dict[str, object] = {
    "commands": [BatchCancel(order_id=7)],
    "role": "auditor",
    "cancel_orders": False,
}
# How much of an order is answered is left alone, and the body of a cancel goes in its query.
# Of a file, the client says itself that it wants one.
NOT_SENT = {"response", "format"}
IN_THE_QUERY = {"DELETE /api/v1/order"}
# What became of a request, and an order by its name, are asked for at one address.
OF_TWO_CALLS = {
    "GET /api/v1/order": {"order", "order_answer"},
    "GET /api/v1/trades": {"trades", "trade_history"},  # The recent ones, and those of any time.
}


@dataclass(frozen=True)
class Door:
    """One document and the calls that are for it."""

    document: dict[str, Any]
    calls: ModuleType
    client: type

    def operations(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield f"{method.upper()} {path}", operation

    def found(self, call: Call[Any]) -> tuple[str, dict[str, Any]]:
        """Return the operation that this call is about."""
        # What is written out goes before what stands for anything.
        for where, operation in sorted(self.operations(), key=lambda each: "{" in each[0]):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(where))
            if re.fullmatch(pattern, f"{call.method} {call.path}"):
                return where, operation
        raise AssertionError(f"{call.method} {call.path} is not in the document")

    def made(self) -> Iterator[tuple[str, Call[Any]]]:
        for name in self.calls.__all__:
            for call in variants(getattr(self.calls, name)):
                yield name, call


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[tuple[Door, Door]]:
    """Both documents, of a gateway with a faucet and without a Redis."""
    settings = Settings(
        home=str(tmp_path / "home"), redis_url="redis://127.0.0.1:1/0", faucet_enabled=True
    )
    async with open_gateway(settings) as gateway:

        def document(application: Callable[..., FastAPI]) -> dict[str, Any]:
            return application(gateway, docs_enabled=True).openapi()

        public = Door(document(public_app), calls, Client)
        yield public, Door(document(admin_app), admin, AdminClient)


def variants(build: Callable[..., Call[Any]]) -> Iterator[Call[Any]]:
    """Return the call with all arguments, with only what it needs, and with one or two more."""
    needed: dict[str, object] = {}
    more: dict[str, object] = {}
    hints = typing.get_type_hints(build)
    for name, parameter in inspect.signature(build).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            terms = typing.get_type_hints(OrderTerms)
            more |= {term: sample(term, kind) for term, kind in terms.items()}
        elif parameter.default is inspect.Parameter.empty:
            needed[name] = sample(name, hints[name])
        else:
            more[name] = sample(name, hints[name])
    yield build(**needed, **more)
    for count in range(3):
        for names in combinations(more, count):
            yield build(**needed, **{name: more[name] for name in names})


def sample(name: str, kind: Any) -> object:
    if name in BY_NAME:
        return BY_NAME[name]
    if isinstance(kind, UnionType):
        kind = kind.__args__[0]
    return BY_KIND.get(kind, ["word"])


def documented_names(operation: dict[str, Any], place: str) -> set[str]:
    return {each["name"] for each in operation.get("parameters", ()) if each["in"] == place}


def name_of(content: dict[str, Any]) -> str:
    """Return the first kind that a body or an answer may be: of an order, the full one."""
    schema = content["content"]["application/json"]["schema"]
    reference: str = schema.get("anyOf", [schema])[0]["$ref"]
    return reference.rsplit("/", 1)[1]


def test_every_documented_operation_has_one_call(doors: tuple[Door, Door]) -> None:
    for door in doors:
        named: dict[str, set[str]] = {where: set() for where, _ in door.operations()}
        for name, call in door.made():
            named[door.found(call)[0]].add(name)
        wrong = {
            where: names
            for where, names in named.items()
            if len(names) != 1 and names != OF_TWO_CALLS.get(where)
        }
        assert wrong == {}


def test_every_call_sends_what_is_documented_and_can_send_all_of_it(
    doors: tuple[Door, Door],
) -> None:
    for door in doors:
        sent: dict[str, set[str]] = {}
        for _, call in door.made():
            where, operation = door.found(call)
            documented = documented_names(operation, "query")
            given = {name for name, value in call.query.items() if value is not None}
            assert given <= documented, where
            sent.setdefault(where, set()).update(given)
            is_keyed = "Idempotency-Key" in documented_names(operation, "header")
            assert bool(call.key) == is_keyed, where
            assert call.is_open == ("security" not in operation), where
        for where, operation in door.operations():
            left = documented_names(operation, "query") - sent[where] - NOT_SENT
            # An order is named by its number in the path, where there is nothing else to say.
            assert left <= {"order_id"}, where


def test_every_call_has_the_documented_body_and_can_fill_all_of_it(
    doors: tuple[Door, Door],
) -> None:
    for door in doors:
        filled: dict[type[msgspec.Struct], set[str]] = {}
        for _, call in door.made():
            where, operation = door.found(call)
            if "requestBody" not in operation or where in IN_THE_QUERY:
                assert call.body is None, where
                continue
            assert call.body is not None, where
            assert type(call.body).__name__ == name_of(operation["requestBody"]), where
            defaults = {each.name: each.default for each in msgspec.structs.fields(call.body)}
            written = filled.setdefault(type(call.body), set())
            for name, default in defaults.items():
                if getattr(call.body, name) != default:
                    written.add(name)
        for body, written in filled.items():
            if issubclass(body, operating.RulesBody):
                continue  # Given as it is.
            assert set(body.__struct_fields__) - written <= NOT_SENT, body


def test_every_call_decodes_the_documented_answer(doors: tuple[Door, Door]) -> None:
    for door in doors:
        for name, call in door.made():
            where, operation = door.found(call)
            answers = operation["responses"]
            done = min(status for status in answers if status < "300" and status != "202")
            kind = name_of(answers[done])
            seconds = {("order", "OrderAnswer"), ("trade_history", "Trades")}
            assert call.kind.__name__ == kind or (name, kind) in seconds, where


def test_a_202_is_an_answer_only_where_the_document_says_so(doors: tuple[Door, Door]) -> None:
    for door in doors:
        for _, call in door.made():
            where, operation = door.found(call)
            accepted = operation["responses"].get("202")
            if accepted is not None:
                is_answer = name_of(accepted) == call.kind.__name__
                assert is_answer == (call.accepted is Accepted.ANSWER), where
                assert is_answer or call.may_repeat, where


def test_the_clients_offer_every_call(doors: tuple[Door, Door]) -> None:
    for door in doors:
        for name in door.calls.__all__:
            method = getattr(door.client, name)
            offered = getattr(method, "build", None)
            is_the_call = offered is getattr(door.calls, name)
            # Logging in and out changes who the client is, so that it is more than a call.
            assert is_the_call or name in {"log_in", "log_out", "refresh"}, name
