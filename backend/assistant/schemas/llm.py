"""Chatting with the language model, and loading it."""

from typing import Any

import marshmallow as ma

from backend.core.wire_fields import Anything, Flag, ListOf, Mapping, Nested, Text, WireSchema
from backend.core.wire_moments import Moment
from backend.core.wire_numbers import Number, WholeNumber


def _optional(about: str) -> dict[str, Any]:
    return {"load_default": None, "allow_none": True, "metadata": {"description": about}}


class ChatMessage(WireSchema):
    """Something that was said before."""

    role = Text(required=True, metadata={"description": "user, assistant or system", "example": "user"})
    content = Text(required=True, metadata={"example": "Hello!"})
    timestamp = Moment(**_optional("when it was said"))


class ConversationId(Text):
    """An identifier of the caller's. What is no text is passed over, as the whole member was when it meant nothing."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **options)
        except ma.ValidationError:
            return None


class ChatOrder(WireSchema):
    """A message to the model."""

    message = Text(required=True, metadata={"example": "What makes the tides?"})
    conversation_history = ListOf(Nested(ChatMessage), load_default=list)
    thinking_mode = Text(
        load_default="normal", metadata={"description": "normal, deep or creative; anything else is normal"}
    )
    max_tokens = WholeNumber(**_optional("of the answer; nothing or 0 means the setting"))
    temperature = Number(**_optional("0 always chooses the likeliest; nothing means the setting"))
    stream = Flag(load_default=False, metadata={"description": "has no effect here; see /api/llm/chat/stream"})
    conversation_id = ConversationId(**_optional("answered as it is; a new one is made where none is sent"))


class ChatAnswer(WireSchema):
    """What the model says."""

    response = Text(metadata={"example": "The moon pulls at the sea."})
    conversation_id = Text(metadata={"example": "0d51e8f4-6da1-4f45-8022-d6231972d34b"})
    tokens_used = WholeNumber(metadata={"description": "of the prompt and of the answer"})
    processing_time = Number(metadata={"description": "seconds, with the time in the queue"})
    thinking_mode = Text(metadata={"example": "normal"})
    model_info = Mapping(Anything(), metadata={"description": "The model, and how it was loaded"})


class ModelDescribed(WireSchema):
    """A model that can be loaded, or is."""

    name = Text(metadata={"example": "SmolLM2-135M-Instruct.Q4_1.gguf"})
    size = Text(allow_none=True, metadata={"example": "93.8 MB"})
    type = Text(metadata={"example": "gguf"})
    loaded = Flag(metadata={"example": True})
    context_length = WholeNumber(metadata={"example": 4096})
    parameters = Mapping(Anything(), metadata={"description": "The settings; in lists also the `state`"})


class LoadOrder(WireSchema):
    """The model to load."""

    model_path = Text(required=True, metadata={"description": "a name in, or a path to, the models directory"})
    gpu_layers = WholeNumber(**_optional("layers for the GPU, -1 for all; nothing means the setting"))
    context_length = WholeNumber(
        load_default=4096, allow_none=True, metadata={"description": "in tokens; null means the setting"}
    )


class LoadStarted(WireSchema):
    """The model is being loaded; `/api/llm/status` tells how far it is."""

    message = Text(metadata={"example": "Model loading started"})
    model_path = Text(metadata={"example": "SmolLM2-135M-Instruct.Q4_1.gguf"})
    status = Text(metadata={"example": "loading"})


class Unloaded(WireSchema):
    """No model is loaded any more."""

    message = Text(metadata={"example": "Model unloaded successfully"})


class ModelState(WireSchema):
    """What the model is doing."""

    state = Text(metadata={"description": "idle, loading, ready, failed or crashed", "example": "ready"})
    model = Mapping(Anything(allow_none=True), allow_none=True, metadata={"description": "the model at work"})
    loading = Mapping(
        Anything(), allow_none=True, metadata={"description": "the model on its way; its `progress` is a part of 1"}
    )
    failure = Mapping(Anything(), allow_none=True, metadata={"description": "the last load that failed"})
    restarts = WholeNumber(metadata={"description": "since the supervisor started"})
    queue = Mapping(Anything(), metadata={"example": {"generating": False, "waiting": 0, "limit": 16}})
    counters = Mapping(Anything(), metadata={"description": "what became of the requests, and their tokens"})
