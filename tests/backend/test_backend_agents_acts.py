"""Where everybody may administrate, what an agent does on its own behalf is still told from what others do."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.backend.conftest import TOKEN, Spot

OTHERS = "token-of-another-client"
PLACEHOLDER = f"hashed:{'0' * 32}"


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def spot(request: pytest.FixtureRequest) -> Spot:
    made: Spot = request.getfixturevalue("spot" if request.param == "sqlite" else f"spot_on_{request.param}")
    made.add_client("client-2", OTHERS)
    return made


def kept_of_a_report(spot: Spot, token: str | None, agent_id: str | None = None) -> list[tuple[str, str]]:
    """Who is kept in the audit log as having reported about a replica, and about which."""
    spot.sql("DELETE FROM audit_logs")
    url = f"/api/agents/{agent_id or spot.agent_id}/replicas/r-1/sync-status"
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    assert spot.http.post(url, json={"sync_latency_ms": 7}, headers=headers).status_code == 200
    rows = spot.sql("SELECT actor_type, entity_id FROM audit_logs WHERE action = 'replica_sync_reported'")
    return [(row["actor_type"], row["entity_id"]) for row in rows]


OPERATORS = [("open", "r-1")]


def test_only_the_agents_own_token_makes_it_the_agents(spot: Spot) -> None:
    assert kept_of_a_report(spot, TOKEN) == []
    assert kept_of_a_report(spot, TOKEN, spot.agent_id.upper()) == []
    for token in (None, "", "nobodys", OTHERS, PLACEHOLDER):
        assert kept_of_a_report(spot, token) == OPERATORS
    assert kept_of_a_report(spot, TOKEN, "no-such-agent") == OPERATORS


def test_a_token_that_is_kept_as_a_hash_makes_it_the_agents_too(spot: Spot) -> None:
    hashed = sha256(TOKEN.encode()).hexdigest()
    spot.sql("UPDATE clients SET client_token_hash = ? WHERE id = 'client-1'", hashed)
    assert kept_of_a_report(spot, TOKEN) == []
    spot.sql("UPDATE clients SET client_token = 'renewed' WHERE id = 'client-1'")
    assert kept_of_a_report(spot, TOKEN) == OPERATORS, "a token in clear decides while there is one"
    spot.sql("UPDATE clients SET client_token = ? WHERE id = 'client-1'", PLACEHOLDER)
    assert kept_of_a_report(spot, TOKEN) == []
    assert kept_of_a_report(spot, PLACEHOLDER) == OPERATORS
    assert kept_of_a_report(spot.told(TOKEN_HASHES="false"), TOKEN) == OPERATORS
