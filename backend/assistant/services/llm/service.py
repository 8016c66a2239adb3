"""The language model as routes and commands use it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from backend.assistant.services.llm.client import Client, NotRunningError, Request
from backend.assistant.services.llm.limits import Limits
from backend.assistant.services.llm.model_files import ModelFile, find_model, list_models, size_in_words
from backend.assistant.services.llm.protocol import GoneError, Message
from backend.assistant.services.llm.refusals import CRASHED, NO_MODEL, NO_RUNTIME, LlmRefusedError
from backend.assistant.settings.llm import LlmSettings

#: How often a caller who waits is looked after, in seconds.
LOOK_EVERY = 0.25
#: Longer contexts and more layers than fit into 32 bit are unknown to the runtime.
MOST = 2**31 - 1
#: How long a healthy supervisor takes at most to say how it is, in seconds.
STATUS_WITHIN = 3.0
UNAVAILABLE = "unavailable"
NOTHING: Message = {
    "state": "idle",
    "model": None,
    "loading": None,
    "failure": None,
    "restarts": 0,
    "queue": {"generating": False, "waiting": 0, "limit": 0},
    "counters": {},
}


class CallerGoneError(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Wish:
    """What is to be said, and how. `droppable` of the messages behind the first may be left out for want of room.

    `model` is the name of the only model that is to answer; None for whichever is at work.
    """

    messages: list[dict[str, str]]
    max_tokens: int
    temperature: float
    top_p: float
    droppable: int = 0
    stop: tuple[str, ...] = ()
    strip: bool = True
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None
    model: str | None = None


class Llm:
    """The model that all workers of one data directory share. Nothing is started before a model is loaded."""

    def __init__(self, settings: LlmSettings) -> None:
        self.settings = settings
        self._client = Client(
            settings.data_directory,
            Limits(
                queue_size=settings.queue_size,
                time_limit=settings.time_limit,
                load_limit=settings.load_limit,
                linger=settings.linger,
                tokens_per_hour=settings.tokens_per_hour,
            ),
        )

    @property
    def has_runtime(self) -> bool:
        """Whether models can be loaded here at all."""
        return find_spec("llama_cpp") is not None

    def status(self) -> Message:
        """What the supervisor says of itself; see `Supervisor.status`.

        Where none runs its state is `idle`, where it does not answer `unavailable`.
        """
        try:
            return self._client.ask("status", within=STATUS_WITHIN)
        except NotRunningError:
            return NOTHING
        except LlmRefusedError:
            return {**NOTHING, "state": UNAVAILABLE}

    def models(self) -> list[ModelFile]:
        """The models that can be loaded."""
        return list_models(self.settings.model_directories)

    def load(self, path: str, gpu_layers: int | None, context_length: int | None) -> ModelFile:
        """Begin to load a model. Raises LlmRefusedError: the path, the runtime, the memory, or another load."""
        model = find_model(path, self.settings.model_directories)
        if not self.has_runtime:
            raise LlmRefusedError(503, NO_RUNTIME)
        wanted = self.settings.context_length if context_length is None else context_length
        trained = model.shape.trained_context if model.shape else None
        layers = self.settings.gpu_layers if gpu_layers is None else gpu_layers
        if not 1 <= wanted <= MOST or not -1 <= layers <= MOST:
            raise LlmRefusedError(400, "The context must be at least one token long, the layers -1 (all) or a number")
        order = {
            "path": str(model.path),
            "size": model.size,
            "gpu_layers": layers,
            # Beyond what it was trained for a model talks nonsense.
            "context_length": min(wanted, trained or wanted),
            "threads": self.settings.threads,
        }
        self._client.ask("load", start=True, order=order)
        return model

    def unload(self) -> None:
        """Let go of the model, and of one that is loading."""
        try:
            self._client.ask("unload")
        except NotRunningError:
            return

    def begin(self, wish: Wish, *, stream: bool) -> "Generation":
        """Ask for an answer. Raises LlmRefusedError where that is refused at once."""
        order = {
            "messages": wish.messages,
            "model": wish.model,
            "max_tokens": wish.max_tokens,
            "droppable": wish.droppable,
            "stop": list(wish.stop),
            "strip": wish.strip,
            "stream": stream,
            "sampling": {
                "temperature": wish.temperature,
                "top_p": wish.top_p,
                "top_k": self.settings.top_k,
                "repeat_penalty": self.settings.repeat_penalty,
                "frequency_penalty": wish.frequency_penalty,
                "presence_penalty": wish.presence_penalty,
                "seed": wish.seed,
            },
        }
        try:
            return Generation(self._client.open("generate", order=order))
        except NotRunningError:
            raise LlmRefusedError(503, NO_MODEL) from None


class Generation:
    """An answer under way. It is a context; leaving it early cancels the answer."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._first: Message | None = None
        self.began = time.monotonic()

    def __enter__(self) -> "Generation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancel the answer where it has not ended."""
        self._request.__exit__()

    def settle(self, patience: float) -> None:
        """Wait up to `patience` seconds for the model to begin: so long a refusal is still raised here."""
        deadline = time.monotonic() + patience
        while self._first is None and (left := deadline - time.monotonic()) > 0:
            event = self._next(left)
            if event is not None and event["event"] != "queued":
                self._first = event

    def events(self) -> Iterator[Message | None]:
        """Events up to `done`, and None now and then while there are none. Raises LlmRefusedError."""
        event = self._first
        while event is None or event["event"] != "done":
            if event is not None:
                yield event
            event = self._next(LOOK_EVERY)
            if event is None:
                yield None
        yield event

    def result(self, caller_gone: Callable[[], bool]) -> Message:
        """The whole answer. Raises LlmRefusedError, and CallerGoneError when `caller_gone` says so."""
        for event in self.events():
            if event is None:
                if caller_gone():
                    raise CallerGoneError
            elif event["event"] == "done":
                return event
        raise LlmRefusedError(503, CRASHED, 1)

    def _next(self, timeout: float) -> Message | None:
        try:
            return self._request.next(timeout)
        except GoneError:
            raise LlmRefusedError(503, CRASHED, 1) from None


def model_info(model: Message, settings: LlmSettings) -> dict[str, Any]:
    """What answers tell of the model at work."""
    return {
        "loaded": True,
        "name": model["name"],
        "path": model["path"],
        "size": size_in_words(model["size"]),
        "context_length": settings.context_length,
        "gpu_layers": settings.gpu_layers,
        "load_time": model["load_seconds"],
        "loaded_at": model["loaded_at"],
        "load_duration": model["load_seconds"],
        "gpu_layers_used": model["gpu_layers"],
        "context_length_used": model["context_length"],
    }
