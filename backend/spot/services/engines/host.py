"""The decision engine of this process, kept equal to what the database says is in force."""

import logging
import time
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from sqlalchemy import Engine

from backend.core.session import Session
from backend.core.sessions import open_session
from backend.spot.services import model_registry
from backend.spot.services.engines import in_force
from backend.spot.services.engines.in_force import InForce
from backend.spot.services.engines.interface import EngineLoadError
from backend.spot.services.engines.loading import EngineLoader, LoadedEngine
from backend.spot.services.file_store import FileStore
from backend.spot.settings import EngineSettings

LOOK_SECONDS = 1.0
RETRY_SECONDS = 30.0

_log = logging.getLogger("backend.spot.engine")


class EngineHost:
    """Holds the engine at work.

    Whoever asks for it makes sure, at most once a second, that it is the one in force. The first is waited for; later
    ones are loaded in the background while the one before goes on deciding. One that cannot be loaded changes nothing
    and is tried again after RETRY_SECONDS.
    """

    def __init__(self, settings: EngineSettings, database: Engine) -> None:
        self.settings = settings
        self._database = database
        self._loader = EngineLoader(settings, database.raw_connection)
        self._loaded: LoadedEngine | None = None
        self._prepared: LoadedEngine | None = None
        self._failed: tuple[Any, float] | None = None
        self._look_again = 0.0
        self._looking = Lock()

    @property
    def models(self) -> FileStore:
        """The files of model sessions."""
        return self._loader.models

    @property
    def engines(self) -> FileStore:
        """The files of uploaded engines."""
        return self._loader.engines

    @property
    def loaded(self) -> LoadedEngine | None:
        """The engine at work, without looking whether it is still the right one."""
        return self._loaded

    def engine(self, session: Session) -> LoadedEngine | None:
        """The engine at work; None while none can be loaded."""
        if time.monotonic() >= self._look_again and self._looking.acquire(blocking=self._loaded is None):
            try:
                if time.monotonic() >= self._look_again:
                    self._look(session)
            finally:
                self._looking.release()
        return self._loaded

    def prepare(self, wanted: InForce) -> LoadedEngine:
        """Load what is about to be in force, and put it to work as soon as the database says that it is.

        Raises EngineLoadError; the engine at work goes on.
        """
        prepared = self._loader.load(wanted)
        self._prepared = prepared
        self._look_again = 0.0
        return prepared

    def look_at(self, path: Path, name: str) -> str | None:
        """What is wrong with an uploaded file, as far as can be told before it is loaded by an engine."""
        return self._loader.look_at(path, name)

    def _look(self, session: Session) -> None:
        wanted = in_force.look_up(session)
        self._look_again = time.monotonic() + LOOK_SECONDS
        loaded, prepared = self._loaded, self._prepared
        if loaded is not None and loaded.in_force.key == wanted.key:
            return
        if prepared is not None and prepared.in_force.key == wanted.key:
            self._put_to_work(prepared)
        elif self._failed is None:
            self._load(wanted) if loaded is None else self._load_aside(wanted)
        elif self._failed[0] != wanted.key or time.monotonic() > self._failed[1] + RETRY_SECONDS:
            self._load_aside(wanted)

    def _load_aside(self, wanted: InForce) -> None:
        """Load without being waited for; until that is done, nobody needs to look."""
        self._look_again = float("inf")
        Thread(target=self._load, args=(wanted,), daemon=True, name="engine-loader").start()

    def _load(self, wanted: InForce) -> None:
        try:
            loaded = self._loader.load(wanted)
        except EngineLoadError as error:
            self._failed = (wanted.key, time.monotonic())
            _log.error("the decision engine cannot be loaded", extra={"reason": str(error)})
        else:
            self._failed = None
            self._put_to_work(loaded)
            if loaded.models:
                Thread(target=self._register, args=(loaded,), daemon=True, name="model-registry").start()
        finally:
            self._look_again = time.monotonic() + LOOK_SECONDS

    def _put_to_work(self, engine: LoadedEngine) -> None:
        self._loaded, self._prepared = engine, None
        _log.info(
            "decision engine loaded",
            extra={"engine": engine.type, "version": engine.version, "models": len(engine.models)},
        )
        for warning in (*engine.withheld_models, *engine.withheld_files):
            _log.warning(warning)

    def _register(self, engine: LoadedEngine) -> None:
        """In a transaction of its own: whoever waits for the engine may hold a lock."""
        try:
            with open_session(self._database) as session:
                if in_force.look_up(session).key == engine.in_force.key:
                    model_registry.register(session, engine)
        except Exception:
            _log.exception("the models were not registered")
