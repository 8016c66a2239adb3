"""Settings of the language model: how it is loaded, how it answers, and how much of the machine it may take."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.assistant.settings import DataSettings
from backend.core.settings import Reader, number_of_seconds, whole_number


@dataclass(frozen=True)
class LlmSettings:
    """What the model may be told from outside. Times are in seconds.

    `max_tokens`, `temperature`, `top_p`, `top_k` and `repeat_penalty` hold where a request says nothing else. `threads`
    is 0 for half of the processors, `tokens_per_hour` is 0 where nothing is counted. `queue_size` is how many requests
    may wait; `linger` is how long the model stays after the last server that used it has stopped.
    """

    data_directory: Path
    model_directories: tuple[Path, ...]
    context_length: int = 4096
    gpu_layers: int = -1
    max_tokens: int = 2048
    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 40
    repeat_penalty: float = 1.1
    threads: int = 0
    queue_size: int = 16
    time_limit: float = 120.0
    load_limit: float = 600.0
    linger: float = 30.0
    tokens_per_hour: int = 100_000

    @classmethod
    def read(cls, read: Reader) -> "LlmSettings":
        """Read `LLM_...`, `SECURITY_MAX_TOKENS_PER_HOUR` and `DATA_DIR`; raises SettingsError."""
        data = DataSettings.read(read).directory
        return cls(
            data_directory=data,
            model_directories=(data / "models", *read("LLM_MODEL_DIRS", _directories, "")),
            context_length=read("LLM_CONTEXT_LENGTH", whole_number(64, 10_000_000), "4096"),
            gpu_layers=read("LLM_GPU_LAYERS", _gpu_layers, "-1"),
            max_tokens=read("LLM_MAX_TOKENS", whole_number(1, 10_000_000), "2048"),
            temperature=read("LLM_TEMPERATURE", _number(0, 10), "0.7"),
            top_p=read("LLM_TOP_P", _number(0, 1), "0.9"),
            top_k=read("LLM_TOP_K", whole_number(0, 1_000_000), "40"),
            repeat_penalty=read("LLM_REPEAT_PENALTY", _number(0.01, 10), "1.1"),
            threads=read("LLM_THREADS", whole_number(0, 1024), "0"),
            queue_size=read("LLM_QUEUE_SIZE", whole_number(0, 10_000), "16"),
            time_limit=read("LLM_TIME_LIMIT", number_of_seconds(0.1, 86_400), "120"),
            load_limit=read("LLM_LOAD_LIMIT", number_of_seconds(1, 86_400), "600"),
            linger=read("LLM_LINGER_SECONDS", number_of_seconds(0, 86_400), "30"),
            tokens_per_hour=read("SECURITY_MAX_TOKENS_PER_HOUR", whole_number(0, 10**12), "100000"),
        )

    @property
    def models(self) -> Path:
        """The directory that models are pulled into."""
        return self.model_directories[0]


def _directories(value: str) -> tuple[Path, ...]:
    paths = tuple(Path(part.strip()).expanduser() for part in value.split(os.pathsep) if part.strip())
    if not all(path.is_absolute() for path in paths):
        raise ValueError(f"absolute directories, divided by {os.pathsep}")
    return paths


def _gpu_layers(value: str) -> int:
    if value != "-1" and not (value.isdecimal() and int(value) < 10_000):
        raise ValueError("the number of layers for the GPU, or -1 for all of them")
    return int(value)


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return number

    return parse
