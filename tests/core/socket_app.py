"""Served by the tests of WebSockets: an echo, alone and behind the proxy."""

from __future__ import annotations

from flask import Flask, jsonify, request

from backend.core.app import new_app
from backend.core.detail_errors import install_detail_errors
from backend.core.errors import RequestRefusedError
from backend.core.origins import Origins
from backend.core.settings import Settings
from backend.core.sockets import Connection, install_sockets
from migration.ledger import RoutingTable, State
from migration.proxy import Proxy

PAGES = Origins(("http://localhost:*",))


def create_app() -> Flask:
    app = new_app("shop", Settings.from_environment("shop"))
    install_detail_errors(app, origins=PAGES)
    sockets = install_sockets(app, origins=PAGES)

    def user() -> str | None:
        if request.args.get("token") == "wrong":
            raise RequestRefusedError(401, "Could not validate credentials")
        return request.args.get("token")

    @sockets.route(app, "/ws/echo", user=user)
    def echo(connection: Connection) -> None:
        for message in connection:
            if message == "fail":
                raise LookupError(message)
            if message == "flood":
                while True:
                    connection.send("x" * 60_000)
            connection.send(message)

    app.add_url_rule("/health", "health", lambda: jsonify(sockets.registry.counts()))
    return app


class NoRoutes:
    def table(self) -> RoutingTable:
        return RoutingTable()


def behind_proxy() -> Proxy:
    return Proxy(create_app(), None, NoRoutes(), unmatched=State.NATIVE)
