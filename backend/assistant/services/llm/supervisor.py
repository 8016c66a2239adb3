"""Which model is there, which is on its way, and what happens when one is lost."""

import asyncio
import json
import logging
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.assistant.services.llm.backoff import Backoff
from backend.assistant.services.llm.limits import Limits
from backend.assistant.services.llm.memory import refuse_unless_it_fits
from backend.assistant.services.llm.model import LoadFailedError, LoadOrder, Model
from backend.assistant.services.llm.model_files import find_model
from backend.assistant.services.llm.refusals import CRASHED, NO_MODEL, NOT_FOUND, LlmRefusedError
from backend.assistant.services.llm.turns import Turns

#: A model that was lost is given up after so many tries.
MOST_TRIES = 8

_log = logging.getLogger("backend.assistant.llm")


@dataclass
class Failure:
    """The last load that failed, until one succeeds."""

    path: str
    detail: str


class Supervisor:
    """Keeps one model at work. `turns` is the line for it; `remembered` is the file that names it after a crash."""

    def __init__(self, remembered: Path, limits: Limits) -> None:
        self.limits = limits
        self.turns = Turns(limits.queue_size)
        self.model: Model | None = None
        self.restarts = 0
        self.failure: Failure | None = None
        self._remembered = remembered
        self._coming: Model | None = None
        self._loading: asyncio.Task[None] | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._backoff = Backoff()

    @property
    def state(self) -> str:
        """`idle`, `loading`, `ready`, `failed` or `crashed`."""
        if self._loading is not None:
            return "loading"
        if self.model is not None:
            return "ready"
        if self._restarting is not None:
            return "crashed"
        return "idle" if self.failure is None else "failed"

    def status(self) -> dict[str, Any]:
        """What there is to know. A model may be at work while another is loading."""
        coming = self._coming
        return {
            "state": self.state,
            "model": self.model.described() if self.model else None,
            "loading": {**asdict(coming.order), "progress": round(coming.progress, 3)} if coming else None,
            "failure": asdict(self.failure) if self.failure else None,
            "restarts": self.restarts,
        }

    def current(self, wanted: str | None = None) -> Model:
        """The model at work. Raises LlmRefusedError: 503 where there is none, 404 where it is not the `wanted` one."""
        if self.model is not None and self.model.alive:
            if wanted is not None and not self.model.order.is_named(wanted):
                raise LlmRefusedError(404, f"The model {wanted!r} is not at work", code=NOT_FOUND)
            return self.model
        if self._restarting is not None or self.model is not None:
            raise LlmRefusedError(503, CRASHED, 1)
        raise LlmRefusedError(503, NO_MODEL)

    def resume(self) -> None:
        """Load again what was at work when a supervisor before this one was killed."""
        with suppress(OSError, ValueError, TypeError):
            self._restart(LoadOrder(**json.loads(self._remembered.read_text())))

    def adopt(self, limits: Limits) -> None:
        """Let `limits` hold from now on."""
        self.limits = limits
        self.turns.limit = limits.queue_size

    def load(self, order: LoadOrder) -> None:
        """Begin to load a model; the one at work goes on until it is there, and stays where it fails to load.

        Raises LlmRefusedError: 409 while another is loading, 507 where memory does not suffice.
        """
        if self._loading is not None:
            raise LlmRefusedError(409, "A model is being loaded already; wait until it is there, or unload it", 2)
        path = Path(order.path)
        refuse_unless_it_fits(
            find_model(path.name, [path.parent]), order.context_length, beside_another=self.model is not None
        )
        self._stop_restarting()
        self._loading = asyncio.create_task(self._load(order))

    async def unload(self) -> None:
        """Let go of the model at work, and of one that is loading or being restarted."""
        self._stop_restarting()
        self._forget()
        self.failure = None
        loading, self._loading = self._loading, None
        if loading is not None:
            loading.cancel()
            await asyncio.wait([loading])
        model, self.model = self.model, None
        if model is not None:
            await model.end()

    async def _load(self, order: LoadOrder) -> None:
        try:
            await self._take_over(await self._started(order))
            self._remember(order)
            self.failure = None
        except LoadFailedError as error:
            self.failure = Failure(order.path, str(error))
            _log.warning("the model did not load", extra={"model": order.name, "detail": str(error)})
        finally:
            if self._loading is asyncio.current_task():
                self._loading = None
        if self.model is not None and not self.model.alive:
            self._lost(self.model)

    async def _take_over(self, model: Model) -> None:
        """Put `model` to work. Whoever has the turn ends with the model it began with."""
        try:
            with self.turns.join(urgent=True) as turn:
                await turn.wait()
                before, self.model = self.model, model
        except asyncio.CancelledError:
            await model.end()
            raise
        if before is not None:
            await before.end()

    async def _started(self, order: LoadOrder) -> Model:
        model = Model(order)
        self._coming = model
        try:
            await model.load(self.limits.load_limit)
        finally:
            if self._coming is model:
                self._coming = None
        model.on_end = self._lost
        _log.info("the model is there", extra={"model": order.name, "seconds": round(model.load_seconds, 3)})
        return model

    def _lost(self, model: Model) -> None:
        """Restart a model that ended by itself, unless another is about to take its place."""
        if model is self.model and self._loading is None:
            self.model = None
            self._restart(model.order)

    def _restart(self, order: LoadOrder) -> None:
        self._restarting = asyncio.create_task(self._restart_until_it_works(order))

    async def _restart_until_it_works(self, order: LoadOrder) -> None:
        try:
            for _ in range(MOST_TRIES):
                wait = self._backoff.failed(time.monotonic())
                self.restarts += 1
                _log.info("the model is restarted", extra={"model": order.name, "wait_seconds": wait})
                await asyncio.sleep(wait)
                try:
                    self.model = await self._started(order)
                except LoadFailedError as error:
                    self.failure = Failure(order.path, str(error))
                else:
                    self.failure = None
                    return
            self._forget()
            _log.error("the model is given up", extra={"model": order.name})
        finally:
            if self._restarting is asyncio.current_task():
                self._restarting = None

    def _stop_restarting(self) -> None:
        restarting, self._restarting = self._restarting, None
        if restarting is not None:
            restarting.cancel()

    def _remember(self, order: LoadOrder) -> None:
        new = self._remembered.with_suffix(".new")
        new.write_text(json.dumps(asdict(order)))
        new.replace(self._remembered)

    def _forget(self) -> None:
        self._remembered.unlink(missing_ok=True)
