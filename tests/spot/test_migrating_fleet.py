"""Fifty agents live for a minute while every route moves from the monolith to the new side, on one shared database."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from migration.ledger import Ledger, State
from migration.ledger.rollout import promote
from tests.simulator.agent import Timing
from tests.simulator.calls import Session
from tests.simulator.fleet import Fleet
from tests.support.cli import cutover
from tests.support.mariadb import MariaDB
from tests.support.serving import serving
from tests.support.waiting import eventually

AGENTS = 50
SECONDS = 60.0
#: Ten times the real rhythm: half a thousand calls a minute would prove little.
TIMING = Timing().faster(10)
MONOLITH = "legacy.spot:create_app()"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


class Dashboard:
    """A user who sends agents elsewhere all the time, and the commands that were promised to be carried out."""

    def __init__(self, fleet: Fleet, base_url: str) -> None:
        self.fleet, self.session = fleet, Session(base_url, None)
        self.ordered: list[str] = []

    def order_switches(self, stopped: threading.Event) -> None:
        chance = random.Random(7)
        while not stopped.wait(0.4):
            agent = chance.choice(self.fleet.agents)
            if agent.agent_id:
                self._order(agent.machine.instance_id, chance)
        self.session.close()

    def _order(self, instance_id: str, chance: random.Random) -> None:
        pool = {"target": "pool", "pool_id": f"t3.medium.{chance.choice(ZONES)}"}
        target = pool if chance.random() < 0.7 else {"target": "ondemand"}
        answer = self.session.post(f"/api/client/instances/{instance_id}/force-switch", target)
        if answer:
            self.ordered.append(answer["command_id"])


@pytest.mark.by_the_clock
@pytest.mark.timeout(400)
def test_nothing_fails_and_no_command_is_lost_or_carried_out_twice(tmp_path: Path, mariadb: MariaDB) -> None:
    database = mariadb.create_database()
    ledger = f"sqlite:///{tmp_path}/ledger.sqlite3"
    environment = {
        "SPOT_DATABASE_URL": database,
        "SPOT_AUTO_MIGRATE": "true",
        "CUTOVER_LEDGER_URL": ledger,
        "MODEL_DIR": str(tmp_path / "models"),
        "DECISION_ENGINE_DIR": str(tmp_path / "engines"),
    }
    sides = ("--seed", MONOLITH, "--native", "backend:create_app()")
    seeded = cutover("routes", *sides, "--ledger", ledger, SPOT_DATABASE_URL=f"sqlite:///{tmp_path}/unused.sqlite3")
    assert seeded.status == 0, seeded.errors
    with (
        serving(MONOLITH, tmp_path, environment, workers=1) as monolith,
        serving("wsgi:application", tmp_path, {**environment, "CUTOVER_UPSTREAM": monolith.url}, threads=16) as server,
    ):
        created = server.request("POST", "/api/admin/clients/create", {"name": "Fleet"}).json["client"]
        fleet = Fleet(server.url, created["token"], TIMING)
        fleet.add(AGENTS)
        dashboard = Dashboard(fleet, server.url)
        stopped = threading.Event()
        orders = threading.Thread(target=dashboard.order_switches, args=(stopped,))
        with fleet.running():
            orders.start()
            promote_one_by_one(ledger)
            stopped.set()
            orders.join()
            eventually(lambda: commands(mariadb, database), until=lambda found: "pending" not in dict(found).values())
        assert {call.status for call in dashboard.session.calls} == {200}
    assert fleet.failures == []
    assert len(dashboard.ordered) > AGENTS
    executed = Counter(command for agent in fleet.agents for command in agent.executed)
    assert executed == Counter(dashboard.ordered)
    assert commands(mariadb, database) == {(command, "completed") for command in dashboard.ordered}


def promote_one_by_one(url: str) -> None:
    """Promote all routes, in any order, evenly over the time the fleet is to live."""
    ledger = Ledger(url)
    routes = ledger.routes("spot")
    random.Random(3).shuffle(routes)
    pause = threading.Event()
    for route in routes:
        pause.wait(SECONDS / len(routes))
        promote(ledger, "spot", [route.name], who="test", why="its turn")
    assert {route.state for route in ledger.routes("spot")} == {State.NATIVE}


def commands(mariadb: MariaDB, database: str) -> set[tuple[str, str]]:
    with mariadb.connect(database.rpartition("/")[2]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, status FROM commands")
        return set(cursor.fetchall())
