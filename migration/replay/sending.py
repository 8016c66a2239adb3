"""Sending one exchange to the sides, both at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from migration.recording.exchange import Request
from migration.replay.judge import Answer
from migration.replay.options import Options
from migration.replay.transport import Client, NoAnswerError
from migration.targets.side import Side

#: Methods that change nothing (RFC 9110, 9.2.1), which may be sent to control twice to learn noise.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Sending:
    """What was sent, and what came of it: an answer, or the reason why there is none."""

    control_request: Request
    candidate_request: Request
    control: Answer | None = None
    control_again: Answer | None = None
    candidate: Answer | None = None
    control_error: str | None = None
    candidate_error: str | None = None


class Sender:
    """Holds the clients of both sides and the threads that use them. ``control`` is None where there is no live one."""

    def __init__(self, control: Side | None, candidate: Side, options: Options) -> None:
        self._control = Client(control.url, options.timeout) if control is not None else None
        self._candidate = Client(candidate.url, options.timeout)
        self._doubles = control is not None and not control.resettable and options.noise_runs > 0
        self._control_pool = ThreadPoolExecutor(options.workers, thread_name_prefix="control")
        self._candidate_pool = ThreadPoolExecutor(options.workers, thread_name_prefix="candidate")

    def __enter__(self) -> Self:
        for client in (self._control, self._candidate):
            if client is not None:
                client.check()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._control_pool.shutdown(wait=True, cancel_futures=True)
        self._candidate_pool.shutdown(wait=True, cancel_futures=True)

    def to_control(self, request: Request) -> Callable[[], Sending]:
        """A job that sends ``request`` to control alone."""

        def job() -> Sending:
            answer, error = _send(self._control, request)
            return Sending(request, request, control=answer, control_error=error)

        return job

    def to_both(self, control_request: Request, candidate_request: Request) -> Callable[[], Sending]:
        """A job that sends the two requests side by side; a safe one twice to a control that can't be made fresh."""

        def job() -> Sending:
            control_sending = self._control_pool.submit(_send, self._control, control_request)
            candidate_sending = self._candidate_pool.submit(_send, self._candidate, candidate_request)
            control, control_error = control_sending.result()
            again = None
            if self._doubles and control is not None and control_request.method in SAFE_METHODS:
                again, _ = _send(self._control, control_request)
            candidate, candidate_error = candidate_sending.result()
            return Sending(
                control_request, candidate_request, control, again, candidate, control_error, candidate_error
            )

        return job


def _send(client: Client | None, request: Request) -> tuple[Answer | None, str | None]:
    if client is None:
        return None, None
    sent = datetime.now(UTC)
    try:
        return Answer(client.send(request), sent), None
    except NoAnswerError as error:
        return None, str(error)
