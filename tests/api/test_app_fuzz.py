"""Whatever fits the OpenAPI document, and much that does not, gets no 5xx, and what fits it.

The gateway and the engine are processes; schemathesis makes the requests from the served document.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok

from api.edge.examples import example_of
from rialto.client import Client
from tests.api.conftest import Engine
from tests.api.exchange import PASSWORD
from tests.api.gateway_process import running_gateway
from tests.support.fake_history import FakeHistory, history_in_a_thread

CASES_PER_ROUTE = 25  # A few seconds in all; a long campaign raises it.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    """The public door of a gateway process."""
    fake = FakeHistory(example=example_of, trades=range(1, 200))
    # Files weigh so much that a fuzzer would be banned, and all that it hears is that.
    free = {"limit_weight_minute": 0}
    with history_in_a_thread(fake), running_gateway(engine, fake.url, **free) as doors:
        yield doors.public


@pytest.fixture(scope="module")
def token(url: str) -> dict[str, str]:
    with Client(url) as client:
        client.register("fuzzer", PASSWORD)
        return {"Authorization": f"Bearer {client.log_in('fuzzer', PASSWORD).access_token}"}


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_breaks_the_gateway(
    url: str, token: dict[str, str], mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [cast(Ok[Any], result).ok() for result in schema.get_all_operations()]
    assert len(operations) > 10
    # It ends the session that the others need.
    operations.sort(key=lambda operation: operation.path.endswith("/logout"))
    for operation in operations:
        cases = operation.as_strategy(generation_mode=mode)

        @settings(
            max_examples=CASES_PER_ROUTE,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def ask(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers=token, checks=CHECKS)

        with contextlib.suppress(
            Unsatisfiable
        ):  # Where nothing can be given, nothing can be wrong.
            ask()
    assert httpx.get(f"{url}/ready").status_code == 200


def test_any_bytes_as_a_body_are_answered(url: str, token: dict[str, str]) -> None:
    headers = {**token, "Content-Type": "application/json"}
    with httpx.Client(base_url=url, headers=headers) as client:

        @settings(max_examples=100, deadline=None, database=None)
        @given(st.binary(max_size=300))
        def ask(body: bytes) -> None:
            for method in ("POST", "PATCH"):
                response = client.request(method, "/order", content=body)
                assert 400 <= response.status_code < 500

        ask()
