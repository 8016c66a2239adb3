"""What tests of the language model ask, over HTTP and from its processes."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.language_model import DIRECTORY, NAME
from tests.support.serving import Server
from tests.support.waiting import eventually

APP = "backend:create_app('assistant')"
PATIENCE = 60.0
#: Answered with hundreds of tokens, which leaves time to break in.
STORY = "Tell me a very long story about a king."
EVENTS = {"Accept": "text/event-stream"}


def environment(directory: Path, **more: str) -> dict[str, str]:
    """What a server is told: one thread for the model, as llama.cpp's threads are bad neighbours."""
    return {
        "DATA_DIR": str(directory / "data"),
        "ASSISTANT_DATABASE_URL": f"sqlite:///{directory / 'assistant.sqlite3'}",
        "LLM_MODEL_DIRS": str(DIRECTORY),
        "LLM_THREADS": "1",
        "LLM_LINGER_SECONDS": "1",
        **more,
    }


def status(server: Server) -> dict[str, Any]:
    """What the model is doing."""
    return dict(server.request("GET", "/api/llm/status").json)


def load(server: Server, path: str = NAME, **order: Any) -> None:
    """Load a model, and wait until it is at work, or has failed."""
    answer = server.request("POST", "/api/llm/models/load", {"model_path": path, "context_length": 1024, **order})
    assert answer.status == 200, answer.body
    eventually(lambda: status(server)["state"] not in ("loading", "idle"))


def chat(server: Server, message: str, **order: Any) -> Any:
    """One answer to a message, of few tokens, and of the likeliest ones."""
    order = {"message": message, "max_tokens": 8, "temperature": 0, **order}
    return server.request("POST", "/api/llm/chat", order, timeout=PATIENCE)


@contextmanager
def streaming(
    server: Server, message: str, headers: Mapping[str, str] = EVENTS, **order: Any
) -> Iterator[http.client.HTTPResponse]:
    """A stream under way; leaving closes the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        body = json.dumps({"message": message, "max_tokens": 8, "temperature": 0, **order})
        connection.request("POST", "/api/llm/chat/stream", body, {"Content-Type": "application/json", **headers})
        yield connection.getresponse()
    finally:
        connection.close()


def events(stream: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream as they come, with their names; `message` where they have none."""
    name = "message"
    for line in stream:
        text = line.decode().rstrip("\n")
        if text.startswith("event: "):
            name = text.removeprefix("event: ")
        elif text.startswith("data: "):
            yield name, json.loads(text.removeprefix("data: "))
            name = "message"


def supervisors(data: Path) -> list[psutil.Process]:
    """The supervisors of a data directory: they work in it."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if "backend.assistant.services.llm.process" in (process.info["cmdline"] or ()):
                found += [process] if Path(process.cwd()).parent == data else []
        except psutil.Error:
            continue
    return found


def model_processes(data: Path) -> list[psutil.Process]:
    """The processes that have a model in memory."""
    return [child for supervisor in supervisors(data) for child in supervisor.children()]
