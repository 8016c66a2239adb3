"""The model through the client that its ecosystem uses."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.assistant import models
from tests.support import language_model
from tests.support.serving import Server, serving

HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    language_model.needed()
    directory = tmp_path_factory.mktemp("llm-openai")
    with serving(models.APP, directory, models.environment(directory), ready="/readyz") as running:
        models.load(running)
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as found:
        yield found


def test_an_answer_in_one_piece(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=language_model.NAME, messages=HELLO, max_tokens=8, temperature=0)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.model == language_model.NAME
    assert answer.usage.completion_tokens == 8
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 8


def test_an_answer_as_a_stream(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=language_model.NAME, messages=HELLO, max_tokens=8, temperature=0)
    stream = client.chat.completions.create(
        model=language_model.NAME,
        messages=HELLO,
        max_completion_tokens=8,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, finished, usage = list(stream)
    assert len(chunks) > 2
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == whole.choices[0].message.content
    assert finished.choices[0].finish_reason == "length"
    assert usage.usage == whole.usage


def test_an_answer_ends_before_a_stop_text(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=language_model.NAME, messages=HELLO, max_tokens=8, temperature=0)
    text = whole.choices[0].message.content
    stop = text[4:7]
    cut = client.chat.completions.create(
        model=language_model.NAME, messages=HELLO, max_tokens=8, temperature=0, stop=[stop]
    )
    assert cut.choices[0].message.content == text[: text.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


def test_a_seed_makes_chance_repeat_itself(client: openai.OpenAI) -> None:
    said = [
        client.chat.completions.create(
            model=language_model.NAME, messages=HELLO, max_tokens=8, temperature=1.5, seed=seed
        )
        .choices[0]
        .message.content
        for seed in (7, 7, 8, 9)
    ]
    assert said[0] == said[1]
    assert len(set(said)) > 1


def test_content_may_come_in_parts(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello."}]
    answers = [
        client.chat.completions.create(
            model=language_model.NAME, messages=[{"role": "user", "content": content}], max_tokens=8, temperature=0
        )
        for content in (parts, "Say hello.")
    ]
    assert answers[0].choices[0].message.content == answers[1].choices[0].message.content


def test_the_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [language_model.NAME]
    assert client.models.retrieve(language_model.NAME).owned_by == "local"
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("gpt-4o")
    assert refused.value.code == "model_not_found"


def test_what_is_refused_is_told_in_the_shape_the_client_knows(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as other:
        client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert other.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as hot:
        client.chat.completions.create(model=language_model.NAME, messages=HELLO, temperature=9)
    assert hot.value.param == "temperature"
    assert hot.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError, match="does not support tools"):
        client.chat.completions.create(
            model=language_model.NAME, messages=HELLO, tools=[{"type": "function", "function": {"name": "f"}}]
        )
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(
            model=language_model.NAME, messages=[{"role": "user", "content": "word " * 3000}], stream=True
        )
    assert long.value.code == "context_length_exceeded"


def test_without_a_model_the_service_is_unavailable(client: openai.OpenAI, server: Server) -> None:
    server.request("POST", "/api/llm/models/unload")
    with pytest.raises(openai.InternalServerError, match="No model loaded"):
        client.chat.completions.create(model=language_model.NAME, messages=HELLO)
    assert list(client.models.list()) == []
    models.load(server)
