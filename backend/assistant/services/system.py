"""What the process and the machine are doing, without waiting for a measurement."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

VERSION = "1.0.0"
_STARTED = time.time()
_PROCESS = psutil.Process()
#: Of the drive that this program lies on.
_ROOT = Path(__file__).anchor


def begin_sampling() -> None:
    """Start the interval that the next look at the processor is about; without it that look says 0."""
    psutil.cpu_percent(interval=None)


def timestamp() -> str:
    """The time in UTC as the wire writes it: ISO 8601 with microseconds, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def uptime() -> float:
    """Seconds since this process loaded the assistant."""
    return time.time() - _STARTED


def resident_bytes() -> int:
    """Memory of this process that is in use, in bytes."""
    return int(_process().memory_info().rss)


def cpu_percent() -> float:
    """How busy the machine's processors were since somebody asked last, 0 to 100."""
    return float(psutil.cpu_percent(interval=None))


def memory_usage() -> dict[str, Any]:
    """Memory of this process: `rss` and `vms` in bytes, `percent` of what the machine has."""
    process = _process()
    memory = process.memory_info()
    return {"rss": memory.rss, "vms": memory.vms, "percent": process.memory_percent()}


def system_info() -> dict[str, float]:
    """How busy the machine is, each from 0 to 100."""
    return {
        "cpu_percent": cpu_percent(),
        "memory_percent": psutil.virtual_memory().percent,
        "disk_usage": psutil.disk_usage(_ROOT).percent,
    }


def _process() -> psutil.Process:
    """This process: a fork has another id than the process that loaded this module."""
    return _PROCESS if _PROCESS.pid == os.getpid() else psutil.Process()


def figures() -> str:
    """Three series in Prometheus' text exposition, with the names that dashboards have always asked for."""
    series = (
        ("westfall_uptime_seconds", "counter", "Total uptime in seconds", uptime()),
        ("westfall_memory_rss_bytes", "gauge", "Resident set size memory", resident_bytes()),
        ("westfall_cpu_percent", "gauge", "CPU usage percentage", cpu_percent()),
    )
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value}\n\n" for name, kind, text, value in series
    )
