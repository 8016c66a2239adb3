"""llama.cpp: loading a model and letting it answer. Only the model process imports this."""

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llama_cpp import Llama, llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from backend.assistant.services.llm.chat_prompt import PLAIN_STOP, ChatPrompt, Render, render_plainly
from backend.assistant.services.llm.text_flow import TextFlow

RANDOM_SEED = llama_cpp.LLAMA_DEFAULT_SEED
BATCH = 512


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; `seed` is None where chance decides."""

    temperature: float
    top_p: float
    top_k: int
    repeat_penalty: float
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None


@dataclass
class Answer:
    """An answer under way: `chosen` are its tokens, of which at most `most` are taken.

    `finish_reason` is `stop`, `length` or `cancelled`, and None until it has ended.
    """

    chosen: Generator[int, Any, None]
    most: int
    prompt_tokens: int
    completion_tokens: int = 0
    finish_reason: str | None = None


class Engine:
    """A model in memory. It does one thing at a time; nothing here may be called from two threads."""

    def __init__(
        self, path: str, *, context_length: int, gpu_layers: int, threads: int, progress: Callable[[float], None]
    ) -> None:
        """Load the model; `progress` is told its part of 1. Raises ValueError or RuntimeError where that fails."""
        # llama.cpp's threads wait for each other without sleeping: with as many as processors, any other program that
        # wants one of them makes answers ten times as slow.
        threads = threads or max(1, (os.cpu_count() or 1) // 2)
        _report_progress(progress)
        began = time.monotonic()
        #: Tokens that prompt and answer may have together.
        self.context_length = context_length
        self._llama = Llama(
            path,
            n_ctx=context_length,
            n_gpu_layers=gpu_layers,
            n_batch=BATCH,
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._llama.model)
        self._plain = "tokenizer.chat_template" not in self._llama.metadata
        self.prompt = ChatPrompt(self._template(), self._tokenize, self._control_texts())
        self.load_seconds = time.monotonic() - began
        self._cancelled: Callable[[], bool] = lambda: False
        self._abort = llama_cpp.ggml_abort_callback(lambda _: self._cancelled())

    def begin(self, tokens: list[int], sampling: Sampling, most: int) -> Answer:
        """The answer to the prompt `tokens`, of at most `most` tokens; nothing is done yet."""
        self._llama.set_seed(RANDOM_SEED if sampling.seed is None else sampling.seed)
        chosen = self._llama.generate(
            tokens,
            temp=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            repeat_penalty=sampling.repeat_penalty,
            frequency_penalty=sampling.frequency_penalty,
            presence_penalty=sampling.presence_penalty,
        )
        return Answer(chosen, max(1, min(most, self.context_length - len(tokens))), len(tokens))

    def run(self, answer: Answer, flow: TextFlow, cancelled: Callable[[], bool]) -> Iterator[str]:
        """The text of `answer`, token by token as `flow` passes it on.

        `cancelled` is asked before each token, and all the time while the prompt is read.
        """
        self._cancelled = cancelled
        while answer.finish_reason is None:
            token = self._next(answer)
            if token is None:
                answer.finish_reason = "cancelled"
                break
            answer.completion_tokens += 1
            if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
                answer.finish_reason = "stop"
                break
            text = flow.feed(self._llama.detokenize([token]))
            if flow.stopped:
                answer.finish_reason = "stop"
            elif answer.completion_tokens >= answer.most:
                answer.finish_reason = "length"
            yield text
        answer.chosen.close()
        yield flow.finish()

    @property
    def stop_texts(self) -> Sequence[str]:
        """What ends an answer beside the model's own tokens."""
        return PLAIN_STOP if self._plain else ()

    def _next(self, answer: Answer) -> int | None:
        """The next token; None where the answer is no longer wanted."""
        if self._cancelled():
            return None
        if answer.completion_tokens:
            return next(answer.chosen)
        # Reading a long prompt takes a while, and llama.cpp asks this callback on the way. It is not kept beyond that:
        # a call into Python for every step of every token takes longer than anybody would wait for one token.
        llama_cpp.llama_set_abort_callback(self._llama.ctx, self._abort, None)
        try:
            return next(answer.chosen)
        except RuntimeError:
            self._llama.reset()
            if self._cancelled():
                return None
            raise
        finally:
            llama_cpp.llama_set_abort_callback(self._llama.ctx, llama_cpp.ggml_abort_callback(), None)

    def _template(self) -> Render:
        if self._plain:
            return render_plainly
        formatter = Jinja2ChatFormatter(
            template=self._llama.metadata["tokenizer.chat_template"],
            eos_token=self._text(self._llama.token_eos()),
            bos_token=self._text(self._llama.token_bos()),
        )
        return lambda messages: str(formatter(messages=messages).prompt)

    def _tokenize(self, text: str) -> list[int]:
        begin = self._text(self._llama.token_bos())
        add_begin = not (begin and text.startswith(begin))
        return self._llama.tokenize(text.encode(), add_bos=add_begin, special=True)

    def _control_texts(self) -> list[str]:
        control = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
        attributes = llama_cpp.llama_vocab_get_attr
        return [self._text(at) for at in range(self._llama.n_vocab()) if attributes(self._vocabulary, at) & control]

    def _text(self, token: int) -> str:
        if token < 0:
            return ""
        text: bytes = llama_cpp.llama_vocab_get_text(self._vocabulary, token)
        return text.decode(errors="replace")


def _report_progress(progress: Callable[[float], None]) -> None:
    """Let llama.cpp tell `progress` about the next model that is loaded; its high-level class has no way to say so."""
    defaults = llama_cpp.llama_model_default_params

    @llama_cpp.llama_progress_callback
    def tell(part: float, _: Any) -> bool:
        progress(part)
        return True

    def telling() -> Any:
        parameters = defaults()
        parameters.progress_callback = tell
        return parameters

    llama_cpp.llama_model_default_params = telling
