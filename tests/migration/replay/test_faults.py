"""A fault put into the candidate on purpose is reported, at the right route and place, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.cli import RECORDINGS, replay

AGENTS = "GET /api/client/<client_id>/agents"


@pytest.mark.parametrize(
    ("fault", "recording", "route", "location", "kind"),
    [
        ("dropped key", "agent-lifecycle", "GET /api/agents/<agent_id>/config", "body.risk_threshold", "missing"),
        (
            "wrong agent",
            "agent-lifecycle",
            "GET /api/agents/<agent_id>/switch-recommendation",
            "body.agent_id",
            "binding",
        ),
        ("short list", "client-dashboard", AGENTS, "body[]", "missing"),
        ("other error text", "agent-lifecycle", "POST /api/agents/<agent_id>/heartbeat", "body.error", "value"),
        (
            "no CORS header",
            "admin-clients",
            "GET /api/admin/stats",
            "header.access-control-allow-origin",
            "header",
        ),
        ("an hour off", "client-dashboard", AGENTS, "body[].lastHeartbeat", "time"),
        ("200 for 201", "replicas", "POST /api/agents/<agent_id>/replicas", "status", "status"),
        (
            "rounded price",
            "client-dashboard",
            "GET /api/client/instances/<instance_id>/pricing",
            "body.pools[].price",
            "value",
        ),
    ],
)
def test_fault_is_reported_where_it_is(
    tmp_path: Path, fault: str, recording: str, route: str, location: str, kind: str
) -> None:
    report = replay(
        tmp_path,
        RECORDINGS / f"{recording}.har",
        *("--control", "legacy.spot:create_app()"),
        *("--candidate", "tests.support.faulty:create_app()"),
        *("--candidate-db", f"sqlite:///{tmp_path}/candidate.sqlite3"),
        FAULT=fault,
        MODEL_DIR=str(tmp_path / "models"),
        DECISION_ENGINE_DIR=str(tmp_path / "decision_engines"),
    )
    found = {(d["route"], re.sub(r"\[\d+\]", "[]", d["location"]), d["kind"]) for d in report["differences"]}
    assert found == {(route, location, kind)}


def test_monolith_agrees_with_itself(tmp_path: Path) -> None:
    report = replay(
        tmp_path,
        RECORDINGS / "agent-lifecycle.har",
        *("--control", "legacy.spot:create_app()", "--candidate", "legacy.spot:create_app()"),
    )
    assert report["summary"]["equal"] == report["summary"]["exchanges"] == 197
