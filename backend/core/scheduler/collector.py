"""The jobs as Prometheus metrics: read from the database, so right whichever process is asked."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_log = logging.getLogger("backend.jobs")


class JobCollector(Collector):
    """Makes metrics of what `read` returns, which is job_states of an application."""

    def __init__(self, read: Callable[[], list[dict[str, Any]]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing: the database is not asked before somebody wants to know."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics. Only `backend_jobs_readable` where the database does not answer."""
        try:
            states = self._read()
        except Exception as error:
            _log.warning("metrics of jobs can't be read", extra={"error": str(error)})
            states = None
        text = "Whether the state of the jobs could be read from the database."
        yield GaugeMetricFamily("backend_jobs_readable", text, int(states is not None))
        yield from _metrics(states or [])


def _metrics(states: list[dict[str, Any]]) -> Iterator[Metric]:
    for name, text, key in (
        ("backend_job_runs", "Runs that came to their end.", "runs"),
        ("backend_job_failures", "Runs that ended with an error.", "failures"),
        ("backend_job_skips", "Slots skipped because the run before them went on.", "skips"),
    ):
        counter = CounterMetricFamily(name, text, labels=["job"])
        for state in states:
            counter.add_metric([state["name"]], state[key])
        yield counter
    owned = GaugeMetricFamily("backend_job_owned", "Whether the native side owns the job.", labels=["job"])
    held = GaugeMetricFamily("backend_job_lease_held", "1 for the process that runs the job.", labels=["job", "holder"])
    duration = GaugeMetricFamily("backend_job_last_duration_seconds", "How long the last run took.", labels=["job"])
    success = GaugeMetricFamily("backend_job_last_run_succeeded", "Whether the last run went well.", labels=["job"])
    for state in states:
        owned.add_metric([state["name"]], int(state["owner"] == "native"))
        if state["holder"] is not None:
            held.add_metric([state["name"], state["holder"]], 1)
        last = state["lastRun"]
        if last is not None and last["seconds"] is not None:
            duration.add_metric([state["name"]], last["seconds"])
            success.add_metric([state["name"]], int(last["outcome"] == "succeeded"))
    yield from (owned, held, duration, success)
