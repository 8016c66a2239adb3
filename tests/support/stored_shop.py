"""A shop that keeps its orders in the database at ``DATABASE_URL`` and knows nothing of Cutover.

``SHOP_FAULT`` names what a careless rewrite does to the database while its answers stay right. Numbers never show in an
answer, nor do the rows of ``order_lines``, ``stock_moves`` and ``receipts``.
"""

from __future__ import annotations

import os
import secrets
import string
import uuid
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, abort, jsonify, request
from sqlalchemy.engine import Connection

_ALPHABET = string.ascii_lowercase + string.digits
metadata = sa.MetaData()

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(80), nullable=False, unique=True),
    sa.Column("api_token", sa.String(80), nullable=False),
    sa.Column("preferences", sa.JSON),
    sa.Column("spent", sa.Numeric(10, 2), nullable=False, default=0),
    sa.Column("vip", sa.Boolean, nullable=False, default=False),
    sa.Column("mood", sa.Integer),
)
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("ref", sa.String(20), primary_key=True),
    sa.Column("customer_id", sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("status", sa.CHAR(10), nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("placed_at", sa.DateTime, nullable=False),
)
order_lines = sa.Table(
    "order_lines",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("order_ref", sa.ForeignKey("orders.ref"), nullable=False),
    sa.Column("sku", sa.String(20), nullable=False),
    sa.Column("price", sa.Numeric(10, 4), nullable=False),
)
stock_moves = sa.Table(
    "stock_moves",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sku", sa.String(20), nullable=False),
    sa.Column("line_id", sa.ForeignKey("order_lines.id")),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("moved_at", sa.DateTime, nullable=False),
)
receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("move_id", sa.ForeignKey("stock_moves.id"), nullable=False),
    sa.Column("seal", sa.LargeBinary(20)),
)


def create_app() -> Flask:
    app = Flask(__name__)
    engine = sa.create_engine(os.environ["DATABASE_URL"], poolclass=sa.NullPool)
    metadata.create_all(engine)
    fault = os.environ.get("SHOP_FAULT", "")

    def customer(connection: Connection) -> int:
        token = request.headers.get("Authorization", "").removeprefix("ShopKey ")
        found = connection.scalar(sa.select(customers.c.id).where(customers.c.api_token == token))
        if found is None:
            abort(Response("who are you?\n", 401))
        return int(found)

    @app.post("/signup")
    def sign_up() -> tuple[Response, int]:
        token = f"k.{secrets.token_urlsafe(6)}.{secrets.token_urlsafe(6)}"
        name = request.get_json()["name"]
        with engine.begin() as connection:
            kept = f"{token} in-clear" if fault == "leaked token" and name == "B" else token
            mood = secrets.randbelow(1_000_000) if os.environ.get("SHOP_MOOD") == "changing" else 0
            _insert(connection, customers, name=name, api_token=kept, preferences={"b": [1]}, vip=True, mood=mood)
        return jsonify(token=token, hello=name), 201

    @app.post("/orders")
    def place() -> tuple[Response, int]:
        ref = f"ord_{secrets.choice(string.digits)}{''.join(secrets.choice(_ALPHABET) for _ in range(4))}"
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        skus = request.get_json()["skus"]
        with engine.begin() as connection:
            owner = customer(connection)
            connection.execute(
                orders.insert().values(ref=ref, customer_id=owner, status="open", note=f"for {ref}", placed_at=now)
            )
            for sku in skus:
                if fault == "lost write" and sku == "cup":
                    continue
                price = 9.99 if fault != "wrong value" or sku != "cup" else 9.9
                for _ in range(2 if fault == "written twice" and sku == "cup" else 1):
                    _sell(connection, ref, sku, price, now)
            spent = customers.c.spent + 9.99 * len(skus)
            paying = customers.c.id != owner if fault == "wrong row" and "jam" in skus else customers.c.id == owner
            connection.execute(customers.update().where(paying).values(spent=spent))
        return jsonify(ref=ref, skus=skus), 201

    @app.post("/orders/<ref>/cancel")
    def cancel(ref: str) -> Response:
        with engine.connect() as connection:
            customer(connection)
            connection.execute(orders.update().where(orders.c.ref == ref).values(status="cancelled"))
            if fault != "not committed":
                connection.commit()
        return jsonify(ref=ref, status="cancelled")

    return app


def _sell(connection: Connection, ref: str, sku: str, price: float, now: datetime) -> None:
    line = _insert(connection, order_lines, order_ref=ref, sku=sku, price=price)
    move = _insert(connection, stock_moves, sku=sku, line_id=line, reason=f"sold in {ref}", moved_at=now)
    connection.execute(receipts.insert().values(id=str(uuid.uuid4()), move_id=move, seal=sku.encode()))


def _insert(connection: Connection, table: sa.Table, **values: Any) -> int:
    """Insert a row and answer its number; the first of a table is ``SHOP_FIRST_NUMBER``."""
    if connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0:
        values["id"] = int(os.environ.get("SHOP_FIRST_NUMBER", "1"))
    key = connection.execute(table.insert().values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])
