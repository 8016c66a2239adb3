"""Who is let in, and in which order that is found out."""

from __future__ import annotations

import pytest

from tests.backend.conftest import TOKEN, Spot


def events(spot: Spot, kind: str = "auth_failed") -> list[dict[str, object]]:
    return spot.sql("SELECT severity, message, client_id FROM system_events WHERE event_type = ?", kind)


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", TOKEN, f"Bearer Bearer {TOKEN}", f"  {TOKEN} ", TOKEN.upper()])
def test_ways_to_offer_a_token(spot: Spot, header: str) -> None:
    spot.headers = {"Authorization": header}
    assert spot.get("config").status_code == 200


@pytest.mark.parametrize("header", [f"bearer {TOKEN}", f"Basic {TOKEN}", "Bearer wrong", "Bearer ", "x" * 300])
def test_a_wrong_token_is_refused_and_recorded(spot: Spot, header: str) -> None:
    spot.headers = {"Authorization": header}
    answer = spot.get("config")
    assert (answer.status_code, answer.json) == (401, {"error": "Invalid client token"})
    path = f"/api/agents/{spot.agent_id}/config"
    message = f"Invalid client token attempt for endpoint {path}"
    assert events(spot) == [{"severity": "warning", "message": message, "client_id": None}]


def test_the_token_may_come_in_the_body_even_of_a_get(spot: Spot) -> None:
    spot.headers = {}
    assert spot.post("heartbeat", {"client_token": f" {TOKEN} "}).status_code == 200
    url = f"/api/agents/{spot.agent_id}/config"
    assert spot.http.get(url, json={"client_token": TOKEN}).status_code == 200


@pytest.mark.parametrize("body", ["{}", "null", "[]", "0", '""', '{"client_token": "  "}', '{"client_token": ""}'])
def test_no_token_is_refused(spot: Spot, body: str) -> None:
    url = f"/api/agents/{spot.agent_id}/heartbeat"
    answer = spot.http.post(url, data=body, content_type="application/json")
    assert (answer.status_code, answer.json) == (401, {"error": "Missing client token"})
    assert events(spot) == []


@pytest.mark.parametrize("body", ["[1]", '"text"', "5", "true", '{"client_token": 5}', '{"client_token": null}'])
def test_a_body_that_cannot_hold_a_token_is_a_server_error_page(spot: Spot, body: str) -> None:
    answer = spot.http.post("/api/agents/x/heartbeat", data=body, content_type="application/json")
    assert answer.status_code == 500
    assert "<h1>Internal Server Error</h1>" in answer.text


def test_looking_for_a_token_in_an_unreadable_body(spot: Spot) -> None:
    assert spot.http.get("/api/agents/x/config").status_code == 415
    assert spot.http.get("/api/agents/x/config", content_type="application/json").status_code == 400
    bad = spot.http.post("/api/agents/x/heartbeat", data="{bad", content_type="application/json")
    text = "The browser (or proxy) sent a request that this server could not understand."
    assert bad.text == (
        f"<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>{text}</p>\n"
    )


def test_the_token_is_checked_before_the_body(spot: Spot) -> None:
    spot.headers = {"Authorization": "Bearer wrong"}
    answer = spot.http.post("/api/agents/x/heartbeat", data="{bad", headers=spot.headers)
    assert answer.status_code == 401


def test_with_a_token_an_unreadable_body_is_still_a_page(spot: Spot) -> None:
    url = f"/api/agents/{spot.agent_id}/heartbeat"
    assert spot.http.post(url, headers=spot.headers).status_code == 415
    assert spot.http.post(url, headers=spot.headers, data="", content_type="application/json").status_code == 400
    merge = spot.http.post(url, headers=spot.headers, data="{}", content_type="application/merge-patch+json")
    assert merge.status_code == 200


def test_an_inactive_client_is_refused_and_recorded(spot: Spot) -> None:
    spot.sql("UPDATE clients SET is_active = 0")
    answer = spot.post("heartbeat")
    assert (answer.status_code, answer.json) == (403, {"error": "Client account is not active"})
    message = f"Inactive client {spot.client_id} attempted access"
    assert events(spot) == [{"severity": "warning", "message": message, "client_id": spot.client_id}]


def test_a_suspended_client_is_let_in(spot: Spot) -> None:
    spot.sql("UPDATE clients SET status = 'suspended'")
    assert spot.get("config").status_code == 200


@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("GET", "config"),
        ("GET", "replica-config"),
        ("GET", "switch-recommendation"),
        ("POST", "heartbeat"),
        ("POST", "rebalance-recommendation"),
        ("POST", "issue-switch-command"),
    ],
)
def test_an_agent_of_somebody_else_is_unknown(spot: Spot, method: str, what: str) -> None:
    spot.add_client("client-2", "token-2")
    url = f"/api/agents/{spot.agent_id}/{what}"
    body = {"target_mode": "spot", "target_pool_id": "x", "instance_id": "i"} if method == "POST" else None
    answer = spot.http.open(url, method=method, json=body, headers={"Authorization": "token-2"})
    assert (answer.status_code, answer.json) == (404, {"error": "Agent not found"})
    assert spot.http.open(f"/api/agents/{'x' * 500}/{what}", method=method, json=body, headers=spot.headers).json == {
        "error": "Agent not found"
    }
