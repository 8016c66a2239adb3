"""Blueprints whose declarations load each request and refuse it with everything that is wrong with it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint as SmorestBlueprint  # type: ignore[import-untyped]

from backend.core.complaints import Complaint, complaints_in
from backend.core.errors import InvalidRequestError
from backend.core.openapi import Blueprint, Decorator, ParserFor, View, documented_as
from backend.core.request_sources import BODIES, ORDER, PLACES, ReadBody, given_in, read_body
from backend.core.wire_fields import MISSING

#: Makes something of what was loaded, such as the user whom a token names, or refuses the request.
Then = Callable[[Any], Any]


@dataclass(frozen=True, eq=False, slots=True)
class _Step:
    """One declaration: a schema for one location of the request, or (without a schema) a check of the whole."""

    location: str
    schema: ma.Schema | None = None
    required: bool = True
    then: Then | None = None
    check: Callable[[], Any] | None = None

    @property
    def rank(self) -> int:
        """Its turn: whatever decides about callers comes first, then the request's parts as they lie."""
        return -1 if self.then is not None or self.check is not None else ORDER.index(self.location)


class DetailBlueprint(Blueprint):
    """A blueprint for domains whose clients expect `422 {"detail": [...]}`; install_detail_errors answers it.

    Declarations of a view that stand together are loaded together: the answer lists the complaints of all of them.
    A body that is no JSON is refused before anything else is looked at.
    """

    ARGUMENTS_PARSER = ParserFor(422)

    def arguments(
        self,
        schema: ma.Schema | type[ma.Schema],
        *,
        location: str = "json",
        required: bool = True,
        then: Then | None = None,
        **documented: Any,
    ) -> Decorator:
        """Call the view with what `schema` loads of the request's `json`, `form`, `query`, `path` or `headers`.

        What it loads of the path goes to the view by name, in place of the texts; everything else by position, from
        the top down. Without `required` no body at all (or null) is None. `then` is called with what was loaded and
        returns what the view gets instead; it is called before other parts are loaded, so that it may refuse first.
        """
        found = schema() if isinstance(schema, type) else schema
        document = SmorestBlueprint.arguments(self, found, location=location, required=required, **documented)
        return _joining(_Step(location, found, required, then), document)

    def guarded_by(self, check: Callable[[], Any]) -> Decorator:
        """Call `check` before the parts of a request are loaded: it refuses first by what it raises."""
        return _joining(_Step("", check=check), lambda view: view)


def _joining(step: _Step, document: Decorator) -> Decorator:
    def decorate(view: View) -> View:
        joined = getattr(view, "_joined", None)
        # Decorators copy attributes: only a view's own are about itself.
        if joined is not None and joined[0] is view:
            _, inner, steps = joined
        else:
            inner, steps = view, ()
        return _loading(inner, (step, *steps), document(view))

    return decorate


def _loading(view: View, steps: tuple[_Step, ...], described: View) -> View:
    turns = sorted(steps, key=lambda step: step.rank)
    positional = [step for step in steps if step.schema is not None and step.location != "path"]
    takes_body = any(step.location in BODIES for step in steps)

    @wraps(view)
    def loading(*arguments: Any, **path: Any) -> Any:
        body = read_body(form=any(step.location == "form" for step in steps)) if takes_body else ReadBody(None)
        loaded = _load(turns, body, path)
        for step in steps:
            if step.location == "path":
                path |= loaded[step]
        return view(*arguments, *(loaded[step] for step in positional), **path)

    if getattr(described, "_apidoc", None) is not None:
        documented_as(loading, described)
    loading._joined = (loading, view, steps)  # type: ignore[attr-defined]
    return loading


def _load(turns: Iterable[_Step], body: ReadBody, path: dict[str, Any]) -> dict[_Step, Any]:
    """What each step makes of its part; raises InvalidRequestError with the complaints of all."""
    loaded: dict[_Step, Any] = {}
    complaints: list[Complaint] = []
    for step in turns:
        if step.check is not None:
            step.check()
        elif step.schema is not None:
            try:
                loaded[step] = _load_part(step, step.schema, body, path)
            except ma.ValidationError as error:
                complaints += _placed(step, error)
    if complaints:
        raise InvalidRequestError(complaints)
    return loaded


def _load_part(step: _Step, schema: ma.Schema, body: ReadBody, path: dict[str, Any]) -> Any:
    given = given_in(step.location, schema, body, path)
    if step.location == "json" and given is None:
        if not step.required:
            return None
        raise ma.ValidationError([Complaint(MISSING, "Field required", None)])
    loaded = schema.load(given)
    return loaded if step.then is None else step.then(loaded)


def _placed(step: _Step, error: ma.ValidationError) -> Sequence[Complaint]:
    """The complaints, told from the whole request. Only in JSON is something missing *in* something."""
    place = PLACES[step.location]
    found = list(complaints_in(error.messages, None))
    if step.location != "json":
        found = [
            Complaint(MISSING, complaint.msg, None, loc=complaint.loc)
            if complaint.type == MISSING and len(complaint.loc) == 1
            else complaint
            for complaint in found
        ]
    return [complaint.below(place) for complaint in found]
