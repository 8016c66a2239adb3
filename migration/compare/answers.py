"""Comparing two answers to one request."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from migration.compare.context import Context
from migration.compare.explain import explain
from migration.compare.headers import compare_headers
from migration.compare.locations import fold
from migration.compare.reconcile import reconcile, same
from migration.compare.scalars import reconcile_scalar
from migration.compare.values import generated_values
from migration.compare.verdict import Difference, Kind
from migration.recording.exchange import Response

_NOT_JSON = object()


def compare_answers(control: Response, candidate: Response, context: Context) -> list[Difference]:
    """What differs between two answers, after bindings, clocks and knowledge about places; noise is in the context."""
    differences = []
    if control.status != candidate.status:
        differences.append(Difference("status", Kind.STATUS, control.status, candidate.status))
    bodies = [] if _equal_bytes(control, candidate, context) else _compare_bodies(control, candidate, context)
    # Headers refer to what bodies bring, so bodies are bound first.
    differences += [*compare_headers(control.headers, candidate.headers, context), *bodies]
    kept = []
    for difference in differences:
        if context.knowledge.is_noise(context.route, fold(difference.location)):
            context.noise.append(difference)
        else:
            kept.append(difference)
    return kept


def _equal_bytes(control: Response, candidate: Response, context: Context) -> bool:
    """The fast path: equal bytes are equal, as long as what they name means the same on both sides."""
    if control.digest is not None:
        return hashlib.sha256(candidate.body).hexdigest() == control.digest
    if control.body != candidate.body:
        return False
    return _named_alike(control, context)


def _named_alike(control: Response, context: Context) -> bool:
    """Whether what an equal answer names stands for the same things on both sides."""
    if context.knowledge.has_places(context.route):
        return False
    text = _text(control)
    return not text or context.bindings.identify(generated_values(text))


def _compare_bodies(control: Response, candidate: Response, context: Context) -> list[Difference]:
    if control.digest is not None:
        shown = f"a body that was not recorded, sha256 {control.digest}"
        return [Difference("body", Kind.BODY, shown, _shown(candidate), "the bytes differ")]
    ours, theirs = _parse(control), _parse(candidate)
    if ours is not _NOT_JSON and theirs is not _NOT_JSON:
        if same(ours, theirs) and _named_alike(control, context):
            return []
        our_value, their_value = reconcile(ours, theirs, "body", context)
        found = [] if same(our_value, their_value) else list(explain(our_value, their_value, "body", context.verdicts))
        told = {difference.location for difference in found}
        found += [
            Difference(location, kind, detail=detail)
            for location, (kind, detail) in context.verdicts.items()
            if kind is Kind.ORDER and location not in told
        ]
        return found
    if (ours is _NOT_JSON) != (theirs is _NOT_JSON):
        return [Difference("body", Kind.BODY, _shown(control), _shown(candidate), "one of the two is not JSON")]
    our_text, their_text = _text(control), _text(candidate)
    if our_text is None or their_text is None:
        if control.body == candidate.body:
            return []
        return [Difference("body", Kind.BODY, _shown(control), _shown(candidate), "the bytes differ")]
    if reconcile_scalar(our_text, their_text, "body", context) == our_text:
        return []
    kind, detail = context.verdicts.get("body", (Kind.BODY, ""))
    return [Difference("body", kind, our_text, their_text, detail)]


def _parse(response: Response) -> Any:
    """The body as JSON where it says it is; bodies without a content type are tried too."""
    media_type = response.content_type.partition(";")[0].strip().lower()
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        return _NOT_JSON
    try:
        return json.loads(response.body)
    except ValueError:
        return _NOT_JSON


def _text(response: Response) -> str | None:
    try:
        return response.body.decode()
    except UnicodeDecodeError:
        return None


def _shown(response: Response) -> str:
    text = _text(response)
    if text is not None:
        return text
    return f"{len(response.body)} bytes, sha256 {hashlib.sha256(response.body).hexdigest()}"
