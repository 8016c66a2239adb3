"""A domain whose clients expect `{"detail": ...}`: methods, slashes, hosts and origins, before any view is asked."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.core.origins import Origins
from tests.core.detail_app import shop


@pytest.fixture
def client() -> FlaskClient:
    return shop()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH"])
def test_methods_are_those_that_were_declared(client: FlaskClient, method: str) -> None:
    answer = client.open("/items?limit=1", method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert answer.data == (b"" if method == "HEAD" else b'{"detail":"Method Not Allowed"}')
    assert client.open("/items/1", method=method).headers["Allow"] == "PUT"  # the first that knows the path


def test_heads_may_be_answered() -> None:
    answer = shop(head=True).head("/items?limit=1")

    assert (answer.status_code, answer.data) == (200, b"")


def test_slashes_are_put_right_whatever_the_method(client: FlaskClient) -> None:
    for method, path, goal in (
        ("POST", "/files/?a=b%20c", "/files?a=b%20c"),
        ("POST", "/gated/", "/gated"),
        ("GET", "/optional/", "/optional"),
        ("GET", "/busy/", "/busy"),
    ):
        answer = client.open(path, method=method, headers={"Host": "shop.example:81"})

        assert (answer.status_code, answer.headers["Location"]) == (307, f"http://shop.example:81{goal}")
        assert (answer.data, answer.headers["Content-Length"], "Content-Type" in answer.headers) == (b"", "0", False)
    assert client.get("//busy").status_code == 404
    assert client.get("/nowhere/").status_code == 404


def test_slashes_may_matter() -> None:
    assert shop(slashes=False).get("/busy/").status_code == 404


def test_hosts_are_checked() -> None:
    client = shop(hosts=["127.0.0.1", "localhost", "*.shop.example"], origins=Origins(("http://a.example",)))

    def answer(host: str, path: str = "/nowhere") -> Any:
        return client.get(path, headers={"Host": host})

    for host in ("localhost", "LOCALHOST:81", "127.0.0.1:8756", "eu.shop.example"):
        assert answer(host).status_code == 404
    for host in ("", "evil.example", "localhost.evil.example", "shop.example", "localhost@evil"):
        refused = answer(host)
        assert (refused.status_code, refused.data) == (400, b"Invalid host header")
        assert refused.content_type == "text/plain; charset=utf-8"
    assert answer("10.0.0.7:8000", "/healthz").status_code == 200


LOCAL = Origins(("http://localhost:*", "https://*.shop.example"), methods=("GET", "POST", "PUT", "DELETE"))
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Content-Type"}


def test_pages_of_known_origins_may_call() -> None:
    client = shop(origins=LOCAL)

    for origin in ("http://localhost:3000", "https://eu.shop.example"):
        asked = client.options("/items/", headers={"Origin": origin, **PREFLIGHT})
        assert (asked.status_code, asked.data) == (200, b"OK")
        assert asked.headers["Access-Control-Allow-Origin"] == origin
        assert asked.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT, DELETE"
        assert asked.headers["Access-Control-Max-Age"] == "600"
        called = client.get("/nowhere", headers={"Origin": origin})
        assert (called.headers["Access-Control-Allow-Origin"], called.headers["Vary"]) == (origin, "Origin")
        assert "Access-Control-Allow-Credentials" not in called.headers


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost:1", "http://localhost:1@evil", "http://xlocalhost:1"]
)
def test_pages_of_other_origins_are_told_nothing(origin: str) -> None:
    client = shop(origins=LOCAL)

    asked = client.options("/items/", headers={"Origin": origin, **PREFLIGHT})

    assert (asked.status_code, asked.data) == (400, b"Disallowed CORS origin")
    assert asked.content_type == "text/plain; charset=utf-8"
    assert "Access-Control-Allow-Origin" not in asked.headers
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT, DELETE"
    assert "Access-Control-Allow-Origin" not in client.get("/nowhere", headers={"Origin": origin}).headers


def test_preflights_are_refused_for_methods_and_headers_too() -> None:
    asked = shop(origins=LOCAL).options(
        "/items/",
        headers={
            "Origin": "http://localhost:1",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "X-Odd",
        },
    )

    assert (asked.status_code, asked.data) == (400, b"Disallowed CORS method, headers")


def test_everybody_may_call_with_credentials() -> None:
    client = shop(origins=Origins(("*",), ("*",), ("*",), credentials=True))
    origin = {"Origin": "http://localhost:3000"}

    asked = client.options("/items/", headers={**origin, **PREFLIGHT}).headers
    plain = client.get("/nowhere", headers=origin).headers
    client.set_cookie("a", "b", domain="localhost")
    with_cookie = client.get("/nowhere", headers=origin).headers

    assert asked["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert (asked["Access-Control-Allow-Origin"], asked["Vary"]) == ("http://localhost:3000", "Origin")
    assert asked["Access-Control-Allow-Headers"] == "Content-Type"
    assert (plain["Access-Control-Allow-Origin"], plain["Access-Control-Allow-Credentials"]) == ("*", "true")
    assert (with_cookie["Access-Control-Allow-Origin"], with_cookie["Vary"]) == ("http://localhost:3000", "Origin")
    assert "Access-Control-Allow-Origin" not in client.get("/failing", headers=origin).headers
