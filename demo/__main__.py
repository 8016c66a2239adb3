"""``python -m demo [DOMAIN]``: the first migration, on recorded traffic, from start to report.

Three servers under gunicorn on embedded databases: the old monolith by itself (control); the same monolith on a
second database; and, on that second database too, the proxied backend (candidate), which owns the agent routes and
forwards the rest. The recordings of real agents and of scenarios go to both sides, and what differs is reported.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from demo.servers import gunicorn

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests" / "recordings" / "spot"
SCENARIOS = ("agent-lifecycle", "agent-real", "admin-clients", "replicas", "client-dashboard", "notifications-and-ml")
PROMOTED = ("/api/agents/*", "GET /health")
MONOLITH = "legacy.spot:create_app()"
REPORT = Path("parity-report")


def main(domain: str) -> int:
    """Run the demo; answers its exit status: 0 where both sides agree."""
    if domain != "spot":
        print(f"There is no demo of {domain!r} yet; there is one of 'spot'.", file=sys.stderr)
        return 2
    began = time.monotonic()
    work = Path("var") / "demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    work = work.resolve()
    control_db, candidate_db = (f"sqlite:///{work / name}.sqlite3" for name in ("control", "candidate"))
    ledger = f"sqlite:///{work / 'ledger.sqlite3'}"
    with ExitStack() as stack:
        _say("Starting the old monolith, and the same monolith behind the proxied backend ...")
        control = stack.enter_context(
            gunicorn(MONOLITH, _environment(work, "control", control_db), work / "control.log")
        )
        candidate_environment = _environment(work, "candidate", candidate_db)
        upstream = stack.enter_context(gunicorn(MONOLITH, candidate_environment, work / "upstream.log"))
        candidate_environment |= {"CUTOVER_UPSTREAM": upstream, "CUTOVER_LEDGER_URL": ledger}
        _cutover("routes", "--seed", MONOLITH, "--native", "backend:create_app()", "--ledger", ledger, quiet=True)
        candidate = stack.enter_context(gunicorn("wsgi:application", candidate_environment, work / "candidate.log"))
        _say(f"Promoting {' and '.join(PROMOTED)} from legacy to native ...")
        _cutover("promote", *PROMOTED, "--why", "the first migration", "--ledger", ledger)
        _say("Replaying recorded traffic against both ...")
        status = _cutover(
            "replay",
            *(str(RECORDINGS / f"{name}.har") for name in SCENARIOS),
            *("--control", control, "--control-db", control_db),
            *("--candidate", candidate, "--candidate-db", candidate_db),
            *("--reset", "--report", str(REPORT)),
        )
    _say(
        f"""Done in {time.monotonic() - began:.0f} s. Open {REPORT / "report.html"} in a browser.

Try next:
  .venv/bin/cutover replay tests/recordings/spot/agent-real.har --control recording --candidate legacy.spot:create_app
  .venv/bin/cutover record --upstream http://127.0.0.1:5000 --listen 5001 --out traffic.har
  .venv/bin/cutover --help"""
    )
    return status


def _environment(work: Path, side: str, database: str) -> dict[str, str]:
    return {
        "SPOT_DATABASE_URL": database,
        "MODEL_DIR": str(work / side / "models"),
        "DECISION_ENGINE_DIR": str(work / side / "decision_engines"),
    }


def _cutover(*arguments: str, quiet: bool = False) -> int:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run([sys.executable, "-m", "migration.cli", *arguments], stdout=output, check=False).returncode


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "spot"))
