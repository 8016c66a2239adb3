"""Blueprints that describe themselves, the OpenAPI document they make, and a page to read it."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import marshmallow as ma
from flask import Flask, Request, Response, render_template_string
from flask_smorest import Api  # type: ignore[import-untyped]
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from backend.core.docs_page import PAGE
from backend.core.errors import InvalidBodyError


class AsSent(ma.Schema):
    """Documents the fields that callers send and takes any JSON as it is."""

    def load(self, data: Any, **_: Any) -> Any:
        """Return `data` unchanged."""
        return data


class AsSentOrEmpty(AsSent):
    """Like AsSent; whatever JSON counts as false stands for an empty object."""

    def load(self, data: Any, **_: Any) -> Any:
        """Return `data`, or {}."""
        return data or {}


class AsBuilt(ma.Schema):
    """Documents what a service builds and answers it as it is: long lists take too long to be built twice."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Return `obj` unchanged."""
        return obj


class Query(ma.Schema):
    """Documents what a query may hold, and passes on the texts that it does hold, each name's first."""

    def load(self, data: Any, **_: Any) -> dict[str, Any]:
        """Return the known names with their texts; a subclass may make something else of them."""
        return {name: data[name] for name in self.fields if name in data}


class Failure(ma.Schema):
    """Something went wrong on the server's side."""

    error = ma.fields.String()


class _BodyParser(FlaskParser):
    """Reads bodies as Flask does (400, 413 and 415 are its pages) and refuses them in our own words."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        return req.get_json()

    def handle_error(
        self,
        error: ma.ValidationError,
        req: Request,
        schema: ma.Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        raise InvalidBodyError(error.normalized_messages()["json"])


class Blueprint(SmorestBlueprint):
    """A blueprint whose declarations also document it."""

    ARGUMENTS_PARSER = _BodyParser()


class _WireApi(Api):
    """Leaves HTTP errors the HTML pages they are."""

    ERROR_SCHEMA = Failure

    def handle_http_exception(self, error: HTTPException) -> HTTPException:
        return error


def install_api(app: Flask, title: str, blueprints: Iterable[Blueprint], security: Mapping[str, Any]) -> None:
    """Register `blueprints`; serve their description at `/openapi.json` and, to read, at `/docs`.

    `security` maps names to OpenAPI security schemes; each of them opens every route that does not say otherwise.
    """
    app.config |= {
        "API_TITLE": title,
        "API_VERSION": "1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/",
        "OPENAPI_JSON_PATH": "openapi.json",
        "API_SPEC_OPTIONS": {
            "security": [{name: []} for name in security],
            "components": {"securitySchemes": dict(security)},
        },
    }
    api = _WireApi(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    app.add_url_rule("/docs", view_func=lambda: _docs_page(api), endpoint="docs")


def _docs_page(api: Api) -> Response:
    return Response(render_template_string(PAGE, spec=api.spec.to_dict()), mimetype="text/html")
