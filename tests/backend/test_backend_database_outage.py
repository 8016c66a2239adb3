"""The database is killed under load: answers stay quick, come back by themselves, and what was accepted is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.backend.conftest import REGISTRATION, TOKEN, Spot, server_runner
from tests.support.servers import Server as DatabaseServer
from tests.support.servers import running
from tests.support.serving import Answer, Server, serving
from tests.support.waiting import eventually

OUTAGE_SECONDS = 10.0
#: No answer may take longer, whether the database is there or not.
LONGEST_ANSWER_SECONDS = 5.0
RECOVERY_SECONDS = 30.0
CALLERS = 8


@dataclass
class Callers:
    """Callers that register one new agent after another, and what they were answered."""

    server: Server
    accepted: set[str] = field(default_factory=set)
    statuses: list[tuple[float, int]] = field(default_factory=list)
    slowest: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join(60)

    def _work(self, number: int) -> None:
        turn = 0
        while not self._over.is_set():
            turn += 1
            name = f"agent-{number}-{turn}"
            began = time.monotonic()
            answer = register(self.server, name)
            with self._lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.statuses.append((began, answer.status))
                if answer.status == 200:
                    self.accepted.add(name)

    def since(self, moment: float) -> list[int]:
        """The statuses of what was asked after `moment`."""
        with self._lock:
            return [status for began, status in self.statuses if began > moment]

    def await_accepted(self, number: int, moment: float, seconds: float) -> None:
        """Wait until `number` requests were accepted that were sent after `moment`."""
        eventually(lambda: self.since(moment).count(200), seconds, until=lambda accepted: accepted >= number)


def register(server: Server, name: str) -> Answer:
    body = {**REGISTRATION, "logical_agent_id": name, "instance_id": f"i-{name}"}
    return server.request("POST", "/api/agents/register", body, timeout=60, authorization=f"Bearer {TOKEN}")


@pytest.fixture(params=["mariadb", "postgres"])
def own_server(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    """A server of this test's own, which keeps what it has confirmed."""
    with running(request.param, durable=True) as server:
        yield server


def test_the_database_may_be_killed(own_server: DatabaseServer, tmp_path: Path) -> None:
    url = own_server.create_database()
    sql = server_runner(own_server, url)
    environment = {"SPOT_DATABASE_URL": url, "SPOT_AUTO_MIGRATE": "true", "SPOT_ADMIN_ACCESS": "open"}
    with serving("backend:create_app()", tmp_path, environment, workers=2, threads=8) as server:
        Spot(None, sql).add_client("client-1", TOKEN)  # type: ignore[arg-type]
        workers = server.workers
        callers = Callers(server)
        with callers.at_work():
            callers.await_accepted(100, 0.0, RECOVERY_SECONDS)
            own_server.kill()
            gone = time.monotonic()
            eventually(lambda: server.request("GET", "/readyz").status == 503, LONGEST_ANSWER_SECONDS)
            time.sleep(max(0.0, gone + OUTAGE_SECONDS - time.monotonic()))
            refused = callers.since(gone)
            assert set(refused) <= {500, 503}
            assert len(refused) > CALLERS
            own_server.start()
            back = time.monotonic()
            callers.await_accepted(CALLERS, back, RECOVERY_SECONDS)
        assert callers.slowest < LONGEST_ANSWER_SECONDS
        with ThreadPoolExecutor(32) as threads:
            answers = list(threads.map(lambda number: register(server, f"after-{number}").status, range(64)))
        assert answers == [200] * 64
        eventually(lambda: server.request("GET", "/readyz").status == 200, RECOVERY_SECONDS)
        assert server.workers == workers
    stored = {row["logical_agent_id"] for row in sql("SELECT logical_agent_id FROM agents")}
    assert callers.accepted <= stored
    assert len(callers.accepted) > 100
