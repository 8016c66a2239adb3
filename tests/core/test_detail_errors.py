"""A domain whose clients expect `{"detail": ...}`: what they get for whatever may be wrong with a request."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.core.detail_app import shop


@pytest.fixture
def client() -> FlaskClient:
    return shop()


def refusal(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 422
    detail: list[dict[str, Any]] = answer.json["detail"]
    return detail


def test_what_is_wrong_with_a_body_is_told_at_once_and_in_full(client: FlaskClient) -> None:
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


def test_what_can_be_understood_is_taken(client: FlaskClient) -> None:
    answer = client.post("/items/", json={"message": "é", "tokens": "5", "unknown": 1})

    assert answer.status_code == 201
    assert answer.data == '{"message":"é","history":[],"tokens":5}'.encode()


@pytest.mark.parametrize("body", [b"", b"null"])
def test_no_body_is_missing_as_a_whole(client: FlaskClient, body: bytes) -> None:
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
def test_a_body_that_is_no_json_is_told_where(client: FlaskClient, body: bytes, position: int, text: str) -> None:
    told = {"type": "json_invalid", "loc": ["body", position], "msg": "JSON decode error", "input": {}}

    for path in ("/items/", "/gated"):
        answer = client.post(path, data=body, content_type="application/json")

        assert refusal(answer) == [{**told, "ctx": {"error": text}}]


@pytest.mark.parametrize("body", [b"\xff\xfe{", b'{"tokens":' + b"9" * 3000 + b"}", b"[" * 4000])
def test_no_body_makes_it_fail(client: FlaskClient, body: bytes) -> None:
    assert client.post("/items/", data=body, content_type="application/json").status_code in (400, 422)


def test_json_of_another_content_type_is_a_text(client: FlaskClient) -> None:
    text = '{"message": "a"}'

    told = refusal(client.post("/items/", data=text, content_type="text/plain"))

    assert [(item["type"], item["loc"], item["input"]) for item in told] == [("model_attributes_type", ["body"], text)]
    for known in ("application/json; charset=utf-8", "application/vnd.shop+json", None):
        assert client.post("/items/", data=text, content_type=known).status_code == 201


def test_bodies_are_read_as_leniently_as_before(client: FlaskClient) -> None:
    def ask(body: bytes) -> Any:
        return client.post("/items/", data=body, content_type="application/json")

    assert ask(b'\xef\xbb\xbf{"message": "a"}').status_code == 201
    assert ask(b'{"message": 1, "message": "last"}').json["message"] == "last"
    assert refusal(ask(b'{"message": NaN}'))[0]["input"] is None
    assert refusal(ask(b'{"message": ["\\ud800"]}'))[0]["input"] == ["\ud800"]
    assert refusal(ask(b"[]"))[0]["type"] == "model_attributes_type"


def test_queries_and_paths_have_their_places(client: FlaskClient) -> None:
    missing = {"type": "missing", "loc": ["query", "limit"], "msg": "Field required", "input": None}
    large = {"type": "less_than_equal", "loc": ["query", "limit"], "input": "101", "ctx": {"le": 100}}

    assert refusal(client.get("/items")) == [missing]
    assert refusal(client.get("/items?limit=101")) == [
        {**large, "msg": "Input should be less than or equal to 100"},
    ]
    assert client.get("/items?limit=5&limit=7&tag=a&tag=b&other=1").json == {"limit": 7, "tag": ["a", "b"]}


def test_complaints_about_all_parts_come_together(client: FlaskClient) -> None:
    told = refusal(client.put("/items/abc", json={"message": 1}))

    assert [(item["type"], item["loc"]) for item in told] == [
        ("missing", ["query", "token"]),
        ("int_parsing", ["path", "item_id"]),
        ("string_type", ["body", "message"]),
    ]
    answer = client.put("/items/12?token=right", json={"message": "a"})
    assert answer.json == {"user": "ada", "id": 12, "message": "a", "history": [], "tokens": None}


def test_who_may_not_call_is_not_told_what_else_is_wrong(client: FlaskClient) -> None:
    answer = client.put("/items/abc?token=wrong", json={})

    assert (answer.status_code, answer.json) == (401, {"detail": "Could not validate credentials"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.post("/gated", json={}).json == {"detail": "Authentication required"}


def test_forms_and_files(client: FlaskClient) -> None:
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


def test_refusals_have_the_shape_that_clients_know(client: FlaskClient) -> None:
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


def test_a_failure_tells_nothing(client: FlaskClient) -> None:
    answer = client.get("/failing")

    assert (answer.status_code, answer.data) == (500, b"Internal Server Error")
    assert answer.content_type == "text/plain; charset=utf-8"


def test_complaints_may_link_to_pages() -> None:
    client = shop(error_urls="2.11")

    assert refusal(client.post("/items/", json={}))[0]["url"] == "https://errors.pydantic.dev/2.11/v/missing"
    assert "url" not in refusal(client.post("/items/", data=b"{", content_type="application/json"))[0]


def test_everything_is_described(client: FlaskClient) -> None:
    described = client.get("/openapi.json").json["paths"]

    parts = {(part["in"], part["name"]) for part in described["/items/{item_id}"]["put"]["parameters"]}
    assert parts == {("query", "token"), ("path", "item_id")}
    assert "422" in described["/items/"]["post"]["responses"]
    detail = client.get("/openapi.json").json["components"]["schemas"]["DetailFailure"]["properties"]["detail"]
    assert [kind["type"] for kind in detail["anyOf"]] == ["string", "object", "array"]
