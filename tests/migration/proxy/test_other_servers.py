"""Under a server that shows nothing but plain WSGI, the proxy does what can still be done."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from origin import Origin, head_values

from migration.ledger import RoutingTable
from migration.proxy import Proxy


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Silence."""


class NoRoutes:
    def table(self) -> RoutingTable:
        return RoutingTable()


@pytest.fixture
def port(origin: Origin) -> Iterator[int]:
    proxy = Proxy(lambda environ, start_response: [], origin.url, NoRoutes())
    with make_server("127.0.0.1", 0, proxy, handler_class=Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def ask(port: int, method: str, target: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    with connection.getresponse() as response:
        return response.status, response.read()


@pytest.mark.parametrize("target", ["/a;v=1/%FF%00/x", "/%E4%BD%A0?q=%2F&&", "/~a!$&'()*+,=:@"])
def test_targets_are_quoted_anew(port: int, target: str) -> None:
    _, seen = ask(port, "GET", target)
    assert seen.startswith(f"GET {target} HTTP/1.1\r\n".encode())


def test_bodies_and_headers_pass(port: int) -> None:
    status, seen = ask(port, "POST", "/x", b"hello" * 50_000, Content_Type="text/plain", X_One="1")
    assert status == 200
    assert seen.endswith(b"hello" * 50_000)
    assert (head_values(seen, "content-type"), head_values(seen, "x-one")) == (["text/plain"], ["1"])


def test_websockets_are_refused(port: int) -> None:
    status, answer = ask(port, "GET", "/ws", Connection="Upgrade", Upgrade="websocket")
    assert status == 501
    assert b"unsupported_request" in answer
