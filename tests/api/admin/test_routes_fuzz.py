"""Whatever fits the operators' OpenAPI document, and much that does not, gets no 5xx, and what fits
it.

The gateway and the engine are processes. The venue's halt is left out, which would end all else.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from rialto.client import AdminClient, Tokens
from tests.api.admin.operators import ADMIN
from tests.api.conftest import Engine
from tests.api.exchange import PASSWORD
from tests.api.gateway_process import running_gateway
from tests.api.test_app_fuzz import CHECKS
from tests.api.test_cli import make_admin

CASES_PER_ROUTE = 25  # A few seconds in all; a long campaign raises it.


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    """The operators' door of a gateway process."""
    make_admin("fuzzer", engine.home)
    with running_gateway(engine) as doors:
        yield doors.admin


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_operators_request_breaks_the_gateway(url: str, mode: GenerationMode) -> None:
    with AdminClient(url) as operator:
        access_token = operator.log_in("fuzzer", PASSWORD).access_token
    token = {"Authorization": f"Bearer {access_token}"}
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [cast(Ok[Any], result).ok() for result in schema.get_all_operations()]
    operations = [
        one
        for one in operations
        if one.path.startswith(ADMIN) and not one.path.startswith(f"{ADMIN}/venue/")
    ]
    assert len(operations) > 10
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

        with contextlib.suppress(Unsatisfiable):
            ask()
    assert httpx.get(f"{url}/ready").status_code == 200
    with AdminClient(url, identity=Tokens(access_token)) as operator:
        verdict = operator.verify_audit()
    assert verdict.ok, verdict
