"""What clients are told, and whether they have read it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.backend.conftest import Spot
from tests.backend.looking_back import ago, in_answers

PAGE = "<title>500 Internal Server Error</title>"


@pytest.fixture
def told(bare: Spot) -> Spot:
    """Two clients, told three things and one."""
    bare.add_client("another", "another")
    for hours, client in ((1, "client-1"), (2, "another"), (3, "client-1"), (4, "client-1")):
        bare.sql(
            "INSERT INTO notifications (id, client_id, message, severity, created_at) VALUES (?, ?, ?, 'info', ?)",
            *(f"n{hours}", client, f"message {hours}", ago(hours=hours)),
        )
    return bare


def ask(spot: Spot, query: str = "") -> TestResponse:
    return spot.http.get(f"/api/notifications{query}")


def names(response: TestResponse) -> list[str]:
    return [notification["id"] for notification in response.json]


def unread(spot: Spot) -> set[str]:
    return {row["id"] for row in spot.sql("SELECT id FROM notifications WHERE is_read = 0 OR is_read IS NULL")}


def test_a_notification_is_told(told: Spot) -> None:
    time = told.one("SELECT created_at FROM notifications WHERE id = 'n1'")["created_at"]
    assert ask(told, "?limit=1").json == [
        {"id": "n1", "message": "message 1", "severity": "info", "isRead": 0, "time": in_answers(time)}
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["n1", "n2", "n3", "n4"]),
        ("?limit=2", ["n1", "n2"]),
        ("?limit=0", []),
        ("?limit=99999999999999999999", ["n1", "n2", "n3", "n4"]),
        ("?client_id=client-1&limit=2", ["n1", "n3"]),
        ("?client_id=another", ["n2"]),
        ("?client_id=nobody", []),
        ("?client_id=", ["n1", "n2", "n3", "n4"]),
    ],
)
def test_the_newest_come_first(told: Spot, query: str, expected: list[str]) -> None:
    assert names(ask(told, query)) == expected


def test_ten_are_told_unless_asked_otherwise(told: Spot) -> None:
    for number in range(8):
        told.sql("INSERT INTO notifications (id, client_id, message) VALUES (?, 'another', 'm')", f"m{number}")
    assert len(names(ask(told))) == 10


@pytest.mark.parametrize("limit", ["abc", "", "1.5"])
def test_a_limit_that_is_no_number_fails(told: Spot, limit: str) -> None:
    response = ask(told, f"?limit={limit}")
    assert (response.status_code, PAGE in response.text) == (500, True)


def test_a_negative_limit_fails(told: Spot) -> None:
    response = ask(told, "?limit=-1")
    assert response.status_code == 500
    assert response.json["error"].startswith("1064 (42000): ")


@pytest.mark.parametrize("content", [{}, {"json": {"x": 1}}, {"content_type": "application/json"}])
def test_one_is_read_whatever_the_body_says(told: Spot, content: dict[str, Any]) -> None:
    for _ in range(2):
        response = told.http.post("/api/notifications/n1/mark-read", **content)
        assert (response.status_code, response.json) == (200, {"success": True})
    assert unread(told) == {"n2", "n3", "n4"}


def test_an_unknown_one_is_fine(told: Spot) -> None:
    assert told.http.post("/api/notifications/nothing/mark-read").json == {"success": True}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"client_id": "client-1"}, {"n2"}),
        ({"client_id": "nobody"}, {"n1", "n2", "n3", "n4"}),
        ({"client_id": None}, set()),
        ({}, set()),
        ([], set()),
    ],
)
def test_all_are_read(told: Spot, body: Any, left: set[str]) -> None:
    told.sql("UPDATE notifications SET is_read = NULL WHERE id = 'n3'")
    assert told.http.post("/api/notifications/mark-all-read", json=body).json == {"success": True}
    assert unread(told) == left


def test_all_needs_an_object(told: Spot) -> None:
    url = "/api/notifications/mark-all-read"
    assert told.http.post(url).status_code == 415
    assert told.http.post(url, content_type="application/json").status_code == 400
    response = told.http.post(url, json=[1])
    assert (response.status_code, PAGE in response.text) == (500, True)
