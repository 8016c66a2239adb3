"""A domain whose clients expect `{"detail": ...}`: what they get for whatever may be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import ServiceUnavailable

from backend.core.app import new_app
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.detail_errors import install_detail_errors
from backend.core.errors import RequestRefusedError
from backend.core.openapi import install_api
from backend.core.origins import Origins
from backend.core.settings import Settings
from backend.core.wire_fields import ListOf, Nested, Text, Upload, WireSchema
from backend.core.wire_numbers import WholeNumber

Client = FlaskClient


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


@pytest.fixture
def made() -> Callable[..., Client]:
    def make(**options: Any) -> Client:
        app: Flask = new_app("shop", Settings.from_environment("shop", {"MAX_BODY_BYTES": "4096"}))
        install_detail_errors(app, **options)
        install_api(app, "Shop", [blueprint], {})
        return app.test_client()

    return make


@pytest.fixture
def client(made: Callable[..., Client]) -> Client:
    return made()


def refusal(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 422
    detail: list[dict[str, Any]] = answer.json["detail"]
    return detail


def test_what_is_wrong_with_a_body_is_told_at_once_and_in_full(client: Client) -> None:
    sent = {"history": [{"role": 1}, "x"], "tokens": "many", "unknown": 1}

    answer = client.post("/items/", json=sent)

    assert answer.content_type == "application/json"
    assert json.loads(answer.data) == {
        "detail": [
            {"type": "missing", "loc": ["body", "message"], "msg": "Field required", "input": sent},
            {
                "type": "string_type",
                "loc": ["body", "history", 0, "role"],
                "msg": "Input should be a valid string",
                "input": 1,
            },
            {
                "type": "model_attributes_type",
                "loc": ["body", "history", 1],
                "msg": "Input should be a valid dictionary or object to extract fields from",
                "input": "x",
            },
            {
                "type": "int_parsing",
                "loc": ["body", "tokens"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "many",
            },
        ]
    }
    assert answer.data.startswith(b'{"detail":[{"type":"missing","loc":["body","message"],"msg":"Field required",')
    assert not answer.data.endswith(b"\n")


def test_what_can_be_understood_is_taken(client: Client) -> None:
    answer = client.post("/items/", json={"message": "é", "tokens": "5", "unknown": 1})

    assert answer.status_code == 201
    assert answer.data == '{"message":"é","history":[],"tokens":5}'.encode()


@pytest.mark.parametrize("body", [b"", b"null"])
def test_no_body_is_missing_as_a_whole(client: Client, body: bytes) -> None:
    answer = client.post("/items/", data=body, content_type="application/json")

    assert refusal(answer) == [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]
    assert client.post("/optional", data=body, content_type="application/json").json == {"question": None}


@pytest.mark.parametrize(
    ("body", "position", "text"),
    [
        (b"{", 1, "Expecting property name enclosed in double quotes"),
        (b'{"message": }', 12, "Expecting value"),
        (b'{"message": "a"} x', 17, "Extra data"),
    ],
)
def test_a_body_that_is_no_json_is_told_where(client: Client, body: bytes, position: int, text: str) -> None:
    told = {"type": "json_invalid", "loc": ["body", position], "msg": "JSON decode error", "input": {}}

    for path in ("/items/", "/gated"):
        answer = client.post(path, data=body, content_type="application/json")

        assert refusal(answer) == [{**told, "ctx": {"error": text}}]


@pytest.mark.parametrize("body", [b"\xff\xfe{", b'{"tokens":' + b"9" * 3000 + b"}", b"[" * 4000])
def test_no_body_makes_it_fail(client: Client, body: bytes) -> None:
    assert client.post("/items/", data=body, content_type="application/json").status_code in (400, 422)


def test_json_of_another_content_type_is_a_text(client: Client) -> None:
    text = '{"message": "a"}'

    told = refusal(client.post("/items/", data=text, content_type="text/plain"))

    assert [(item["type"], item["loc"], item["input"]) for item in told] == [("model_attributes_type", ["body"], text)]
    for known in ("application/json; charset=utf-8", "application/vnd.shop+json", None):
        assert client.post("/items/", data=text, content_type=known).status_code == 201


def test_bodies_are_read_as_leniently_as_before(client: Client) -> None:
    def ask(body: bytes) -> Any:
        return client.post("/items/", data=body, content_type="application/json")

    assert ask(b'\xef\xbb\xbf{"message": "a"}').status_code == 201
    assert ask(b'{"message": 1, "message": "last"}').json["message"] == "last"
    assert refusal(ask(b'{"message": NaN}'))[0]["input"] is None
    assert refusal(ask(b'{"message": ["\\ud800"]}'))[0]["input"] == ["\ud800"]
    assert refusal(ask(b"[]"))[0]["type"] == "model_attributes_type"


def test_queries_and_paths_have_their_places(client: Client) -> None:
    missing = {"type": "missing", "loc": ["query", "limit"], "msg": "Field required", "input": None}
    large = {"type": "less_than_equal", "loc": ["query", "limit"], "input": "101", "ctx": {"le": 100}}

    assert refusal(client.get("/items")) == [missing]
    assert refusal(client.get("/items?limit=101")) == [
        {**large, "msg": "Input should be less than or equal to 100"},
    ]
    assert client.get("/items?limit=5&limit=7&tag=a&tag=b&other=1").json == {"limit": 7, "tag": ["a", "b"]}


def test_complaints_about_all_parts_come_together(client: Client) -> None:
    told = refusal(client.put("/items/abc", json={"message": 1}))

    assert [(item["type"], item["loc"]) for item in told] == [
        ("missing", ["query", "token"]),
        ("int_parsing", ["path", "item_id"]),
        ("string_type", ["body", "message"]),
    ]
    answer = client.put("/items/12?token=right", json={"message": "a"})
    assert answer.json == {"user": "ada", "id": 12, "message": "a", "history": [], "tokens": None}


def test_who_may_not_call_is_not_told_what_else_is_wrong(client: Client) -> None:
    answer = client.put("/items/abc?token=wrong", json={})

    assert (answer.status_code, answer.json) == (401, {"detail": "Could not validate credentials"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.post("/gated", json={}).json == {"detail": "Authentication required"}


def test_forms_and_files(client: Client) -> None:
    sent = {"name": "n", "file": (BytesIO(b"abc"), "a.txt")}

    assert client.post("/files", data=sent).json == {"name": "n", "size": 3}
    told = refusal(client.post("/files", json={"name": "n"}))
    assert [(item["type"], item["loc"], item["input"]) for item in told] == [
        ("missing", ["body", "name"], None),
        ("missing", ["body", "file"], None),
    ]
    told = refusal(client.post("/files", data={"name": "", "file": "text"}))
    assert [(item["type"], item["loc"]) for item in told] == [
        ("missing", ["body", "name"]),
        ("value_error", ["body", "file"]),
    ]
    assert told[1]["msg"] == "Value error, Expected UploadFile, received: <class 'str'>"


def test_refusals_have_the_shape_that_clients_know(client: Client) -> None:
    answer = client.delete("/items/1")
    assert (answer.status_code, answer.data) == (404, b'{"detail":"Item not found"}')
    answer = client.get("/detailed")
    assert (answer.status_code, answer.json) == (429, {"detail": {"retry_after": 3, "limit": "100/minute"}})
    answer = client.get("/busy")
    assert (answer.status_code, answer.json, answer.headers["Retry-After"]) == (503, {"detail": "Come back later"}, "7")
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.data) == (404, b'{"detail":"Not Found"}')
    answer = client.post("/items/", data=b"x" * 5000, content_type="application/json")
    assert (answer.status_code, answer.json) == (413, {"detail": "Request Entity Too Large"})


def test_a_failure_tells_nothing(client: Client) -> None:
    answer = client.get("/failing")

    assert (answer.status_code, answer.data) == (500, b"Internal Server Error")
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH"])
def test_methods_are_those_that_were_declared(client: Client, method: str) -> None:
    answer = client.open("/items?limit=1", method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert answer.data == (b"" if method == "HEAD" else b'{"detail":"Method Not Allowed"}')
    assert client.open("/items/1", method=method).headers["Allow"] == "PUT"  # the first that knows the path


def test_heads_may_be_answered(made: Callable[..., Client]) -> None:
    answer = made(head=True).head("/items?limit=1")

    assert (answer.status_code, answer.data) == (200, b"")


def test_slashes_are_put_right_whatever_the_method(client: Client) -> None:
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


def test_slashes_may_matter(made: Callable[..., Client]) -> None:
    assert made(slashes=False).get("/busy/").status_code == 404


def test_hosts_are_checked(made: Callable[..., Client]) -> None:
    client = made(hosts=["127.0.0.1", "localhost", "*.shop.example"], origins=Origins(("http://a.example",)))

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


def test_pages_of_known_origins_may_call(made: Callable[..., Client]) -> None:
    client = made(origins=LOCAL)

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
def test_pages_of_other_origins_are_told_nothing(made: Callable[..., Client], origin: str) -> None:
    client = made(origins=LOCAL)

    asked = client.options("/items/", headers={"Origin": origin, **PREFLIGHT})

    assert (asked.status_code, asked.data) == (400, b"Disallowed CORS origin")
    assert asked.content_type == "text/plain; charset=utf-8"
    assert "Access-Control-Allow-Origin" not in asked.headers
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT, DELETE"
    assert "Access-Control-Allow-Origin" not in client.get("/nowhere", headers={"Origin": origin}).headers


def test_preflights_are_refused_for_methods_and_headers_too(made: Callable[..., Client]) -> None:
    asked = made(origins=LOCAL).options(
        "/items/",
        headers={
            "Origin": "http://localhost:1",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "X-Odd",
        },
    )

    assert (asked.status_code, asked.data) == (400, b"Disallowed CORS method, headers")


def test_everybody_may_call_with_credentials(made: Callable[..., Client]) -> None:
    client = made(origins=Origins(("*",), ("*",), ("*",), credentials=True))
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


def test_complaints_may_link_to_pages(made: Callable[..., Client]) -> None:
    client = made(error_urls="2.11")

    assert refusal(client.post("/items/", json={}))[0]["url"] == "https://errors.pydantic.dev/2.11/v/missing"
    assert "url" not in refusal(client.post("/items/", data=b"{", content_type="application/json"))[0]


def test_everything_is_described(client: Client) -> None:
    described = client.get("/openapi.json").json["paths"]

    parts = {(part["in"], part["name"]) for part in described["/items/{item_id}"]["put"]["parameters"]}
    assert parts == {("query", "token"), ("path", "item_id")}
    assert "422" in described["/items/"]["post"]["responses"]
    detail = client.get("/openapi.json").json["components"]["schemas"]["DetailFailure"]["properties"]["detail"]
    assert [kind["type"] for kind in detail["anyOf"]] == ["string", "object", "array"]
