"""A model process as its supervisor sees it."""

import asyncio
import json
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.assistant.services.llm.model_files import SUFFIX
from backend.assistant.services.llm.protocol import LONGEST, Message, encode
from backend.assistant.services.llm.refusals import CRASHED, UNLOADED, LlmRefusedError

#: How long a model may take to notice that its answer is not wanted any more; then it is ended. In seconds.
PATIENCE = 10.0
LAST_LINES = 20
SOURCES = Path(__file__).resolve().parents[4]

_log = logging.getLogger("backend.assistant.llm")


@dataclass(frozen=True)
class LoadOrder:
    """Which file to load, of how many bytes, and how. `gpu_layers` is -1 for all of them."""

    path: str
    size: int
    gpu_layers: int
    context_length: int
    threads: int

    @property
    def name(self) -> str:
        """The name that callers know the model by."""
        return Path(self.path).name

    def is_named(self, name: str) -> bool:
        """Whether `name` means this model: its file's name, with or without the suffix."""
        return name in (self.name, self.name.removesuffix(SUFFIX))


class LoadFailedError(Exception):
    """The file did not load; the text says why."""


class Model:
    """One model process: loading, then ready, then ended. `on_end` is called when it ends by itself."""

    def __init__(self, order: LoadOrder) -> None:
        self.order = order
        self.progress = 0.0
        self.load_seconds = 0.0
        self.loaded_at: str | None = None
        self.on_end: Callable[[Model], None] | None = None
        self._answers = 0
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._ending = False

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None and not self._ending

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def described(self) -> Message:
        """What others are told about it."""
        return {
            **asdict(self.order),
            "name": self.order.name,
            "pid": self.pid,
            "loaded_at": self.loaded_at,
            "load_seconds": self.load_seconds,
        }

    async def load(self, limit: float) -> None:
        """Start the process and wait until the model is there; `limit` is in seconds. Raises LoadFailedError."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", f"{__package__}.child", str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env=environment(),
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=LONGEST)
        self._listening = asyncio.gather(self._listen(), self._keep_last_lines())
        try:
            self._send({"request": "load", **asdict(self.order)})
            async with asyncio.timeout(limit):
                await self._until_loaded()
        except TimeoutError:
            await self.end()
            raise LoadFailedError(f"The model did not load within {limit:g} s") from None
        except BaseException:
            await self.end()
            raise

    async def answer(self, order: Message) -> AsyncGenerator[Message, None]:
        """Let the model answer and yield its events; the last is `done`. Leaving early cancels the answer.

        Raises LlmRefusedError where the model refuses, or ends on the way.
        """
        self._answers += 1
        number = self._answers
        ended = False
        try:
            self._send({**order, "request": "generate", "id": number})
            while not ended:
                event = await self._event_of(number)
                ended = event["event"] in ("done", "refused", "ended")
                if event["event"] == "refused":
                    raise LlmRefusedError.from_event(event)
                if event["event"] == "ended":
                    raise LlmRefusedError(503, UNLOADED) if self._ending else LlmRefusedError(503, CRASHED, 1)
                yield event
        finally:
            if not ended:
                await self._cancel(number)

    async def end(self) -> None:
        """End the process, whatever it is doing."""
        self._ending = True
        if self._process.returncode is None:
            self._process.kill()
        await self._listening

    async def _until_loaded(self) -> None:
        while True:
            event = await self._events.get()
            match event["event"]:
                case "progress":
                    self.progress = event["part"]
                case "loaded":
                    self.progress = 1.0
                    self.load_seconds = event["seconds"]
                    self.loaded_at = datetime.now(UTC).replace(tzinfo=None).isoformat()
                    return
                case "failed":
                    raise LoadFailedError(event["detail"])
                case _:
                    raise LoadFailedError("The file made the model's process end; it is damaged or of an unknown kind")

    async def _cancel(self, number: int) -> None:
        """Stop an answer, and wait until the model has; one that does not is ended."""
        self._send({"request": "cancel", "id": number})
        try:
            async with asyncio.timeout(PATIENCE):
                while (await self._event_of(number))["event"] not in ("done", "refused", "ended"):
                    pass
        except TimeoutError:
            _log.error("the model did not stop and is ended", extra={"pid": self.pid})
            self._process.kill()

    async def _event_of(self, number: int) -> Message:
        """The next event of an answer, or of the process as such; what is left of an earlier answer is passed over."""
        while True:
            event = await self._events.get()
            if event.get("id", number) == number:
                return event

    async def _listen(self) -> None:
        # A process that is killed breaks off in the middle of a line.
        with suppress(OSError, ValueError):
            while line := await self._reader.readline():
                self._events.put_nowait(json.loads(line))
        status = await self._process.wait()
        self._writer.close()
        self._events.put_nowait({"event": "ended"})
        if not self._ending:
            extra: dict[str, Any] = {"pid": self.pid, "exit_status": status, "last_lines": list(self._last_lines)}
            _log.error("the model process ended by itself", extra=extra)
            if self.on_end is not None:
                self.on_end(self)

    async def _keep_last_lines(self) -> None:
        """What llama.cpp writes is told when the process ends by itself."""
        stream = self._process.stderr
        while stream is not None and (chunk := await stream.read(4096)):
            self._last_lines.extend(chunk.decode(errors="replace").splitlines())

    def _send(self, message: Message) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode(message))


def environment() -> dict[str, str]:
    """The environment of processes that are started by name: they find this code wherever they are started."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCES), os.environ.get("PYTHONPATH"))))}
