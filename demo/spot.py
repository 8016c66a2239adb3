"""Spot: a whole migration, on recorded traffic, from start to the last route.

Under gunicorn on embedded databases: the old monolith (control) and the native side (candidate). The recordings of real
agents, of a real frontend and of scenarios go to both; answers and databases are compared. What that has shown of each
route is kept in the ledger, and on that evidence every route is promoted, while a server is running.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from demo.servers import gunicorn
from demo.telling import cutover, say

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests" / "recordings" / "spot"
MONOLITH = "legacy.spot:create_app()"
NATIVE = "backend:create_app()"
REPORT = Path("parity-report")


def main() -> int:
    """Run the demo; answers its exit status: 0 where both sides agree."""
    began = time.monotonic()
    work = Path("var") / "demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    work = work.resolve()
    control_db, candidate_db = (f"sqlite:///{work / name}.sqlite3" for name in ("control", "candidate"))
    ledger = f"sqlite:///{work / 'ledger.sqlite3'}"
    sides = {
        name: _environment(work, name, url) for name, url in (("control", control_db), ("candidate", candidate_db))
    }
    with ExitStack() as stack:
        say("Starting the old monolith and the native side ...")
        control = stack.enter_context(gunicorn(MONOLITH, sides["control"], work / "control.log"))
        candidate = stack.enter_context(gunicorn(NATIVE, sides["candidate"], work / "candidate.log"))
        cutover("routes", "--seed", MONOLITH, "--native", NATIVE, "--ledger", ledger, quiet=True)
        say("Replaying recorded traffic against both ...")
        status = cutover(
            "replay",
            *map(str, sorted(RECORDINGS.glob("*.har"))),
            *("--control", control, "--control-db", control_db),
            *("--candidate", candidate, "--candidate-db", candidate_db),
            *("--reset", "--evidence", "--ledger", ledger, "--report", str(REPORT)),
        )
    with ExitStack() as stack:
        say("Starting both sides behind the proxy, on one database, and promoting every route on that evidence ...")
        upstream = stack.enter_context(gunicorn(MONOLITH, sides["candidate"], work / "upstream.log"))
        served = {**sides["candidate"], "CUTOVER_UPSTREAM": upstream, "CUTOVER_LEDGER_URL": ledger}
        stack.enter_context(gunicorn("wsgi:application", served, work / "proxy.log"))
        promoted = cutover("promote", "*", "--why", "no unexplained difference", "--ledger", ledger, quiet=True)
        cutover("routes", "--ledger", ledger)
    say(
        f"""Done in {time.monotonic() - began:.0f} s. Open {REPORT / "report.html"} in a browser.

Try next:
  .venv/bin/cutover replay tests/recordings/spot/agent-real.har --control recording --candidate legacy.spot:create_app
  .venv/bin/cutover record --upstream http://127.0.0.1:5000 --listen 5001 --out traffic.har
  .venv/bin/cutover --help"""
    )
    return status or promoted


def _environment(work: Path, side: str, database: str) -> dict[str, str]:
    return {
        "SPOT_DATABASE_URL": database,
        "MODEL_DIR": str(work / side / "models"),
        "DECISION_ENGINE_DIR": str(work / side / "decision_engines"),
        # The recorded operators upload engines; without this they are refused.
        "ALLOW_ENGINE_UPLOAD": "true",
    }
