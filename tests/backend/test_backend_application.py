"""What every answer of the new system has in common."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from backend import create_app
from backend.core.logs import JsonLinesHandler
from legacy.spot import create_app as old_app
from tests.backend.conftest import TOKEN, Spot, settings_for

PAGE = "<!doctype html>\n<html lang=en>\n<title>{0} {1}</title>\n<h1>{1}</h1>\n<p>{2}</p>\n"
METHODS = {"get", "post", "put", "delete"}


def test_an_unknown_domain_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Unknown domain 'nope'; known domains: spot, assistant\."):
        create_app("nope")


def test_health_tells_the_state_and_the_time(bare: Spot) -> None:
    answer = bare.http.get("/health")
    assert answer.status_code == 200
    assert {**answer.json, "timestamp": None} == {
        "database": "connected",
        "decision_engine_loaded": True,
        "status": "healthy",
        "timestamp": None,
    }
    assert "Z" not in answer.json["timestamp"]
    assert "+" not in answer.json["timestamp"]


def test_health_says_when_the_database_is_gone(bare: Spot, tmp_path: Path) -> None:
    lost = create_app("spot", settings_for("mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false"))
    answer = lost.test_client().get("/health")
    assert answer.status_code == 500
    assert answer.json["status"] == "unhealthy"
    assert answer.json["error"] == "The database could not carry out the request"


def test_the_token_check_answers_a_page_when_the_database_is_gone() -> None:
    lost = create_app("spot", settings_for("mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false"))
    answer = lost.test_client().get("/api/agents/x/config", headers={"Authorization": "Bearer t"})
    assert answer.status_code == 500
    assert "<title>500 Internal Server Error</title>" in answer.text


def test_json_is_sorted_compact_and_ascii(spot: Spot) -> None:
    answer = spot.post("decide", {"instance": {"instance_id": "ü"}, "pricing": {}})
    assert answer.data.endswith(b"}\n")
    assert b'"instance_id":"\\u00fc"' in answer.data
    assert list(answer.json) == sorted(answer.json)
    assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/health/", "/api/agents", "/api/agents/a/nothing", "/api/admin/nothing"]
)
def test_every_other_path_is_a_page_that_says_so(bare: Spot, path: str) -> None:
    answer = bare.http.get(path)
    assert answer.status_code == 404
    text = "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
    assert answer.text == PAGE.format(404, "Not Found", f"{text} and try again.")
    assert answer.content_type == "text/html; charset=utf-8"


def test_a_wrong_method_names_the_right_ones(bare: Spot) -> None:
    answer = bare.http.get("/api/agents/register")
    assert answer.text == PAGE.format(405, "Method Not Allowed", "The method is not allowed for the requested URL.")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    app = create_app("spot", settings_for(f"sqlite:///{tmp_path}/a.sqlite3", MAX_BODY_BYTES="1024"))
    answer = app.test_client().post("/api/agents/register", json={"client_token": "x" * 2000})
    text = "The data value transmitted exceeds the capacity limit."
    assert answer.text == PAGE.format(413, "Request Entity Too Large", text)


class TestCors:
    def test_any_origin_is_allowed_when_none_is_named(self, bare: Spot) -> None:
        for path in ("/health", "/nope"):
            answer = bare.http.get(path)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Vary" not in answer.headers

    def test_a_named_origin_is_allowed_by_name(self, bare: Spot) -> None:
        answer = bare.http.get("/nope", headers={"Origin": "http://localhost:3000"})
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Methods" not in answer.headers

    def test_a_preflight_allows_what_it_asks_for(self, bare: Spot) -> None:
        asked = {
            "Origin": "http://localhost:3000",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, authorization",
        }
        answer = bare.http.options("/api/agents/register", headers=asked)
        assert answer.status_code == 200
        assert answer.data == b""
        assert answer.content_type == "text/html; charset=utf-8"
        assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
        assert answer.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
        assert bare.http.options("/nope", headers=asked).headers["Access-Control-Allow-Headers"]

    def test_plain_options_are_no_preflight(self, bare: Spot) -> None:
        answer = bare.http.options("/health")
        assert "GET" in answer.headers["Allow"]
        assert "Access-Control-Allow-Methods" not in answer.headers


def old_routes(database_url: str) -> set[tuple[str, str]]:
    """What the monolith serves, as the description writes it."""
    rules = old_app(database_url).url_map.iter_rules()
    return {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in rules
        for method in rule.methods
        if method.lower() in METHODS and not rule.rule.startswith("/static")
    }


def has_example(shape: Any, document: Any) -> bool:
    """Whether a schema, or whatever it is made of, shows what it looks like."""
    if not isinstance(shape, dict | list):
        return False
    if isinstance(shape, list):
        return any(has_example(part, document) for part in shape)
    if "example" in shape or "examples" in shape:
        return True
    if "$ref" in shape:
        return has_example(document["components"]["schemas"][shape["$ref"].rpartition("/")[2]], document)
    return any(has_example(part, document) for part in shape.values())


class TestDescription:
    def test_the_document_is_valid_and_complete(self, bare: Spot, tmp_path: Path) -> None:
        document = bare.http.get("/openapi.json").json
        validate(document, cls=OpenAPIV31SpecValidator)
        assert document["openapi"].startswith("3.1")
        described = {(m, p) for p, operations in document["paths"].items() for m in operations if m in METHODS}
        assert len(described) == 63
        assert described == old_routes(f"sqlite:///{tmp_path}/old.sqlite3")

    def test_every_route_says_what_is_answered_and_shows_an_example(self, bare: Spot) -> None:
        document = bare.http.get("/openapi.json").json
        operations = [
            (p, m, found) for p, methods in document["paths"].items() for m, found in methods.items() if m in METHODS
        ]
        for path, method, operation in operations:
            assert operation["summary"], (method, path)
            answer = next(found for status, found in operation["responses"].items() if status in ("200", "201"))
            assert has_example(answer["content"]["application/json"], document), (method, path)

    def test_the_page_needs_nothing_from_elsewhere(self, bare: Spot) -> None:
        page = bare.http.get("/docs")
        assert page.status_code == 200
        assert "/api/agents/{agent_id}/heartbeat" in page.text
        assert ' href="#Registration"' in page.text
        assert "list of " in page.text
        assert "<script" not in page.text
        assert "http://" not in page.text
        assert "https://" not in page.text


@pytest.fixture
def log_lines(spot: Spot) -> Iterator[StringIO]:
    """What the system logs, from INFO on."""
    handlers = logging.getLogger("backend").handlers
    handler = next(handler for handler in handlers if isinstance(handler, JsonLinesHandler))
    lines = StringIO()
    stream = handler.setStream(lines)  # type: ignore[attr-defined]
    domain = logging.getLogger("backend.spot")
    level = domain.level
    domain.setLevel("INFO")
    yield lines
    domain.setLevel(level)
    handler.setStream(stream)  # type: ignore[attr-defined]


class TestLogs:
    def test_a_well_formed_request_id_is_kept(self, spot: Spot, log_lines: StringIO) -> None:
        answer = spot.http.get("/health", headers={"X-Request-ID": "abc-12345"})
        assert answer.headers["X-Request-ID"] == "abc-12345"
        line = json.loads(log_lines.getvalue().splitlines()[-1])
        assert line["request_id"] == "abc-12345"
        assert (line["method"], line["path"], line["status"]) == ("GET", "/health", 200)

    @pytest.mark.parametrize("offered", ["", "short", "x" * 129, "white space", "line\u00e4"])
    def test_any_other_request_id_is_replaced(self, spot: Spot, offered: str) -> None:
        made = spot.http.get("/health", headers={"X-Request-ID": offered}).headers["X-Request-ID"]
        assert made != offered
        assert UUID(made).version == 4

    def test_tokens_are_never_logged(self, spot: Spot, log_lines: StringIO) -> None:
        spot.get("config")
        spot.http.get(f"/api/agents/x/config?token={TOKEN}", headers={"Authorization": "Bearer wrong-token"})
        spot.http.post("/api/agents/register", json={"client_token": TOKEN})
        spot.post("pricing-report", [1])
        assert len(log_lines.getvalue().splitlines()) >= 4
        assert TOKEN not in log_lines.getvalue()
        assert "wrong-token" not in log_lines.getvalue()

    def test_a_failure_is_logged_with_its_request(self, spot: Spot, log_lines: StringIO) -> None:
        answer = spot.post("heartbeat", {"status": "x" * 21})
        failed = [json.loads(line) for line in log_lines.getvalue().splitlines() if "request failed" in line]
        assert [line["request_id"] for line in failed] == [answer.headers["X-Request-ID"]]
