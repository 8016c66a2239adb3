"""How an agent calls its server: one kept connection, no retries, every failure noted and lived with."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Call:
    """One call and how it ended; status 0 is no answer at all."""

    method: str
    path: str
    status: int
    error: str = ""

    @property
    def failed(self) -> bool:
        return not 200 <= self.status < 300


class Session:
    """Calls one server with one token. ``calls`` holds them all, in order."""

    def __init__(self, base_url: str, token: str | None) -> None:
        self._address = urlsplit(base_url).netloc
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None
        self.calls: list[Call] = []

    def get(self, path: str) -> Any:
        return self._call("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        return self._call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self._call("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path, None)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _call(self, method: str, path: str, body: Any) -> Any:
        """The answer's JSON, {} for an empty body, or None for whatever counts as a failure to an agent."""
        fresh = self._connection is None
        try:
            status, text = self._exchange(method, path, body)
        except (ConnectionError, http.client.BadStatusLine) as error:
            self.close()
            if fresh or method != "GET":
                return self._note(Call(method, path, 0, repr(error)))
            try:  # as every HTTP library: a kept connection that the server has closed is opened again
                status, text = self._exchange(method, path, body)
            except (OSError, http.client.HTTPException) as again:
                self.close()
                return self._note(Call(method, path, 0, repr(again)))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return self._note(Call(method, path, 0, repr(error)))
        if not 200 <= status < 300:
            return self._note(Call(method, path, status, text[:500].decode(errors="replace")))
        try:
            answer = json.loads(text) if text else {}
        except ValueError:
            return self._note(Call(method, path, status, "not JSON"))
        self._note(Call(method, path, status))
        return answer

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _note(self, call: Call) -> None:
        self.calls.append(call)
