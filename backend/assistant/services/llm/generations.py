"""One answer after the other: the line, the time limit, the budget, and the count of what became of each."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from backend.assistant.services.llm.budget import TokenBudget
from backend.assistant.services.llm.protocol import Message
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.supervisor import Supervisor
from backend.assistant.services.llm.turns import LineFullError, Turn

#: Bounds of what callers are told to wait, in seconds, and what an answer is taken to last before one was measured.
SHORTEST_WAIT, LONGEST_WAIT = 1, 120
FIRST_GUESS = 5.0


@dataclass
class Counters:
    """What became of the requests since the supervisor started, and the tokens they took."""

    answered: int = 0
    refused: int = 0
    failed: int = 0
    cancelled: int = 0
    timed_out: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Generations:
    """Answers requests for text with `supervisor`'s model."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._turns = supervisor.turns
        self._budget = TokenBudget()
        self._usual_seconds = FIRST_GUESS
        self.counters = Counters()

    def status(self) -> dict[str, Any]:
        """The line and the counters."""
        return {
            "queue": {"generating": self._turns.taken, "waiting": self._turns.waiting, "limit": self._turns.limit},
            "counters": asdict(self.counters),
        }

    async def answer(self, order: Message, tell: Callable[[Message], Awaitable[None]]) -> None:
        """Answer `order`; `tell` is given every event. Cancelling the task cancels the answer.

        Raises LlmRefusedError: 429 where too many wait or too many tokens were spent, 503 without a model, 504 where it
        takes too long, and what the model says.
        """
        try:
            await self._answer_in_turn(order, tell)
        except TimeoutError:
            self.counters.timed_out += 1
            limit = self._supervisor.limits.time_limit
            raise LlmRefusedError(504, f"The answer took longer than the {limit:g} s it may take") from None
        except asyncio.CancelledError:
            self.counters.cancelled += 1
            raise
        except LlmRefusedError as refusal:
            if refusal.status_code == 429:
                self.counters.refused += 1
            else:
                self.counters.failed += 1
            raise

    async def _answer_in_turn(self, order: Message, tell: Callable[[Message], Awaitable[None]]) -> None:
        self._supervisor.current(order["model"])
        wait = self._budget.wait(self._supervisor.limits.tokens_per_hour)
        if wait:
            raise LlmRefusedError(429, "The tokens of this hour are used up; try again later", wait)
        try:
            with self._turns.join() as turn:
                await self._wait(turn, tell)
                async with asyncio.timeout(self._supervisor.limits.time_limit):
                    await self._answer(order, tell)
        except LineFullError:
            detail = f"Too many requests are waiting for the model ({self._turns.limit}); try again later"
            raise LlmRefusedError(429, detail, self._expected_wait()) from None

    async def _wait(self, turn: Turn, tell: Callable[[Message], Awaitable[None]]) -> None:
        position = self._turns.position(turn)
        if position:
            await tell({"event": "queued", "position": position})
        limit = self._supervisor.limits.time_limit
        try:
            async with asyncio.timeout(limit):
                await turn.wait()
        except TimeoutError:
            detail = f"The model was not free within {limit:g} s; try again later"
            raise LlmRefusedError(429, detail, self._expected_wait()) from None

    async def _answer(self, order: Message, tell: Callable[[Message], Awaitable[None]]) -> None:
        model = self._supervisor.current(order["model"])
        began = time.monotonic()
        events = model.answer(order)
        try:
            async for event in events:
                if event["event"] in ("started", "done"):
                    event["model"] = model.described()
                if event["event"] == "done":
                    self._count(event)
                await tell(event)
        finally:
            await events.aclose()
            self._usual_seconds += 0.2 * (time.monotonic() - began - self._usual_seconds)

    def _count(self, done: Message) -> None:
        self.counters.answered += 1
        self.counters.prompt_tokens += done["prompt_tokens"]
        self.counters.completion_tokens += done["completion_tokens"]
        self._budget.spend(done["prompt_tokens"] + done["completion_tokens"])

    def _expected_wait(self) -> int:
        return min(LONGEST_WAIT, max(SHORTEST_WAIT, math.ceil(self._usual_seconds)))
