"""What operators do is kept, in the transaction that does it."""

from __future__ import annotations

import json

import pytest

from tests.backend.conftest import Spot

READING = {"GET", "HEAD", "OPTIONS"}


def kept(spot: Spot) -> list[tuple[str, str, str, object]]:
    rows = spot.sql("SELECT action, entity_type, entity_id, details FROM audit_logs ORDER BY action")
    return [(*list(row.values())[:3], json.loads(row["details"] or "null")) for row in rows]  # type: ignore[misc]


def test_every_route_that_lets_operators_change_anything_says_what_it_does(bare: Spot) -> None:
    silent, declared = [], []
    for rule in bare.app.url_map.iter_rules():
        view = bare.app.view_functions[rule.endpoint]
        if hasattr(view, "audited_action") and (rule.methods or set()) - READING:
            (silent if view.audited_action is None else declared).append(str(rule))
    assert silent == []
    assert len(declared) >= 20


def test_where_the_entity_is_named(spot: Spot) -> None:
    spot.http.post(f"/api/client/agents/{spot.agent_id}/toggle-enabled", json={"enabled": False})
    spot.http.post("/api/notifications/no-such-notification/mark-read")
    assert kept(spot) == [
        ("agent_toggled", "agent", spot.agent_id, {"enabled": False}),
        ("notification_read", "notification", "no-such-notification", None),
    ]


def test_long_and_odd_values_are_cut_not_refused(spot: Spot) -> None:
    name = "n" * 300
    body = {"enabled": True, "note": "x" * 5000, "list": list(range(1000)), name: 1, "api_token": "s", "Password": "s"}
    answer = spot.http.post(
        f"/api/client/agents/{'a' * 400}/toggle-enabled", json=body, headers={"User-Agent": "u" * 9000}
    )
    assert answer.status_code == 200
    ((_, _, entity_id, details),) = kept(spot)
    assert entity_id == "a" * 36
    assert details == {"enabled": True, "note": "x" * 200, "list": str(list(range(1000)))[:200], name[:200]: 1}
    assert spot.one("SELECT length(user_agent) n FROM audit_logs") == {"n": 500}


def test_what_is_refused_is_not_kept(spot: Spot) -> None:
    assert spot.http.delete("/api/client/agents/unknown").status_code == 404
    assert spot.http.post("/api/admin/clients/create", json={}).status_code == 400
    assert spot.http.post(f"/api/client/agents/{spot.agent_id}/config", data="{bad").status_code >= 400
    assert kept(spot) == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_cannot_be_kept_is_not_done(spot: Spot, method: str) -> None:
    spot.sql("DROP TABLE audit_logs")
    before = spot.sql("SELECT id, client_token FROM clients")
    path = f"/api/admin/clients/{spot.client_id}" + ("/regenerate-token" if method == "POST" else "")
    answer = spot.http.open(path, method=method)
    assert (answer.status_code, answer.json) == (500, {"error": "The database could not carry out the request"})
    assert spot.sql("SELECT id, client_token FROM clients") == before
    assert spot.sql("SELECT * FROM system_events WHERE event_type IN ('token_regenerated', 'client_deleted')") == []


def test_reading_leaves_no_row(spot: Spot) -> None:
    for what in ("stats", "clients", "agents", "instances", "activity", "system-health", "clients/growth"):
        assert spot.http.get(f"/api/admin/{what}").status_code == 200
    assert kept(spot) == []
