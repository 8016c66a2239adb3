"""From the first warning to the takeover, with a simulated agent on a living server; one primary at every moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.simulator.agent import Agent, Timing
from tests.simulator.fleet import Fleet
from tests.support.mariadb import MariaDB
from tests.support.serving import serving

AGENTS = 4
PATIENCE_SECONDS = 60.0
#: One statement sees one moment: the instance each agent is said to run on, and those that run for it.
PRIMARIES = """
    SELECT agents.id, agents.instance_id, GROUP_CONCAT(instances.id)
    FROM agents LEFT JOIN instances ON instances.agent_id = agents.id AND instances.is_active = 1
    GROUP BY agents.id, agents.instance_id
"""


class Sampler:
    """Looks at the database as fast as it can and keeps every moment that had other than one primary."""

    def __init__(self, mariadb: MariaDB, database: str) -> None:
        self._mariadb, self._database = mariadb, database
        self._stopped = threading.Event()
        self.moments = 0
        self.wrong: list[tuple[str, ...]] = []
        self.seen: dict[str, list[str]] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _watch(self) -> None:
        with self._mariadb.connect(self._database) as connection, connection.cursor() as cursor:
            while not self._stopped.is_set():
                cursor.execute(PRIMARIES)
                for agent, primary, running in cursor.fetchall():
                    if running != primary:
                        self.wrong.append((agent, primary, running))
                    if self.seen.setdefault(agent, [primary])[-1] != primary:
                        self.seen[agent].append(primary)
                self.moments += 1


def await_all(fleet: Fleet, done: Callable[[Agent], bool]) -> None:
    """Wait until it is true of every agent."""
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(done(agent) for agent in fleet.agents):
        assert time.monotonic() < deadline, [call for call in fleet.calls if call.failed]
        pause.wait(0.05)


def has_reported_prices(agent: Agent) -> bool:
    return any(call.path.endswith("/pricing-report") for call in agent.session.calls)


def has_ready_replica(agent: Agent) -> bool:
    return sum(call.path.endswith("/status") for call in agent.session.calls) == 2


def test_a_warned_agent_goes_on_as_its_replica(tmp_path: Path, mariadb: MariaDB) -> None:
    url = mariadb.create_database()
    environment = {"SPOT_DATABASE_URL": url, "SPOT_AUTO_MIGRATE": "true", "MODEL_DIR": str(tmp_path / "models")}
    with serving("backend:create_app()", tmp_path, environment) as server:
        client = server.request("POST", "/api/admin/clients/create", {"name": "Warned"}).json["client"]
        fleet = Fleet(server.url, client["token"], Timing().faster(60))
        fleet.add(AGENTS)
        sampler = Sampler(mariadb, url.rpartition("/")[2])
        with fleet.running():
            await_all(fleet, has_reported_prices)
            first = {agent.agent_id: agent.machine for agent in fleet.agents}
            with sampler.watching():
                for machine in first.values():
                    machine.rebalance_recommended = True
                await_all(fleet, has_ready_replica)
                soon = (datetime.now(UTC) + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
                for machine in first.values():
                    machine.termination_time = soon
                await_all(fleet, lambda agent: bool(agent.failovers))
        expected = {
            agent.agent_id: [first[agent.agent_id].instance_id, agent.machine.instance_id] for agent in fleet.agents
        }
        assert sampler.moments > AGENTS
        assert (sampler.wrong, sampler.seen) == ([], expected)
        assert fleet.failures == []
