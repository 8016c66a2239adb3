"""From a conversation to the tokens of a prompt, by the chat template that the model brings along."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jinja2 import TemplateError

from backend.assistant.services.llm.refusals import TOO_LONG, LlmRefusedError

ChatMessage = dict[str, str]
Render = Callable[[list[ChatMessage]], str]

#: In characters; few tokens are longer than a word.
LONGEST_TOKEN = 64
#: For models without a template of their own; what the next turn would begin with ends the answer.
PLAIN_NAMES = {"system": "System", "user": "User", "assistant": "Assistant"}
PLAIN_STOP = ("\nUser:", "\nSystem:")


class ChatPrompt:
    """Makes prompts. `render` is the model's template, `tokenize` its tokenizer, `control` the texts that steer it."""

    def __init__(self, render: Render, tokenize: Callable[[str], list[int]], control: Iterable[str]) -> None:
        self._render = render
        self._tokenize = tokenize
        texts = sorted(filter(None, control), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, texts))) if texts else None

    def tokens(self, messages: Sequence[ChatMessage], *, droppable: int, context: int, wanted: int) -> list[int]:
        """The prompt of a conversation, short enough that an answer fits into `context` tokens behind it.

        Of the `droppable` messages behind the system's the oldest are left out until there is room for the `wanted`
        tokens, or for a quarter of the context. Raises LlmRefusedError (400) where even then nothing fits, or where the
        template refuses the conversation.
        """
        kept = [{**message, "content": self._harmless(message["content"])} for message in messages]
        first = 1 if kept and kept[0]["role"] == "system" else 0
        while True:
            text = self._rendered(kept)
            # Nobody waits until a text is cut into tokens of which there are certainly too many.
            tokens = self._tokenize(text) if len(text) <= context * LONGEST_TOKEN else None
            if tokens is not None and len(tokens) + min(wanted, context // 4) <= context:
                return tokens
            if not droppable:
                break
            del kept[first]
            droppable -= 1
        if tokens is not None and len(tokens) < context:
            return tokens
        length = f"{len(text)} characters" if tokens is None else f"{len(tokens)} tokens"
        detail = f"The message is {length} long; the context of the model is {context} tokens"
        raise LlmRefusedError(400, detail, code=TOO_LONG)

    def _harmless(self, text: str) -> str:
        """`text` with a space in whatever the model would take for one of its control tokens."""
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text) if self._control else text

    def _rendered(self, messages: list[ChatMessage]) -> str:
        try:
            return self._render(messages)
        except (TemplateError, ValueError, TypeError):
            pass
        # Some templates know no system, or want user and assistant to alternate.
        try:
            return self._render(_folded(messages))
        except (TemplateError, ValueError, TypeError) as error:
            raise LlmRefusedError(400, f"The model's chat template refuses the conversation: {error}") from error


def render_plainly(messages: list[ChatMessage]) -> str:
    """A conversation as text, for models that bring no template."""
    lines = [f"{PLAIN_NAMES.get(message['role'], 'User')}: {message['content']}" for message in messages]
    return "\n".join([*lines, "Assistant:"])


def _folded(messages: list[ChatMessage]) -> list[ChatMessage]:
    """The same without a system: what it says is said by the user, and neighbours of one role are joined."""
    folded: list[dict[str, Any]] = []
    for message in messages:
        role = "user" if message["role"] == "system" else message["role"]
        if folded and folded[-1]["role"] == role:
            folded[-1]["content"] += f"\n\n{message['content']}"
        else:
            folded.append({"role": role, "content": message["content"]})
    return folded
