"""What the audit log keeps of a request: which entity it was about, and what it asked for."""

from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from flask import Response, request

SECRETS = ("token", "secret", "password")
MOST_DETAILS = 20
LONGEST_DETAIL = 200


class Declaration(TypedDict):
    """What is said of a view that changes anything: see AuditedAction."""

    action: str
    entity: str
    id_in_path: NotRequired[str]
    id_in_answer: NotRequired[str]
    reads: NotRequired[bool]


@dataclass(frozen=True)
class AuditedAction:
    """What a route does to which kind of entity, and where the entity's id is: by default in the path, `<entity>_id`;
    else under another name of the path, or at a place of the JSON answer such as `client.id`.

    `reads` is for views that only show something: that they were asked to is kept whatever they answer, and they are
    sent no fields.
    """

    action: str
    entity: str
    id_in_path: str | None = None
    id_in_answer: str | None = None
    reads: bool = False

    def happened(self, path: dict[str, str], answer: Response | None) -> tuple[str | None, dict[str, Any]]:
        """The id of the entity and the details of the request: its path's other values, its fields, its files."""
        named = self.id_in_path or f"{self.entity}_id"
        details: dict[str, Any] = {name: _short(value) for name, value in path.items() if name != named}
        if self.reads:
            return path.get(named), details
        body = request.get_json(silent=True)
        details |= _files() if body is None else _fields(body)
        return path.get(named) or self._answered(answer), details

    def _answered(self, answer: Response | None) -> str | None:
        if self.id_in_answer is None or answer is None:
            return None
        value = answer.get_json(silent=True)
        for name in self.id_in_answer.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return None if value is None else str(value)


def _fields(body: Any) -> dict[str, Any]:
    """The fields of a JSON body, without what might be secret."""
    if not isinstance(body, dict):
        return {}
    known = [name for name in body if not any(secret in name.lower() for secret in SECRETS)]
    return {_short(name): _short(body[name]) for name in known[:MOST_DETAILS]}


def _files() -> dict[str, Any]:
    if not (request.content_type or request.content_length):
        return {}
    names = [_short(file.filename) for file in request.files.getlist("files")][:MOST_DETAILS]
    return {"files": names} if names else {}


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:LONGEST_DETAIL]
