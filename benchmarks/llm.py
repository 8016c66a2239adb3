"""What it costs to reach the language model over HTTP and two processes, instead of calling llama-cpp-python."""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.ratio import Aim, Effort, Ratio
from benchmarks.servers import gunicorn

NAME = "llm"
_AIM = Aim(0.95, at_least=True)
#: Longest answer that is measured, in tokens, and the context for it.
_TOKENS, _CONTEXT = 48, 1024
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
_MODEL = _CACHE / "cutover" / "llm" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
_SAID = "Tell me a long story about a king, his castle, and the people who live around it."


@dataclass(frozen=True, slots=True)
class _Speed:
    """Seconds until the first token, and tokens a second after it."""

    first: float
    rate: float


_Ask = Callable[[list[dict[str, str]], int], Iterator[Any]]


def run(effort: Effort) -> Iterator[Ratio]:
    """Time to the first token and tokens a second: in turns by a direct call and by OpenAI's interface of a server."""
    if find_spec("llama_cpp") is None or not _MODEL.is_file():
        print("llm is not measured: its runtime is not installed; `make llm` installs it", file=sys.stderr)
        return
    tokens = min(_TOKENS, max(8, effort.requests))
    speeds: dict[str, list[_Speed]] = {"direct": [], "served": []}
    with tempfile.TemporaryDirectory() as directory:
        environment = {
            "DATA_DIR": directory,
            "ASSISTANT_DATABASE_URL": f"sqlite:///{directory}/assistant.sqlite3",
            "LLM_MODEL_DIRS": str(_MODEL.parent),
            "LLM_LINGER_SECONDS": "1",
            "LLM_REPEAT_PENALTY": "1.0",
        }
        everywhere = os.sched_getaffinity(0)
        app = "backend:create_app('assistant')"
        with gunicorn(app, environment, ready="/readyz", processors=everywhere, workers=2) as server:
            _load(server.port)
            asked = {"direct": _direct(), "served": _served(server.port)}
            for ask in asked.values():
                _measure(ask, "Hello.", 8)
            for number in range(effort.rounds):
                # Another beginning each time, so that neither side remembers having read it; who begins takes turns.
                for name, ask in sorted(asked.items(), reverse=bool(number % 2)):
                    speeds[name].append(_measure(ask, f"Request {number + 1}. {_SAID}", tokens))
            _post(server.port, "/api/llm/models/unload", {})
    yield from _ratios(speeds["direct"], speeds["served"])


def _ratios(direct: list[_Speed], served: list[_Speed]) -> Iterator[Ratio]:
    pairs = list(zip(direct, served, strict=True))
    first = [median(speed.first for speed in speeds) for speeds in (direct, served)]
    rate = [median(speed.rate for speed in speeds) for speeds in (direct, served)]
    yield Ratio(
        NAME,
        "time to the first token, called directly / served",
        median(one.first / other.first for one, other in pairs),
        f"{first[0] * 1e3:.0f} ms / {first[1] * 1e3:.0f} ms",
        _AIM,
    )
    yield Ratio(
        NAME,
        "tokens a second, served / called directly",
        median(other.rate / one.rate for one, other in pairs),
        f"{rate[1]:.1f} / {rate[0]:.1f}",
        _AIM,
    )


def _measure(ask: _Ask, said: str, tokens: int) -> _Speed:
    began = time.perf_counter()
    times = [time.perf_counter() for _ in ask([{"role": "user", "content": said}], tokens)]
    return _Speed(times[0] - began, (len(times) - 1) / max(times[-1] - times[0], 1e-9))


def _direct() -> _Ask:
    from llama_cpp import Llama

    threads = max(1, (os.cpu_count() or 1) // 2)
    llama = Llama(str(_MODEL), n_ctx=_CONTEXT, n_threads=threads, n_threads_batch=threads, verbose=False)

    def ask(messages: list[dict[str, str]], tokens: int) -> Iterator[Any]:
        chunks = llama.create_chat_completion(
            messages,  # type: ignore[arg-type]
            max_tokens=tokens,
            temperature=0.0,
            top_p=0.9,
            repeat_penalty=1.0,
            stream=True,
        )
        return (chunk for chunk in chunks if chunk["choices"][0]["delta"].get("content"))  # type: ignore[index]

    return ask


def _served(port: int) -> _Ask:
    def ask(messages: list[dict[str, str]], tokens: int) -> Iterator[Any]:
        order = {"messages": messages, "max_tokens": tokens, "temperature": 0.0, "top_p": 0.9, "stream": True}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("POST", "/v1/chat/completions", json.dumps(order), {"Content-Type": "application/json"})
        for line in connection.getresponse():
            if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                yield line
        connection.close()

    return ask


def _load(port: int) -> None:
    _post(port, "/api/llm/models/load", {"model_path": _MODEL.name, "context_length": _CONTEXT})
    deadline = time.monotonic() + 120
    while _request(port, "GET", "/api/llm/status")["state"] != "ready":
        if time.monotonic() > deadline:
            raise RuntimeError("The model was not loaded within two minutes.")
        time.sleep(0.05)


def _post(port: int, path: str, body: dict[str, Any]) -> Any:
    return _request(port, "POST", path, json.dumps(body))


def _request(port: int, method: str, path: str, body: str | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path} was answered with {answer.status}: {answer.read().decode()}")
    return json.load(answer)
