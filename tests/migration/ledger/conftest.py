from __future__ import annotations

from pathlib import Path

import pytest

from migration.ledger import Ledger

AGENTS = [
    ("POST", "/api/agents/register"),
    ("POST", "/api/agents/<agent_id>/heartbeat"),
    ("GET", "/api/agents/<agent_id>/config"),
    ("GET", "/api/agents/<agent_id>/replicas"),
    ("POST", "/api/agents/<agent_id>/replicas"),
]
ROUTES = [*AGENTS, ("GET", "/health"), ("DELETE", "/api/admin/clients/<client_id>"), ("GET", "/api/client/validate")]
NATIVE = [*AGENTS[:3], ("GET", "/health")]


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"


@pytest.fixture
def ledger(ledger_url: str) -> Ledger:
    """A ledger with eight routes, four of them implemented natively, all owned by legacy."""
    ledger = Ledger(ledger_url)
    ledger.seed("spot", ROUTES)
    ledger.set_native("spot", NATIVE)
    return ledger
