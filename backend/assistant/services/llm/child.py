"""The model process: `python -m backend.assistant.services.llm.child DESCRIPTOR`, started by the supervisor alone.

It loads the one model it is told to, answers one request after the other, and ends with its supervisor.
"""

import os
import queue
import socket
import sys
import threading
import time

from backend.assistant.services.llm.protocol import Channel, GoneError, Message
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.text_flow import TextFlow

#: Seconds between two reports of a load's progress.
PROGRESS_EVERY = 0.1


class ModelProcess:
    """What this process does, over the channel to its supervisor."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._orders: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._cancelled = 0
        self._reported = 0.0

    def run(self) -> None:
        """Load, then answer until the supervisor is gone."""
        order = self._channel.receive()
        threading.Thread(target=self._listen, daemon=True).start()
        if order is None or not self._load(order):
            return
        while True:
            self._answer(self._orders.get())

    def _listen(self) -> None:
        """Take orders. Without a supervisor nobody needs this process, whatever it is doing."""
        try:
            while (message := self._channel.receive()) is not None:
                if message["request"] == "cancel":
                    self._cancelled = message["id"]
                else:
                    self._orders.put(message)
        except GoneError:
            pass
        finally:
            os._exit(0)

    def _load(self, order: Message) -> bool:
        try:
            from backend.assistant.services.llm.engine import Engine

            self._engine = Engine(
                order["path"],
                context_length=order["context_length"],
                gpu_layers=order["gpu_layers"],
                threads=order["threads"],
                progress=self._report,
            )
        except Exception as error:  # whatever a library makes of a damaged file, the supervisor is to know
            self._channel.send({"event": "failed", "detail": str(error)})
            return False
        self._channel.send({"event": "loaded", "seconds": self._engine.load_seconds})
        return True

    def _report(self, part: float) -> None:
        now = time.monotonic()
        if now - self._reported >= PROGRESS_EVERY or part >= 1:
            self._reported = now
            self._channel.send({"event": "progress", "part": part})

    def _answer(self, order: Message) -> None:
        number = order["id"]
        try:
            self._generate(order)
        except LlmRefusedError as refusal:
            self._channel.send({**refusal.as_event(), "id": number})
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            failure = LlmRefusedError(500, f"Generation failed: {error}")
            self._channel.send({**failure.as_event(), "id": number})

    def _generate(self, order: Message) -> None:
        from backend.assistant.services.llm.engine import Sampling

        number, engine = order["id"], self._engine
        tokens = engine.prompt.tokens(
            order["messages"],
            droppable=order["droppable"],
            context=engine.context_length,
            wanted=order["max_tokens"],
        )
        self._channel.send({"event": "started", "id": number, "prompt_tokens": len(tokens)})
        flow = TextFlow([*order["stop"], *engine.stop_texts], strip=order["strip"])
        began = time.monotonic()
        first: float | None = None
        whole: list[str] = []
        answer = engine.begin(tokens, Sampling(**order["sampling"]), order["max_tokens"])
        for text in engine.run(answer, flow, lambda: self._cancelled >= number):
            if first is None:
                first = time.monotonic() - began
            if text and order["stream"]:
                self._channel.send({"event": "token", "id": number, "text": text})
            else:
                whole.append(text)
        self._channel.send(
            {
                "event": "done",
                "id": number,
                "text": "".join(whole),
                "finish_reason": answer.finish_reason,
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.completion_tokens,
                "first_token_seconds": first,
                "seconds": time.monotonic() - began,
            }
        )


if __name__ == "__main__":
    ModelProcess(Channel(socket.socket(fileno=int(sys.argv[1])))).run()
