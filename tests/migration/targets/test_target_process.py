"""A side in a process of its own: every start is a fresh one, and an end that nobody asked for is noticed."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from migration.targets.loading import TargetError
from migration.targets.process import TargetProcess
from tests.support.cli import ROOT
from tests.support.waiting import eventually

SOURCE = """
import gc, json, os, weakref
from pathlib import Path

with Path("imports").open("a") as imports:
    imports.write("x")

if "THRESHOLDS" in os.environ:
    gc.set_threshold(*json.loads(os.environ["THRESHOLDS"]))
calls = []

class Node:
    pass

dropped = Node()
dropped.itself = dropped
gone = weakref.ref(dropped)
del dropped

def app(environ, start_response):
    calls.append(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "application/json")])
    said = {
        "process": os.getpid(),
        "calls": len(calls),
        "thresholds": gc.get_threshold(),
        "collects": gc.isenabled(),
        "kept": gone() is not None,
    }
    return [json.dumps(said).encode()]
"""
RUN = """
import os, time
from migration.targets.process import TargetProcess

process = TargetProcess("target_counting:app", os.environ)
process.start()
print(process.url, flush=True)
time.sleep(300)
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TargetProcess]]:
    """Makes processes of the application above; they are ended with the test."""
    (tmp_path / "target_counting.py").write_text(SOURCE)
    (tmp_path / "target_broken.py").write_text("raise RuntimeError('no database')")
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[TargetProcess] = []

    def make(name: str = "target_counting:app", **environment: str) -> TargetProcess:
        there = {**os.environ, "PYTHONPATH": str(tmp_path), **environment}
        made.append(TargetProcess(name, there, tmp_path))
        return made[-1]

    yield make
    for process in made:
        process.close()


def ask(process: TargetProcess) -> dict[str, object]:
    with urlopen(process.url, timeout=30) as answer:
        said: dict[str, object] = json.load(answer)
    return said


def test_every_start_is_a_fresh_one(target: Callable[..., TargetProcess], tmp_path: Path) -> None:
    process = target()
    processes = set()
    for start in (1, 2, 3):
        process.start()
        assert (tmp_path / "imports").read_text() == "x" * start
        assert [ask(process)["calls"] for _ in range(2)] == [1, 2]
        processes.add(ask(process)["process"])
        process.stop()
    assert len(processes) == 3


@pytest.mark.parametrize(
    ("environment", "thresholds"), [({}, list(gc.get_threshold())), ({"THRESHOLDS": "[50, 5, 5]"}, [50, 5, 5])]
)
def test_the_collector_works_as_the_application_wants(
    target: Callable[..., TargetProcess], environment: dict[str, str], thresholds: list[int]
) -> None:
    process = target(**environment)
    process.start()
    said = ask(process)
    assert (said["thresholds"], said["collects"]) == (thresholds, True)
    assert not said["kept"], "what loading left behind in a cycle is collected"


def test_callers_of_a_side_that_was_killed_are_refused(target: Callable[..., TargetProcess]) -> None:
    process = target()
    process.start()
    worker = int(str(ask(process)["process"]))
    os.killpg(os.getpgid(worker), signal.SIGKILL)
    eventually(lambda: refuses(process.url))


def test_a_side_ends_with_the_run_however_that_ends(target: Callable[..., TargetProcess], tmp_path: Path) -> None:
    target()
    run = subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=tmp_path, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    with run:
        assert run.stdout is not None
        url = run.stdout.readline().decode().strip()
        urlopen(url, timeout=30).close()
        run.kill()
    eventually(lambda: refuses(url))


def refuses(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        # The door was closed while somebody stood in it; the next one is refused.
        return False
    return False


def test_a_side_that_can_t_be_loaded_says_why(target: Callable[..., TargetProcess]) -> None:
    with pytest.raises(TargetError, match="importing it failed with RuntimeError: no database"):
        target("target_broken:app").start()
