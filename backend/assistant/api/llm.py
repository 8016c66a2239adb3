"""`/api/llm/...`: chatting with the language model, and which one that is."""

import uuid
from typing import Any

from flask import Response, request

from backend.assistant.api.llm_access import language_model
from backend.assistant.api.llm_streams import EVENT_STREAM, Asked, as_events, as_raw_text, caller_gone, streamed
from backend.assistant.schemas import llm as schemas
from backend.assistant.schemas.tools import Refusal
from backend.assistant.services.llm import chat as service
from backend.assistant.services.llm.service import CallerGoneError
from backend.core.detail_blueprint import DetailBlueprint

#: Seconds that a stream waits for the model to begin, so that a refusal still is the status of the answer.
SETTLE = 2.0
#: What servers log of a request whose caller has left; nobody reads it.
NOBODY_THERE = 499

llm = DetailBlueprint("llm", __name__, url_prefix="/api/llm", description="The language model")


@llm.route("/chat", methods=["POST"])
@llm.arguments(schemas.ChatOrder())
@llm.response(200, schemas.ChatAnswer())
@llm.alt_response(400, schema=Refusal(), description="The message is longer than the context of the model")
@llm.alt_response(429, schema=Refusal(), description="Too many wait, or too many tokens were used; see Retry-After")
@llm.alt_response(500, schema=Refusal(), description="The model failed")
@llm.alt_response(503, schema=Refusal(), description="No model is loaded, or it is being restarted")
@llm.alt_response(504, schema=Refusal(), description="The answer took longer than it may")
def chat(order: dict[str, Any]) -> Any:
    """Answer a message."""
    try:
        return service.chat(language_model(), order, _conversation(order), caller_gone(request.environ))
    except CallerGoneError:
        return Response(status=NOBODY_THERE)


@llm.route("/chat/stream", methods=["POST"])
@llm.arguments(schemas.ChatOrder())
@llm.doc(
    responses={
        200: {
            "description": "The answer, token by token. With `Accept: text/event-stream`: events with JSON, an `error` "
            "event where it breaks off, and a `done` event with counts and times at the end. Otherwise bare text after "
            "`data: `, as ever.",
            "content": {EVENT_STREAM: {"schema": {"type": "string"}}, "text/plain": {"schema": {"type": "string"}}},
        }
    }
)
@llm.alt_response(400, schema=Refusal(), description="The message is longer than the context of the model")
@llm.alt_response(429, schema=Refusal(), description="Too many wait, or too many tokens were used; see Retry-After")
@llm.alt_response(503, schema=Refusal(), description="No model is loaded, or it is being restarted")
def stream(order: dict[str, Any]) -> Any:
    """Answer a message while it is being thought of."""
    generation = service.begin(language_model(), order, stream=True)
    generation.settle(SETTLE)
    asked = Asked(_conversation(order), order["thinking_mode"], caller_gone(request.environ))
    if EVENT_STREAM in request.headers.get("Accept", ""):
        return streamed(generation, as_events(generation, asked), EVENT_STREAM)
    return streamed(generation, as_raw_text(generation, asked), "text/plain")


@llm.route("/models", methods=["GET"])
@llm.response(200, schemas.ModelDescribed(many=True))
def models() -> Any:
    """The models that can be loaded."""
    return service.describe_models(language_model())


@llm.route("/models/current", methods=["GET"])
@llm.response(200, schemas.ModelDescribed())
@llm.alt_response(404, schema=Refusal(), description="No model is loaded")
def current() -> Any:
    """The model at work."""
    return service.describe_current(language_model())


@llm.route("/models/load", methods=["POST"])
@llm.arguments(schemas.LoadOrder())
@llm.response(200, schemas.LoadStarted())
@llm.alt_response(400, schema=Refusal(), description="The file is no model")
@llm.alt_response(403, schema=Refusal(), description="The path leads out of the models directory")
@llm.alt_response(404, schema=Refusal(), description="There is no such file")
@llm.alt_response(409, schema=Refusal(), description="Another model is being loaded")
@llm.alt_response(503, schema=Refusal(), description="The runtime for models is not installed")
@llm.alt_response(507, schema=Refusal(), description="The model does not fit into memory")
def load(order: dict[str, Any]) -> Any:
    """Begin to load a model. The one at work goes on until the new one is there, and stays if that fails."""
    language_model().load(order["model_path"], order["gpu_layers"], order["context_length"])
    return {"message": "Model loading started", "model_path": order["model_path"], "status": "loading"}


@llm.route("/models/unload", methods=["POST"])
@llm.response(200, schemas.Unloaded())
def unload() -> Any:
    """Let go of the model."""
    language_model().unload()
    return {"message": "Model unloaded successfully"}


@llm.route("/status", methods=["GET"])
@llm.response(200, schemas.ModelState())
def status() -> Any:
    """What the model is doing: its state, the progress of a load, the queue."""
    return language_model().status()


def _conversation(order: dict[str, Any]) -> str:
    return order["conversation_id"] or str(uuid.uuid4())
