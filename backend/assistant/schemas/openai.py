"""The part of OpenAI's chat interface that a local model can keep."""

from typing import Any

import marshmallow as ma

from backend.core.complaints import refused_value
from backend.core.wire_fields import Anything, Choice, Flag, ListOf, Mapping, Nested, Text, WireField, WireSchema
from backend.core.wire_numbers import Number, WholeNumber

ROLES = ("system", "developer", "user", "assistant")
MOST_STOPS = 4
#: What is refused rather than ignored: the answer would not be what the caller counts on.
UNSUPPORTED = ("tools", "functions", "logprobs", "logit_bias", "audio", "prediction")


class Content(WireField):
    """A text, or parts of which each is one; they are joined."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if isinstance(value, list):
            return "".join(_text_of(part) for part in value)
        return str(Text().deserialize(value))


class Stop(WireField):
    """A text, or several, that end the answer."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> tuple[str, ...]:
        texts = [value] if isinstance(value, str) else value
        return tuple(ListOf(Text(), max_length=MOST_STOPS).deserialize(texts))


class OpenAiMessage(WireSchema):
    """One message of the conversation."""

    role = Choice(*ROLES, required=True, metadata={"example": "user"})
    content = Content(required=True, metadata={"example": "What makes the tides?"})


class StreamOptions(WireSchema):
    """What a stream tells beside the answer."""

    include_usage = Flag(load_default=False)


def _optional(**bounds: Any) -> dict[str, Any]:
    return {"load_default": None, "allow_none": True, **bounds}


class CompletionOrder(WireSchema):
    """A conversation that the model is to go on with."""

    model = Text(**_optional(metadata={"description": "the model at work; nothing means that one too"}))
    messages = ListOf(Nested(OpenAiMessage), required=True, min_length=1)
    max_tokens = WholeNumber(**_optional(ge=1))
    max_completion_tokens = WholeNumber(**_optional(ge=1))
    temperature = Number(**_optional(ge=0, le=2))
    top_p = Number(**_optional(ge=0, le=1))
    frequency_penalty = Number(**_optional(ge=-2, le=2))
    presence_penalty = Number(**_optional(ge=-2, le=2))
    seed = WholeNumber(**_optional())
    stop = Stop(**_optional())
    stream = Flag(load_default=False, allow_none=True)
    stream_options = Nested(StreamOptions, **_optional())
    n = WholeNumber(**_optional(ge=1, le=1))
    response_format = Mapping(**_optional())
    tools = Anything(**_optional())
    functions = Anything(**_optional())
    logprobs = Anything(**_optional())
    logit_bias = Anything(**_optional())
    audio = Anything(**_optional())
    prediction = Anything(**_optional())

    @ma.validates_schema
    def refuse_what_is_not_kept(self, data: dict[str, Any], **_: Any) -> None:
        """Nothing that changes the answer is ignored."""
        for name in UNSUPPORTED:
            if data[name]:
                raise refused_value(f"this model does not support {name}", data[name])
        if (data["response_format"] or {}).get("type", "text") != "text":
            raise refused_value("this model only answers text", data["response_format"])


class Completion(WireSchema):
    """The model's answer."""

    id = Text(metadata={"example": "chatcmpl-5f0c6f1e"})
    object = Text(metadata={"example": "chat.completion"})
    created = WholeNumber(metadata={"description": "seconds since 1970"})
    model = Text(metadata={"example": "SmolLM2-135M-Instruct.Q4_1.gguf"})
    choices = ListOf(Mapping(Anything(allow_none=True)))
    usage = Mapping(WholeNumber())


class OpenAiModel(WireSchema):
    """A model that is at work."""

    id = Text(metadata={"example": "SmolLM2-135M-Instruct.Q4_1.gguf"})
    object = Text(metadata={"example": "model"})
    created = WholeNumber()
    owned_by = Text(metadata={"example": "local"})


class OpenAiModels(WireSchema):
    """The models there are."""

    object = Text(metadata={"example": "list"})
    data = ListOf(Nested(OpenAiModel))


class OpenAiFailure(WireSchema):
    """What is wrong."""

    error = Mapping(Anything(allow_none=True), metadata={"example": {"message": "...", "type": "server_error"}})


def _text_of(part: Any) -> str:
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise refused_value("only parts of the type text are understood", part)
    return str(part["text"])
