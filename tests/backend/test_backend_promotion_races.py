"""Whoever changes the primary at the same time, on any worker: one wins, and everybody always sees one primary."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psutil
import pytest
from sqlalchemy import update

from backend import create_app
from backend.core.clock import utc_now
from backend.spot import models
from backend.spot.models import db
from backend.spot.services.replicas.coordinator import coordinate
from tests.backend.conftest import TOKEN, Spot, settings_for, spot_on, sqlite_runner
from tests.backend.sampler import Sampler
from tests.backend.standby import add_pools, assert_one_primary, insert_replica, replica, set_agent
from tests.backend.transactions import open_transactions, waiting_transactions
from tests.simulator.agent import Agent
from tests.simulator.calls import Session
from tests.simulator.cloud import Cloud
from tests.support.serving import Answer, Server, serving
from tests.support.waiting import eventually

WAIT_SECONDS = 60
NOT_READY = {
    "error": "Replica not ready for promotion",
    "current_status": "promoted",
    "required_status": "ready or syncing",
}
PRODUCTS = ("sqlite", "mariadb", "postgres")


@dataclass
class Living:
    """A system seen from the tests, and two workers on its database."""

    product: str
    spot: Spot
    server: Server
    agents: int = 1

    @property
    def path(self) -> str:
        return f"/api/agents/{self.spot.agent_id}"

    def new_agent(self) -> str:
        """Go on with an agent of its own; returns its instance."""
        self.agents += 1
        names = {"logical_agent_id": f"agent-{self.agents}", "instance_id": f"i-{self.agents}"}
        self.spot.agent_id = self.spot.register(**names).json["agent_id"]
        return names["instance_id"]

    def replica(self, name: str) -> str:
        """A ready replica of the agent."""
        return insert_replica(self.spot, f"{self.agents}-{name}")

    def promotion(self, replica_id: str, body: Any = None) -> Callable[[], Answer]:
        path = f"{self.path}/replicas/{replica_id}/promote"
        return lambda: self.server.request("POST", path, body or {})

    def kill_workers(self) -> None:
        for worker in self.server.workers:
            os.kill(worker, signal.SIGKILL)


@pytest.fixture(scope="module", params=PRODUCTS)
def living(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        path = directory / "spot.sqlite3"
        spot = Spot(create_app("spot", settings_for(f"sqlite:///{path}")), sqlite_runner(path))
        spot.add_client(spot.client_id, TOKEN)
    else:
        spot = spot_on(request.getfixturevalue(request.param))
    add_pools(spot)
    url = spot.app.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False)
    environment = {"SPOT_DATABASE_URL": url, "SPOT_AUTO_MIGRATE": "false", "SPOT_LOG_LEVEL": "ERROR"}
    with serving("backend:create_app()", directory, environment, workers=2, threads=8) as server:
        eventually(lambda: len(server.workers) == 2)
        yield Living(request.param, spot, server)


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What the calls return, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], Any]) -> Any:
        barrier.wait(WAIT_SECONDS)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(begin, calls))


def test_sixteen_promotions_of_two_replicas(living: Living) -> None:
    living.new_agent()
    spot = living.spot
    with Sampler(spot) as sampler:
        for turn in range(3):
            pair = [living.replica(f"{turn}-{name}") for name in ("a", "b")]
            answers = at_once([living.promotion(pair[n % 2], {"demote_old_primary": n % 3}) for n in range(16)])
            assert Counter(answer.status for answer in answers) == {200: 2, 400: 14}
            assert all(answer.json == NOT_READY for answer in answers if answer.status == 400)
            assert_one_primary(spot, spot.agent()["instance_id"])
            assert spot.agent()["instance_id"] in [f"i-{replica_id}" for replica_id in pair]
    assert sampler.wrong == []
    assert sampler.samples > 3
    path = "SELECT old_instance_id, new_instance_id FROM instance_switches WHERE agent_id = ? ORDER BY id"
    switches = spot.sql(path, spot.agent_id)
    assert [row["new_instance_id"] for row in switches[:-1]] == [row["old_instance_id"] for row in switches[1:]]
    assert len(switches) == 6


def test_everything_at_once(living: Living) -> None:
    """Promote, fail over, delete, ask in an emergency, beat, coordinate: each answers as if the others came before."""
    living.new_agent()
    spot = living.spot
    with Sampler(spot) as sampler:
        for turn in range(4):
            wanted = living.replica(f"{turn}-wanted")
            living.replica(f"{turn}-other")
            answers = at_once(_everything(living, wanted, spot.agent()["instance_id"]))
            answers = [answer for answer in answers if isinstance(answer, Answer)]
            assert {answer.status for answer in answers} <= {200, 201, 400, 404, 500}
            failures = {answer.json["error"] for answer in answers if answer.status == 500}
            assert failures <= {"No replica available"}
            assert len([answer for answer in answers[:2] if answer.status == 200]) <= 1
            assert len(spot.sql("SELECT id FROM instance_switches WHERE new_instance_id = ?", f"i-{wanted}")) <= 1
            assert_one_primary(spot, spot.agent()["instance_id"])
            _assert_counted(spot)
    assert sampler.wrong == []
    made = "SELECT id FROM replica_instances WHERE agent_id = ? AND replica_type = 'automatic-rebalance'"
    assert len(spot.sql(made, spot.agent_id)) == 1


def _everything(living: Living, wanted: str, primary: str) -> list[Callable[[], Any]]:
    spot = living.spot

    def call(method: str, path: str, body: Any = None, **headers: str) -> Callable[[], Answer]:
        return lambda: living.server.request(method, f"{living.path}/{path}", body, **headers)

    def coordinated() -> None:
        with spot.app.app_context():
            assert coordinate(db.session(), utc_now()).errors == 0

    return [
        living.promotion(wanted),
        call("POST", "termination-imminent", {"instance_id": primary, "replica_id": wanted}),
        call("POST", "termination-imminent", {"instance_id": primary}),
        call("DELETE", f"replicas/{wanted}"),
        call("POST", f"replicas/{wanted}/status", {"status": "ready"}),
        call("POST", "create-emergency-replica", {"signal_type": "rebalance-recommendation"}),
        coordinated,
        *[call("POST", "heartbeat", {"instance_id": primary, "az": "z"}, **spot.headers)] * 2,
    ]


def _assert_counted(spot: Spot) -> None:
    """The agent's counter is right."""
    standing = spot.one(
        "SELECT COUNT(*) AS n FROM replica_instances r JOIN agents a ON a.id = r.agent_id WHERE a.id = ?"
        " AND r.is_active = 1 AND r.status NOT IN ('promoted', 'terminated') AND r.instance_id <> a.instance_id",
        spot.agent_id,
    )
    assert spot.agent()["replica_count"] == standing["n"]


def test_replicas_asked_for_at_once(living: Living) -> None:
    living.new_agent()
    spot, server, path = living.spot, living.server, living.path
    wanted = {"signal_type": "rebalance-recommendation"}
    asked = at_once([lambda: server.request("POST", f"{path}/create-emergency-replica", wanted)] * 8)
    assert {answer.status for answer in asked} == {201}
    assert len({answer.json["replica_id"] for answer in asked}) == 1
    set_agent(spot, auto_switch_enabled=0, manual_replica_enabled=1, replica_count=0)
    asked = at_once([lambda: server.request("POST", f"{path}/replicas", {})] * 8)
    assert Counter(answer.status for answer in asked) == {201: 1, 400: 7}
    made = spot.one("SELECT COUNT(*) AS n FROM replica_instances WHERE agent_id = ?", spot.agent_id)
    assert made["n"] == spot.agent()["replica_count"] == 2


def test_agents_fail_over_all_at_once(living: Living) -> None:
    """What agents do from the recommendation to the takeover, while their former machines go on beating."""
    cloud = Cloud()
    agents = []
    for number in range(6):
        living.agents += 1
        session, machine = Session(living.server.url, TOKEN), cloud.launch("spot", "us-east-1a")
        agents.append(Agent(session, cloud, TOKEN, f"endangered-{living.product}-{number}", machine))

    def fail_over(agent: Agent) -> None:
        former = replace(agent)
        agent.machine.rebalance_recommended = True
        agent.check_rebalance()
        agent.poll_replicas()
        agent.machine.termination_time = "2026-11-21T03:45:00Z"
        agent.check_termination()
        former.beat()
        agent.beat()

    assert all(agent.register() for agent in agents)
    agents[0].report_prices()
    with Sampler(living.spot) as sampler:
        at_once([partial(fail_over, agent) for agent in agents])
    assert sampler.wrong == []
    for agent in agents:
        living.spot.agent_id = agent.agent_id
        assert len(agent.failovers) == 1
        assert_one_primary(living.spot, agent.failovers[0]["new_instance_id"])
        assert living.spot.agent()["instance_id"] == agent.machine.instance_id
        assert [call for call in agent.session.calls if call.failed] == []
        agent.session.close()


@pytest.mark.parametrize("living", ["mariadb", "postgres"], indirect=True)
def test_a_transaction_is_seen_while_it_is_open_and_not_longer(living: Living) -> None:
    """What the next test waits for is seen at the first look, however short ago the one before was."""
    living.new_agent()
    look = partial(open_transactions, living.spot, living.product)
    assert look() == []
    with living.spot.app.app_context(), db.engine.connect() as outside:
        outside.execute(update(models.Agent).where(models.Agent.id == living.spot.agent_id).values(hostname="held"))
        assert [transaction["waits"] for transaction in look()] == [False]
        outside.rollback()
        assert look() == []


@pytest.mark.parametrize("held", ["the first row that a takeover needs", "the last row that a takeover changes"])
def test_a_worker_killed_in_the_middle_of_a_promotion_leaves_nothing(living: Living, held: str) -> None:
    """On SQLite a promotion holds the one lock there is, or waits for it before it begins."""
    former = living.new_agent()
    spot, replica_id = living.spot, living.replica("a")
    rows = {
        "the first row that a takeover needs": update(models.Agent)
        .where(models.Agent.id == spot.agent_id)
        .values(hostname="held"),
        "the last row that a takeover changes": update(models.Instance)
        .where(models.Instance.id == former)
        .values(ami_id="held"),
    }
    with explained(living, former, f"i-{replica_id}"):
        with spot.app.app_context(), ThreadPoolExecutor(1) as threads, db.engine.connect() as outside:
            outside.execute(rows[held])
            promoting = threads.submit(living.promotion(replica_id))
            eventually(lambda: is_waiting(living))
            living.kill_workers()
            assert promoting.result(WAIT_SECONDS).status == 0
            outside.rollback()
        eventually(lambda: living.product == "sqlite" or not open_transactions(spot, living.product))
        assert_one_primary(spot, former)
        assert replica(spot, replica_id)["status"] == "ready"
        assert spot.sql("SELECT id FROM instances WHERE id = ?", f"i-{replica_id}") == []
        assert spot.sql("SELECT id FROM instance_switches WHERE agent_id = ?", spot.agent_id) == []
        eventually(lambda: living.server.request("GET", "/health").status == 200)
        assert living.promotion(replica_id)().status == 200
        assert_one_primary(spot, f"i-{replica_id}")


def is_waiting(living: Living) -> bool:
    """Whether the promotion has come as far as the lock."""
    if living.product == "sqlite":
        connections = [psutil.Process(worker).net_connections() for worker in living.server.workers]
        return any(connection.status == psutil.CONN_ESTABLISHED for found in connections for connection in found)
    return bool(waiting_transactions(living.spot, living.product))


@contextmanager
def explained(living: Living, *instance_ids: str) -> Iterator[None]:
    """What fails inside says all that there is to know: the agent's rows, open transactions, workers, their log."""
    try:
        yield
    except Exception as failure:
        spot = living.spot
        for table in ("agents", "replica_instances", "instance_switches"):
            column = "id" if table == "agents" else "agent_id"
            failure.add_note(f"{table}: {spot.sql(f'SELECT * FROM {table} WHERE {column} = ?', spot.agent_id)}")
        marks = ", ".join("?" * len(instance_ids))
        failure.add_note(f"instances: {spot.sql(f'SELECT * FROM instances WHERE id IN ({marks})', *instance_ids)}")
        if living.product != "sqlite":
            failure.add_note(f"open transactions: {open_transactions(spot, living.product)}")
        failure.add_note(f"workers: {living.server.workers}, which say:\n{living.server.log.read_text()[-5000:]}")
        raise
