"""That every benchmark runs and says something; never how fast anything is."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from benchmarks.ratio import Effort
from benchmarks.servers import Server
from benchmarks.spot import large
from benchmarks.spot.dashboard import CONNECTIONS, open_dashboard
from benchmarks.spot.data import Scale
from tests.support import language_model

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rounds", "1", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Processor time is counted in hundredths of a second: forwarding needs requests enough to use some.
@pytest.mark.parametrize(
    ("name", "requests", "ratios"),
    [("forwarding", 800, 3), ("routes", 20, 16), ("replay", 1, 1), ("comparison", 50, 2)],
)
def test_ratios_are_positive_numbers(name: str, requests: int, ratios: int) -> None:
    answer = json.loads(run("--json", "--requests", str(requests), name))["ratios"]
    assert len(answer) == ratios
    for ratio in answer:
        assert ratio["benchmark"] == name
        assert math.isfinite(ratio["ratio"]), ratio
        assert ratio["ratio"] > 0, ratio
        assert ratio["met"] is None or ratio["aim"]


def test_the_language_model_is_measured_beside_a_direct_call() -> None:
    language_model.needed()
    answer = json.loads(run("--json", "--requests", "8", "llm"))["ratios"]
    assert len(answer) == 2
    assert all(ratio["ratio"] > 0 and ratio["aim"] for ratio in answer)


@pytest.mark.usefixtures("mariadb")
def test_spot_is_measured_against_the_monolith() -> None:
    answer = json.loads(run("--json", "--requests", "4", "spot"))["ratios"]
    assert len(answer) == 2 * 56
    assert [ratio for ratio in answer if "answers 4" in ratio["measured"] or "answers 5" in ratio["measured"]] == []
    assert [ratio["measured"] for ratio in answer if "no answer" in ratio["measured"]] == []
    assert all(ratio["ratio"] > 0 for ratio in answer)


@pytest.mark.usefixtures("mariadb")
def test_what_a_large_fleet_asks_is_measured_with_a_dashboard_open_too() -> None:
    few = Scale(clients=2, agents=20, prices=200, switches=40)
    found = {ratio.what: ratio for ratio in large.run(Effort(rounds=1, requests=10), few, open_for=1.0)}
    quiet = [what for what in found if "dashboard" not in what]
    assert len(quiet) == 2 * (len(large.ASKED) + 1)
    assert found.keys() == {name for what in quiet for name in (what, f"{what}, dashboard open")}
    assert all(ratio.value > 0 for ratio in found.values())
    assert [ratio.measured for ratio in found.values() if "answer" in ratio.measured] == []


def test_a_dashboard_asks_on_a_browsers_six_connections_answered_or_not() -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        silent.settimeout(10)
        closing = stack.enter_context(open_dashboard(Server(silent.getsockname()[1], psutil.Process()), since=0.0))
        for _ in range(CONNECTIONS):
            stack.enter_context(silent.accept()[0])
        silent.settimeout(0.5)
        with pytest.raises(TimeoutError):
            silent.accept()
        closing.set()


def test_the_table_names_benchmark_ratio_and_aim() -> None:
    table = run("--requests", "20", "comparison")
    assert "comparison" in table
    assert "at least 1" in table


def test_an_unknown_benchmark_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "forwarding" in done.stderr
