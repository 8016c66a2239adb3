"""Conversations over a WebSocket, with gunicorn and the real model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import websocket

from tests.assistant import models
from tests.support import language_model
from tests.support.serving import Server, serving
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    language_model.needed()
    directory = tmp_path_factory.mktemp("socket")
    told = models.environment(directory)
    with serving(models.APP, directory, told, workers=1, ready="/readyz") as server:
        models.load(server)
        yield server


def conversation(server: Server, **options: Any) -> websocket.WebSocket:
    return websocket.create_connection(f"ws://127.0.0.1:{server.port}/api/llm/socket", timeout=60, **options)


def answered(connection: websocket.WebSocket, message: object) -> list[dict[str, Any]]:
    """What comes back for a message, up to its end."""
    connection.send(message if isinstance(message, str) else json.dumps(message))
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] not in ("done", "error"):
        events.append(json.loads(connection.recv()))
    return [event for event in events if event["type"] != "waiting"]


def test_an_answer_comes_token_by_token(server: Server) -> None:
    said = {"message": "What is the capital of France?", "max_tokens": 8, "temperature": 0}
    whole = models.chat(server, said["message"]).json["response"]
    with closing(conversation(server)) as connection:
        *tokens, done = answered(connection, said)
    assert {event["type"] for event in tokens} == {"token"}
    assert "".join(event["token"] for event in tokens).strip() == whole
    assert done["type"] == "done"
    assert done["completion_tokens"] <= 8


def test_what_was_said_is_remembered(server: Server) -> None:
    order = {"max_tokens": 4, "temperature": 0}
    with closing(conversation(server)) as connection:
        first = answered(connection, {"message": "My name is Ann.", **order})[-1]
        second = answered(connection, {"message": "Hello", **order})[-1]
        alone = answered(connection, {"message": "Hello", "conversation_history": [], **order})
    with closing(conversation(server)) as connection:
        new = answered(connection, {"message": "Hello", **order})[-1]
    assert alone[-1]["type"] == "done"
    assert second["prompt_tokens"] > new["prompt_tokens"]
    assert second["conversation_id"] == first["conversation_id"] != new["conversation_id"]


@pytest.mark.parametrize(
    ("message", "about"),
    [
        ("{", "not JSON"),
        ({"max_tokens": 4}, [("missing", ["message"])]),
        ({"message": 5, "max_tokens": "x"}, [("string_type", ["message"]), ("int_parsing", ["max_tokens"])]),
    ],
)
def test_rubbish_is_refused_and_the_conversation_goes_on(server: Server, message: object, about: Any) -> None:
    with closing(conversation(server)) as connection:
        (refusal,) = answered(connection, message)
        detail = refusal["detail"]
        if isinstance(about, str):
            assert about in detail
        else:
            assert [(item["type"], item["loc"]) for item in detail] == about
        assert answered(connection, {"message": "Hi", "max_tokens": 1, "temperature": 0})[-1]["type"] == "done"


@pytest.mark.parametrize(
    "message",
    [
        '{"message": "\\ud800"}',
        '{"message": "Hi", "max_tokens": NaN}',
        "[" * 20_000,
        '{"max_tokens": ' + "9" * 5000 + "}",
    ],
    ids=["a broken text", "no number", "too deep", "too long a number"],
)
def test_what_json_has_no_words_for_is_refused_and_the_conversation_goes_on(server: Server, message: str) -> None:
    with closing(conversation(server)) as connection:
        connection.send(message)
        refusal = json.loads(connection.recv(), parse_constant=pytest.fail)
        assert refusal["type"] == "error"
        assert answered(connection, {"message": "Hi", "max_tokens": 2})[-1]["type"] == "done"


def test_whoever_leaves_frees_the_model(server: Server) -> None:
    connection = conversation(server)
    connection.send(json.dumps({"message": models.STORY, "max_tokens": 2000}))
    while json.loads(connection.recv())["type"] != "token":
        pass
    connection.close()
    eventually(lambda: not models.status(server)["queue"]["generating"])


def test_pages_of_strangers_are_refused(server: Server) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        conversation(server, origin="http://evil.example")
    assert refused.value.status_code == 403
