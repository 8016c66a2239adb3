"""Models that say how likely a pool is to be interrupted.

A model gets one row of FEATURES for each pool and answers one risk for each row, from 0 (never) to 1 (certainly).
What an ONNX model must look like for that: one input of type float32 and shape [rows, len(FEATURES)] with any number of
rows, and a first output of floats, one for each row. A pickled model is an object with `predict(rows)`.

Of the files of a session, the model is `risk.<format>`, or else the only one in a format that is known here.
"""

import hashlib
import pickle
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

FEATURES = (
    "spot_price",  # dollars an hour
    "ondemand_price",  # dollars an hour
    "price_ratio",  # spot_price / ondemand_price
    "recent_interruptions",  # of the pool in the last 30 days, divided by 30, at most 1
    "hour_of_day",  # UTC, 0 to 23
    "day_of_week",  # UTC, 0 = Monday
)
TRIAL = [[0.01, 0.04, 0.25, 0.0, 0.0, 0.0], [0.03, 0.04, 0.75, 1.0, 23.0, 6.0]]
VERSION_DIGITS = 12


class ModelError(Exception):
    """A model file that cannot be used; the text says why."""


class RiskModel(Protocol):
    """A loaded model."""

    path: Path
    version: str

    def scores(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """The risk for each row of FEATURES; raises ModelError."""


def features(spot_price: float, ondemand_price: float, recent_interruptions: float, now: datetime) -> list[float]:
    """One row for a model. `now` is naive UTC."""
    return [
        spot_price,
        ondemand_price,
        spot_price / ondemand_price,
        recent_interruptions,
        float(now.hour),
        float(now.weekday()),
    ]


def load_risk_model(directory: Path) -> RiskModel | None:
    """Load and try the model among the files of `directory`; None where there is none. Raises ModelError."""
    path = _model_file(directory)
    if path is None:
        return None
    model = LOADERS[path.suffix.lower()](path)
    model.scores(TRIAL)
    return model


def _model_file(directory: Path) -> Path | None:
    known = sorted(path for path in directory.iterdir() if path.suffix.lower() in LOADERS)
    chosen = known if len(known) < 2 else [path for path in known if path.stem.lower() == "risk"]
    if known and len(chosen) != 1:
        names = ", ".join(path.name for path in known)
        raise ModelError(f"Which of {names} is the risk model? Name it risk{known[0].suffix}.")
    return chosen[0] if chosen else None


def open_onnx(path: Path, name: str) -> Any:
    """An inference session of an ONNX file that is called `name`; raises ModelError."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise ModelError(f"{name} needs onnxruntime: install the extra 'ml'") from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).replace(f"{path.parent}/", "")
        raise ModelError(f"{name} is no ONNX model: {reason}") from error


class OnnxModel:
    """A model in the open format ONNX, which holds no code."""

    def __init__(self, path: Path) -> None:
        self._session = open_onnx(path, path.name)
        inputs = self._session.get_inputs()
        if [single.type for single in inputs] != ["tensor(float)"]:
            raise ModelError(f"{path.name} must have one input, of 32-bit floats")
        self._input = inputs[0].name
        self.path, self.version = path, _version(path)

    def scores(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Run the model once for all rows."""
        numpy = import_module("numpy")
        try:
            answer = self._session.run(None, {self._input: numpy.asarray(rows, dtype=numpy.float32)})[0]
            values = numpy.asarray(answer, dtype=float).reshape(-1).tolist()
        except Exception as error:
            raise ModelError(f"{self.path.name} did not answer: {error}") from error
        return _as_risks(self.path, values, rows)


class PickledModel:
    """A pickled Python object with `predict`, such as a scikit-learn regressor. Loading it runs what it contains."""

    def __init__(self, path: Path) -> None:
        try:
            self._model = _unpickle(path)
        except Exception as error:
            raise ModelError(f"{path.name} cannot be unpickled: {error}") from error
        self.path, self.version = path, _version(path)

    def scores(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Ask the object."""
        try:
            values = [float(value) for value in self._model.predict(rows)]
        except Exception as error:
            raise ModelError(f"{self.path.name} did not answer: {error}") from error
        return _as_risks(self.path, values, rows)


def _unpickle(path: Path) -> Any:
    if path.suffix.lower() == ".joblib":
        return import_module("joblib").load(path)
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 - engines are shown pickles only where ALLOW_PICKLE_MODELS is set


def _as_risks(path: Path, values: list[float], rows: Sequence[Sequence[float]]) -> list[float]:
    if len(values) != len(rows) or not all(map(isfinite, values)):
        raise ModelError(f"{path.name} answers {len(values)} values for {len(rows)} pools, or some that are no numbers")
    return [min(max(value, 0.0), 1.0) for value in values]


def _version(path: Path) -> str:
    """The beginning of the file's SHA-256: the same content is the same version."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:VERSION_DIGITS]


LOADERS: dict[str, Any] = {".onnx": OnnxModel, ".pkl": PickledModel, ".joblib": PickledModel}
