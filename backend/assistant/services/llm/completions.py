"""The model in the words of OpenAI's chat interface."""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from backend.assistant.services.llm.model_files import SUFFIX
from backend.assistant.services.llm.protocol import Message
from backend.assistant.services.llm.refusals import NOT_FOUND, LlmRefusedError
from backend.assistant.services.llm.service import Generation, Llm, Wish

#: Seeds are 32 bits; the largest stands for chance.
SEEDS = 2**32 - 1


class Completion:
    """An answer under way, and the members that every part of it repeats."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._model = ""

    def started(self, event: Message) -> None:
        """Note which model answers."""
        self._model = event["model"]["name"]

    def whole(self, caller_gone: Callable[[], bool]) -> dict[str, Any]:
        """The answer in one piece. Raises LlmRefusedError and CallerGoneError."""
        with self.generation:
            done = self.generation.result(caller_gone)
        self.started(done)
        message = {"role": "assistant", "content": done["text"], "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": done["finish_reason"]}
        return {**self._of("chat.completion"), "choices": [choice], "usage": usage(done)}

    def chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        """A piece of the answer."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._of("chat.completion.chunk"), "choices": [choice]}

    def usage_chunk(self, done: Message) -> dict[str, Any]:
        """The tokens that the answer took."""
        return {**self._of("chat.completion.chunk"), "choices": [], "usage": usage(done)}

    def _of(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}


def begin(llm: Llm, order: dict[str, Any]) -> Completion:
    """Begin to answer. Raises LlmRefusedError, 404 where another model is asked for than the one at work."""
    messages = [
        {**message, "role": "system" if message["role"] == "developer" else message["role"]}
        for message in order["messages"]
    ]
    settings = llm.settings
    wish = Wish(
        messages=messages,
        max_tokens=order["max_completion_tokens"] or order["max_tokens"] or settings.max_tokens,
        temperature=settings.temperature if order["temperature"] is None else order["temperature"],
        top_p=settings.top_p if order["top_p"] is None else order["top_p"],
        stop=order["stop"] or (),
        strip=False,
        frequency_penalty=order["frequency_penalty"] or 0.0,
        presence_penalty=order["presence_penalty"] or 0.0,
        seed=None if order["seed"] is None else order["seed"] % SEEDS,
        model=order["model"] or None,
    )
    return Completion(llm.begin(wish, stream=bool(order["stream"])))


def describe_models(llm: Llm) -> dict[str, Any]:
    """The model at work, if there is one: no other would answer."""
    model = llm.status()["model"]
    return {"object": "list", "data": [] if model is None else [_described(model)]}


def describe_model(llm: Llm, name: str) -> dict[str, Any]:
    """The model at work. Raises LlmRefusedError (404) where it has another name."""
    model = llm.status()["model"]
    if model is None or name not in (model["name"], model["name"].removesuffix(SUFFIX)):
        raise LlmRefusedError(404, f"The model {name!r} is not at work; GET /v1/models tells which is", code=NOT_FOUND)
    return _described(model)


def usage(done: Message) -> dict[str, int]:
    """The tokens that an answer took."""
    prompt, completion = done["prompt_tokens"], done["completion_tokens"]
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _described(model: Message) -> dict[str, Any]:
    loaded = datetime.fromisoformat(model["loaded_at"]).replace(tzinfo=UTC)
    return {"id": model["name"], "object": "model", "created": int(loaded.timestamp()), "owned_by": "local"}
