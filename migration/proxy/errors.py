"""Why a request could not be forwarded, or its answer not passed on.

Each error has the status and the code of the answer that the client gets for it; its text is the answer's ``error``.
"""

from __future__ import annotations

import errno
import math


class ForwardingError(Exception):
    """Nothing of an answer has reached the client yet, so it gets this one."""

    status = "502 Bad Gateway"
    code = "upstream_error"
    #: In how many seconds another try makes sense; None where nobody knows.
    retry_after: int | None = None


class UpstreamError(ForwardingError):
    """The fault is on the upstream's side."""


class UpstreamMissingError(UpstreamError):
    code = "upstream_missing"


class UpstreamUnreachableError(UpstreamError):
    code = "upstream_unreachable"


class UpstreamClosedError(UpstreamError):
    """The upstream closed the connection before it answered."""

    code = "upstream_closed"


class UpstreamInvalidError(UpstreamError):
    """What the upstream sent is not HTTP."""

    code = "upstream_invalid"


class UpstreamTimeoutError(UpstreamError):
    status = "504 Gateway Timeout"
    code = "upstream_timeout"


class UpstreamUnavailableError(UpstreamError):
    """The upstream could not be reached several times in a row, and is left alone for ``seconds`` more."""

    status = "503 Service Unavailable"
    code = "upstream_unavailable"

    def __init__(self, seconds: float) -> None:
        super().__init__("The upstream could not be reached for a while; try again later.")
        self.retry_after = max(1, math.ceil(seconds))


class IncompleteRequestError(ForwardingError):
    """The client stopped in the middle of its request."""

    status = "400 Bad Request"
    code = "incomplete_request"


class ClientTimeoutError(ForwardingError):
    status = "408 Request Timeout"
    code = "client_timeout"


class UnsupportedRequestError(ForwardingError):
    status = "501 Not Implemented"
    code = "unsupported_request"


class BrokenAnswerError(ConnectionResetError):
    """The answer broke off after a part of it had reached the client.

    Raised out of the body's iteration: the server then closes the client's connection without ending the body. It is
    a reset connection, so that servers log it as one instead of as a fault of the application.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(errno.ECONNRESET, reason)
