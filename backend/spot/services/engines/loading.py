"""Loading an engine with its models, and asking it once it is loaded."""

import inspect
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from backend.spot.services.engines.answers import as_plain, checked_decision, checked_recommendation
from backend.spot.services.engines.direct_engines import DirectEngine
from backend.spot.services.engines.in_force import InForce, Upload
from backend.spot.services.engines.interface import (
    CALL_BY_NAME,
    CALL_BY_POSITION,
    POOL_RISKS,
    DecisionEngine,
    EngineFaultError,
    EngineLoadError,
)
from backend.spot.services.engines.risk_models import ModelError, open_onnx
from backend.spot.services.engines.time_limit import OverdueError, TimeLimit
from backend.spot.services.engines.uploaded_code import find_module, forget, import_class
from backend.spot.services.file_store import FileStore, StoreError
from backend.spot.settings import EngineSettings

LONGEST_VERSION = 32

_log = logging.getLogger("backend.spot.engine")


@dataclass(frozen=True, eq=False)
class LoadedEngine:
    """An engine at work: what it was loaded from, and how it is asked."""

    in_force: InForce
    type: str
    version: str
    models: tuple[dict[str, Any], ...]
    withheld_models: tuple[str, ...]
    withheld_files: tuple[str, ...]
    wants_pool_risks: bool
    engine: DecisionEngine
    decide_by_name: Callable[..., Any]
    limit: TimeLimit

    def decide(self, **situation: Any) -> tuple[dict[str, Any], list[Any]]:
        """Ask by name (CALL_BY_NAME, and `pool_risks` if it is wanted).

        The answer, and which models it rests on; raises EngineFaultError when no usable answer comes in time.
        """
        answer, models = self._ask(
            lambda: (self.decide_by_name(**situation), _told(self.engine, "get_models_used")),
        )
        return checked_decision(answer), as_plain(models)

    def recommend(self, agent: dict[str, Any], prices: dict[str, Any], market: dict[str, Any]) -> dict[str, Any]:
        """Ask by position; raises EngineFaultError when no usable answer comes in time."""
        return checked_recommendation(self._ask(lambda: self.engine.make_decision(agent, prices, market)))

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return self.limit.call(question)
        except OverdueError as error:
            raise EngineFaultError(f"The decision {error}") from error
        except Exception as error:
            raise EngineFaultError(str(error) or type(error).__name__) from error


class EngineLoader:
    """Loads engines as the settings say."""

    def __init__(self, settings: EngineSettings, connect: Callable[[], Any]) -> None:
        self.settings = settings
        self.models = FileStore(settings.model_dir)
        self.engines = FileStore(settings.engine_dir)
        self._connect = connect
        self._limit = TimeLimit(settings.load_seconds)

    def load(self, in_force: InForce) -> LoadedEngine:
        """Load the engine with the models that are in force; raises EngineLoadError."""
        try:
            return self._limit.call(partial(self._load, in_force))
        except EngineLoadError:
            raise
        except OverdueError as error:
            raise EngineLoadError(f"Loading the decision engine {error}") from error
        except Exception as error:
            raise EngineLoadError(str(error) or type(error).__name__) from error

    def look_at(self, path: Path, name: str) -> str | None:
        """What is wrong with an uploaded file called `name`, as far as can be told without an engine."""
        if Path(name).suffix.lower() != ".onnx":
            return None
        try:
            self._limit.call(partial(open_onnx, path, name))
        except (ModelError, OverdueError) as error:
            return str(error) if isinstance(error, ModelError) else f"Loading {name} {error}"
        return None

    def _load(self, in_force: InForce) -> LoadedEngine:
        model_dir = self._model_files(in_force.models)
        engine_class, package = self._engine_class(in_force.engine)
        try:
            engine: DecisionEngine = engine_class(model_dir=model_dir, db_connection_func=self._connect)
            engine.load()
            loaded = self._described(engine, in_force)
        except BaseException:
            if package:
                forget(package)
            raise
        if package:
            weakref.finalize(loaded, forget, package)
        return loaded

    def _described(self, engine: DecisionEngine, in_force: InForce) -> LoadedEngine:
        signature = inspect.signature(engine.make_decision)
        extra = [name for name in signature.parameters if name == POOL_RISKS]
        by_name = engine.make_decision
        if not _binds(signature, **dict.fromkeys((*CALL_BY_NAME, *extra))):
            if not _binds(signature, *CALL_BY_POSITION):
                raise EngineLoadError(f"make_decision{signature} can be called neither by name nor by position")
            by_name = DirectEngine(engine).make_decision
        return LoadedEngine(
            in_force=in_force,
            type=self.settings.class_name,
            version=str(getattr(engine, "version", "unknown"))[:LONGEST_VERSION],
            models=tuple(_told(engine, "get_model_info")),
            withheld_models=self._withheld(in_force.models),
            withheld_files=self._withheld(in_force.engine),
            wants_pool_risks=bool(extra),
            engine=engine,
            decide_by_name=by_name,
            limit=TimeLimit(self.settings.decision_seconds),
        )

    def _model_files(self, upload: Upload | None) -> Path:
        """The directory that the engine is shown."""
        if upload is None:
            return self.models.nothing()
        self._check(self.models, upload)
        return self.models.view(upload.directory, with_pickles=self.settings.allow_pickle)

    def _engine_class(self, upload: Upload | None) -> tuple[Callable[..., Any], str | None]:
        name = self.settings.class_name
        if upload is not None and self.settings.allow_upload:
            self._check(self.engines, upload)
            directory = self.engines.view(upload.directory, with_pickles=self.settings.allow_pickle)
            file = find_module(sorted(directory.iterdir()), name)
            if file is not None:
                return import_class(file, name)
        elif upload is not None:
            _log.warning("the uploaded engine is passed over, because ALLOW_ENGINE_UPLOAD is not set")
        engine_class: Callable[..., Any] = getattr(import_module(self.settings.module), name)
        return engine_class, None

    def _withheld(self, upload: Upload | None) -> tuple[str, ...]:
        """Which files the engine is not shown, and why."""
        if upload is None or self.settings.allow_pickle:
            return ()
        reason = "was not loaded: its format can carry code, and ALLOW_PICKLE_MODELS is not set"
        return tuple(f"{file.name} {reason}" for file in upload.files if file.is_pickle)

    def _check(self, store: FileStore, upload: Upload) -> None:
        try:
            store.check(upload.directory, upload.files)
        except StoreError as error:
            raise EngineLoadError(str(error)) from error


def _told(engine: Any, method: str) -> list[Any]:
    """What one of the methods tells that an engine may have."""
    tell = getattr(engine, method, None)
    answer = tell() if callable(tell) else []
    return list(answer) if isinstance(answer, list | tuple) else []


def _binds(signature: inspect.Signature, *by_position: Any, **by_name: Any) -> bool:
    try:
        signature.bind(*by_position, **by_name)
    except TypeError:
        return False
    return True
