"""Tokens of clients: in clear while the old side needs them, as hashes beside, and in the end as hashes only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256

import pytest
from sqlalchemy import event

from tests.backend.conftest import TOKEN, Spot
from tests.support.cli import ROOT

HASH = sha256(TOKEN.encode()).hexdigest()
OTHER = "token-of-tomorrow"

Run = Callable[..., subprocess.CompletedProcess[str]]


def columns(spot: Spot) -> tuple[str, str | None]:
    row = spot.one("SELECT client_token, client_token_hash FROM clients WHERE id = ?", spot.client_id)
    return row["client_token"], row["client_token_hash"]


def lets_in(spot: Spot, token: str) -> bool:
    """Whether agents get in with a token, through both kinds of look-up."""
    header = {"Authorization": f"Bearer {token}"}
    status = spot.http.get(f"/api/agents/{spot.agent_id}/config", headers=header).status_code
    valid = spot.http.get("/api/client/validate", headers=header).status_code
    assert (status, valid) in ((200, 200), (401, 401))
    return status == 200


def runner_for(spot: Spot) -> Run:
    url = spot.app.extensions["settings"].database_url.render_as_string(hide_password=False)

    def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flask", "--app", "backend", "spot", "tokens", "hash", *options]
        known = {**os.environ, "SPOT_DATABASE_URL": url, "LOG_LEVEL": "ERROR", **environment}
        return subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture
def tokens_hash(spot: Spot) -> Run:
    """Runs `flask spot tokens hash` on the database of `spot`."""
    return runner_for(spot)


def test_a_new_client_has_its_hash_at_once(spot: Spot) -> None:
    client = spot.http.post("/api/admin/clients/create", json={"name": "New"}).json["client"]
    row = spot.one("SELECT client_token, client_token_hash FROM clients WHERE id = ?", client["id"])
    assert row["client_token"] == client["token"]
    assert row["client_token_hash"] == sha256(client["token"].lower().encode()).hexdigest()


def test_a_renewed_token_takes_its_hash_along(spot: Spot) -> None:
    renewed = spot.http.post(f"/api/admin/clients/{spot.client_id}/regenerate-token").json["token"]
    assert columns(spot) == (renewed, sha256(renewed.lower().encode()).hexdigest())
    assert lets_in(spot, renewed)
    assert not lets_in(spot, TOKEN)


@pytest.mark.parametrize("hashed", [None, HASH, sha256(OTHER.encode()).hexdigest()], ids=["none", "right", "stale"])
def test_the_token_in_clear_decides_whatever_its_hash_is(spot: Spot, hashed: str | None) -> None:
    spot.sql("UPDATE clients SET client_token_hash = ?", hashed)
    assert lets_in(spot, TOKEN)
    assert not lets_in(spot, OTHER)


def test_what_the_old_side_renews_counts_at_once(spot: Spot, tokens_hash: Run) -> None:
    assert tokens_hash().stdout == "Hashed: 1.\n"
    assert columns(spot) == (TOKEN, HASH)
    spot.sql("UPDATE clients SET client_token = ?", OTHER)
    assert lets_in(spot, OTHER)
    assert not lets_in(spot, TOKEN)
    assert tokens_hash().stdout == "Hashed: 1.\n"
    assert columns(spot) == (OTHER, sha256(OTHER.encode()).hexdigest())
    assert tokens_hash().stdout == "Hashed: 0.\n"


def test_two_clients_one_of_them_with_the_others_hash(spot: Spot) -> None:
    """A stale hash of one client is the token of another: the other one is meant."""
    spot.sql("UPDATE clients SET client_token = 'renewed', client_token_hash = ?", HASH)
    spot.add_client("client-2", TOKEN)
    answer = spot.http.get("/api/client/validate", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json["client_id"] == "client-2"


@pytest.mark.parametrize("offered", [TOKEN.upper(), f"{TOKEN} ", TOKEN.replace("o", "ó")])
def test_spellings_that_counted_as_equal_still_do(spot: Spot, tokens_hash: Run, offered: str) -> None:
    tokens_hash("--forget-clear", "--yes")
    assert spot.http.post("/api/agents/x/heartbeat", json={"client_token": offered}).status_code == 404


class TestForgotten:
    @pytest.fixture
    def forgotten(self, spot: Spot, tokens_hash: Run) -> Spot:
        finished = tokens_hash("--forget-clear", "--yes")
        assert (finished.returncode, finished.stdout) == (0, "Hashed: 1.\nForgotten: 1.\n")
        return spot

    def test_the_token_still_lets_in(self, forgotten: Spot) -> None:
        clear, hashed = columns(forgotten)
        assert clear.startswith("hashed:")
        assert TOKEN not in clear
        assert hashed == HASH
        assert lets_in(forgotten, TOKEN)

    def test_what_stands_in_its_place_lets_nobody_in(self, forgotten: Spot) -> None:
        clear, hashed = columns(forgotten)
        for guess in (clear, hashed, clear.removeprefix("hashed:"), "hashed:"):
            assert not lets_in(forgotten, str(guess))

    def test_it_cannot_be_shown_any_more(self, forgotten: Spot) -> None:
        answer = forgotten.http.get(f"/api/admin/clients/{forgotten.client_id}/token")
        error = "This token is kept as a hash only; regenerate it to get a new one"
        assert (answer.status_code, answer.json) == (410, {"error": error})

    def test_a_renewed_one_can(self, forgotten: Spot) -> None:
        renewed = forgotten.http.post(f"/api/admin/clients/{forgotten.client_id}/regenerate-token").json["token"]
        shown = forgotten.http.get(f"/api/admin/clients/{forgotten.client_id}/token").json
        assert shown["token"] == renewed
        assert lets_in(forgotten, renewed)
        assert not lets_in(forgotten, TOKEN)

    def test_forgetting_again_changes_nothing(self, forgotten: Spot, tokens_hash: Run) -> None:
        before = columns(forgotten)
        assert tokens_hash("--forget-clear", "--yes").stdout == "Hashed: 0.\nForgotten: 0.\n"
        assert columns(forgotten) == before

    def test_it_is_in_the_audit_log_without_any_token(self, forgotten: Spot) -> None:
        rows = forgotten.sql("SELECT * FROM audit_logs ORDER BY action")
        assert [(row["action"], row["actor_type"]) for row in rows] == [
            ("client_tokens_forgotten", "system"),
            ("client_tokens_hashed", "system"),
        ]
        assert TOKEN not in str(rows)
        assert HASH not in str(rows)


def test_forgetting_is_asked_for_first(spot: Spot, tokens_hash: Run) -> None:
    finished = tokens_hash("--forget-clear")
    assert finished.returncode == 1
    assert "This cannot be undone. Forget all tokens?" in finished.stdout + finished.stderr
    assert columns(spot) == (TOKEN, None)


class TestTurnedOff:
    def test_the_column_stays_empty_and_unused(self, spot: Spot) -> None:
        off = spot.told(TOKEN_HASHES="off")
        client = off.http.post("/api/admin/clients/create", json={"name": "New"}).json["client"]
        assert off.one("SELECT client_token_hash h FROM clients WHERE id = ?", client["id"]) == {"h": None}
        forgotten = f"hashed:{HASH[:32]}"
        change = "UPDATE clients SET client_token = ?, client_token_hash = ? WHERE id = ?"
        off.sql(change, forgotten, HASH, off.client_id)
        assert not lets_in(off, TOKEN)
        assert lets_in(spot, TOKEN)

    def test_nothing_is_hashed(self, spot: Spot, tokens_hash: Run) -> None:
        finished = tokens_hash(TOKEN_HASHES="off")
        assert finished.returncode == 1
        assert finished.stderr.endswith("Error: TOKEN_HASHES is off; turn it on first.\n")
        assert columns(spot) == (TOKEN, None)


def test_hashing_leaves_the_time_of_the_last_change_alone(spot_on_mariadb: Spot) -> None:
    spot_on_mariadb.sql("UPDATE clients SET updated_at = '2020-01-01 00:00:00'")
    assert runner_for(spot_on_mariadb)().stdout == "Hashed: 1.\n"
    row = spot_on_mariadb.one("SELECT client_token_hash h, CAST(updated_at AS CHAR) t FROM clients")
    assert row == {"h": HASH, "t": "2020-01-01 00:00:00"}


@pytest.mark.parametrize("column", ["client_token", "client_token_hash"])
def test_both_columns_are_looked_up_by_index(spot_on_mariadb: Spot, column: str) -> None:
    for number in range(200):
        spot_on_mariadb.add_client(f"c{number}", f"t{number}")
    spot_on_mariadb.sql("ANALYZE TABLE clients")
    (plan,) = spot_on_mariadb.sql(f"EXPLAIN SELECT id, name FROM clients WHERE {column} = ?", "t7")
    assert plan["key"] is not None or plan["Extra"].startswith("Impossible WHERE")
    assert int(plan["rows"] or 0) <= 1


def test_one_question_finds_a_token_in_clear_and_a_forgotten_one(spot: Spot, tokens_hash: Run) -> None:
    with spot.app.app_context():
        engine = spot.app.extensions["sqlalchemy"].engine
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cu, statement, *_: asked.append(statement))

    def questions() -> int:
        asked.clear()
        assert spot.get("config").status_code == 200
        return sum("client_token" in statement for statement in asked)

    assert [questions() for _ in range(3)][1:] == [1, 1]
    tokens_hash("--forget-clear", "--yes")
    assert [questions() for _ in range(3)] == [2, 1, 1]
