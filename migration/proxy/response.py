"""Reading an answer from the upstream as it arrives."""

from __future__ import annotations

import httptools

from migration.proxy.errors import UpstreamInvalidError
from migration.proxy.headers import HeaderList

_LONGEST_HEAD = 256 * 1024
_SWITCHING_PROTOCOLS = 101


class ResponseParser:
    """Takes bytes, gives a head and pieces of a body.

    ``status`` is 0 until the head of the final answer is there; 1xx answers before it are swallowed. ``complete`` is
    set with the answer's last byte. ``reusable`` then says whether the connection can carry another exchange.
    """

    __slots__ = (
        "_bodiless",
        "_excess",
        "_head_size",
        "_headers",
        "_keep_alive",
        "_parser",
        "_pieces",
        "_reason",
        "complete",
        "headers",
        "reason",
        "rest",
        "status",
    )

    def __init__(self, method: str) -> None:
        self.status = 0
        self.reason = ""
        self.headers: HeaderList = []
        self.complete = False
        #: What follows the head of a 101 answer: bytes of the other protocol.
        self.rest = b""
        self._bodiless = method == "HEAD"
        self._headers: HeaderList = []
        self._reason = b""
        self._pieces: list[bytes] = []
        self._head_size = 0
        self._excess = False
        self._keep_alive = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def reusable(self) -> bool:
        return self.complete and self._keep_alive and not self._excess

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the connection and return those of the body in them.

        Raises :class:`UpstreamInvalidError`.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.rest = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            if not self.complete:
                raise UpstreamInvalidError("The upstream's answer is not valid HTTP.") from error
            self._excess = True
        if not self.status:
            self._head_size += len(data)
            if self._head_size > _LONGEST_HEAD:
                raise UpstreamInvalidError("The head of the upstream's answer is too long.")
        elif self._bodiless and not data.endswith(b"\r\n\r\n"):
            self._excess = True
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def end(self) -> bool:
        """Take the end of the connection; whether the answer is complete with it."""
        if self.status >= 200 and self.status not in (204, 304) and self._is_ended_by_closing():
            self.complete = True
        return self.complete

    def _is_ended_by_closing(self) -> bool:
        framing = {name.lower(): value for name, value in self.headers}
        coding = framing.get("transfer-encoding")
        return not coding.lower().rstrip().endswith("chunked") if coding else "content-length" not in framing

    # The rest is called by httptools.

    def on_message_begin(self) -> None:
        if self.complete:
            self._excess = True

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        status = self._parser.get_status_code()
        headers, self._headers = self._headers, []
        reason, self._reason = self._reason, b""
        if status < 200 and status != _SWITCHING_PROTOCOLS:
            return
        self.status = status
        self.reason = reason.decode("latin-1")
        self.headers = headers
        self._keep_alive = self._parser.should_keep_alive()  # it forgets at the end of the message
        self.complete = self._bodiless

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True
