"""`/v1/...`: the language model for programs that speak OpenAI's chat interface."""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from backend.assistant.api.llm_access import language_model
from backend.assistant.api.llm_streams import EVENT_STREAM, WAITING, caller_gone, sent, streamed, with_heartbeats
from backend.assistant.schemas import openai as schemas
from backend.assistant.services.llm import completions as service
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.service import CallerGoneError
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.errors import InvalidRequestError, RequestRefusedError, log_failure

#: As for the assistant's own streams; see backend.assistant.api.llm.
SETTLE = 2.0
NOBODY_THERE = 499
END = "data: [DONE]\n\n"

openai = DetailBlueprint("openai", __name__, url_prefix="/v1", description="The language model, as OpenAI's")


@openai.route("/chat/completions", methods=["POST"])
@openai.arguments(schemas.CompletionOrder())
@openai.response(200, schemas.Completion())
@openai.alt_response(400, schema=schemas.OpenAiFailure(), description="What is asked for is not understood")
@openai.alt_response(404, schema=schemas.OpenAiFailure(), description="Another model is at work")
@openai.alt_response(429, schema=schemas.OpenAiFailure(), description="Too many wait; see Retry-After")
@openai.alt_response(503, schema=schemas.OpenAiFailure(), description="No model is loaded")
def complete(order: dict[str, Any]) -> Any:
    """Go on with a conversation; with `stream`, token by token."""
    completion = service.begin(language_model(), order)
    gone = caller_gone(request.environ)
    if not order["stream"]:
        try:
            return completion.whole(gone)
        except CallerGoneError:
            return Response(status=NOBODY_THERE)
    completion.generation.settle(SETTLE)
    with_usage = bool((order["stream_options"] or {}).get("include_usage"))
    return streamed(completion.generation, _chunks(completion, gone, with_usage=with_usage), EVENT_STREAM)


@openai.route("/models", methods=["GET"])
@openai.response(200, schemas.OpenAiModels())
def models() -> Any:
    """The model at work."""
    return service.describe_models(language_model())


@openai.route("/models/<name>", methods=["GET"])
@openai.response(200, schemas.OpenAiModel())
@openai.alt_response(404, schema=schemas.OpenAiFailure(), description="Another model is at work, or none")
def model(name: str) -> Any:
    """The model of that name."""
    return service.describe_model(language_model(), name)


@openai.errorhandler(RequestRefusedError)
def answer_refusal(refusal: RequestRefusedError) -> ResponseReturnValue:
    """A refusal in the shape that OpenAI's clients read."""
    if isinstance(refusal, InvalidRequestError):
        first = refusal.complaints[0]
        if first.type == "json_invalid":
            return _failure(400, f"The body is no JSON: {first.msg}", None, None)
        place = ".".join(str(part) for part in first.loc[1:])
        return _failure(400, f"{place}: {first.msg}" if place else first.msg, place or None, None)
    answer, status = _failure(refusal.status_code, refusal.error or "", None, getattr(refusal, "code", None))
    return answer, status, dict(refusal.headers)


@openai.errorhandler(HTTPException)
def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """A refusal of the framework in the same shape."""
    return _failure(error.code or 500, error.description or error.name, None, None)


@openai.errorhandler(Exception)
def answer_failure(error: Exception) -> ResponseReturnValue:
    """Whatever else goes wrong, in the same shape; only the log tells what it was."""
    log_failure(error)
    return _failure(500, "Internal Server Error", None, None)


def _chunks(completion: service.Completion, gone: Callable[[], bool], *, with_usage: bool) -> Iterator[str]:
    try:
        for event in with_heartbeats(completion.generation, gone):
            if event is None:
                yield WAITING
            elif event["event"] == "started":
                completion.started(event)
                yield sent(completion.chunk({"role": "assistant", "content": ""}))
            elif event["event"] == "token":
                yield sent(completion.chunk({"content": event["text"]}))
            elif event["event"] == "done":
                yield sent(completion.chunk({}, event["finish_reason"]))
                if with_usage:
                    yield sent(completion.usage_chunk(event))
                yield END
    except LlmRefusedError as refusal:
        yield sent({"error": _described(refusal.status_code, refusal.detail, None, refusal.code)})


def _failure(status: int, message: str, parameter: str | None, code: str | None) -> tuple[Response, int]:
    return jsonify(error=_described(status, message, parameter, code)), status


def _described(status: int, message: str, parameter: str | None, code: str | None) -> dict[str, Any]:
    kind = "server_error" if status >= 500 else "rate_limit_error" if status == 429 else "invalid_request_error"
    return {"message": message, "type": kind, "param": parameter, "code": code}
