"""A process that runs one job: `python -m tests.support.ticking DATABASE_URL LOG PERIOD SECONDS`.

The job has a slot every PERIOD seconds and takes SECONDS. It writes `begin <slot> <pid>` and `end <slot> <pid>` to LOG.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from flask import Flask

from backend.core.scheduler import Counts, Job, JobRun, every
from tests.support.jobs import job_app


def ticking_app(url: str, log: Path, period: int, seconds: float) -> Flask:
    def write(word: str, run: JobRun) -> None:
        with log.open("a") as file:
            file.write(f"{word} {run.due_at.isoformat()} {os.getpid()}\n")

    def tick(run: JobRun) -> Counts:
        write("begin", run)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run.transact(lambda session: time.sleep(0.05))
        write("end", run)
        return {"ticks": 1}

    return job_app(
        url, [Job("tick", every(seconds=period), tick, "Ticks")], JOB_LEASE_SECONDS="2", JOB_RENEWAL_SECONDS="0.5"
    )


def main() -> None:
    url, log, period, seconds = sys.argv[1:]
    app = ticking_app(url, Path(log), int(period), float(seconds))
    app.extensions["job_scheduler"].start()
    print("started", flush=True)
    sys.stdin.read()  # until the test closes it


if __name__ == "__main__":
    main()
