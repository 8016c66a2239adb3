"""Served by the tests of limits and of graceful stops."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from backend.core.app import new_app
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.detail_errors import install_detail_errors
from backend.core.errors import answer_errors
from backend.core.graceful import on_end, on_stop
from backend.core.limits import body_of_at_most
from backend.core.openapi import Blueprint, install_api
from backend.core.settings import Settings
from backend.core.wire_fields import Text, WireSchema


class Note(WireSchema):
    text = Text(required=True)


def create_app(shape: str = "detail") -> Flask:
    app = new_app("shop", Settings.from_environment("shop"))
    if shape == "detail":
        install_detail_errors(app)
    blueprint: Any = (DetailBlueprint if shape == "detail" else Blueprint)("notes", __name__)

    @blueprint.get("/notes")
    def notes() -> Response:
        return jsonify(pid=os.getpid(), address=request.remote_addr)

    @blueprint.get("/slow")
    def slow() -> Response:
        def pieces() -> Iterator[str]:
            for number in range(20):
                yield f"{number}\n"
                time.sleep(0.1)

        return Response(pieces(), content_type="text/plain")

    if shape == "detail":

        @blueprint.post("/notes")
        @body_of_at_most(100)
        @blueprint.arguments(Note)
        @blueprint.response(200)
        def keep(note: dict[str, Any]) -> dict[str, Any]:
            return note

    else:
        answer_errors(blueprint)
    install_api(app, "Shop", [blueprint], {})
    left = os.environ.get("LEFT_BEHIND")
    if left:
        on_stop(app, lambda: Path(left).write_text("given back"))
        on_end(app, lambda: Path(f"{left}-{os.getpid()}").write_text("ended"))
    return app
