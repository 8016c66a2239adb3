"""Metrics of a server with several workers, whichever of them is asked, and whoever of them died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli import ROOT
from tests.support.figures import Figures, parsed, total
from tests.support.net import free_port
from tests.support.serving import Server, serving
from tests.support.waiting import eventually

CONFIG = str(ROOT / "deploy" / "gunicorn.conf.py")
REQUESTS = "cutover_http_requests_total"
SECONDS = "cutover_http_request_duration_seconds_count"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "SPOT_DATABASE_URL": f"sqlite:///{tmp_path}/spot.sqlite3",
        "SPOT_DATABASE_POOL_SIZE": "7",
        "CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.sqlite3",
    }


@pytest.fixture
def app() -> str:
    """What is served: the native side behind its proxy, unless a test wants it alone."""
    return "wsgi:application"


@pytest.fixture
def server(app: str, tmp_path: Path, environment: dict[str, str]) -> Iterator[Server]:
    with serving(app, tmp_path, environment, options=["--config", CONFIG]) as running:
        yield running


def figures(server: Server) -> Figures:
    answer = server.request("GET", "/metrics")
    assert answer.status == 200
    return parsed(answer.body.decode())


def directories(server: Server) -> list[Path]:
    bases = {Path("/dev/shm"), Path(os.environ.get("TMPDIR", "/tmp"))}
    return [found for base in bases for found in base.glob(f"cutover-figures-{server.process.pid}-*")]


@contextmanager
def asleep(worker: int) -> Iterator[None]:
    """Only the others serve meanwhile."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def ask(server: Server, times: int, path: str = "/api/agents/nobody/config") -> None:
    for _ in range(times):
        assert server.request("GET", path).status


def counted(server: Server) -> float:
    found = figures(server)
    requests = total(found, REQUESTS, domain="spot", method="GET", route="/api/agents/<agent_id>/config")
    assert requests == total(found, SECONDS, domain="spot", method="GET", route="/api/agents/<agent_id>/config")
    return requests


@pytest.mark.parametrize("app", ["wsgi:application", "backend:create_app()"])
def test_workers_add_up_and_outlive_kill_9(server: Server) -> None:
    one, other = server.workers
    with asleep(other):
        ask(server, 5)
    with asleep(one):
        ask(server, 7)
    for _ in range(6):
        assert counted(server) == 12
    eventually(lambda: total(figures(server), "backend_database_pool", state="size") == 14)
    for killed, _round in enumerate(range(3), start=1):
        before = set(server.workers)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda before=before, victim=victim: victim not in server.workers and len(server.workers) == 2)  # type: ignore[misc]
        assert counted(server) == 12 + 3 * (killed - 1)
        eventually(lambda: total(figures(server), "backend_database_pool", state="size") == 14)
        ask(server, 3)
        assert counted(server) == 12 + 3 * killed
    (directory,) = directories(server)
    living = {str(worker) for worker in server.workers}
    owners = {path.stem.rpartition("_")[2] for path in directory.glob("*.db")}
    assert owners - {"dead", str(server.process.pid)} <= living


def test_no_scrape_sees_a_dead_worker_s_counts_twice_or_not_at_all(server: Server) -> None:
    ask(server, 40)
    seen: list[float] = []
    stopped = threading.Event()

    def scrape() -> None:
        while not stopped.is_set():
            answer = server.request("GET", "/metrics")
            # Who is killed while it answers gives none.
            if answer.status == 200:
                name = "/api/agents/<agent_id>/config"
                seen.append(total(parsed(answer.body.decode()), REQUESTS, method="GET", route=name))

    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        for _ in range(3):
            victim = server.workers[0]
            before = len(seen)
            os.kill(victim, signal.SIGKILL)
            eventually(lambda victim=victim: victim not in server.workers and len(server.workers) == 2)  # type: ignore[misc]
            eventually(lambda before=before: len(seen) > before + 3)  # type: ignore[misc]
    finally:
        stopped.set()
        scraper.join()
    assert set(seen) == {40.0}


def test_a_reload_keeps_what_was_counted(server: Server) -> None:
    ask(server, 4)
    before = set(server.workers)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: not before & set(server.workers) and len(server.workers) == 2)
    ask(server, 2)
    assert counted(server) == 6
    assert len(directories(server)) == 1


def test_each_start_begins_at_zero_and_leaves_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    with serving("wsgi:application", tmp_path, environment, options=["--config", CONFIG]) as first:
        ask(first, 2)
        (kept,) = directories(first)
    assert not kept.exists()
    with serving("wsgi:application", tmp_path, environment, options=["--config", CONFIG]) as second:
        workers = second.workers
        (left,) = directories(second)
        second.process.kill()
        second.process.wait()
        eventually(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
        assert left.exists()
        with serving("wsgi:application", tmp_path, environment, options=["--config", CONFIG]) as third:
            assert not left.exists()
            assert counted(third) == 0


def test_a_process_on_its_own_needs_no_set_up(tmp_path: Path, environment: dict[str, str]) -> None:
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    with serving("wsgi:application", tmp_path, environment, workers=1) as server:
        ask(server, 3)
        assert counted(server) == 3
        assert total(figures(server), "backend_database_pool", state="size") == 7


def test_gunicorn_s_own_words_are_json_too(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", CONFIG, "no_such_module:application"],
        cwd=ROOT,
        env={**os.environ, **environment, "BIND": f"127.0.0.1:{free_port()}", "WEB_CONCURRENCY": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"timestamp", "level", "logger", "message", "pid"} <= set(lines[0])
    failed = next(line for line in lines if "exc_info" in line)
    assert "no_such_module" in failed["exc_info"]
    assert failed["level"] == "ERROR"
    assert done.returncode != 0
