"""The page at `/docs`: the OpenAPI document to read and to try out.

The rule of this file: the page needs nothing from anywhere else. Swagger UI comes with a package
of ours, and the browser is told to load scripts from this server only.
"""

from importlib.resources import files

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

PAGE_PATH = "/docs"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)  # Swagger UI sets styles in its elements; it needs no inline script.
_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_PACKAGE = "fastapi_offline"  # Only its copy of Swagger UI is used.
_START_NAME = "start.js"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


class DocsPage:
    """The handlers; `title` is the application's."""

    def __init__(self, title: str) -> None:
        self._page = _PAGE.format(title=title)

    async def page(self, _request: Request) -> Response:
        headers = {"Content-Security-Policy": _POLICY}
        return Response(self._page, headers=headers, media_type="text/html")

    async def part(self, _request: Request, name: str) -> Response:
        """Answer with one of the files that the page loads."""
        if name == _START_NAME:
            return Response(_START, media_type="text/javascript")
        if name not in _TYPES:
            raise HTTPException(404)
        content = (files(_PACKAGE) / "static" / name).read_bytes()
        return Response(content, media_type=_TYPES[name])


def docs_routes(title: str) -> APIRouter:
    """Return the page and the files that it loads; it shows what `/openapi.json` says."""
    docs = DocsPage(title)
    router = APIRouter(include_in_schema=False)
    router.add_api_route(PAGE_PATH, docs.page, methods=["GET"])
    router.add_api_route(PAGE_PATH + "/{name}", docs.part, methods=["GET"])
    return router
