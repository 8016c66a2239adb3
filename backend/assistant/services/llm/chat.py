"""Chatting, and telling which models there are, in the words of `/api/llm`."""

import time
from collections.abc import Callable
from typing import Any

from backend.assistant.services.llm.model_files import size_in_words
from backend.assistant.services.llm.modes import conversation, mode_named, temperature
from backend.assistant.services.llm.protocol import Message
from backend.assistant.services.llm.refusals import NO_MODEL, NO_SUPERVISOR, LlmRefusedError
from backend.assistant.services.llm.service import UNAVAILABLE, Generation, Llm, Wish, model_info


def begin(llm: Llm, order: dict[str, Any], *, stream: bool) -> Generation:
    """Begin to answer the message in `order`. Raises LlmRefusedError."""
    mode = mode_named(order["thinking_mode"])
    messages = conversation(mode, order["conversation_history"], order["message"])
    most = order["max_tokens"] or 0
    wish = Wish(
        messages=messages,
        max_tokens=most if most > 0 else llm.settings.max_tokens,
        temperature=temperature(order["temperature"], mode, llm.settings.temperature),
        top_p=llm.settings.top_p,
        droppable=len(messages) - 2,
    )
    return llm.begin(wish, stream=stream)


def chat(llm: Llm, order: dict[str, Any], conversation_id: str, caller_gone: Callable[[], bool]) -> dict[str, Any]:
    """The answer to the message in `order`. Raises LlmRefusedError and CallerGoneError."""
    with begin(llm, order, stream=False) as generation:
        done = generation.result(caller_gone)
    return {
        "response": done["text"],
        "conversation_id": conversation_id,
        "tokens_used": done["prompt_tokens"] + done["completion_tokens"],
        "processing_time": time.monotonic() - generation.began,
        "thinking_mode": order["thinking_mode"],
        "model_info": model_info(done["model"], llm.settings),
    }


def describe_models(llm: Llm) -> list[dict[str, Any]]:
    """The models that can be loaded, each with its state."""
    found = llm.models()
    if not found:
        return []
    status = llm.status()
    return [
        _described(llm, model.name, model.size, loaded=_is(status["model"], str(model.path)))
        | {"parameters": {**_parameters(llm), **_state(status, str(model.path))}}
        for model in found
    ]


def describe_current(llm: Llm) -> dict[str, Any]:
    """The model at work. Raises LlmRefusedError (404) where there is none."""
    status = llm.status()
    if status["state"] == UNAVAILABLE:
        raise LlmRefusedError(503, NO_SUPERVISOR, 5)
    model = status["model"]
    if model is None:
        raise LlmRefusedError(404, NO_MODEL)
    return _described(llm, model["name"], model["size"], loaded=True)


def _described(llm: Llm, name: str, size: int, *, loaded: bool) -> dict[str, Any]:
    return {
        "name": name,
        "size": size_in_words(size),
        "type": "gguf",
        "loaded": loaded,
        "context_length": llm.settings.context_length,
        "parameters": _parameters(llm),
    }


def _parameters(llm: Llm) -> dict[str, Any]:
    settings = llm.settings
    return {
        "gpu_layers": settings.gpu_layers,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "max_tokens": settings.max_tokens,
    }


def _state(status: Message, path: str) -> dict[str, Any]:
    if _is(status["loading"], path):
        return {"state": "loading", "progress": status["loading"]["progress"]}
    if _is(status["model"], path):
        return {"state": "ready"}
    if _is(status["failure"], path):
        return {"state": "failed", "error": status["failure"]["detail"]}
    return {"state": "idle"}


def _is(told: Message | None, path: str) -> bool:
    return told is not None and told["path"] == path
