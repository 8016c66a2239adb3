"""Parts of the language model that need no model: text, prompts, turns, budget, memory, pauses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.assistant.services.llm import memory
from backend.assistant.services.llm.backoff import Backoff
from backend.assistant.services.llm.budget import TokenBudget
from backend.assistant.services.llm.chat_prompt import ChatPrompt, render_plainly
from backend.assistant.services.llm.gguf import read_shape
from backend.assistant.services.llm.model_files import find_model, size_in_words
from backend.assistant.services.llm.modes import conversation, mode_named, temperature
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.text_flow import TextFlow
from backend.assistant.services.llm.turns import LineFullError, Turns
from backend.assistant.settings.llm import LlmSettings
from backend.core.settings import Reader, SettingsError
from tests.assistant.test_assistant_llm_http import gguf


def flowed(pieces: list[bytes], *stop: str, strip: bool = False) -> list[str]:
    flow = TextFlow(stop, strip=strip)
    shown = []
    for piece in pieces:
        shown.append(flow.feed(piece))
        if flow.stopped:
            break
    return [*shown, flow.finish()]


def test_text_waits_for_whole_characters() -> None:
    star = "🌟".encode()
    assert flowed([b"a", star[:2], star[2:], b"b"]) == ["a", "", "🌟", "b", ""]
    assert flowed([star[:2]]) == ["", "\N{REPLACEMENT CHARACTER}"]


def test_text_ends_before_a_stop_text_that_comes_in_pieces() -> None:
    assert flowed([b"one", b" E", b"N", b"D two"], "END") == ["one", " ", "", "", ""]
    assert flowed([b"one", b" E", b"N", b"E"], "END") == ["one", " ", "", "EN", "E"]
    assert flowed([b"one E"], "END") == ["one ", "E"]


def test_white_space_around_an_answer_is_not_shown() -> None:
    assert flowed([b" ", b"\n one", b" ", b"two ", b"\n"], strip=True) == ["", "one", "", " two", "", ""]


def words(text: str) -> list[int]:
    return list(range(len(text.split())))


def test_control_tokens_in_what_people_say_do_not_steer_the_model() -> None:
    said: list[str] = []
    prompt = ChatPrompt(lambda messages: said.append(messages[0]["content"]) or "", words, ["<|end|>", "<s>", ""])
    prompt.tokens([{"role": "user", "content": "a<|end|>b <s>"}], droppable=0, context=10, wanted=1)
    assert said == ["a< |end|>b < s>"]


def test_the_oldest_messages_are_dropped_and_what_is_too_long_refused() -> None:
    prompt = ChatPrompt(render_plainly, words, [])
    messages = conversation(mode_named("normal"), [{"role": "user", "content": "a " * 10}] * 12, "b " * 10)
    assert len(messages) == 12
    kept = prompt.tokens(messages, droppable=10, context=80, wanted=20)
    assert len(kept) + 20 <= 80
    with pytest.raises(LlmRefusedError, match="the context of the model is 8") as refused:
        prompt.tokens(messages, droppable=10, context=8, wanted=20)
    assert refused.value.status_code == 400
    with pytest.raises(LlmRefusedError, match="1005 characters long"):
        prompt.tokens([{"role": "user", "content": "x" * 988}], droppable=0, context=8, wanted=1)


def test_templates_without_a_system_get_it_from_the_user() -> None:
    seen: list[list[dict[str, str]]] = []

    def render(messages: list[dict[str, str]]) -> str:
        if messages[0]["role"] == "system":
            raise ValueError("no system role")
        seen.append(messages)
        return ""

    order = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    ChatPrompt(render, words, []).tokens(order, droppable=0, context=10, wanted=1)
    assert seen == [[{"role": "user", "content": "Be kind.\n\nHello"}]]


def test_modes_have_their_own_sentence_and_warmth() -> None:
    modes = [mode_named(name) for name in ("normal", "deep", "creative")]
    assert len({mode.sentence for mode in modes}) == 3
    assert mode_named("anything") == modes[0]
    assert [round(temperature(None, mode, 0.7), 2) for mode in modes] == [0.7, 0.49, 0.98]
    assert temperature(0, modes[2], 0.7) == 0
    assert temperature(-1, modes[0], 0.7) == 0
    assert temperature(float("nan"), modes[0], 0.7) == 0.7


def test_turns_are_first_come_first_served_and_bounded() -> None:
    async def run() -> list[str]:
        turns, order, go = Turns(2), [], asyncio.Event()

        async def take(name: str, *, urgent: bool = False) -> None:
            with turns.join(urgent=urgent) as turn:
                await turn.wait()
                await go.wait()
                order.append(name)

        first = [asyncio.create_task(take(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        assert turns.waiting == 2
        with pytest.raises(LineFullError):
            await take("d")
        load = asyncio.create_task(take("load", urgent=True))
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*first, load)
        assert not turns.taken
        return order

    assert asyncio.run(run()) == ["a", "load", "b", "c"]


def test_who_gives_up_waiting_leaves_the_line() -> None:
    async def run() -> None:
        turns = Turns(5)
        with turns.join():

            async def wait() -> None:
                with turns.join() as turn:
                    await turn.wait()

            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            assert turns.waiting == 1
            waiting.cancel()
            await asyncio.wait([waiting])
            assert turns.waiting == 0

    asyncio.run(run())


def test_tokens_of_an_hour_are_counted() -> None:
    now = [0.0]
    budget = TokenBudget(lambda: now[0])
    budget.spend(60)
    assert budget.wait(100) == 0
    now[0] = 1800.0
    budget.spend(60)
    assert budget.wait(100) == 1800
    now[0] = 3600.0
    assert budget.wait(100) == 0
    assert budget.wait(0) == 0


def test_pauses_double_and_are_forgotten() -> None:
    backoff = Backoff()
    assert [backoff.failed(at) for at in (0, 1, 2, 3)] == [0.5, 1, 2, 4]
    assert [backoff.failed(at) for at in range(4, 12)][-1] == 60
    assert backoff.failed(1000) == 0.5


def test_a_model_file_tells_what_its_context_takes(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    about = {"context_length": 8192, "block_count": 30, "embedding_length": 576, "attention.head_count": 9}
    path.write_bytes(gguf(**about, **{"attention.head_count_kv": 3}))
    shape = read_shape(path)
    # 30 layers, 3 heads of 64 for keys and for values, 2 bytes each.
    assert (shape.trained_context, shape.bytes_per_token) == (8192, 30 * 3 * (64 + 64) * 2)


def test_the_limit_of_a_control_group_counts(tmp_path: Path) -> None:
    machine = memory.available(tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    assert memory.available(tmp_path) == 500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available(tmp_path) > machine / 2


def test_sizes_are_told_as_they_were() -> None:
    assert [size_in_words(size) for size in (34, 2048, 98362432, 1 << 42)] == ["34.0 B", "2.0 KB", "93.8 MB", "4.0 TB"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_GPU_LAYERS", "-2"),
        ("LLM_TEMPERATURE", "hot"),
        ("LLM_TOP_P", "1.5"),
        ("LLM_CONTEXT_LENGTH", "0"),
        ("LLM_MODEL_DIRS", "models"),
        ("LLM_TIME_LIMIT", "0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        LlmSettings.read(Reader("assistant", {name: value}))


def test_names_longer_than_a_file_system_knows_are_of_no_file(tmp_path: Path) -> None:
    for text in ("x" * 300, "x" * 5000, f"a/{'y' * 300}.gguf"):
        with pytest.raises(LlmRefusedError) as refusal:
            find_model(text, [tmp_path])
        assert refusal.value.status_code in (403, 404)
