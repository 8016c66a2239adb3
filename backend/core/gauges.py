"""Values that are read, not counted: a domain says how, and they are right whichever process is asked."""

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from backend.core.figures import FIGURES, shared_directory

#: How the values of several processes become one.
Across = Literal["sum", "max", "min", "mostrecent"]
#: One value, or one for each combination of labels.
Reading = float | Mapping[tuple[str, ...], float]
#: How old the values of the other processes can be, in seconds.
INTERVAL = 1.0

_log = logging.getLogger("backend.metrics")
_shared: dict[str, Gauge] = {}


@dataclass
class _Watched:
    name: str
    text: str
    read: Callable[[], Reading]
    labels: tuple[str, ...]
    across: Across
    gauge: Gauge | None
    seen: set[tuple[str, ...]] = field(default_factory=set)
    fails: bool = False

    def values(self) -> dict[tuple[str, ...], float]:
        """What is read now; nothing if it can't be, which is logged once."""
        try:
            reading = self.read()
            self.fails = False
        except Exception as error:
            if not self.fails:
                _log.warning("a metric can't be read", extra={"metric": self.name, "error": str(error)})
            self.fails = True
            return {}
        if isinstance(reading, Mapping):
            return {tuple(map(str, labels)): float(value) for labels, value in reading.items()}
        return {(): float(reading)}


class Gauges(Collector):
    """The gauges of one domain.

    A process on its own reads them when it is asked. One of several also writes them down every second, so that the
    others can tell them; the first request starts that, or `start`.
    """

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._watched: list[_Watched] = []
        self._starting = threading.Lock()
        self._started = False
        _every.add(self)

    def add(
        self,
        name: str,
        text: str,
        read: Callable[[], Reading],
        labels: Sequence[str] = (),
        across: Across = "sum",
    ) -> None:
        """Show what `read` returns as the gauge `name`: a number, or numbers by the values of `labels`.

        `read` is called in any thread, without an application context, once a second: it must be quick and not ask
        the database. `across` says what several processes' values make: queue lengths a sum, the age of something all
        share a maximum. A combination of labels that is no longer returned counts as 0. Raises ValueError for a name
        that this domain has already.
        """
        if any(watched.name == name for watched in self._watched):
            raise ValueError(f"There is a gauge {name} already.")
        gauge = _shared_gauge(name, text, labels, across) if shared_directory() is not None else None
        self._watched.append(_Watched(name, text, read, tuple(labels), across, gauge))

    def start(self) -> None:
        """Begin to write the gauges down, in this process, if others have to know them."""
        if self._started:
            return
        with self._starting:
            if not self._started and shared_directory() is not None:
                threading.Thread(target=_keep_writing, args=(weakref.ref(self),), name="gauges", daemon=True).start()
            self._started = True

    def write(self) -> None:
        """Let all processes know the values of this one."""
        for watched in self._watched:
            if watched.gauge is None:
                continue
            values = watched.values()
            for labels in watched.seen - values.keys():
                watched.gauge.labels(self._domain, *labels).set(0)
            for labels, value in values.items():
                watched.gauge.labels(self._domain, *labels).set(value)
                watched.seen.add(labels)

    def describe(self) -> Iterable[Metric]:
        """Nothing: values are not read before somebody wants to know."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The gauges of a process on its own; those that are written down are collected with everybody else's."""
        for watched in self._watched:
            if watched.gauge is None:
                family = GaugeMetricFamily(watched.name, watched.text, labels=["domain", *watched.labels])
                for labels, value in watched.values().items():
                    family.add_metric([self._domain, *labels], value)
                yield family

    def _reset(self) -> None:
        self._starting = threading.Lock()
        self._started = False
        for watched in self._watched:
            watched.seen.clear()


_every: "weakref.WeakSet[Gauges]" = weakref.WeakSet()


def _after_fork() -> None:
    """A new process has no threads yet."""
    for gauges in list(_every):
        gauges._reset()


os.register_at_fork(after_in_child=_after_fork)


def _keep_writing(gauges: "weakref.ref[Gauges]") -> None:
    pause = threading.Event()
    while (found := gauges()) is not None:
        found.write()
        del found
        pause.wait(INTERVAL)


def _shared_gauge(name: str, text: str, labels: Sequence[str], across: Across) -> Gauge:
    """The gauge that all domains of this process write to."""
    if name not in _shared:
        mode = f"live{across}"
        _shared[name] = Gauge(
            name,
            text,
            ["domain", *labels],
            registry=FIGURES,
            multiprocess_mode=mode,  # type: ignore[arg-type]
        )
    return _shared[name]
