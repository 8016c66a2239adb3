"""Answers that are sent while the model is still thinking."""

import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response

from backend.assistant.services.llm.protocol import Message
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.service import Generation

EVENT_STREAM = "text/event-stream"
#: Seconds of silence after which a comment shows that the connection still lives.
HEARTBEAT = 5.0
WAITING = ": waiting\n\n"
#: Proxies are not to collect what is sent bit by bit.
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
#: Where servers leave the connection of a request, in its environment.
SOCKETS = ("gunicorn.socket", "werkzeug.socket")


@dataclass(frozen=True)
class Asked:
    """What the end of a stream repeats of its request, and how to see that nobody reads it any more."""

    conversation_id: str
    thinking_mode: str
    caller_gone: Callable[[], bool]


def streamed(generation: Generation, chunks: Iterable[str], mimetype: str) -> Response:
    """The answer; whatever ends it also ends `generation`."""
    response = Response(chunks, content_type=f"{mimetype}; charset=utf-8", headers=HEADERS)
    response.call_on_close(generation.close)
    return response


def as_events(generation: Generation, asked: Asked) -> Iterator[str]:
    """Server-sent events: `{"token"}` for each piece of text, `queued`, `error`, and `done` at the end."""
    try:
        for event in with_heartbeats(generation, asked.caller_gone):
            if event is None:
                yield WAITING
            elif event["event"] == "queued":
                yield sent({"position": event["position"]}, "queued")
            elif event["event"] == "token":
                yield sent({"token": event["text"]})
            elif event["event"] == "done":
                yield sent(summary(event, asked, generation), "done")
    except LlmRefusedError as refusal:
        yield sent({"detail": refusal.detail, "retry_after": refusal.retry_after}, "error")


def as_raw_text(generation: Generation, asked: Asked) -> Iterator[str]:
    """The framing of old: bare text, whatever is in it; nothing tells the end but the end."""
    try:
        for event in with_heartbeats(generation, asked.caller_gone):
            if event is not None and event["event"] == "token":
                yield f"data: {event['text']}\n\n"
    except LlmRefusedError as refusal:
        yield f"data: {json.dumps({'error': refusal.detail})}\n\n"


def with_heartbeats(generation: Generation, caller_gone: Callable[[], bool]) -> Iterator[Message | None]:
    """The events of `generation`, and None after every HEARTBEAT of silence; it ends when the caller is gone."""
    heard = time.monotonic()
    for event in generation.events():
        now = time.monotonic()
        if event is None and caller_gone():
            return
        if event is not None or now - heard >= HEARTBEAT:
            heard = now
            yield event


def sent(data: Any, event: str | None = None) -> str:
    """One server-sent event. JSON has no line breaks, so that its text can't be mistaken for the end of it."""
    name = "" if event is None else f"event: {event}\n"
    return f"{name}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def caller_gone(environ: dict[str, Any]) -> Callable[[], bool]:
    """Whether the caller of a request has closed the connection; never, where the server does not show it."""
    connection: socket.socket | None = next((environ[name] for name in SOCKETS if name in environ), None)

    def gone() -> bool:
        if connection is None:
            return False
        try:
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, InterruptedError, ValueError):
            # Nothing to read, or a connection under TLS, which can't be looked into.
            return False
        except OSError:
            return True

    return gone


def summary(done: Message, asked: Asked, generation: Generation) -> dict[str, Any]:
    """What is told at the end of an answer: counts in tokens, times in seconds."""
    return {
        "conversation_id": asked.conversation_id,
        "thinking_mode": asked.thinking_mode,
        "model": done["model"]["name"],
        "finish_reason": done["finish_reason"],
        "prompt_tokens": done["prompt_tokens"],
        "completion_tokens": done["completion_tokens"],
        "tokens_used": done["prompt_tokens"] + done["completion_tokens"],
        "first_token_seconds": done["first_token_seconds"],
        "processing_time": time.monotonic() - generation.began,
    }
