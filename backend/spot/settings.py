"""Settings that only this domain has."""

from dataclasses import dataclass
from pathlib import Path

from backend.core.settings import Reader, flag, number_of_seconds, whole_number

DEFAULT_ENGINE_MODULE = "backend.spot.services.engines.default"
DEFAULT_ENGINE_CLASS = "MLBasedDecisionEngine"


@dataclass(frozen=True)
class EngineSettings:
    """Which decision engine is at work, where uploads are kept, and what may be uploaded and loaded.

    `decision_seconds` bounds one decision, `load_seconds` loading an engine with its models. Code can only be uploaded,
    and uploaded code only runs, where `allow_upload` is set; files whose format can carry code (pickles and the like)
    are only shown to engines where `allow_pickle` is.
    """

    module: str
    class_name: str
    model_dir: Path
    engine_dir: Path
    allow_upload: bool
    allow_pickle: bool
    decision_seconds: float
    load_seconds: float
    max_file_bytes: int

    @classmethod
    def read(cls, read: Reader) -> "EngineSettings":
        """Read every setting; raises SettingsError naming the first whose value is not allowed."""
        return cls(
            module=read("DECISION_ENGINE_MODULE", _module_name, DEFAULT_ENGINE_MODULE),
            class_name=read("DECISION_ENGINE_CLASS", _class_name, DEFAULT_ENGINE_CLASS),
            model_dir=read("MODEL_DIR", _directory, "var/models"),
            engine_dir=read("DECISION_ENGINE_DIR", _directory, "var/decision-engines"),
            allow_upload=read("ALLOW_ENGINE_UPLOAD", flag, "false"),
            allow_pickle=read("ALLOW_PICKLE_MODELS", flag, "false"),
            decision_seconds=read("DECISION_TIMEOUT", number_of_seconds(0.05, 60), "2"),
            load_seconds=read("ENGINE_LOAD_TIMEOUT", number_of_seconds(0.5, 600), "20"),
            max_file_bytes=read("MAX_UPLOAD_FILE_BYTES", whole_number(1, 2**31 - 1), str(100 * 1024 * 1024)),
        )


@dataclass(frozen=True)
class ReplicaSettings:
    """`emergencies_bypass_auto_switch`: whether an agent whose instance is about to go gets an emergency replica with
    automatic switching off, too. The old side was described like that, and refuses; so does this one by default.
    """

    emergencies_bypass_auto_switch: bool

    @classmethod
    def read(cls, read: Reader) -> "ReplicaSettings":
        """Read every setting; raises SettingsError naming the first whose value is not allowed."""
        return cls(emergencies_bypass_auto_switch=read("EMERGENCIES_BYPASS_AUTO_SWITCH", flag, "false"))


def _directory(value: str) -> Path:
    if not value:
        raise ValueError("a directory")
    return Path(value).absolute()


def _module_name(value: str) -> str:
    if not all(part.isidentifier() for part in value.split(".")):
        raise ValueError("the name of a Python module, such as decision_engines.ml_based_engine")
    return value


def _class_name(value: str) -> str:
    if not value.isidentifier() or len(value) > 64:
        raise ValueError("the name of a class, of at most 64 characters")
    return value
