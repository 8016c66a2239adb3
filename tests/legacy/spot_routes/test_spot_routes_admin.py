"""What the operator's console calls: clients, overviews, notifications, uploads."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.legacy.spot_routes.server import UNKNOWN_ID, Account, SpotServer


class TestClients:
    def test_a_client_is_created_shown_and_deleted_with_all_it_has(self, server: SpotServer) -> None:
        created = server.post("/api/admin/clients/create", {"name": "  Proto Co "})
        assert created.status_code == 200
        client_id, token = created.json["client"]["id"], created.json["client"]["token"]
        assert created.json["client"] == {"id": client_id, "name": "Proto Co", "status": "active", "token": token}
        assert (len(token), token[:6]) == (38, "token-")
        assert server.row("clients")["email"] == "proto_co@example.com"
        assert server.get(f"/api/admin/clients/{client_id}/token").json == {"client_name": "Proto Co", "token": token}

        server.agent(Account(client_id, "Proto Co", token), "one")
        deleted = server.delete(f"/api/admin/clients/{client_id}")
        assert deleted.json["message"] == "Client 'Proto Co' and all associated data have been deleted"
        assert server.delete(f"/api/admin/clients/{client_id}").status_code == 404
        for table in ("clients", "agents", "instances", "notifications"):
            assert server.rows(table) == []

    def test_an_id_is_found_in_any_case_and_with_spaces_behind_it(self, server: SpotServer, acme: Account) -> None:
        for path in (f"/api/client/{acme.id.upper()}", f"/api/client/{acme.id}%20"):
            assert server.get(path).json["id"] == acme.id

    @pytest.mark.parametrize("email", ["NaN", "Infinity", "-Infinity"])
    def test_what_is_no_finite_number_is_taken_for_a_column(self, server: SpotServer, email: str) -> None:
        body = f'{{"name": "Acme", "email": {email}}}'
        answer = server.send("POST", "/api/admin/clients/create", data=body, content_type="application/json")
        word = "nan" if email == "NaN" else "inf"
        assert answer.json == {"error": f"1054 (42S22): Unknown column '{word}' in 'VALUES'"}

    @pytest.mark.parametrize("name", ["proto co", "Pröto Co"])
    def test_a_name_is_taken_in_any_case_and_with_any_accent(self, server: SpotServer, name: str) -> None:
        server.account("Proto Co")
        answer = server.post("/api/admin/clients/create", {"name": name})
        assert (answer.status_code, answer.json) == (409, {"error": f'Client "{name}" already exists'})

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ({}, 400, "Client name is required"),
            ({"name": " "}, 400, "Client name is required"),
            ({"name": "New", "email": "acme@example.com"}, 500, "1062 (23000): Duplicate entry"),
            ({"name": "New", "email": None}, 500, "1048 (23000): Column 'email' cannot be null"),
            ({"name": "N" * 256, "email": "n@n.test"}, 500, "1406 (22001): Data too long for column 'name' at row 1"),
        ],
    )
    def test_a_refusal_says_why(
        self, server: SpotServer, acme: Account, body: dict[str, Any], status: int, error: str
    ) -> None:
        answer = server.post("/api/admin/clients/create", body)
        assert answer.status_code == status
        assert answer.json["error"].startswith(error)
        assert [client["id"] for client in server.rows("clients")] == [acme.id]

    def test_a_name_that_is_no_text_breaks_the_server(self, server: SpotServer) -> None:
        assert server.post("/api/admin/clients/create", {"name": None}).mimetype == "text/html"

    def test_a_new_token_replaces_the_old_one_at_once(self, server: SpotServer, acme: Account) -> None:
        token = server.post(f"/api/admin/clients/{acme.id}/regenerate-token").json["token"]
        assert server.get("/api/client/validate", token=acme.token).json == {"error": "Invalid token", "valid": False}
        assert server.get("/api/client/validate", token=token).json["valid"] is True
        assert "API token regenerated for client: Acme. All agents need new token." in server.messages()


class TestOverviews:
    def test_savings_count_once_for_each_agent(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "one")
        server.agent(acme, "two")
        server.db.execute("UPDATE clients SET total_savings = 1.44")
        stats = server.get("/api/admin/stats").json
        assert (stats["totalSavings"], stats["agentsTotal"], stats["totalAccounts"]) == (2.88, 2, 1)
        (client,) = server.get("/api/admin/clients").json
        assert (client["totalSavings"], client["instances"], client["status"]) == (1.44, 2, "active")

    def test_growth_covers_the_asked_days_and_takes_nonsense_for_the_default(self, server: SpotServer) -> None:
        today = datetime.now(UTC).date()
        for days_ago in (40, 30, 1, 0):
            server.db.execute(
                "INSERT INTO clients_daily_snapshot (snapshot_date, total_clients) VALUES (%s, 7)",
                (str(today - timedelta(days=days_ago)),),
            )
        counts = {days: len(server.get(f"/api/admin/clients/growth?days={days}").json) for days in ("x", "", -5, 999)}
        assert counts == {"x": 3, "": 3, -5: 2, 999: 4}
        assert server.get("/api/admin/clients/growth?days=1").json[-1] == {
            "active": 0,
            "date": str(today),
            "new": 0,
            "total": 7,
        }

    def test_instances_can_be_filtered_and_zero_prices_are_unknown(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "one")
        server.agent(acme, "two", mode="spot")
        found = server.get("/api/admin/instances?mode=ondemand&region=&search=nothing").json
        assert found["filters"] == {"mode": "ondemand", "region": "", "status": None}
        (instance,) = found["instances"]
        assert (instance["spotPrice"], instance["ondemandPrice"], instance["isActive"]) == (None, 0.0416, True)
        assert server.get("/api/admin/instances?status=terminated").json["total"] == 0

    def test_an_agents_place_comes_from_its_instance(self, server: SpotServer, acme: Account) -> None:
        agent_id = server.agent(acme, "one")
        server.post(f"/api/agents/{agent_id}/heartbeat", {"instance_id": "i-elsewhere"}, token=acme.token)
        (agent,) = server.get("/api/admin/agents?status=online").json["agents"]
        assert (agent["instanceId"], agent["instanceType"], agent["enabled"]) == ("i-elsewhere", None, True)

    def test_activity_leaves_errors_out_and_counts_from_one(self, server: SpotServer, acme: Account) -> None:
        server.agent(acme, "one")
        server.db.execute("INSERT INTO system_events (event_type, severity, message) VALUES ('e', 'error', 'hidden')")
        activity = server.get("/api/admin/activity").json
        assert [(entry["id"], entry["type"]) for entry in activity] == [(1, "agent"), (2, "event"), (3, "event")]
        assert activity[2]["text"] == "Decision engine MLBasedDecisionEngine loaded successfully"


class TestNotifications:
    def test_they_are_read_one_by_one_or_all_at_once(self, server: SpotServer, acme: Account) -> None:
        other = server.account("Other")
        (mine,) = server.get(f"/api/notifications?client_id={acme.id}").json
        assert (mine["message"], mine["isRead"], mine["severity"]) == ("New client created: Acme", 0, "info")
        server.post(f"/api/notifications/{mine['id']}/mark-read")
        assert {row["client_id"]: row["is_read"] for row in server.rows("notifications")} == {acme.id: 1, other.id: 0}
        assert server.post("/api/notifications/mark-all-read", {"client_id": None}).json == {"success": True}
        assert all(row["is_read"] for row in server.rows("notifications"))

    def test_a_limit_must_be_a_number_that_the_database_takes(self, server: SpotServer, acme: Account) -> None:
        assert len(server.get("/api/notifications?limit=1").json) == 1
        assert server.get("/api/notifications?limit=").mimetype == "text/html"
        assert server.get("/api/notifications?limit=-1").json["error"].startswith("1064 (42000)")
        assert len(server.get(f"/api/notifications?limit={2**64 - 1}").json) == 1
        assert server.get(f"/api/notifications?limit={2**64}").json["error"].startswith("1064 (42000)")

    def test_the_newest_come_first_also_within_a_second(self, server: SpotServer, acme: Account) -> None:
        for _ in range(3):
            server.account(f"Client {len(server.rows('clients'))}")
        newest = ["Client 3", "Client 2", "Client 1", "Acme"]
        assert [client["name"] for client in server.get("/api/admin/clients").json] == newest
        shown = [notification["message"] for notification in server.get("/api/notifications?limit=2").json]
        assert shown == [f"New client created: {name}" for name in newest[:2]]

    @pytest.mark.parametrize("client_id", [5, True, 1.5])
    def test_a_number_is_no_client(self, server: SpotServer, acme: Account, client_id: Any) -> None:
        answer = server.post("/api/notifications/mark-all-read", {"client_id": client_id})
        error = f"1292 (22007): Truncated incorrect DECIMAL value: '{acme.id}'"
        assert (answer.status_code, answer.json) == (500, {"error": error})


def upload(server: SpotServer, path: str, *names: str) -> Any:
    files = [(io.BytesIO(name.encode()), name) for name in names]
    return server.post(path, data={"files": files}, content_type="multipart/form-data")


class TestModels:
    UPLOAD = "/api/admin/ml-models/upload"

    def sessions(self, server: SpotServer) -> dict[str, tuple[bool, bool, str]]:
        listed = server.get("/api/admin/ml-models/sessions").json
        return {each["files"][0]: (each["isLive"], each["isFallback"], each["status"]) for each in listed}

    def test_a_session_goes_live_falls_back_and_returns(self, server: SpotServer) -> None:
        for name in ("first.pkl", "second.h5"):
            session_id = upload(server, self.UPLOAD, name).json["sessionId"]
            activated = server.post("/api/admin/ml-models/activate", {"sessionId": session_id})
            assert activated.json["model_status"] == {"loaded": True, "type": "MLBasedDecisionEngine"}
        assert self.sessions(server) == {"first.pkl": (False, True, "active"), "second.h5": (True, False, "active")}
        assert server.post("/api/admin/ml-models/fallback").json["success"] is True
        assert self.sessions(server) == {"first.pkl": (True, False, "active"), "second.h5": (False, False, "archived")}
        answer = server.post("/api/admin/ml-models/fallback")
        assert (answer.status_code, answer.json) == (404, {"error": "No fallback version available"})

    def test_the_newest_of_several_fallbacks_returns(self, server: SpotServer) -> None:
        for name in ("first.pkl", "second.pkl", "third.pkl"):
            session_id = upload(server, self.UPLOAD, name).json["sessionId"]
            server.post("/api/admin/ml-models/activate", {"sessionId": session_id})
        server.post("/api/admin/ml-models/fallback")
        assert self.sessions(server) == {
            "first.pkl": (False, True, "active"),
            "second.pkl": (True, False, "active"),
            "third.pkl": (False, False, "archived"),
        }
        assert list(self.sessions(server)) == ["third.pkl", "second.pkl", "first.pkl"]

    @pytest.mark.parametrize("name", ["..", "/"])
    def test_a_file_without_a_usable_name_is_refused(self, server: SpotServer, name: str) -> None:
        refused = upload(server, self.UPLOAD, name)
        assert refused.status_code == 400
        assert refused.json["error"].startswith("File type not allowed: . Allowed types: ")

    def test_a_refused_file_has_already_cost_the_live_session(self, server: SpotServer, tmp_path: Path) -> None:
        session_id = upload(server, self.UPLOAD, "live.pkl").json["sessionId"]
        server.post("/api/admin/ml-models/activate", {"sessionId": session_id})
        refused = upload(server, self.UPLOAD, "../good.PT", "bad.exe")
        assert refused.status_code == 400
        assert refused.json["error"].startswith("File type not allowed: bad.exe. Allowed types: ")
        assert self.sessions(server) == {"live.pkl": (False, True, "active")}
        assert {path.name for path in (tmp_path / "models").iterdir()} == {"live.pkl", "good.PT"}

    def test_a_second_upload_removes_the_pending_one_and_files_of_the_same_name(
        self, server: SpotServer, tmp_path: Path
    ) -> None:
        upload(server, self.UPLOAD, "same.onnx")
        upload(server, self.UPLOAD, "same.onnx")
        assert list(self.sessions(server)) == ["same.onnx"]
        assert list((tmp_path / "models").iterdir()) == []

    def test_nothing_to_upload(self, server: SpotServer) -> None:
        assert server.post(self.UPLOAD, {}).json == {"error": "No files provided"}
        answer = server.post(self.UPLOAD, data={"files": (io.BytesIO(b""), "")}, content_type="multipart/form-data")
        assert answer.status_code == 400

    def test_an_unknown_session_is_activated_all_the_same(self, server: SpotServer) -> None:
        assert server.post("/api/admin/ml-models/activate", {"sessionId": UNKNOWN_ID}).json["success"] is True
        assert server.post("/api/admin/ml-models/activate", {}).json == {"error": "No session ID provided"}


class TestEngine:
    UPLOAD = "/api/admin/decision-engine/upload"

    def test_uploaded_code_is_listed_and_not_used(self, server: SpotServer) -> None:
        answer = upload(server, self.UPLOAD, "engine.py", "weights.pkl").json
        assert answer["engine_status"] == {"loaded": True, "type": "MLBasedDecisionEngine", "version": "1.0.0"}
        health = server.get("/api/admin/system-health").json
        assert [file["name"] for file in health["decisionEngineStatus"]["files"]] == ["engine.py"]
        assert (health["database"], health["connectionPool"]) == ("Connected", "10/10")

    def test_an_engine_that_does_not_load_is_reported(
        self, server: SpotServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DECISION_ENGINE_MODULE", "legacy.no_such_engine")
        answer = upload(server, self.UPLOAD, "engine.py")
        message = "Files uploaded but failed to reload decision engine"
        assert answer.status_code == 500
        assert answer.json == {"files": ["engine.py"], "message": message, "success": False}
        assert server.get("/api/admin/stats").json["backendHealth"] == "Decision Engine Not Loaded"
        answer = server.post("/api/admin/ml-models/activate", {"sessionId": "s"})
        assert answer.json == {"message": "Failed to load new models", "sessionId": "s", "success": False}

    def test_a_restart_fills_the_growth_table(self, server: SpotServer, acme: Account) -> None:
        assert server.get("/api/admin/clients/growth").json == []
        upload(server, self.UPLOAD, "engine.py")
        assert len(server.get("/api/admin/clients/growth").json) == 31

    def test_a_restart_can_be_told_to_wait(self, server: SpotServer, acme: Account) -> None:
        server.app.config["RESTART_DELAY_SECONDS"] = 3600
        upload(server, self.UPLOAD, "engine.py")
        assert server.get("/api/admin/clients/growth").json == []
        (timer,) = (thread for thread in threading.enumerate() if isinstance(thread, threading.Timer))
        timer.cancel()
        timer.function()
        assert len(server.get("/api/admin/clients/growth").json) == 31
