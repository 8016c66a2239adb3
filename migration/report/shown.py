"""Requests and responses as reports show them: masked, pretty, bounded."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from migration.compare.verdict import Verdict
from migration.recording.exchange import Request, Response
from migration.report.content import Content, Form, read
from migration.report.model import Body, ShownRequest, ShownResponse
from migration.report.secrets import Masker, StandIn


class Showing:
    """One verdict's messages through one masker. Bodies are parsed once, secrets of all of them are known to each."""

    def __init__(self, verdict: Verdict, stand_in: StandIn, body_characters: int) -> None:
        self._verdict = verdict
        self._characters = body_characters
        self._contents: dict[int, Content] = {}
        self.masker = Masker(stand_in)
        for message in (verdict.control_request, verdict.candidate_request, verdict.control, verdict.candidate):
            if message is not None:
                self._learn(message)

    def request(self) -> ShownRequest:
        """The request as candidate got it."""
        return self._request(self._verdict.candidate_request)

    def control_request(self) -> ShownRequest | None:
        """The request as control got it, None where it is the same."""
        request = self._verdict.control_request
        return None if request == self._verdict.candidate_request else self._request(request)

    def control(self) -> ShownResponse | None:
        return self._response(self._verdict.control)

    def candidate(self) -> ShownResponse | None:
        return self._response(self._verdict.candidate)

    def target(self) -> str:
        return self.masker.target(self._verdict.candidate_request.target, self._verdict.route)

    def _learn(self, message: Request | Response) -> None:
        self.masker.headers(message.headers)
        self._masked(self._content(message))
        if isinstance(message, Request):
            self.masker.target(message.target, self._verdict.route)

    def _request(self, request: Request) -> ShownRequest:
        masked = self.masker.target(request.target, self._verdict.route)
        return ShownRequest(request.method, masked, self.masker.headers(request.headers), self._body(request))

    def _response(self, response: Response | None) -> ShownResponse | None:
        if response is None:
            return None
        headers = self.masker.headers(response.headers)
        return ShownResponse(response.status, headers, self._body(response), response.elapsed_ms)

    def _content(self, message: Request | Response) -> Content:
        found = self._contents.get(id(message))
        if found is None:
            found = self._contents[id(message)] = read(message.body, message.content_type)
        return found

    def _body(self, message: Request | Response) -> Body:
        content, size = self._content(message), len(message.body)
        if content.form is Form.EMPTY:
            return Body(content.form, 0)
        if content.form is Form.BINARY:
            return Body(content.form, size, digest=hashlib.sha256(message.body).hexdigest())
        masked = self._masked(content)
        text = json.dumps(masked, ensure_ascii=False, indent=2) if content.form is Form.JSON else masked
        return Body(content.form, size, text[: self._characters], cut=len(text) > self._characters)

    def _masked(self, content: Content) -> Any:
        if content.form is Form.JSON:
            return self.masker.value(content.value)
        # Cut with some room before masking, so that a huge text costs little; masking may shorten it.
        text = (content.value or "")[: 2 * self._characters]
        return self.masker.form(text) if content.form is Form.FORM else self.masker.text(text)
