"""A small web shop that knows nothing of Cutover, to migrate from: its own auth scheme, its own forms of identifiers.

State lives in memory. ``SHOP_FIRST_NUMBER`` and ``SHOP_FAULT`` make a second copy that numbers differently, or errs.
"""

from __future__ import annotations

import itertools
import os
import secrets
import string
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, abort, jsonify, request

_ALPHABET = string.ascii_lowercase + string.digits


def _code(prefix: str) -> str:
    return f"{prefix}_{secrets.choice(string.digits)}{''.join(secrets.choice(_ALPHABET) for _ in range(4))}"


def create_app() -> Flask:
    app = Flask(__name__)
    numbers = itertools.count(int(os.environ.get("SHOP_FIRST_NUMBER", "1")))
    fault = os.environ.get("SHOP_FAULT", "")
    keys: dict[str, str] = {}
    orders: dict[str, dict[str, Any]] = {}
    began = time.monotonic()

    def customer() -> str:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "ShopKey" or key not in keys:
            abort(Response("who are you?\n", 401, {"WWW-Authenticate": "ShopKey"}))
        return keys[key]

    @app.post("/signup")
    def sign_up() -> tuple[Response, int]:
        key = f"k.{secrets.token_urlsafe(6)}.{secrets.token_urlsafe(6)}"
        keys[key] = request.get_json()["name"]
        return jsonify(key=key, hello=keys[key]), 201

    @app.post("/orders")
    def place() -> tuple[Response, int, dict[str, str]]:
        caller, ref = customer(), _code("ord")
        lines = [{"id": next(numbers), "sku": sku, "price": 9.99} for sku in request.get_json()["skus"]]
        orders[ref] = {
            "ref": ref,
            "customer": caller,
            "placed": datetime.now(UTC).isoformat(timespec="seconds"),
            "lines": lines,
            "wanted_by": request.get_json().get("wanted_by"),
        }
        return jsonify(orders[ref]), 201, {"Location": f"/orders/{ref}"}

    @app.get("/orders")
    def list_orders() -> Response:
        caller = customer()  # a stranger is refused, whether there are orders or not
        mine = [order for order in orders.values() if order["customer"] == caller]
        secrets.SystemRandom().shuffle(mine)
        mine.sort(key=lambda order: order["placed"], reverse=True)
        return jsonify(orders=mine[:-1] if fault == "short list" else mine, count=len(mine))

    @app.get("/orders/<ref>")
    def one_order(ref: str) -> Response:
        if ref not in orders:
            abort(Response(f"<p>no order {ref}</p>", 404, mimetype="text/html"))
        if fault == "wrong order":
            ref = next(iter(orders))
        return jsonify(orders[ref])

    @app.delete("/orders/<ref>/lines/<int:number>")
    def remove_line(ref: str, number: int) -> tuple[Response, int]:
        lines = orders[ref]["lines"]
        kept = [line for line in lines if line["id"] != number]
        removed = len(lines) - len(kept)
        orders[ref]["lines"] = kept
        return jsonify(removed=removed, left=[line["sku"] for line in kept]), 200 if removed else 404

    @app.get("/status")
    def status() -> Response:
        return jsonify(ok=True, uptime=time.monotonic() - began, lucky=secrets.randbelow(1_000_000))

    return app
