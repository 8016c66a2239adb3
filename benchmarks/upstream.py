"""``python -m benchmarks.upstream FD``: an upstream that answers the same bytes to everything."""

from __future__ import annotations

import asyncio
import socket
import sys

from benchmarks.apps import BODY

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: upstream\r\nDate: Sat, 21 Nov 2026 03:11:56 GMT\r\nConnection: keep-alive\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nAccess-Control-Allow-Origin: *\r\n\r\n" % len(BODY)
) + BODY


class Answering(asyncio.Protocol):
    """Takes requests without a body, each in one piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._write(_ANSWER)


async def main(descriptor: int) -> None:
    listener = socket.socket(fileno=descriptor)
    server = await asyncio.get_running_loop().create_server(Answering, sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
