"""What holds for every route: who may call, what a broken request gets, which headers leave."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from legacy.spot import create_app
from tests.legacy.spot_routes.server import UNKNOWN_ID, Account, SpotServer

UNSUPPORTED = (
    "415 Unsupported Media Type: Did not attempt to load JSON data because the request Content-Type was not "
    "'application/json'."
)
BAD_REQUEST = "400 Bad Request: The browser (or proxy) sent a request that this server could not understand."


def test_there_are_63_routes_and_flasks_own(server: SpotServer) -> None:
    rules = list(server.app.url_map.iter_rules())
    assert len(rules) == 64
    assert "/static/<path:filename>" in {rule.rule for rule in rules}


def test_health_tells_the_state_of_database_and_engine(server: SpotServer) -> None:
    answer = server.get("/health")
    assert answer.status_code == 200
    assert answer.json | {"timestamp": ""} == {
        "database": "connected",
        "decision_engine_loaded": True,
        "status": "healthy",
        "timestamp": "",
    }


def test_a_database_that_cannot_be_reached_stops_the_answers_and_not_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    lonely = SpotServer(create_app(f"sqlite:///{tmp_path}/file/spot.sqlite3"))
    assert lonely.get("/health").status_code == 500
    assert lonely.get("/health").json["status"] == "unhealthy"
    assert lonely.get("/api/admin/system-health").json["database"] == "Disconnected"
    assert lonely.get(f"/api/agents/{UNKNOWN_ID}/config", token="any").mimetype == "text/html"
    assert lonely.get("/api/client/validate", token="any").json == {"valid": False, "error": "Internal server error"}


def test_json_is_sorted_compact_ascii_and_ends_with_a_newline(server: SpotServer) -> None:
    body = server.post("/api/admin/clients/create", {"name": "Hüttl"}).get_data(as_text=True)
    assert body.startswith('{"client":{"id":"')
    assert '"name":"H\\u00fcttl","status":"active","token":"token-' in body
    assert body.endswith('"},"success":true}\n')


class TestTokenCheck:
    def test_no_token_and_no_json_is_an_unsupported_type_even_for_a_get(self, server: SpotServer) -> None:
        answer = server.get(f"/api/agents/{UNKNOWN_ID}/config")
        assert (answer.status_code, answer.mimetype) == (415, "text/html")
        assert "<h1>Unsupported Media Type</h1>" in answer.text

    def test_no_token_and_an_empty_json_body_is_a_bad_request(self, server: SpotServer) -> None:
        answer = server.get(f"/api/agents/{UNKNOWN_ID}/config", content_type="application/json")
        assert (answer.status_code, answer.mimetype) == (400, "text/html")

    @pytest.mark.parametrize("body", [{}, None, [], {"client_token": " "}])
    def test_an_empty_body_holds_no_token(self, server: SpotServer, body: object) -> None:
        answer = server.post(f"/api/agents/{UNKNOWN_ID}/heartbeat", body)
        assert (answer.status_code, answer.json) == (401, {"error": "Missing client token"})

    @pytest.mark.parametrize("body", [["token"], "token", {"client_token": 5}])
    def test_a_token_of_the_wrong_kind_breaks_the_server(self, server: SpotServer, body: object) -> None:
        answer = server.post(f"/api/agents/{UNKNOWN_ID}/heartbeat", body)
        assert (answer.status_code, answer.mimetype) == (500, "text/html")

    def test_the_token_counts_in_any_case_with_or_without_its_scheme(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        path = f"/api/agents/{agent_id}/replica-config"
        for header in (acme.token, f"Bearer Bearer {acme.token.upper()}"):
            assert server.get(path, headers={"Authorization": header}).status_code == 200
        assert server.get(path, headers={"Authorization": f"bearer {acme.token}"}).status_code == 401
        assert server.send("GET", path, {"client_token": acme.token}).json == {"count": 0, "enabled": 0}

    def test_a_refusal_is_remembered(self, server: SpotServer, acme: Account) -> None:
        server.db.execute("UPDATE clients SET is_active = 0")
        assert server.get("/api/client/pricing-history", token="nobody").json == {"error": "Invalid client token"}
        answer = server.get("/api/client/pricing-history", token=acme.token)
        assert (answer.status_code, answer.json) == (403, {"error": "Client account is not active"})
        events = server.rows("system_events", event_type="auth_failed")
        assert [event["message"] for event in events] == [
            "Invalid client token attempt for endpoint /api/client/pricing-history",
            f"Inactive client {acme.id} attempted access",
        ]
        assert [event["client_id"] for event in events] == [None, acme.id]


class TestBrokenBodies:
    @pytest.mark.parametrize("path", ["/api/admin/clients/create", "/api/notifications/mark-all-read"])
    def test_most_routes_answer_with_a_page(self, server: SpotServer, path: str) -> None:
        assert server.post(path).status_code == 415
        malformed = server.post(path, data="{", content_type="application/json")
        assert (malformed.status_code, malformed.mimetype) == (400, "text/html")

    @pytest.mark.parametrize(
        "path",
        [
            f"/api/agents/{UNKNOWN_ID}/replicas",
            "/api/admin/ml-models/activate",
            f"/api/agents/{UNKNOWN_ID}/termination-imminent",
        ],
    )
    def test_some_routes_turn_the_same_failure_into_json(self, server: SpotServer, path: str) -> None:
        assert server.post(path).json == {"error": UNSUPPORTED}
        malformed = server.post(path, data="{", content_type="application/json")
        assert (malformed.status_code, malformed.json) == (500, {"error": BAD_REQUEST})

    def test_a_list_is_no_object(self, server: SpotServer, acme: Account) -> None:
        answer = server.post(f"/api/agents/{UNKNOWN_ID}/heartbeat", ["x"], token=acme.token)
        assert (answer.status_code, answer.json) == (500, {"error": "'list' object has no attribute 'get'"})
        assert server.post("/api/admin/clients/create", ["x"]).mimetype == "text/html"

    def test_an_object_is_no_value(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        answer = server.post(f"/api/agents/{agent_id}/heartbeat", {"status": {}}, token=acme.token)
        assert answer.json == {"error": "Python type dict cannot be converted"}

    def test_a_body_over_100_mib_is_too_large(self, server: SpotServer) -> None:
        announced = {"CONTENT_LENGTH": str(100 * 1024 * 1024 + 1), "CONTENT_TYPE": "application/json"}
        page = server.post("/api/admin/clients/create", environ_overrides=announced)
        assert (page.status_code, page.mimetype) == (413, "text/html")
        caught = server.post("/api/admin/ml-models/activate", environ_overrides=announced)
        assert caught.status_code == 500
        assert caught.json["error"].startswith("413 Request Entity Too Large: The data value transmitted exceeds")


class TestPagesAndHeaders:
    def test_an_unknown_path_and_a_trailing_slash_are_not_found(self, server: SpotServer) -> None:
        for path in ("/api/agents/x/mark-command-executed", "/health/"):
            answer = server.get(path)
            assert (answer.status_code, answer.mimetype) == (404, "text/html")

    def test_a_wrong_method_names_the_right_ones(self, server: SpotServer) -> None:
        answer = server.get(f"/api/client/agents/{UNKNOWN_ID}")
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"DELETE", "OPTIONS"}

    def test_any_origin_may_read_any_answer(self, server: SpotServer) -> None:
        for path in ("/health", "/nothing", "/api/notifications?limit=x"):
            assert server.get(path).headers["Access-Control-Allow-Origin"] == "*"
            answer = server.get(path, headers={"Origin": "http://ui.test"})
            assert answer.headers["Access-Control-Allow-Origin"] == "http://ui.test"
            assert answer.headers["Vary"] == "Origin"

    def test_a_preflight_gets_what_it_asks_for(self, server: SpotServer) -> None:
        asked = {
            "Origin": "http://ui.test",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "x-b, authorization, content-type",
        }
        answer = server.send("OPTIONS", "/api/admin/clients/growth", headers=asked)
        assert (answer.status_code, answer.get_data()) == (200, b"")
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type, x-b"
        assert answer.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
        assert set(answer.headers["Allow"].split(", ")) == {"DELETE", "GET", "HEAD", "OPTIONS"}


def test_the_configured_names_lead_to_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SPOT_DATABASE_URL", "DATABASE_URL", "DB_HOST", "MODEL_DIR", "DECISION_ENGINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    create_app()
    with sqlite3.connect(tmp_path / "var" / "spot.sqlite3") as file:
        assert file.execute("SELECT COUNT(*) FROM system_events").fetchone() == (1,)
    assert (tmp_path / "var" / "legacy" / "models").is_dir()

    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/second.sqlite3")
    create_app()
    assert (tmp_path / "second.sqlite3").exists()
    monkeypatch.setenv("SPOT_DATABASE_URL", f"sqlite:///{tmp_path}/third.sqlite3")
    create_app()
    assert (tmp_path / "third.sqlite3").exists()
