"""Why the model does not do something, in a form that passes from process to process and then to the caller."""

from collections.abc import Mapping
from typing import Any

from backend.core.errors import RequestRefusedError

NOT_FOUND = "model_not_found"
TOO_LONG = "context_length_exceeded"
NO_SUPERVISOR = "LLM supervisor not available"
NO_MODEL = "No model loaded"
NO_RUNTIME = "The model runtime is not installed on this server: pip install 'cutover[llm]'"
UNLOADED = "The model was unloaded"
CRASHED = "The model ended unexpectedly and is being loaded again; try again shortly"


class LlmRefusedError(RequestRefusedError):
    """The model does not do it. `retry_after` is in whole seconds, None where waiting does not help.

    `code` is a word for programs, where one is known.
    """

    def __init__(
        self, status_code: int, detail: str, retry_after: int | None = None, *, code: str | None = None
    ) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status_code, detail, headers=headers)
        self.detail = detail
        self.retry_after = retry_after
        self.code = code

    def __str__(self) -> str:
        return self.detail

    def as_event(self) -> dict[str, Any]:
        """The refusal as processes tell it to each other."""
        told = {"status": self.status_code, "detail": self.detail, "retry_after": self.retry_after, "code": self.code}
        return {"event": "refused", **told}

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "LlmRefusedError":
        """The refusal that another process told."""
        return cls(event["status"], event["detail"], event["retry_after"], code=event["code"])
