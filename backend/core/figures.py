"""What processes count, and reading it as the sum over all processes that serve together.

A process on its own keeps its figures in memory. Where ``PROMETHEUS_MULTIPROC_DIR`` names a directory before the first
figure is made, as deploy/gunicorn.conf.py does for each start, every process keeps them in files there: what a process
has counted outlives it, and whichever process is asked tells of all.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

#: The counters, histograms and gauges of this process; those with a label `domain` are shown by that domain only.
FIGURES = CollectorRegistry()

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: Held by readers together; alone by gunicorn's master while it adds up what dead workers counted.
_LOCK = "lock"
_LONGEST_WAIT = 2.0
_PAUSE = 0.005


def shared_directory() -> Path | None:
    """Where the processes that serve together keep their figures; None for a process on its own."""
    directory = os.environ.get(_VARIABLE)
    return Path(directory) if directory else None


def collect_figures() -> Iterator[Metric]:
    """All figures, of all processes."""
    directory = shared_directory()
    if directory is None:
        for metric in FIGURES.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        return
    with _reading(directory):
        # A file is empty for a moment after its process has made it.
        files = [str(path) for path in directory.glob("*.db") if _size(path)]
        yield from MultiProcessCollector.merge(files)


@contextmanager
def _reading(directory: Path) -> Iterator[None]:
    lock = os.open(directory / _LOCK, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LONGEST_WAIT
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    break  # figures that may be off are better than none
                time.sleep(_PAUSE)
        yield
    finally:
        os.close(lock)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Rendered:
    """Metrics for prometheus_client to write as text: what it wants is an object that collects."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        return self._metrics
