"""Two systems, old and new, serve the same agents from one database at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from legacy.spot_db import Database as Monolith
from tests.backend.conftest import REGISTRATION, Database, server_runner, sqlite_runner
from tests.backend.migrating import upgrade
from tests.backend.test_backend_reports import PRICING, SWITCH, changed
from tests.spot.conftest import SIDES
from tests.support.mariadb import MariaDB
from tests.support.serving import Answer, Server, serving

AGENTS, ROUNDS = 6, 6
#: A switch as the monolith takes it, too: of times with a Z it only knows how to fail.
REPORT = changed(SWITCH, "timing", instance_ready_at="2026-11-21T03:11:02", old_terminated_at="2026-11-21T03:11:57")


@pytest.fixture(params=["sqlite", "mariadb"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """The monolith's database, upgraded."""
    path = tmp_path / "shared.sqlite3"
    database = Database("sqlite", f"sqlite:///{path}", sqlite_runner(path))
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        url = server.create_database()
        database = Database("mariadb", url, server_runner(server, url))
    with closing(Monolith(database.url)) as made:
        made.create_schema()
    upgrade(database)
    return database


def test_whatever_one_side_does_the_other_goes_on_with(tmp_path: Path, shared: Database) -> None:
    environment = {
        "DATABASE_URL": shared.url,
        "SPOT_ADMIN_ACCESS": "open",
        "SPOT_AUTO_MIGRATE": "false",
        "SPOT_BACKGROUND_JOBS": "off",
        "ENABLE_COORDINATOR": "false",
    }
    with (
        serving(SIDES["legacy"], tmp_path, environment, workers=1) as legacy,
        serving(SIDES["native"], tmp_path, environment, workers=2) as native,
    ):
        made = legacy.request("POST", "/api/admin/clients/create", {"name": "Shared Co", "email": "s@x.test"})
        assert made.status == 200, made
        token = made.json["client"]["token"]
        with ThreadPoolExecutor(AGENTS) as threads:
            lives = list(threads.map(lambda number: live((legacy, native), token, number), range(AGENTS)))
    assert [answer for life in lives for answer in life if answer[1] != 200] == []
    assert shared.sql("SELECT COUNT(*) AS n FROM agents") == [{"n": AGENTS}]
    assert shared.sql("SELECT COUNT(*) AS n FROM switches") == [{"n": AGENTS * ROUNDS}]
    assert shared.sql("SELECT COUNT(*) AS n FROM pricing_reports") == [{"n": AGENTS * ROUNDS}]
    assert shared.sql("SELECT COUNT(*) AS n FROM instances WHERE is_active = 1") == [{"n": AGENTS}]
    (client,) = shared.sql("SELECT total_savings AS saved FROM clients WHERE name = 'Shared Co'")
    assert float(client["saved"]) == pytest.approx(0.7128 * AGENTS * ROUNDS)


def live(sides: tuple[Server, Server], token: str, number: int) -> list[tuple[str, int]]:
    """The life of an agent whose every call goes to the other side than the one before; path and status of each."""
    seen: list[tuple[str, int]] = []

    def call(method: str, path: str, body: Any = None) -> Answer:
        side = sides[(number + len(seen)) % 2]
        answer = side.request(method, f"/api/agents/{path}", body, timeout=60, authorization=f"Bearer {token}")
        seen.append((f"{side.port} {path}", answer.status))
        return answer

    first = {**REGISTRATION, "client_token": token, "logical_agent_id": f"a{number}", "instance_id": f"i-{number}-0"}
    agent = call("POST", "register", first).json["agent_id"]
    for turn in range(1, ROUNDS + 1):
        call("POST", f"{agent}/heartbeat", {"status": "online", "instance_id": f"i-{number}-{turn - 1}"})
        call("GET", f"{agent}/config")
        call("POST", f"{agent}/pricing-report", PRICING)
        call("GET", f"{agent}/pending-commands")
        report = changed(REPORT, "old_instance", instance_id=f"i-{number}-{turn - 1}")
        call("POST", f"{agent}/switch-report", changed(report, "new_instance", instance_id=f"i-{number}-{turn}"))
    return seen
