"""Blueprints that describe themselves, the OpenAPI document they make, and a page to read it."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import marshmallow as ma
from flask import Flask, Response, current_app, jsonify, render_template_string, request
from flask_smorest import Api  # type: ignore[import-untyped]
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser
from werkzeug.wrappers import Response as BaseResponse

from backend.core.docs_page import PAGE
from backend.core.errors import InvalidBodyError
from backend.core.json_provider import WireJSONProvider

#: Where an application keeps the schema of its failures, if they are not of the kind `Failure`.
FAILURE_SCHEMA = "failure_schema"

View = Callable[..., Any]
Decorator = Callable[[View], View]


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


class FromDatabase(AsBuilt):
    """AsBuilt of columns and what was reckoned from them: all numbers are finite."""


class Query(ma.Schema):
    """Documents what a query may hold, and passes on the texts that it does hold, each name's first."""

    def load(self, data: Any, **_: Any) -> dict[str, Any]:
        """Return the known names with their texts; a subclass may make something else of them."""
        return {name: data[name] for name in self.fields if name in data}


class Failure(ma.Schema):
    """Something went wrong on the server's side."""

    error = ma.fields.String()


class ParserFor(FlaskParser):
    """Documents that what a schema rejects is answered with `status`."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.DEFAULT_VALIDATION_STATUS = status


class Blueprint(SmorestBlueprint):
    """A blueprint whose declarations also document it.

    They document as their parents do. What they do with each request they do here, in as few steps as it takes.
    """

    ARGUMENTS_PARSER = ParserFor(400)

    def arguments(self, schema: ma.Schema, *, location: str = "json", **documented: Any) -> Decorator:
        """Call the view with what `schema` loads of the request's JSON, or of another location.

        JSON is read as Flask does (400, 413 and 415 are its pages); InvalidBodyError where the schema refuses it.
        """
        document = super().arguments(schema, location=location, **documented)
        if location == "json":
            load = _load_json
        elif isinstance(schema, Query):
            load = _load_query
        else:
            return document

        def decorate(view: View) -> View:
            @wraps(view)
            def loading(*arguments: Any, **path: Any) -> Any:
                return view(*arguments, load(schema), **path)

            return documented_as(loading, document(view))

        return decorate

    def response(self, status_code: int, schema: ma.Schema | None = None, **documented: Any) -> Decorator:
        """Answer what the view returns, as `schema` dumps it; a Response is left as it is."""
        document = super().response(status_code, schema, **documented)
        dump = schema.dump if schema is not None else lambda answer: answer
        respond = _json_of_rows if isinstance(schema, FromDatabase) else jsonify

        def decorate(view: View) -> View:
            @wraps(view)
            def answering(*arguments: Any, **path: Any) -> Any:
                answer = view(*arguments, **path)
                if isinstance(answer, BaseResponse):
                    return answer
                response = respond(dump(answer))
                response.status_code = status_code
                return response

            return documented_as(answering, document(view))

        return decorate

    def alt_response(self, *arguments: Any, **documented: Any) -> Decorator:
        """Document another answer."""
        document = super().alt_response(*arguments, **documented)
        return lambda view: documented_as(view, document(view))

    @staticmethod
    def doc(**documented: Any) -> Decorator:
        """Document whatever else OpenAPI knows."""
        document = SmorestBlueprint.doc(**documented)
        return lambda view: documented_as(view, document(view))


def documented_as(view: View, described: View) -> View:
    """Return `view`, with the documentation of `described`."""
    view._apidoc = described._apidoc  # type: ignore[attr-defined]
    return view


def _json_of_rows(rows: Any) -> Response:
    provider = current_app.json
    return provider.response_of_rows(rows) if isinstance(provider, WireJSONProvider) else jsonify(rows)


def _load_json(schema: ma.Schema) -> Any:
    try:
        return schema.load(request.get_json())
    except ma.ValidationError as error:
        raise InvalidBodyError(error.normalized_messages()) from error


def _load_query(schema: ma.Schema) -> Any:
    return schema.load(request.args)


class _WireApi(Api):
    """Leaves the answers to errors to the application, which says what they look like."""

    def __init__(self, app: Flask) -> None:
        self.ERROR_SCHEMA = app.extensions.get(FAILURE_SCHEMA, Failure)
        super().__init__(app)

    def _register_error_handlers(self) -> None:
        pass

    def _openapi_json(self) -> Response:
        """The document; below a prefix it says so, since its paths are meant from the server's root."""
        below = {"servers": [{"url": request.script_root}]} if request.script_root else {}
        document = {**self.spec.to_dict(), **below}
        return Response(json.dumps(document, indent=2), mimetype="application/json")


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
