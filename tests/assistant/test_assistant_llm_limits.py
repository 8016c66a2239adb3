"""The limits of a model: time, turns, tokens an hour. The supervisor keeps those that the last request brought."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.service import CallerGoneError, Llm, Wish
from backend.assistant.services.llm.waiting import wait_until_loaded
from backend.assistant.settings.llm import LlmSettings
from backend.core.settings import Reader
from tests.assistant import models
from tests.support import language_model
from tests.support.waiting import eventually

SAID = [{"role": "user", "content": models.STORY}]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("llm-limits")


def of(directory: Path, **settings: str) -> Llm:
    """The model, to somebody with these settings."""
    return Llm(LlmSettings.read(Reader("assistant", models.environment(directory, **settings))))


@pytest.fixture(scope="module")
def llm(directory: Path) -> Iterator[Llm]:
    language_model.needed()
    found = of(directory)
    wait_until_loaded(found, found.load(language_model.NAME, None, 1024).path, lambda part: None)
    yield found
    for supervisor in models.supervisors(directory / "data"):
        supervisor.terminate()
        psutil.wait_procs([supervisor], timeout=20)


def answered(llm: Llm, most: int = 4) -> int:
    """How many tokens an answer has; raises what refuses it."""
    with llm.begin(Wish(SAID, most, temperature=0.0, top_p=0.9), stream=False) as generation:
        return int(generation.result(lambda: False)["completion_tokens"])


def test_an_answer_that_takes_too_long_is_ended(llm: Llm, directory: Path) -> None:
    with pytest.raises(LlmRefusedError, match=r"longer than the 0\.3 s it may take") as refused:
        answered(of(directory, LLM_TIME_LIMIT="0.3"), most=900)
    assert refused.value.status_code == 504
    assert answered(llm) == 4
    assert llm.status()["counters"]["timed_out"] == 1


def test_nobody_waits_where_nobody_may(llm: Llm, directory: Path) -> None:
    strict = of(directory, LLM_QUEUE_SIZE="0")
    with strict.begin(Wish(SAID, 900, temperature=0.0, top_p=0.9), stream=True) as first:
        next(event for event in first.events() if event and event["event"] == "token")
        with pytest.raises(LlmRefusedError, match="Too many requests are waiting") as refused:
            answered(strict)
    assert refused.value.status_code == 429
    assert refused.value.retry_after
    assert answered(llm) == 4


def test_who_waits_is_told_the_place_and_comes_next(llm: Llm) -> None:
    wish = Wish(SAID, 900, temperature=0.0, top_p=0.9)
    with llm.begin(wish, stream=True) as first:
        next(event for event in first.events() if event and event["event"] == "token")
        with llm.begin(wish, stream=True) as second:
            told = (event for event in second.events() if event)
            assert next(told) == {"event": "queued", "position": 1}
            threading.Timer(0.1, first.close).start()
            assert next(told)["event"] == "started"


def test_tokens_of_an_hour_run_out(llm: Llm, directory: Path) -> None:
    assert answered(llm) == 4
    with pytest.raises(LlmRefusedError, match="tokens of this hour are used up") as refused:
        answered(of(directory, SECURITY_MAX_TOKENS_PER_HOUR="10"))
    assert refused.value.status_code == 429
    assert 0 < (refused.value.retry_after or 0) <= 3600
    assert answered(llm) == 4


def test_an_answer_nobody_waits_for_is_given_up(llm: Llm) -> None:
    before = llm.status()["counters"]["cancelled"]
    with (
        pytest.raises(CallerGoneError),
        llm.begin(Wish(SAID, 900, temperature=0.0, top_p=0.9), stream=False) as generation,
    ):
        generation.result(lambda: True)
    eventually(lambda: llm.status()["counters"]["cancelled"] == before + 1)
    eventually(lambda: not llm.status()["queue"]["generating"])
