"""Somebody who looks all the while whether every agent has one primary."""

from __future__ import annotations

import threading
from typing import Any

from tests.backend.conftest import Spot
from tests.backend.standby import PRIMARIES

STOP_SECONDS = 60


class Sampler:
    """Reads who is primary again and again while a block runs; `wrong` holds what was not exactly one."""

    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.samples = 0
        self.seen: set[str] = set()
        self.wrong: list[dict[str, Any]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(STOP_SECONDS)

    def _sample(self) -> None:
        while not self._stopped.is_set():
            for row in self.spot.sql(PRIMARIES):
                self.seen.add(row["instance_id"])
                if (row["owned"], row["named"]) != (1, 1):
                    self.wrong.append(row)
            self.samples += 1
