"""A shop whose clients expect `{"detail": ...}`: routes that take and refuse all kinds of things."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import ServiceUnavailable

from backend.core.app import new_app
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.detail_errors import install_detail_errors
from backend.core.errors import RequestRefusedError
from backend.core.openapi import install_api
from backend.core.settings import Settings
from backend.core.wire_fields import ListOf, Nested, Text, Upload, WireSchema
from backend.core.wire_numbers import WholeNumber


def shop(**options: Any) -> FlaskClient:
    """A client of the shop, which is made with these options of `install_detail_errors`."""
    app: Flask = new_app("shop", Settings.from_environment("shop", {"MAX_BODY_BYTES": "4096"}))
    install_detail_errors(app, **options)
    install_api(app, "Shop", [blueprint], {})
    return app.test_client()


class Turn(WireSchema):
    role = Text(required=True)


class Question(WireSchema):
    message = Text(required=True)
    history = ListOf(Nested(Turn), load_default=list)
    tokens = WholeNumber(allow_none=True, load_default=None)


class Page(WireSchema):
    limit = WholeNumber(required=True, ge=1, le=100)
    tag = ListOf(Text(), load_default=list)


class Token(WireSchema):
    token = Text(required=True)


class ItemPath(WireSchema):
    item_id = WholeNumber(required=True)


class File(WireSchema):
    name = Text(required=True)
    file = Upload(required=True)


def user_of(loaded: dict[str, Any]) -> str:
    if loaded["token"] != "right":
        raise RequestRefusedError(401, "Could not validate credentials", headers={"WWW-Authenticate": "Bearer"})
    return "ada"


def logged_in() -> None:
    raise RequestRefusedError(401, "Authentication required")


blueprint = DetailBlueprint("questions", __name__)


@blueprint.get("/items")
@blueprint.arguments(Page, location="query")
def list_items(page: dict[str, Any]) -> dict[str, Any]:
    return page


@blueprint.post("/items/")
@blueprint.arguments(Question)
@blueprint.response(201)
def ask(question: dict[str, Any]) -> dict[str, Any]:
    return question


@blueprint.put("/items/<item_id>")
@blueprint.arguments(ItemPath, location="path")
@blueprint.arguments(Token, location="query", then=user_of)
@blueprint.arguments(Question)
@blueprint.response(200)
def change(user: str, question: dict[str, Any], item_id: int) -> dict[str, Any]:
    return {"user": user, "id": item_id, **question}


@blueprint.delete("/items/<item_id>")
@blueprint.response(200)
def remove(item_id: str) -> dict[str, Any]:
    raise RequestRefusedError(404, "Item not found")


@blueprint.post("/gated")
@blueprint.guarded_by(logged_in)
@blueprint.arguments(Question)
def gated(question: dict[str, Any]) -> dict[str, Any]:
    return question


@blueprint.post("/files")
@blueprint.arguments(File, location="form")
@blueprint.response(200)
def store(form: dict[str, Any]) -> dict[str, Any]:
    return {"name": form["name"], "size": len(form["file"].read())}


@blueprint.post("/optional")
@blueprint.arguments(Question, required=False)
@blueprint.response(200)
def optional(question: dict[str, Any] | None) -> dict[str, Any]:
    return {"question": question}


@blueprint.get("/failing")
def failing() -> None:
    raise LookupError("a secret")


@blueprint.get("/busy")
def busy() -> None:
    raise ServiceUnavailable("Come back later", retry_after=7)


@blueprint.get("/detailed")
def detailed() -> None:
    raise RequestRefusedError(429, retry_after=3, limit="100/minute")
