"""Routes come from an application, an OpenAPI file or a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask

from migration.ledger import LedgerError
from migration.ledger.folding import fold_path
from migration.ledger.seeding import routes_from, routes_of_app


def test_an_application_lists_its_methods_without_the_implied_ones() -> None:
    app = Flask(__name__)
    app.add_url_rule("/things/<int:thing_id>", "thing", lambda thing_id: "", methods=["GET", "DELETE"])
    assert routes_of_app(app, "app") == [("DELETE", "/things/<int:thing_id>"), ("GET", "/things/<int:thing_id>")]


def test_something_without_a_url_map_is_refused() -> None:
    with pytest.raises(LedgerError, match="has no url_map"):
        routes_of_app(lambda environ, start_response: [], "app")


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_an_openapi_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"api{suffix}"
    document = {
        "openapi": "3.0.3",
        "servers": [{"url": "https://example.com/api/"}],
        "paths": {
            "/agents/{agent-id}/config": {"get": {}, "parameters": []},
            "/agents/{id}/replicas/{replica_id}": {"put": {}, "delete": {}, "options": {}},
        },
    }
    path.write_text(json.dumps(document))  # JSON is YAML as well
    assert routes_from(str(path)) == [
        ("GET", "/api/agents/<agent_id>/config"),
        ("PUT", "/api/agents/<id>/replicas/<replica_id>"),
        ("DELETE", "/api/agents/<id>/replicas/<replica_id>"),
    ]


def test_a_recording_gives_each_route_once(tmp_path: Path) -> None:
    path = tmp_path / "traffic.har"
    exchanges = [
        ("POST", "http://h/api/agents/0b1cbe6c-7c4f-4b8e-9a59-0c52f3a7f1d2/heartbeat?x=1", 200),
        ("POST", "http://h/api/agents/9d1cbe6c-7c4f-4b8e-9a59-0c52f3a7f1d2/heartbeat", 404),
        ("OPTIONS", "http://h/api/agents/register", 200),
        ("GET", "http://h/nowhere", 404),
        ("GET", "http://h/api/orders/17/lines/3", 200),
    ]
    entries = [{"request": {"method": m, "url": u}, "response": {"status": s}} for m, u, s in exchanges]
    path.write_text(json.dumps({"log": {"entries": entries}}))
    assert routes_from(str(path)) == [
        ("POST", "/api/agents/<id>/heartbeat"),
        ("GET", "/api/orders/<id>/lines/<id2>"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("missing.har", None, "can't be read"),
        ("broken.json", "{", "neither JSON nor YAML"),
        ("other.json", "[1, 2]", "neither an OpenAPI document nor a HAR recording"),
        ("empty.yaml", "paths: {}", "names no route"),
    ],
)
def test_bad_sources_are_refused(tmp_path: Path, name: str, content: str | None, complaint: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(LedgerError, match=complaint):
        routes_from(str(path))


@pytest.mark.parametrize(
    "segment",
    [
        "0b1cbe6c-7c4f-4b8e-9a59-0c52f3a7f1d2",
        "42",
        "2026-11-21",
        "deadbeef01",
        "i-0abc123def456",
        "replica-1a2b3c4d",
        "demo-token-12345",
        "client-7",
        "ada%40example.com",
        "tok_9fK2mQx81Lz",
    ],
)
def test_values_are_folded(segment: str) -> None:
    assert fold_path(f"/api/{segment}/config") == "/api/<id>/config"


@pytest.mark.parametrize("segment", ["v1", "v2.1", "mark-all-read", "oauth2", "base64", "ml-models", "health", "beef"])
def test_words_are_kept(segment: str) -> None:
    assert fold_path(f"/{segment}/x") == f"/{segment}/x"
