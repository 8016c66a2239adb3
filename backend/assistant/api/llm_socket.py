"""`/api/llm/socket`: a conversation with the language model over one WebSocket, which remembers what was said.

Each message to the server is JSON, as `POST /api/llm/chat` takes it. What comes back is JSON too, in order: `token` for
each piece of text, then `done` with counts and times; or `error`, after which the conversation goes on. `queued` tells
of others before it, `waiting` that the connection still lives.
"""

import json
import uuid
from collections.abc import Generator, Iterator
from typing import Any

import marshmallow as ma
from flask import Flask

from backend.assistant.api.llm_access import language_model
from backend.assistant.api.llm_streams import Asked, summary, with_heartbeats
from backend.assistant.schemas.llm import ChatOrder
from backend.assistant.services.llm import chat as service
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.core.complaints import complaints_in
from backend.core.origins import Origins
from backend.core.sockets import Connection, install_sockets

Said = list[dict[str, str]]
#: How much of a conversation is kept; the model is told less still.
KEPT = 100


def install_llm_socket(app: Flask, origins: Origins) -> None:
    """Serve the conversations of `app`; pages of other origins may not open any."""

    @install_sockets(app, origins=origins).route(app, "/api/llm/socket")
    def converse(connection: Connection) -> None:
        said: Said = []
        conversation_id = str(uuid.uuid4())
        for message in connection:
            for answer in _answers(message, said, conversation_id):
                connection.send(app.json.dumps(answer))
            del said[:-KEPT]


def _answers(message: str | bytes, said: Said, conversation_id: str) -> Iterator[dict[str, Any]]:
    """All that one message is answered with; where it is answered, `said` grows by both."""
    try:
        order = ChatOrder().load(json.loads(message))
        order["conversation_history"] = order["conversation_history"] or said
        text = yield from _answer(order, order["conversation_id"] or conversation_id)
    except RecursionError:
        yield {"type": "error", "detail": "The message is JSON that is nested too deep"}
    except ValueError as error:
        yield {"type": "error", "detail": f"The message is not JSON: {error}"}
    except ma.ValidationError as error:
        yield {
            "type": "error",
            "detail": [complaint.on_the_wire() for complaint in complaints_in(error.messages, None)],
        }
    except LlmRefusedError as refusal:
        yield {"type": "error", "detail": refusal.detail, "retry_after": refusal.retry_after}
    else:
        said += [{"role": "user", "content": order["message"]}, {"role": "assistant", "content": text}]


def _answer(order: dict[str, Any], conversation_id: str) -> Generator[dict[str, Any], None, str]:
    """The events of one answer; returns its text."""
    pieces: list[str] = []
    # A connection that is gone shows when something is sent, be it only a sign of life.
    asked = Asked(conversation_id, order["thinking_mode"], lambda: False)
    with service.begin(language_model(), order, stream=True) as generation:
        for event in with_heartbeats(generation, asked.caller_gone):
            if event is None:
                yield {"type": "waiting"}
            elif event["event"] == "queued":
                yield {"type": "queued", "position": event["position"]}
            elif event["event"] == "token":
                pieces.append(event["text"])
                yield {"type": "token", "token": event["text"]}
            elif event["event"] == "done":
                yield {"type": "done", **summary(event, asked, generation)}
    return "".join(pieces)
