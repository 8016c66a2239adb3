"""One model for four workers: shared, streamed, in turns, and let go of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.assistant import models
from tests.support import language_model
from tests.support.serving import Server, serving
from tests.support.waiting import eventually

WORDS = (
    *("tiger", "river", "candle", "garden", "window", "bridge", "orange", "planet", "doctor", "kitchen"),
    *("forest", "button", "market", "winter", "castle", "rabbit", "yellow", "basket", "mother", "school"),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("llm")


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[Server]:
    """Four workers, and a model loaded by whichever of them was asked."""
    language_model.needed()
    environment = models.environment(directory, LLM_QUEUE_SIZE="6")
    with serving(models.APP, directory, environment, workers=4, ready="/readyz") as running:
        orders = [{"model_path": language_model.NAME, "context_length": 1024}] * 8
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda order: running.request("POST", "/api/llm/models/load", order, timeout=60), orders)
            )
        # Asked for eight times at once, of four workers: it is started and loaded once.
        assert {answer.status for answer in answers} == {200, 409}, [answer.body for answer in answers]
        eventually(lambda: models.status(running)["state"] == "ready")
        yield running


def test_all_workers_share_one_model_process(server: Server, directory: Path) -> None:
    answers = [server.request("GET", "/api/llm/models/current") for _ in range(20)]
    assert {answer.body for answer in answers} == {answers[0].body}
    assert answers[0].json["name"] == language_model.NAME
    assert len(models.supervisors(directory / "data")) == 1
    assert len(models.model_processes(directory / "data")) == 1


def test_a_chat_is_answered_in_the_recorded_shape(server: Server) -> None:
    history = [{"role": "user", "content": "My name is Ann."}, {"role": "assistant", "content": "Hello Ann!"}]
    answer = models.chat(server, "What is my name?", conversation_history=history, thinking_mode="deep")
    assert answer.status == 200, answer.body
    told = answer.json
    assert list(told) == [
        *("response", "conversation_id", "tokens_used", "processing_time", "thinking_mode", "model_info"),
    ]
    assert told["response"] == told["response"].strip()
    # What was said before is read, too.
    alone = models.chat(server, "What is my name?", thinking_mode="deep").json
    assert told["tokens_used"] > alone["tokens_used"] + 8
    assert told["conversation_id"] != alone["conversation_id"]
    assert told["thinking_mode"] == "deep"
    assert list(told["model_info"]) == [
        *("loaded", "name", "path", "size", "context_length", "gpu_layers", "load_time", "loaded_at"),
        *("load_duration", "gpu_layers_used", "context_length_used"),
    ]
    assert told["model_info"]["context_length_used"] == 1024


def test_a_stream_tells_tokens_while_the_model_is_thinking(server: Server) -> None:
    with models.streaming(server, models.STORY, max_tokens=400) as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        name, first = next(models.events(stream))
        assert (name, list(first)) == ("message", ["token"])
        assert models.status(server)["queue"]["generating"] is True


def test_a_stream_ends_with_counts_and_holds_the_whole_answer(server: Server) -> None:
    whole = models.chat(server, "Say hello.").json["response"]
    with models.streaming(server, "Say hello.") as stream:
        *tokens, (name, done) = list(models.events(stream))
    assert "".join(token["token"] for _, token in tokens) == whole
    assert name == "done"
    assert done["completion_tokens"] == 8
    assert done["finish_reason"] == "length"
    assert done["tokens_used"] == done["prompt_tokens"] + 8
    assert 0 < done["first_token_seconds"] <= done["processing_time"]


def test_other_clients_get_the_old_framing(server: Server) -> None:
    whole = models.chat(server, "Say hello.").json["response"]
    with models.streaming(server, "Say hello.", headers={}) as stream:
        assert stream.headers["Content-Type"] == "text/plain; charset=utf-8"
        frames = stream.read().decode().split("\n\n")
    assert frames.pop() == ""
    assert all(frame.startswith("data: ") for frame in frames)
    assert "".join(frame.removeprefix("data: ") for frame in frames) == whole


def test_parallel_chats_are_answered_or_refused_and_never_mixed_up(server: Server) -> None:
    with ThreadPoolExecutor(len(WORDS)) as pool:
        with models.streaming(server, models.STORY, max_tokens=900) as stream:
            next(models.events(stream))
            asked = {word: pool.submit(models.chat, server, f"Say the word {word}.") for word in WORDS}
            eventually(lambda: sum(each.done() for each in asked.values()) == len(WORDS) - 6)
            assert models.status(server)["queue"] == {"generating": True, "waiting": 6, "limit": 6}
        answers = {word: each.result() for word, each in asked.items()}
    # While one had its turn six waited; the others are told when to come again.
    assert sorted(answer.status for answer in answers.values()) == [200] * 6 + [429] * 14
    for answer in answers.values():
        if answer.status == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 120
            assert "waiting" in answer.json["detail"]
    said = {word: answer.json["response"].lower() for word, answer in answers.items() if answer.status == 200}
    for word, text in said.items():
        assert not [other for other in WORDS if other != word and other in text], (word, text)
    assert sum(word in text for word, text in said.items()) >= len(said) / 2, said


def test_whoever_leaves_makes_room(server: Server) -> None:
    before = models.status(server)["counters"]["cancelled"]
    with models.streaming(server, models.STORY, max_tokens=900) as stream:
        next(models.events(stream))
    assert models.chat(server, "Say hello.").status == 200
    eventually(lambda: models.status(server)["counters"]["cancelled"] == before + 1)


def test_whoever_leaves_before_the_answer_makes_room_too(server: Server) -> None:
    before = models.status(server)["counters"]["cancelled"]
    order = {"message": models.STORY, "max_tokens": 900, "temperature": 0}
    assert server.request("POST", "/api/llm/chat", order, timeout=0.5).status == 0
    eventually(lambda: models.status(server)["counters"]["cancelled"] == before + 1)
    assert models.status(server)["queue"]["generating"] is False


def test_a_message_longer_than_the_context_is_refused(server: Server) -> None:
    answer = models.chat(server, "word " * 3000)
    assert answer.status == 400
    assert "the context of the model is 1024" in answer.json["detail"]


def test_a_load_that_fails_keeps_the_model_at_work(server: Server, directory: Path) -> None:
    damaged = directory / "data" / "models" / "damaged.gguf"
    damaged.parent.mkdir(exist_ok=True)
    with (language_model.DIRECTORY / language_model.NAME).open("rb") as whole, damaged.open("wb") as part:
        part.write(whole.read(3_000_000))
    models.load(server, "damaged.gguf")
    told = eventually(lambda: models.status(server), until=lambda told: told["failure"])
    assert told["state"] == "ready"
    assert told["failure"]["path"] == str(damaged)
    assert models.chat(server, "Say hello.").json["model_info"]["name"] == language_model.NAME
    listed = {row["name"]: row for row in server.request("GET", "/api/llm/models").json}
    assert listed["damaged.gguf"]["parameters"]["state"] == "failed"
    assert listed[language_model.NAME]["loaded"] is True


def test_a_model_that_does_not_fit_into_memory_is_refused(server: Server, directory: Path) -> None:
    huge = directory / "data" / "models" / "huge.gguf"
    huge.parent.mkdir(exist_ok=True)
    with (language_model.DIRECTORY / language_model.NAME).open("rb") as whole, huge.open("wb") as sparse:
        sparse.write(whole.read(100_000))
        sparse.truncate(1 << 42)
    answer = server.request("POST", "/api/llm/models/load", {"model_path": "huge.gguf"})
    huge.unlink()
    assert answer.status == 507
    assert "huge.gguf needs about 4.0 TB" in answer.json["detail"]
    assert models.chat(server, "Say hello.").status == 200


def test_another_model_takes_over_while_the_first_still_answers(server: Server, directory: Path) -> None:
    copy = directory / "data" / "models" / "another.gguf"
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(language_model.DIRECTORY / language_model.NAME, copy)
    first = models.status(server)["model"]["pid"]
    with models.streaming(server, models.STORY, max_tokens=60) as stream:
        told = models.events(stream)
        next(told)
        assert server.request("POST", "/api/llm/models/load", {"model_path": "another.gguf"}).status == 200
        *_, (name, done) = told
    assert (name, done["model"]) == ("done", language_model.NAME)
    eventually(lambda: models.status(server)["state"] == "ready")
    assert models.chat(server, "Say hello.").json["model_info"]["name"] == "another.gguf"
    eventually(lambda: first not in [process.pid for process in models.model_processes(directory / "data")])
    copy.unlink()


def test_figures_tell_of_the_model(server: Server) -> None:
    text = server.request("GET", "/metrics").body.decode()
    assert 'westfall_model_loaded{domain="assistant"} 1.0' in text
    generated = next(line for line in text.splitlines() if line.startswith("westfall_tokens_generated_total"))
    assert float(generated.split()[-1]) > 0
    assert server.request("GET", "/readyz").json["checks"]["llama_supervisor"]["state"] == "ready"


def test_a_model_is_let_go_of_when_it_is_told_and_when_no_server_is_left(tmp_path: Path) -> None:
    language_model.needed()
    data = tmp_path / "data"
    with serving(models.APP, tmp_path, models.environment(tmp_path), ready="/readyz") as running:
        models.load(running)
        assert running.request("POST", "/api/llm/models/unload").json == {"message": "Model unloaded successfully"}
        assert not models.model_processes(data)
        assert models.chat(running, "Hello").json == {"detail": "No model loaded"}
        models.load(running)
        assert models.model_processes(data)
    eventually(lambda: not models.supervisors(data))
