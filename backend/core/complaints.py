"""What is wrong with the parts of a request, in the vocabulary of pydantic, which the clients of some domains read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import marshmallow as ma
from marshmallow.exceptions import SCHEMA

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong: of which `type`, in words, about which `input`, and at which place of the request.

    It travels through marshmallow as one of the messages of a ValidationError.
    """

    type: str
    msg: str
    input: Any
    ctx: Mapping[str, Any] | None = None
    loc: Location = ()

    def below(self, *place: str | int) -> "Complaint":
        """The same complaint, told from further outside."""
        return replace(self, loc=(*place, *self.loc))

    def on_the_wire(self) -> dict[str, Any]:
        """The members that clients see, in their order."""
        members = {"type": self.type, "loc": list(self.loc), "msg": self.msg, "input": self.input}
        return members if self.ctx is None else {**members, "ctx": dict(self.ctx)}


def refused(kind: str, message: str, given: Any, **context: Any) -> ma.ValidationError:
    """The exception with which a field refuses the value that was `given`."""
    return ma.ValidationError([Complaint(kind, message, given, context or None)])


def refused_value(text: str, given: Any) -> ma.ValidationError:
    """The exception with which a rule of the domain's own refuses a value."""
    return ma.ValidationError([_value_error(text, given)])


def complaints_in(messages: Any, given: Any) -> Iterator[Complaint]:
    """All complaints in the messages of a ValidationError, in their order.

    Mere texts, as validators raise them, become complaints about the value that was `given`.
    """
    if isinstance(messages, Mapping):
        for place, inner in messages.items():
            within = () if place == SCHEMA else (place,)
            yield from (complaint.below(*within) for complaint in complaints_in(inner, given))
    elif isinstance(messages, list):
        for message in messages:
            yield message if isinstance(message, Complaint) else _value_error(str(message), given)
    else:
        yield _value_error(str(messages), given)


def _value_error(text: str, given: Any) -> Complaint:
    return Complaint("value_error", f"Value error, {text}", given, {"error": {}})
