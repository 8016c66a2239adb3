"""The supervisor's socket: what workers ask, and what they are told."""

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any

from backend.assistant.services.llm.generations import Generations
from backend.assistant.services.llm.limits import Limits
from backend.assistant.services.llm.model import LoadOrder
from backend.assistant.services.llm.protocol import LONGEST, Message, Paths, encode
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.supervisor import Supervisor

#: Most workers' requests at a time, and the longest wait for one to be sent, in seconds.
MOST_CONNECTIONS = 1000
REQUEST_WITHIN = 10.0

_log = logging.getLogger("backend.assistant.llm")


class Server:
    """Serves one request a connection. A caller that closes the connection cancels what it asked for."""

    def __init__(self, supervisor: Supervisor, generations: Generations) -> None:
        self._supervisor = supervisor
        self._generations = generations
        self._connections = 0

    async def start(self, paths: Paths) -> asyncio.Server:
        """Listen, for this user alone. The process works in the socket's directory, as a longer address may not fit."""
        paths.socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, paths.socket.name, limit=LONGEST, backlog=256)
        paths.socket.chmod(0o600)
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        work: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(REQUEST_WITHIN):
                line = await reader.readline()
            if line:
                work = asyncio.create_task(self._answer(json.loads(line), writer))
                gone = asyncio.create_task(reader.read(1))
                await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
                gone.cancel()
        except (TimeoutError, ValueError, OSError):
            _log.warning("a request could not be read")
        finally:
            self._connections -= 1
            if work is not None:
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
            with suppress(OSError):
                writer.close()

    async def _answer(self, request: Message, writer: asyncio.StreamWriter) -> None:
        async def tell(event: Message) -> None:
            # An answer is no longer than a context, so a slow reader is not waited for: others want their turn.
            writer.write(encode(event))

        try:
            await self._carry_out(request, tell)
        except LlmRefusedError as refusal:
            await tell(refusal.as_event())
        except Exception as error:
            _log.exception("a request failed", extra={"request": request.get("request")})
            await tell(LlmRefusedError(500, f"The model's supervisor failed: {type(error).__name__}").as_event())
        with suppress(OSError):
            await writer.drain()

    async def _carry_out(self, request: Message, tell: Any) -> None:
        if self._connections > MOST_CONNECTIONS:
            raise LlmRefusedError(429, "Too many requests at a time; try again later", 1)
        self._supervisor.adopt(Limits(**request["limits"]))
        match request["request"]:
            case "status":
                await tell({"event": "done", **self._supervisor.status(), **self._generations.status()})
            case "load":
                self._supervisor.load(LoadOrder(**request["order"]))
                await tell({"event": "done"})
            case "unload":
                await self._supervisor.unload()
                await tell({"event": "done"})
            case "generate":
                await self._generations.answer(request["order"], tell)
            case other:
                raise LlmRefusedError(400, f"The model's supervisor knows no request {other!r}")
