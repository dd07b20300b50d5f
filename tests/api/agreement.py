"""The document is held to its word: every answer that a test sees must be one that it describes.

The rule of this file: an answer of a documented route has a documented status and fits its schema.
"""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
from fastapi import FastAPI

from api.paths import canonical_path


class Agreement:
    """The document of one application, to compare answers with."""

    def __init__(self, app: FastAPI) -> None:
        self._document = app.openapi()
        self._patterns = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path)
            # What is written out goes before what stands for anything.
            for path in sorted(self._document["paths"], key=lambda path: "{" in path)
        ]
        self._validator = cache(self._make_validator)

    async def check(self, response: httpx.Response) -> None:
        """Raise AssertionError unless the document describes this answer."""
        path, method = canonical_path(response.request.url.path), response.request.method.lower()
        found = next((name for pattern, name in self._patterns if pattern.fullmatch(path)), None)
        operation = self._document["paths"].get(found, {}).get(method) if found else None
        if operation is None:
            return  # Nothing is there, or nothing that is described, such as /health.
        where = f"{method} {found} {response.status_code}"
        described = operation["responses"].get(str(response.status_code))
        assert described is not None, f"{where} is not in the document: {await response.aread()!r}"
        kind = response.headers.get("content-type", "").partition(";")[0]
        content = described.get("content", {})
        assert kind in content or not content, f"{where} is {kind}, which is not in the document"
        if kind == "application/json":
            body = json.loads(await response.aread())
            self._check_code(where, described, body)
            self._validator(found, method, str(response.status_code)).validate(body)

    def _check_code(self, where: str, described: dict[str, Any], body: Any) -> None:
        if where[-3:] < "400":
            return
        codes = described["content"]["application/json"]["examples"]
        assert body["code"] in codes, f"{where}: the document does not name {body['code']}"

    def _make_validator(self, path: str, method: str, status: str) -> jsonschema_rs.Validator:
        response = self._document["paths"][path][method]["responses"][status]
        schema = response["content"]["application/json"]["schema"]
        components = {"components": self._document["components"]}
        return jsonschema_rs.validator_for({**schema, **components})
