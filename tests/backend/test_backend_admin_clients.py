"""Operators make, look at and delete clients."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.backend.conftest import TOKEN, Spot
from tests.support.waiting import eventually

CLIENTS = "/api/admin/clients"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def create(spot: Spot, body: Any) -> Any:
    return spot.http.post(f"{CLIENTS}/create", data=json.dumps(body), content_type="application/json")


def told(spot: Spot) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The notifications and the system events."""
    notifications = spot.sql("SELECT message, severity, client_id FROM notifications")
    events = spot.sql("SELECT event_type, severity, message, client_id, metadata FROM system_events")
    return [tuple(row.values()) for row in notifications], [tuple(row.values()) for row in events]


class TestCreating:
    def test_a_client_gets_an_id_and_a_token(self, bare: Spot) -> None:
        answer = create(bare, {"name": "  Acme Corp ", "plan": "pro", "id": "mine", "token": "mine"})
        assert answer.status_code == 200
        client = answer.json["client"]
        assert answer.json["success"] is True
        assert (client["name"], client["status"]) == ("Acme Corp", "active")
        assert re.fullmatch(r"token-[A-Za-z0-9]{32}", client["token"])
        row = bare.one("SELECT * FROM clients WHERE id = ?", client["id"])
        assert row["client_token"] == client["token"]
        assert (row["email"], row["plan"], row["max_agents"]) == ("acme_corp@example.com", "free", 5)
        assert (row["status"], row["is_active"], row["total_savings"]) == ("active", 1, 0)
        notifications, events = told(bare)
        assert notifications == [("New client created: Acme Corp", "info", client["id"])]
        ((kind, severity, message, client_id, metadata),) = events
        assert (kind, severity, message) == ("client_created", "info", "Client Acme Corp created")
        assert (client_id, json.loads(metadata)) == (client["id"], {"client_name": "Acme Corp"})

    def test_the_token_works(self, bare: Spot) -> None:
        token = create(bare, {"name": "New"}).json["client"]["token"]
        bare.headers = {"Authorization": f"Bearer {token}"}
        assert bare.register().status_code == 200

    @pytest.mark.parametrize("body", [{}, None, [], 0, "", False, {"name": ""}, {"name": "   "}, {"email": "e"}])
    def test_a_name_is_required(self, bare: Spot, body: Any) -> None:
        answer = create(bare, body)
        assert (answer.status_code, answer.json) == (400, {"error": "Client name is required"})

    @pytest.mark.parametrize("body", [{"name": None}, {"name": 42}, {"name": ["x"]}, ["name"], "name", 5, True])
    def test_what_holds_no_name_is_a_server_error_page(self, bare: Spot, body: Any) -> None:
        answer = create(bare, body)
        assert answer.status_code == 500
        assert "<title>500 Internal Server Error</title>" in answer.text

    def test_an_unreadable_body_is_a_page(self, bare: Spot) -> None:
        url = f"{CLIENTS}/create"
        assert bare.http.post(url).status_code == 415
        assert bare.http.post(url, data="name=x").status_code == 415
        assert bare.http.post(url, content_type="application/json").status_code == 400
        assert bare.http.post(url, data="{bad", content_type="application/json").status_code == 400

    @pytest.mark.parametrize("name", ["Acme", "ACME", " acme ", "Ácme"])
    def test_a_name_is_given_once(self, bare: Spot, name: str) -> None:
        create(bare, {"name": "Acme"})
        answer = create(bare, {"name": name, "email": "other@example.com"})
        assert (answer.status_code, answer.json) == (409, {"error": f'Client "{name.strip()}" already exists'})

    def test_a_name_that_two_have_is_taken_too(self, bare: Spot) -> None:
        bare.add_client("a", "a")
        bare.add_client("b", "b")
        bare.sql("UPDATE clients SET name = 'Twice'")
        assert create(bare, {"name": "twice"}).status_code == 409

    @pytest.mark.parametrize(
        ("body", "number"),
        [
            ({"name": "B", "email": "client-1@example.com"}, 1062),
            ({"name": "Client-1"}, 1062),
            ({"name": "B", "email": None}, 1048),
            ({"name": "N" * 256}, 1406),
            ({"name": "B", "email": "e" * 256}, 1406),
        ],
    )
    def test_what_the_database_refuses_leaves_nothing(self, bare: Spot, body: Any, number: int) -> None:
        bare.sql("UPDATE clients SET name = 'other'")
        answer = create(bare, body)
        assert answer.status_code == 500
        assert answer.json["error"].startswith(f"{number} (")
        assert told(bare) == ([], [])
        assert bare.one("SELECT COUNT(*) n FROM clients") == {"n": 1}
        assert bare.sql("SELECT * FROM audit_logs") == []

    def test_an_email_that_is_no_text_is_refused(self, bare: Spot) -> None:
        answer = create(bare, {"name": "B", "email": {}})
        assert (answer.status_code, answer.json) == (500, {"error": "Python type dict cannot be converted"})

    def test_it_is_in_the_audit_log_without_the_token(self, bare: Spot) -> None:
        client = create(bare, {"name": "New", "token": "mine"}).json["client"]
        row = bare.one("SELECT * FROM audit_logs")
        assert (row["action"], row["entity_type"], row["entity_id"]) == ("client_created", "client", client["id"])
        assert json.loads(row["details"]) == {"name": "New"}
        assert row["user_agent"].startswith("Werkzeug/")
        assert client["token"] not in str(row)


class TestDeleting:
    def test_all_that_belongs_to_the_client_goes(self, spot: Spot) -> None:
        spot.post("cleanup-report", {"snapshots": {}, "amis": {}})
        answer = spot.http.delete(f"{CLIENTS}/{spot.client_id}")
        message = f"Client '{spot.client_id}' and all associated data have been deleted"
        assert (answer.status_code, answer.json) == (200, {"message": message, "success": True})
        for table in ("clients", "agents", "agent_configs", "instances", "notifications", "cleanup_logs"):
            assert spot.one(f"SELECT COUNT(*) n FROM {table}") == {"n": 0}, table
        _, events = told(spot)
        assert events == [
            (
                "client_deleted",
                "warning",
                f"Client {spot.client_id} ({spot.client_id}) deleted permanently",
                None,
                json.dumps({"deleted_client_id": spot.client_id, "deleted_client_name": spot.client_id}),
            )
        ]
        assert spot.one("SELECT action, entity_id FROM audit_logs") == {
            "action": "client_deleted",
            "entity_id": spot.client_id,
        }

    @pytest.mark.parametrize("client_id", [UNKNOWN, "growth", "x" * 500])
    def test_an_unknown_client(self, spot: Spot, client_id: str) -> None:
        answer = spot.http.delete(f"{CLIENTS}/{client_id}")
        assert (answer.status_code, answer.json) == (404, {"error": "Client not found"})
        assert spot.sql("SELECT * FROM audit_logs") == []

    def test_there_is_no_way_to_get_one_client(self, spot: Spot) -> None:
        answer = spot.http.get(f"{CLIENTS}/{spot.client_id}")
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"DELETE", "OPTIONS"}


class TestTokens:
    @pytest.mark.parametrize("options", [{}, {"json": {"x": 1}}, {"data": "", "content_type": "application/json"}])
    def test_a_token_is_renewed(self, spot: Spot, options: dict[str, Any]) -> None:
        answer = spot.http.post(f"{CLIENTS}/{spot.client_id}/regenerate-token", **options)
        assert answer.status_code == 200
        assert answer.json["message"] == "Token regenerated successfully. Update all agents with the new token."
        assert re.fullmatch(r"token-[A-Za-z0-9]{32}", answer.json["token"])
        assert spot.get("config").status_code == 401
        notifications, events = told(spot)
        text = f"API token regenerated for client: {spot.client_id}. All agents need new token."
        assert notifications[-1] == (text, "warning", spot.client_id)
        renewed = ("token_regenerated", "warning", f"Token regenerated for {spot.client_id}", spot.client_id, None)
        assert renewed in events

    def test_a_token_is_shown_and_that_it_was_asked_for_is_kept(self, spot: Spot) -> None:
        answer = spot.http.get(f"{CLIENTS}/{spot.client_id}/token")
        assert (answer.status_code, answer.json) == (200, {"client_name": spot.client_id, "token": TOKEN})
        (row,) = eventually(lambda: spot.sql("SELECT * FROM audit_logs"))
        assert (row["action"], row["entity_id"]) == ("client_token_requested", spot.client_id)
        assert TOKEN not in str(row)

    def test_of_an_unknown_client(self, spot: Spot) -> None:
        for answer in (
            spot.http.post(f"{CLIENTS}/{UNKNOWN}/regenerate-token"),
            spot.http.get(f"{CLIENTS}/{UNKNOWN}/token"),
        ):
            assert (answer.status_code, answer.json) == (404, {"error": "Client not found"})


class TestLists:
    def test_clients_with_their_numbers_newest_first(self, spot: Spot) -> None:
        spot.add_client("client-2", "token-2", active=0)
        spot.sql("UPDATE clients SET created_at = '2099-01-01 00:00:00', last_sync_at = created_at WHERE id='client-2'")
        spot.sql("UPDATE clients SET total_savings = 1.25, status = 'suspended' WHERE id = 'client-1'")
        spot.register(logical_agent_id="agent-2", instance_id="i-2")
        spot.sql("UPDATE agents SET status = 'deleted' WHERE logical_agent_id = 'agent-2'")
        spot.sql("UPDATE instances SET is_active = 0 WHERE id = 'i-2'")
        answer = spot.http.get(CLIENTS)
        sync = spot.one("SELECT last_sync_at t FROM clients WHERE id = 'client-2'")["t"].replace(" ", "T")
        assert answer.json == [
            {
                "agentsOnline": 0,
                "agentsTotal": 0,
                "id": "client-2",
                "instances": 0,
                "lastSync": sync,
                "name": "client-2",
                "status": "inactive",
                "totalSavings": 0.0,
            },
            {
                "agentsOnline": 1,
                "agentsTotal": 2,
                "id": "client-1",
                "instances": 1,
                "lastSync": None,
                "name": "client-1",
                "status": "active",
                "totalSavings": 1.25,
            },
        ]

    @pytest.mark.parametrize(
        ("query", "ages"),
        [
            ("", [30, 7, 1, 0]),
            ("?days=7", [7, 1, 0]),
            ("?days=%207%20", [7, 1, 0]),
            ("?days=0", [1, 0]),
            ("?days=-5", [1, 0]),
            ("?days=9999", [365, 31, 30, 7, 1, 0]),
            ("?days=abc", [30, 7, 1, 0]),
            ("?days=3.5", [30, 7, 1, 0]),
            ("?days=", [30, 7, 1, 0]),
            ("?days=7&days=1", [7, 1, 0]),
        ],
    )
    def test_growth(self, bare: Spot, query: str, ages: list[int]) -> None:
        for age in (366, 365, 31, 30, 7, 1, 0):
            bare.sql(
                "INSERT INTO clients_daily_snapshot (snapshot_date, total_clients, new_clients_today, active_clients)"
                " VALUES (date('now', ?), ?, 1, 2)",
                f"-{age} days",
                age,
            )
        rows = bare.http.get(f"{CLIENTS}/growth{query}").json
        assert [row["total"] for row in rows] == ages
        assert rows[-1] == {
            "active": 2,
            "date": bare.one("SELECT date('now') d")["d"],
            "new": 1,
            "total": 0,
        }

    def test_nothing(self, bare: Spot) -> None:
        bare.sql("DELETE FROM clients")
        assert bare.http.get(CLIENTS).json == []
        assert bare.http.get(f"{CLIENTS}/growth").json == []
